import {
  cycleOf,
  memberOf,
  type Organisation,
  periods,
  schemeFor,
  schemeVersion,
} from '#read-models/organisation';
import {
  gradeIndex,
  initialTierState,
  type PromotionOutlook,
  promotionOutlook,
  type Scheme,
  type TierState,
} from '#rules';
import type { TierChain } from './as-of.js';

/** Why there is no promotion yet; empty: the next result can bring it. */
export type WhyNot =
  | 'best-tier-held'
  | 'streak-too-short'
  | 'capabilities-missing'
  | 'scheme-changed'
  | 'not-assessed-yet';

export type TierOutlook = PromotionOutlook & {
  readonly tier: number; // in force from now on
  readonly schemeId: string;
  readonly schemeVersion: number; // whose rules the next result meets
  readonly promotionGrade: string; // this grade or better counts for the streak
  readonly demotionStreaks: TierState['demotionStreaks'];
  readonly afterPeriod: string | null; // the latest result; null: none yet
  readonly whyNot: readonly WhyNot[];
};

/**
 * tiers, "Why not the next tier?": streak so far, what is missing, the earliest period a move is
 * possible. The next result is met under the scheme that will apply then, with the capabilities
 * certified on its last day as far as that is known. Null: no scheme applies to the person.
 */
export function tierOutlook(
  org: Organisation,
  accountManagerId: string,
  chain: TierChain | undefined,
): TierOutlook | null {
  const last = chain?.steps.at(-1);
  const next = last ? nextPeriod(last.period) : firstPeriod(org, accountManagerId);
  if (next === null) return null;
  const ofLast = last ? schemeVersion(org, last.schemeId, last.schemeVersion) : null;
  const scheme = schemeFor(org, accountManagerId, next) ?? ofLast;
  if (!scheme) return null;
  const known = chain?.state ?? initialTierState(scheme);
  const isChanged = known.schemeId !== null && known.schemeId !== scheme.schemeId;
  // A change of scheme resets streaks at the first period under it.
  const state = isChanged ? { ...known, promotionStreak: 0, demotionStreaks: {} } : known;
  const capabilities =
    memberOf(org, accountManagerId, next)?.capabilities ?? last?.capabilities ?? [];
  const outlook = promotionOutlook(scheme, state, previousPeriod(next), capabilities);
  return {
    ...outlook,
    tier: state.tier,
    schemeId: scheme.schemeId,
    schemeVersion: scheme.version,
    promotionGrade: scheme.tiers.promote.grade,
    demotionStreaks: state.demotionStreaks,
    afterPeriod: last?.period ?? null,
    whyNot: whyNot(outlook, isChanged, last === undefined),
  };
}

function whyNot(outlook: PromotionOutlook, isChanged: boolean, isNew: boolean): WhyNot[] {
  if (outlook.targetTier === null) return ['best-tier-held'];
  const found: WhyNot[] = [];
  if (isNew) found.push('not-assessed-yet');
  if (isChanged) found.push('scheme-changed');
  if (outlook.streak < outlook.neededStreak) found.push('streak-too-short');
  if (outlook.missingCapabilities.length > 0) found.push('capabilities-missing');
  return found;
}

/** Whether a result's grade counted for the promotion streak. */
export function countsForPromotion(scheme: Scheme, grade: string | null): boolean {
  if (grade === null) return false;
  return gradeIndex(scheme, grade) <= gradeIndex(scheme, scheme.tiers.promote.grade);
}

/** The earliest period with a cycle in which the person is assessed. */
function firstPeriod(org: Organisation, accountManagerId: string): string | null {
  const found = periods(org).find(
    (period) =>
      cycleOf(org, period)?.publishedAt === null && memberOf(org, accountManagerId, period),
  );
  return found ?? null;
}

const nextPeriod = (period: string): string => movedBy(period, 1);
const previousPeriod = (period: string): string => movedBy(period, -1);

function movedBy(period: string, months: number): string {
  const month = Number(period.slice(0, 4)) * 12 + Number(period.slice(5)) - 1 + months;
  const year = String(Math.floor(month / 12)).padStart(4, '0');
  return `${year}-${String((month % 12) + 1).padStart(2, '0')}`;
}
