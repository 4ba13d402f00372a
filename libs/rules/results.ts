/** How an indicator's figure came about. */
export type How = 'scored' | 'zero' | 'carried' | 'neutralised' | 'blocked';

export type ResultStatus = 'published' | 'not-assessed' | 'incomplete';

/**
 * One indicator in an event: the exact score beside the rounded figure; null when there is none.
 */
export type IndicatorResult = {
  readonly exact: string | null; // "n/d"
  readonly score: string | null; // rounded to 2 decimals
  readonly how: How;
};

/** The figures that the ranking order compares, as a published result fixes them. */
export type RankingKey = {
  readonly score: string; // rounded total
  readonly heaviest: string | null; // "n/d": the first of the heaviest indicators
  readonly feedback: string | null; // "n/d": the first feedback-calls indicator
  readonly deducted: string; // sum of the negative adjustments' magnitudes, before any clamp
  readonly earlierScore: string | null; // rounded
  readonly hash: string; // SHA-256 hex of `period:accountManagerId`
};

/** What a ceiling did at publication, as far as one person's later corrections need it. */
export type CeilingOutcome = {
  readonly grade: string;
  readonly inForce: boolean; // the scope held at least `minimumCohort` people with a score
  readonly cohortCount: number; // N
  readonly placeCount: number; // floor(N · sharePercent / 100)
  readonly holderCount: number; // that kept the grade
  readonly lastHolder: RankingKey | null; // of those within the places; null when nobody held it
};

/** One version of one person's result of a period, by value. */
export type PublishedResult = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly unitPath: readonly string[];
  readonly status: ResultStatus;
  readonly eligibleDays: number;
  readonly workdays: number;
  readonly indicators: Readonly<Record<string, IndicatorResult>>; // {} for not-assessed
  readonly total: string | null; // "n/d"
  readonly score: string | null; // rounded
  readonly grade: string | null; // as held
  readonly ceilingApplied: boolean; // the grade held is below what score and vetoes give
  readonly rankingKey: RankingKey | null;
  readonly ceilings: readonly CeilingOutcome[]; // in the scheme's order, of the person's scope
  readonly teamShare: { readonly unitId: string; readonly amountMinor: string } | null;
};
