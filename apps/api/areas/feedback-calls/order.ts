import type { FeedbackOutcome } from '#contexts/feedback-calls';

export type OutcomeOf = FeedbackOutcome;

type ToCall = { readonly customerId: string; readonly as: 'sample' | 'substitute' };

export type NextToCall = {
  readonly next: ToCall | null; // null: everybody due was called, or nobody is left
  readonly due: readonly ToCall[]; // in order, the next one first
  readonly counts: Readonly<Record<FeedbackOutcome, number>>; // of the customers due so far
  readonly exhausted: boolean; // more substitutes are needed than the frame holds
};

/**
 * audit: the first n are the sample, the next are substitutes in order. Each customer who refused
 * or could not be reached makes room for the next one, a substitute who fails too.
 */
export function nextToCall(
  drawn: { readonly sample: readonly string[]; readonly substitutes: readonly string[] },
  outcomeOf: (customerId: string) => FeedbackOutcome | null,
): NextToCall {
  const order = [...drawn.sample, ...drawn.substitutes];
  const counts = { completed: 0, refused: 0, unreachable: 0 };
  const due: ToCall[] = [];
  let places = drawn.sample.length;
  for (const [index, customerId] of order.entries()) {
    if (index >= places) break;
    const outcome = outcomeOf(customerId);
    if (outcome === null) {
      due.push({ customerId, as: index < drawn.sample.length ? 'sample' : 'substitute' });
      continue;
    }
    counts[outcome] += 1;
    if (outcome !== 'completed') places += 1;
  }
  return { next: due[0] ?? null, due, counts, exhausted: places > order.length };
}
