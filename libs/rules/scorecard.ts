import {
  type Rational,
  ZERO,
  clamp,
  compareRationals,
  decimal,
  roundToText,
  sumDecimals,
} from '#kernel';
import { type CompiledScheme, compileScheme } from './compiled-scheme.js';
import { appealPoints, factsInForce } from './facts-in-force.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { type IndicatorScore, type ScoringMode, scoreOf } from './indicator-score.js';
import type { ResultStatus } from './results.js';
import type { Scheme } from './scheme.js';

/** What the rules make of one person's facts, before ceilings. Null where there is none. */
export type Scorecard = {
  readonly status: ResultStatus;
  readonly indicators: readonly IndicatorScore[]; // in the scheme's order; empty if not assessed
  readonly total: Rational | null;
  readonly score: string | null; // total, rounded to 2 decimals
  readonly grade: string | null; // after vetoes, before ceilings
  readonly adjustmentPoints: Rational; // clamped to −maxPenalty … +maxBonus
  readonly appealPoints: Rational; // outside that clamp
  readonly deducted: Rational; // magnitudes of the negative adjustments, before any clamp
};

/**
 * scoring: pure and total. Same facts, same scheme version, same scorecard. The facts are as
 * recorded; corrections among them are applied here.
 */
export function scorecard(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
  mode: ScoringMode = 'publication',
): Scorecard {
  const compiled = compileScheme(scheme);
  const inForce = factsInForce(facts);
  const assessed = isAssessed(scheme, context);
  const indicators = assessed
    ? compiled.indicators.map((indicator) => scoreOf(scheme, indicator, context, inForce, mode))
    : [];
  return assembleInForce(scheme, context, inForce, indicators, mode);
}

/** scoring: fewer eligible days than `minimumEligibleDays` → not assessed. */
export function isAssessed(scheme: Scheme, context: AssessmentContext): boolean {
  return context.eligibleDays >= compileScheme(scheme).minimumEligibleDays;
}

/**
 * Puts indicator scores (of `scoreIndicator`, every indicator of the scheme, in any order) and
 * conduct together. Only goals, metrics, … that changed need new indicator scores; adjustments,
 * vetoes and points of appeals are read here.
 */
export function assemble(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
  indicators: readonly IndicatorScore[],
  mode: ScoringMode = 'publication',
): Scorecard {
  const byId = new Map(indicators.map((indicator) => [indicator.id, indicator]));
  const ordered = isAssessed(scheme, context)
    ? scheme.indicators.flatMap(({ id }) => byId.get(id) ?? [])
    : [];
  return assembleInForce(scheme, context, factsInForce(facts), ordered, mode);
}

function assembleInForce(
  scheme: Scheme,
  context: AssessmentContext,
  inForce: RecordedFacts,
  indicators: readonly IndicatorScore[],
  mode: ScoringMode,
): Scorecard {
  const compiled = compileScheme(scheme);
  const conduct = conductOf(compiled, inForce);
  if (!isAssessed(scheme, context)) {
    return { status: 'not-assessed', indicators: [], ...unscored, ...conduct };
  }
  const mean = weightedMean(compiled, indicators, mode);
  if (mean === null) return { status: 'incomplete', indicators, ...unscored, ...conduct };
  const points = mean.add(conduct.adjustmentPoints).add(conduct.appealPoints);
  const total = clamp(points, ZERO, compiled.maxScore);
  const score = roundToText(total, 2);
  const grade = gradeInForce(scheme, score, inForce);
  return { status: 'published', indicators, total, score, grade, ...conduct };
}

const unscored = { total: null, score: null, grade: null } as const;

function conductOf(
  compiled: CompiledScheme,
  inForce: RecordedFacts,
): Pick<Scorecard, 'adjustmentPoints' | 'appealPoints' | 'deducted'> {
  const { adjustments } = inForce;
  if (adjustments.length === 0) {
    return { adjustmentPoints: ZERO, appealPoints: appealPoints(inForce), deducted: ZERO };
  }
  const sum = sumDecimals(adjustments.map(({ points }) => points));
  const negative = adjustments.filter(({ points }) => points.startsWith('-'));
  return {
    adjustmentPoints: clamp(sum, compiled.minusMaxPenalty, compiled.maxBonus),
    appealPoints: appealPoints(inForce),
    deducted: sumDecimals(negative.map(({ points }) => points)).abs(),
  };
}

/** Null: a blocked indicator, too little counted weight, or none at all. */
export function weightedMean(
  compiled: CompiledScheme,
  indicators: readonly IndicatorScore[],
  mode: ScoringMode,
): Rational | null {
  let weightedSum = ZERO;
  let counted = ZERO;
  for (const { id, how, exact } of indicators) {
    if (how === 'blocked') return null;
    const weight = compiled.byId.get(id)?.weight;
    if (exact === null || !weight) continue;
    weightedSum = weightedSum.add(weight.mul(exact));
    counted = counted.add(weight);
  }
  if (counted.n === 0n) return null;
  const tooLittle = compareRationals(counted, compiled.minimumCountedWeight) < 0;
  return mode === 'publication' && tooLittle ? null : weightedSum.div(counted);
}

/** scoring: the first in the descending list with `min` ≤ rounded total. */
export function gradeOfScore(scheme: Scheme, score: string): number {
  const { gradeMins } = compileScheme(scheme);
  const total = decimal(score);
  const index = gradeMins.findIndex((min) => compareRationals(min, total) <= 0);
  return index < 0 ? gradeMins.length - 1 : index;
}

/** The lowest cap among the vetoes in force; null where no veto holds. */
export function vetoCap(scheme: Scheme, inForce: RecordedFacts): number | null {
  const { vetoCaps } = compileScheme(scheme);
  let cap: number | null = null;
  for (const { code } of inForce.vetoes) {
    const index = vetoCaps.get(code);
    if (index !== undefined && (cap === null || index > cap)) cap = index;
  }
  return cap;
}

/** The grade that a rounded score and the vetoes in force give. A veto never raises it. */
export function gradeInForce(scheme: Scheme, score: string, inForce: RecordedFacts): string {
  const index = Math.max(gradeOfScore(scheme, score), vetoCap(scheme, inForce) ?? 0);
  return gradeAt(scheme, index);
}

export function gradeAt(scheme: Scheme, index: number): string {
  const grade = scheme.grades[index];
  if (!grade) throw new RangeError(`no grade ${index} in ${scheme.schemeId}`);
  return grade.id;
}

/** 0 is the best. Throws RangeError for a grade that the scheme does not have. */
export function gradeIndex(scheme: Scheme, grade: string): number {
  const index = compileScheme(scheme).gradeIndex.get(grade);
  if (index === undefined) throw new RangeError(`no grade ${grade} in ${scheme.schemeId}`);
  return index;
}
