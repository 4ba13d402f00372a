import { compareCodePoints, sha256Hex } from '#kernel';

/**
 * audit: the draw that anyone can check. Customers in the order of SHA-256(seed, LF, customer id);
 * the first n are the sample, the next are substitutes in order. A customer named twice is drawn
 * once.
 */
export function drawSample(seed: string, customerIds: Iterable<string>): readonly string[] {
  return Array.from(new Set(customerIds), (customerId) => ({
    customerId,
    hash: sha256Hex(`${seed}\n${customerId}`),
  }))
    .sort(
      (a, b) => compareCodePoints(a.hash, b.hash) || compareCodePoints(a.customerId, b.customerId),
    )
    .map(({ customerId }) => customerId);
}

/** What is committed before the frame is frozen: SHA-256 of the seed. */
export function seedCommitment(seed: string): string {
  return sha256Hex(seed);
}
