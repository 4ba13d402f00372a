import { compareCodePoints } from '#kernel';

export type Sharer = {
  readonly accountManagerId: string;
  readonly score: string; // rounded to 2 decimals
  readonly eligibleDays: number;
};

/**
 * Shares a pool in proportion to rounded score × eligible days: every share is cut to whole minor
 * units, and what is left goes one by one to the largest remainders, equal ones by smaller account
 * manager id. The shares stand in the order of the sharers and sum to the pool. Null: nobody to
 * share, or nothing but weights of 0; the pool is not paid.
 */
export function shareTeamPool(amountMinor: string, sharers: readonly Sharer[]): string[] | null {
  const amount = BigInt(amountMinor);
  const pool = amount < 0n ? -amount : amount;
  const weights = sharers.map(
    ({ score, eligibleDays }) => BigInt(score.replace('.', '')) * BigInt(eligibleDays),
  );
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0n);
  if (totalWeight === 0n) return null;
  const parts = weights.map((weight, at) => ({
    at,
    share: (pool * weight) / totalWeight,
    remainder: (pool * weight) % totalWeight,
  }));
  let left = pool - parts.reduce((sum, { share }) => sum + share, 0n);
  const byRemainder = [...parts].sort(
    (a, b) =>
      compareBigInts(b.remainder, a.remainder) ||
      compareCodePoints(sharers[a.at]!.accountManagerId, sharers[b.at]!.accountManagerId),
  );
  for (const part of byRemainder) {
    if (left === 0n) break;
    part.share += 1n;
    left -= 1n;
  }
  return parts.map(({ share }) => String(amount < 0n ? -share : share));
}

function compareBigInts(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
