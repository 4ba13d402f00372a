import type { ResultStatus } from './results.js';
import type { Scheme } from './scheme.js';
import { gradeIndex } from './scorecard.js';

/** Where somebody stands before a period. Starts with `initialTierState`. */
export type TierState = {
  readonly tier: number; // in force in the next period
  readonly schemeId: string | null; // of the latest period; null before the first
  readonly promotionStreak: number;
  readonly demotionStreaks: Readonly<Record<string, number>>; // by the rule's grade
};

export type TierRow = {
  readonly tier: number; // in force in the period
  readonly nextTier: number;
  readonly movement: 'none' | 'promoted' | 'demoted';
  readonly streak: number; // promotion streak after the period
  readonly promotionWithheld: readonly string[]; // missing capabilities, in gate order
  readonly improvementPlanRequired: boolean;
};

export type TierInput = {
  readonly scheme: Scheme;
  readonly period: string;
  readonly status: ResultStatus;
  readonly grade: string | null;
  readonly capabilities: readonly string[]; // valid on the period's last day
};

/** tiers: everyone starts at `tiers.initial` of the scheme of the first period. */
export function initialTierState(scheme: Scheme): TierState {
  return {
    tier: scheme.tiers.initial,
    schemeId: null,
    promotionStreak: 0,
    demotionStreaks: {},
  };
}

/** One period, in period order whatever the order of publication. */
export function tierStep(
  before: TierState,
  input: TierInput,
): { readonly state: TierState; readonly row: TierRow } {
  const { scheme, status, grade } = input;
  // A change of scheme resets streaks at the first period under it, assessed or not.
  const changed = before.schemeId !== null && before.schemeId !== scheme.schemeId;
  const state: TierState = {
    ...before,
    ...(changed ? noStreaks : {}),
    schemeId: scheme.schemeId,
  };
  if (status !== 'published' || grade === null) {
    return { state, row: rowOf(before.tier, state, {}) };
  }
  return assessedStep(withStreaks(state, scheme, gradeIndex(scheme, grade)), input);
}

const noStreaks = { promotionStreak: 0, demotionStreaks: {} } as const;

function withStreaks(state: TierState, scheme: Scheme, grade: number): TierState {
  const { promote, demote } = scheme.tiers;
  const isPromoting = grade <= gradeIndex(scheme, promote.grade);
  // Two rules on one grade have one streak: it counts results, not what follows from them.
  const demotionStreaks = Object.fromEntries(
    demote.map((rule) => {
      const isDemoting = grade >= gradeIndex(scheme, rule.grade);
      return [rule.grade, isDemoting ? streakOf(state, rule.grade) + 1 : 0];
    }),
  );
  return {
    ...state,
    promotionStreak: isPromoting ? state.promotionStreak + 1 : 0,
    demotionStreaks,
  };
}

function streakOf(state: TierState, grade: string): number {
  return Object.hasOwn(state.demotionStreaks, grade) ? (state.demotionStreaks[grade] ?? 0) : 0;
}

function assessedStep(
  counted: TierState,
  { scheme, capabilities }: TierInput,
): { readonly state: TierState; readonly row: TierRow } {
  const { ladder, promote, demote } = scheme.tiers;
  const { tier } = counted;
  const isDemoted = demote.some((rule) => streakOf(counted, rule.grade) >= rule.consecutive);
  if (isDemoted) {
    const atLowest = tier >= Math.max(...ladder);
    const state = { ...counted, ...noStreaks, tier: atLowest ? tier : tier + 1 };
    return { state, row: rowOf(tier, state, { improvementPlanRequired: atLowest }) };
  }
  const target = tier - 1;
  if (counted.promotionStreak < promote.consecutive || !ladder.includes(target)) {
    return { state: counted, row: rowOf(tier, counted, {}) };
  }
  const missing = missingCapabilities(scheme, target, capabilities);
  if (missing.length > 0) {
    return { state: counted, row: rowOf(tier, counted, { promotionWithheld: missing }) };
  }
  const state = { ...counted, ...noStreaks, tier: target };
  return { state, row: rowOf(tier, state, {}) };
}

/** What the gate of a tier asks for and the person lacks, in gate order. */
export function missingCapabilities(
  scheme: Scheme,
  targetTier: number,
  capabilities: readonly string[],
): readonly string[] {
  const gate = scheme.tiers.promote.gates?.[String(targetTier)] ?? [];
  return gate.filter((capability) => !capabilities.includes(capability));
}

/** "Why not the next tier?": what is missing, and when a move is possible at the earliest. */
export type PromotionOutlook = {
  readonly targetTier: number | null; // null: the best tier is held
  readonly streak: number;
  readonly neededStreak: number;
  readonly missingCapabilities: readonly string[];
  readonly earliestPeriod: string | null; // whose result can bring it; in force from the next
};

/** After `period`, the latest one in `state`; capabilities as of its last day. */
export function promotionOutlook(
  scheme: Scheme,
  state: TierState,
  period: string,
  capabilities: readonly string[],
): PromotionOutlook {
  const { ladder, promote } = scheme.tiers;
  const targetTier = ladder.includes(state.tier - 1) ? state.tier - 1 : null;
  const left = Math.max(1, promote.consecutive - state.promotionStreak);
  return {
    targetTier,
    streak: state.promotionStreak,
    neededStreak: promote.consecutive,
    missingCapabilities:
      targetTier === null ? [] : missingCapabilities(scheme, targetTier, capabilities),
    earliestPeriod: targetTier === null ? null : addPeriods(period, left),
  };
}

function addPeriods(period: string, count: number): string {
  const months = Number(period.slice(0, 4)) * 12 + Number(period.slice(5)) - 1 + count;
  const year = String(Math.floor(months / 12)).padStart(4, '0');
  return `${year}-${String((months % 12) + 1).padStart(2, '0')}`;
}

function rowOf(
  tier: number,
  after: TierState,
  reported: Partial<Pick<TierRow, 'promotionWithheld' | 'improvementPlanRequired'>>,
): TierRow {
  return {
    tier,
    nextTier: after.tier,
    movement: movementOf(tier, after.tier),
    streak: after.promotionStreak,
    promotionWithheld: reported.promotionWithheld ?? [],
    improvementPlanRequired: reported.improvementPlanRequired ?? false,
  };
}

function movementOf(tier: number, nextTier: number): TierRow['movement'] {
  if (nextTier === tier) return 'none';
  return nextTier < tier ? 'promoted' : 'demoted';
}
