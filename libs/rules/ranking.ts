import {
  compareRationals,
  decimal,
  fromFractionText,
  sha256Hex,
  toDecimalText,
  toFractionText,
} from '#kernel';
import { compileScheme } from './compiled-scheme.js';
import type { AssessmentContext } from './facts.js';
import type { RankingKey } from './results.js';
import type { Scheme } from './scheme.js';
import type { Scorecard } from './scorecard.js';

/** The figures that the ranking order compares; null for a scorecard without a score. */
export function rankingKey(
  scheme: Scheme,
  context: AssessmentContext,
  card: Scorecard,
): RankingKey | null {
  if (card.score === null) return null;
  const { heaviestId, feedbackId } = compileScheme(scheme);
  const exactOf = (indicatorId: string | null): string | null => {
    const exact = card.indicators.find(({ id }) => id === indicatorId)?.exact ?? null;
    return exact === null ? null : toFractionText(exact);
  };
  return {
    score: card.score,
    heaviest: exactOf(heaviestId),
    feedback: exactOf(feedbackId),
    deducted: toDecimalText(card.deducted),
    earlierScore: context.earlierResult?.score ?? null,
    hash: sha256Hex(`${context.period}:${context.accountManagerId}`),
  };
}

/**
 * Negative: `a` ranks before `b`. Total with the hash (the default); without it people equal in
 * all figures compare as 0. A missing figure ranks below any.
 */
export function compareRankingKeys(
  a: RankingKey,
  b: RankingKey,
  { withHash = true }: { readonly withHash?: boolean } = {},
): number {
  return (
    compareScores(b.score, a.score) ||
    compareFractions(b.heaviest, a.heaviest) ||
    compareFractions(b.feedback, a.feedback) ||
    compareDecimals(a.deducted, b.deducted) ||
    compareMissingLowest(b.earlierScore, a.earlierScore, compareScores) ||
    (withHash ? compareHashes(a.hash, b.hash) : 0)
  );
}

/** Rounded scores: never negative, always two decimals, so the longer text is the larger one. */
function compareScores(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

function compareMissingLowest(
  a: string | null,
  b: string | null,
  compare: (a: string, b: string) => number,
): number {
  if (a === b) return 0; // reduced fractions and rounded figures: equal text, equal number
  if (a === null) return -1;
  if (b === null) return 1;
  return compare(a, b);
}

function compareFractions(a: string | null, b: string | null): number {
  return compareMissingLowest(a, b, (left, right) =>
    compareRationals(fromFractionText(left), fromFractionText(right)),
  );
}

function compareDecimals(a: string, b: string): number {
  return a === b ? 0 : compareRationals(decimal(a), decimal(b));
}

function compareHashes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Competition ranks (1, 2, 2, 4) of rounded scores that stand in ranking order. */
export function competitionRanks(scores: readonly string[]): number[] {
  const ranks: number[] = [];
  for (const [at, score] of scores.entries()) {
    ranks.push(at > 0 && scores[at - 1] === score ? ranks[at - 1]! : at + 1);
  }
  return ranks;
}
