import {
  HUNDRED,
  type Rational,
  ZERO,
  compareRationals,
  decimal,
  isDecimal,
  rational,
  sumDecimals,
  toDecimalText,
  toFractionText,
} from '#kernel';
import {
  type CompiledEvaluation,
  type CompiledFeedback,
  type CompiledFormula,
  type CompiledIndicator,
  type CompiledMeasured,
  compileScheme,
} from './compiled-scheme.js';
import { countingCalls, countingEvaluations, countingTraces, latestMetric } from './counting.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { feedbackScore, formulaScore, groupMeans, rawValue, targetOf } from './indicator-score.js';
import type { Scheme } from './scheme.js';

/** An exact number: a plain decimal where it is one, else the reduced fraction `n/d`. */
export type Figure = string;

/** The target that a formula used; `exact` is `value` prorated, where the scheme says so. */
export type TargetUsed = {
  readonly from: 'goal' | 'default' | 'formula';
  readonly value: Figure;
  readonly prorated: { readonly eligibleDays: number; readonly workdays: number } | null;
  readonly exact: Figure;
};

/** What a formula made of the actual; null where it lacks a target that it can use. */
export type FormulaWork =
  | {
      readonly type: 'linear';
      readonly attainment: Figure | null; // before floor and cap
      readonly floor: Figure;
      readonly cap: Figure;
    }
  | {
      readonly type: 'bands';
      readonly on: 'actual' | 'attainment';
      readonly value: Figure | null;
      readonly band: {
        readonly from: Figure;
        readonly score: Figure;
        readonly isBelowAll: boolean;
      } | null;
    }
  | { readonly type: 'deduct'; readonly per: Figure; readonly value: Figure } // before the 0
  | {
      readonly type: 'inverse';
      readonly limit: Figure;
      readonly value: Figure | null; // before floor and cap
      readonly floor: Figure;
      readonly cap: Figure;
    }
  | { readonly type: 'binary'; readonly threshold: Figure; readonly isReached: boolean };

export type RaterGroupWork = {
  readonly group: string;
  readonly raterCount: number;
  readonly sum: Figure; // of the scores that count; the mean is sum / raterCount
  readonly mean: Figure;
  readonly weight: Figure;
};

/** The arithmetic of one indicator, as kinds and figures; `explain-text.ts` says it in words. */
export type IndicatorWork =
  | {
      readonly kind: 'measured';
      readonly actual: Figure | null;
      readonly target: TargetUsed | null;
      readonly formula: FormulaWork | null; // null without an actual
    }
  | {
      readonly kind: 'feedback-calls';
      readonly callCount: number;
      readonly sum: Figure; // of the calls' scores
      readonly mean: Figure | null;
      readonly minimumSample: number;
      readonly shrinkage: { readonly prior: Figure; readonly strength: Figure } | null;
    }
  | {
      readonly kind: 'evaluation';
      readonly groups: readonly RaterGroupWork[]; // those that count
      readonly totalWeight: Figure; // of all groups
    };

export type Worked = { readonly recordIds: readonly string[]; readonly work: IndicatorWork };

export function workOf(
  scheme: Scheme,
  { id, rule }: CompiledIndicator,
  context: AssessmentContext,
  inForce: RecordedFacts,
): Worked {
  switch (rule.kind) {
    case 'evaluation':
      return evaluationWork(rule, id, inForce);
    case 'feedback-calls':
      return feedbackWork(rule, inForce);
    case 'measured':
      return measuredWork(scheme, id, rule, context, inForce);
  }
}

function evaluationWork(rule: CompiledEvaluation, id: string, inForce: RecordedFacts): Worked {
  const byGroup = countingEvaluations(inForce, id, rule);
  const recordIds = [...byGroup.values()].flatMap((raters) =>
    Array.from(raters.values(), ({ recordId }) => recordId),
  );
  const groups = groupMeans(rule, byGroup).map(({ group, weight, mean, raterCount }) => ({
    group,
    raterCount,
    sum: toFigure(mean.mul(rational(raterCount))),
    mean: toFigure(mean),
    weight: toFigure(weight),
  }));
  const total = [...rule.groups.values()].reduce((sum, weight) => sum.add(weight), ZERO);
  return { recordIds, work: { kind: 'evaluation', groups, totalWeight: toFigure(total) } };
}

function feedbackWork(rule: CompiledFeedback, inForce: RecordedFacts): Worked {
  const calls = countingCalls(inForce, rule);
  const mean = feedbackScore({ ...rule, shrinkage: null, minimumSample: 1 }, calls);
  const { shrinkage } = rule;
  return {
    recordIds: calls.map(({ recordId }) => recordId),
    work: {
      kind: 'feedback-calls',
      callCount: calls.length,
      sum: toFigure((mean ?? ZERO).mul(rational(calls.length))),
      mean: mean === null ? null : toFigure(mean),
      minimumSample: rule.minimumSample,
      shrinkage: shrinkage && {
        prior: toFigure(shrinkage.prior),
        strength: toFigure(shrinkage.strength),
      },
    },
  };
}

