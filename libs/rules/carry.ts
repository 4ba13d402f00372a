import type { AssessmentContext, CarriedScore } from './facts.js';
import type { PublishedResult } from './results.js';
import type { Scheme } from './scheme.js';

/** A result as it stood at this period's `PublicationStarted`. */
export type EarlierPublished = {
  readonly resultVersion: number;
  readonly result: Pick<PublishedResult, 'period' | 'status' | 'indicators' | 'score'>;
};

/**
 * What a context takes from the latest earlier period with a published result (status
 * `published`, under whatever scheme): scores to carry, if they are themselves `scored` there, and
 * the score for the ranking order.
 */
export function takenFromEarlier(
  scheme: Scheme,
  earlier: EarlierPublished | null,
): Pick<AssessmentContext, 'carry' | 'earlierResult'> {
  const score = earlier?.result.status === 'published' ? earlier.result.score : null;
  if (earlier === null || score === null) return { carry: {}, earlierResult: null };
  const { resultVersion } = earlier;
  const { period, indicators } = earlier.result;
  const carry: Record<string, CarriedScore> = {};
  for (const { id, missing } of scheme.indicators) {
    const indicator = Object.hasOwn(indicators, id) ? indicators[id] : undefined;
    if (missing !== 'carry' || indicator?.how !== 'scored' || indicator.exact === null) continue;
    carry[id] = { period, resultVersion, score: indicator.exact };
  }
  return {
    carry,
    earlierResult: { period, resultVersion, score },
  };
}
