/** One person's result of a period, from the publication of the cycle on. */
export type ResultPublished = {
  readonly accountManagerId: string;
  readonly period: string; // YYYY-MM
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly resultVersion: number; // 1 as published; each correction counts on
  readonly status: 'published' | 'not-assessed' | 'incomplete';
  readonly score: string | null; // rounded to 2 decimals
  readonly total: string | null; // the exact score, a reduced fraction "n/d"
  readonly grade: string | null; // as held
  readonly ceilingApplied: boolean; // the grade held is below what score and vetoes give
  readonly unitPath: readonly string[]; // the own unit first, then its ancestors
};

/** The whole result as it stands after a correction; it replaces every earlier version. */
export type ResultCorrected = ResultPublished & {
  readonly citing:
    | { readonly kind: 'appeal'; readonly appealId: string }
    | { readonly kind: 'office'; readonly correctionId: string };
  readonly heldHarmless: boolean; // the new score would be lower: the earlier one stayed
};

/**
 * A person's tier moved. Tiers follow from all results in the order of the periods, so that a
 * correction of an earlier period may move today's tier, too.
 */
export type TierChanged = {
  readonly accountManagerId: string;
  readonly period: string; // of the result that moved it
  readonly schemeId: string; // of that result
  readonly schemeVersion: number;
  readonly previousTier: number; // 1 is the best
  readonly tier: number;
  readonly movement: 'promoted' | 'demoted';
  readonly effectivePeriod: string; // the first period in which `tier` is in force
};

/** Where somebody stands: goes out anew whenever any of this changes. */
export type CurrentTier = {
  readonly accountManagerId: string;
  readonly tier: number; // 1 is the best
  readonly effectivePeriod: string; // YYYY-MM: the period after `afterPeriod`
  readonly afterPeriod: string; // the latest period with a result
  readonly schemeId: string; // of that result
  readonly schemeVersion: number;
  readonly streak: number; // results in a row that count for a promotion
  readonly promotionWithheld: readonly string[]; // missing capabilities, in gate order
  readonly improvementPlanRequired: boolean;
};