function measuredWork(
  scheme: Scheme,
  id: string,
  rule: CompiledMeasured,
  context: AssessmentContext,
  inForce: RecordedFacts,
): Worked {
  const actual = rawValue(scheme, id, rule, context, inForce);
  const exact = targetOf(id, rule, context, inForce);
  const work: IndicatorWork = {
    kind: 'measured',
    actual: actual === null ? null : toFigure(actual),
    target: exact === null ? null : targetUsed(id, rule, exact, context, inForce),
    formula: actual === null ? null : formulaWork(rule.formula, actual, exact),
  };
  return { recordIds: measuredRecordIds(scheme, id, rule, context, inForce), work };
}

function measuredRecordIds(
  scheme: Scheme,
  id: string,
  rule: CompiledMeasured,
  context: AssessmentContext,
  inForce: RecordedFacts,
): readonly string[] {
  switch (rule.source) {
    case 'metric':
      return [latestMetric(inForce, id)?.recordId ?? []].flat();
    case 'complaints':
      return inForce.complaints.flatMap(({ recordId, upheld }) => (upheld ? [recordId] : []));
    case 'work-trace': {
      const { lateLimitHours } = compileScheme(scheme);
      const zone = { timezone: scheme.timezone, lateLimitHours };
      return countingTraces(inForce, rule, context, zone).map(({ recordId }) => recordId);
    }
  }
}

/** Null: the formula uses none. */
function targetUsed(
  id: string,
  { formula, defaultTarget, prorateTarget }: CompiledMeasured,
  exact: Rational,
  { eligibleDays, workdays }: AssessmentContext,
  inForce: RecordedFacts,
): TargetUsed | null {
  const isUsed =
    formula.type === 'linear' ||
    formula.type === 'inverse' ||
    (formula.type === 'bands' && formula.onAttainment);
  if (!isUsed) return null;
  const goal = inForce.goals.get(id);
  const set = goal === undefined ? defaultTarget : decimal(goal);
  if (set === null) {
    return { from: 'formula', value: toFigure(exact), prorated: null, exact: toFigure(exact) };
  }
  return {
    from: goal === undefined ? 'default' : 'goal',
    value: toFigure(set),
    prorated: prorateTarget ? { eligibleDays, workdays } : null,
    exact: toFigure(exact),
  };
}

function formulaWork(
  formula: CompiledFormula,
  actual: Rational,
  target: Rational | null,
): FormulaWork {
  switch (formula.type) {
    case 'linear': {
      const [floor, cap] = [toFigure(formula.floor), toFigure(formula.cap)];
      return { type: 'linear', attainment: attainment(actual, target), floor, cap };
    }
    case 'bands':
      return bandWork(formula, actual, target);
    case 'deduct': {
      const value = toFigure(HUNDRED.sub(formula.per.mul(actual)));
      return { type: 'deduct', per: toFigure(formula.per), value };
    }
    case 'inverse': {
      const { limit } = formula;
      const isUsable = formulaScore(formula, actual, target) !== null;
      const value =
        target && isUsable ? HUNDRED.mul(limit.sub(actual)).div(limit.sub(target)) : null;
      return {
        type: 'inverse',
        limit: toFigure(limit),
        value: value && toFigure(value),
        floor: toFigure(formula.floor),
        cap: toFigure(formula.cap),
      };
    }
    case 'binary': {
      const isReached = compareRationals(actual, formula.threshold) >= 0;
      return { type: 'binary', threshold: toFigure(formula.threshold), isReached };
    }
  }
}

function attainment(actual: Rational, target: Rational | null): Figure | null {
  if (target === null || compareRationals(target, ZERO) <= 0) return null;
  return toFigure(HUNDRED.mul(actual).div(target));
}

function bandWork(
  { onAttainment, bands }: Extract<CompiledFormula, { type: 'bands' }>,
  actual: Rational,
  target: Rational | null,
): FormulaWork {
  const on = onAttainment ? 'attainment' : 'actual';
  const value = onAttainment ? attainment(actual, target) : toFigure(actual);
  const [first] = bands;
  if (value === null || !first) return { type: 'bands', on, value, band: null };
  const reached = bands.findLast(({ from }) => compareRationals(from, fromFigure(value)) <= 0);
  const { from, score } = reached ?? first;
  const band = { from: toFigure(from), score: toFigure(score), isBelowAll: !reached };
  return { type: 'bands', on, value, band };
}

export const sumOfDecimals = (texts: readonly string[]): Figure => toFigure(sumDecimals(texts));

/** 2^99 is a divisor of a short fraction, and no decimal that anybody reads. */
const MAX_PLACES = 30;

export function toFigure(value: Rational): Figure {
  let rest = value.d;
  let places = 0;
  for (const factor of [2n, 5n]) {
    let times = 0;
    for (; rest % factor === 0n; times += 1) rest /= factor;
    places = Math.max(places, times);
  }
  if (rest !== 1n || places > MAX_PLACES) return toFractionText(value);
  const text = toDecimalText(value);
  return isDecimal(text) ? text : toFractionText(value);
}

export function fromFigure(figure: Figure): Rational {
  if (isDecimal(figure)) return decimal(figure);
  const [numerator = '', denominator = ''] = figure.split('/');
  return rational(BigInt(numerator), BigInt(denominator));
}
