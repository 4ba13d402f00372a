import {
  HUNDRED,
  type Rational,
  ZERO,
  clamp,
  compareRationals,
  decimal,
  fromFractionText,
  rational,
  sumDecimals,
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
import { factsInForce } from './facts-in-force.js';
import type { AssessmentContext, CallFact, EvaluationFact, RecordedFacts } from './facts.js';
import type { How } from './results.js';
import type { Scheme } from './scheme.js';

/** One indicator's exact score and how it came about; null where none counts. */
export type IndicatorScore = {
  readonly id: string;
  readonly how: How;
  readonly exact: Rational | null;
};

/** `correction`: a missing `block` indicator is neutralised, the counted weight has no minimum. */
export type ScoringMode = 'publication' | 'correction';

/** The part of a scorecard that one fact can touch; `assemble` puts the parts together. */
export function scoreIndicator(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
  indicatorId: string,
  mode: ScoringMode = 'publication',
): IndicatorScore {
  const indicator = compileScheme(scheme).byId.get(indicatorId);
  if (!indicator) throw new RangeError(`no indicator ${indicatorId} in ${scheme.schemeId}`);
  return scoreOf(scheme, indicator, context, factsInForce(facts), mode);
}

/** As `scoreIndicator`, over facts in force. */
export function scoreOf(
  scheme: Scheme,
  indicator: CompiledIndicator,
  context: AssessmentContext,
  inForce: RecordedFacts,
  mode: ScoringMode,
): IndicatorScore {
  const exact = measuredScore(scheme, indicator, context, inForce);
  if (exact !== null) return { id: indicator.id, how: 'scored', exact };
  return missingScore(indicator, context, mode);
}

export function missingScore(
  { id, missing }: CompiledIndicator,
  context: AssessmentContext,
  mode: ScoringMode,
): IndicatorScore {
  if (missing === 'zero') return { id, how: 'zero', exact: ZERO };
  if (missing === 'block' && mode === 'publication') return { id, how: 'blocked', exact: null };
  const carried =
    missing === 'carry' && Object.hasOwn(context.carry, id) ? context.carry[id] : undefined;
  if (carried) return { id, how: 'carried', exact: fromFractionText(carried.score) };
  return { id, how: 'neutralised', exact: null };
}

function measuredScore(
  scheme: Scheme,
  indicator: CompiledIndicator,
  context: AssessmentContext,
  inForce: RecordedFacts,
): Rational | null {
  const { rule } = indicator;
  switch (rule.kind) {
    case 'feedback-calls':
      return feedbackScore(rule, countingCalls(inForce, rule));
    case 'evaluation':
      return evaluationScore(rule, countingEvaluations(inForce, indicator.id, rule));
    case 'measured': {
      const raw = rawValue(scheme, indicator.id, rule, context, inForce);
      if (raw === null) return null;
      return formulaScore(rule.formula, raw, targetOf(indicator.id, rule, context, inForce));
    }
  }
}

/** The measured value; null when nothing was recorded. A count of 0 is a value. */
export function rawValue(
  scheme: Scheme,
  indicatorId: string,
  rule: CompiledMeasured,
  context: AssessmentContext,
  inForce: RecordedFacts,
): Rational | null {
  switch (rule.source) {
    case 'metric': {
      const metric = latestMetric(inForce, indicatorId);
      return metric === null ? null : decimal(metric.actual);
    }
    case 'complaints':
      return rational(inForce.complaints.filter(({ upheld }) => upheld).length);
    case 'work-trace': {
      const { lateLimitHours } = compileScheme(scheme);
      const zone = { timezone: scheme.timezone, lateLimitHours };
      return rational(countingTraces(inForce, rule, context, zone).length);
    }
  }
}

/**
 * The last recorded goal, else the default, both prorated where the scheme says so, else the
 * target of an `inverse` formula, which is taken as it stands.
 */
export function targetOf(
  indicatorId: string,
  rule: CompiledMeasured,
  context: AssessmentContext,
  inForce: RecordedFacts,
): Rational | null {
  const goal = inForce.goals.get(indicatorId);
  const target = goal === undefined ? rule.defaultTarget : decimal(goal);
  if (target === null) return rule.formula.type === 'inverse' ? rule.formula.target : null;
  if (!rule.prorateTarget) return target;
  const { eligibleDays, workdays } = context;
  if (workdays === 0) return ZERO;
  return rational(target.s * target.n * BigInt(eligibleDays), target.d * BigInt(workdays));
}

/** Null: missing, for want of a target that the formula can use. */
export function formulaScore(
  formula: CompiledFormula,
  actual: Rational,
  target: Rational | null,
): Rational | null {
  switch (formula.type) {
    case 'linear': {
      const reached = attainment(actual, target);
      return reached === null ? null : clamp(reached, formula.floor, formula.cap);
    }
    case 'bands': {
      const x = formula.onAttainment ? attainment(actual, target) : actual;
      return x === null ? null : bandScore(formula.bands, x);
    }
    case 'deduct': {
      const score = HUNDRED.sub(formula.per.mul(actual));
      return score.s < 0n ? ZERO : score;
    }
    case 'inverse': {
      if (target === null || compareRationals(target, formula.limit) >= 0) return null;
      const score = HUNDRED.mul(formula.limit.sub(actual)).div(formula.limit.sub(target));
      return clamp(score, formula.floor, formula.cap);
    }
    case 'binary':
      return compareRationals(actual, formula.threshold) >= 0 ? HUNDRED : ZERO;
  }
}

/** 100·actual/target; null without a target above 0. */
function attainment(actual: Rational, target: Rational | null): Rational | null {
  if (target === null || target.n === 0n || target.s < 0n) return null;
  return rational(100n * actual.s * actual.n * target.d, actual.d * target.n);
}

/** The last band that begins at or below x; the first one below all of them. */
function bandScore(
  bands: readonly { readonly from: Rational; readonly score: Rational }[],
  x: Rational,
): Rational | null {
  let score = bands[0]?.score ?? null;
  for (const band of bands) {
    if (compareRationals(band.from, x) > 0) break;
    score = band.score;
  }
  return score;
}

/**
 * Σ over calls of Σ weight·(answer−1)·25 / Σ weight. Calls that answer the same questions share
 * the denominator, so answers are summed as small integers and weighed once per such group.
 */
function callScoreSum(rule: CompiledFeedback, calls: readonly CallFact[]): Rational {
  const sumsByAnswered = new Map<number, number[]>();
  const { questions } = rule;
  for (const { answers } of calls) {
    let answered = 0; // a bit per question; `parseScheme` allows 50, exact in a double
    for (let at = 0; at < questions.length; at += 1) {
      if (Object.hasOwn(answers, questions[at]!.id)) answered += 2 ** at;
    }
    let sums = sumsByAnswered.get(answered);
    if (!sums) {
      sums = questions.map(() => 0);
      sumsByAnswered.set(answered, sums);
    }
    for (let at = 0; at < questions.length; at += 1) {
      const answer = answers[questions[at]!.id];
      if (typeof answer === 'number') sums[at]! += answer - 1;
    }
  }
  let total = ZERO;
  for (const [answered, sums] of sumsByAnswered) {
    total = total.add(weighedAnswers(rule, answered, sums));
  }
  return total;
}

function weighedAnswers(
  { questions }: CompiledFeedback,
  answered: number,
  sums: readonly number[],
): Rational {
  let points = ZERO;
  let weight = ZERO;
  let left = answered;
  for (const [at, question] of questions.entries()) {
    const isAnswered = left % 2 === 1;
    left = Math.floor(left / 2);
    if (!isAnswered) continue;
    points = points.add(question.weight.mul(rational(25 * sums[at]!)));
    weight = weight.add(question.weight);
  }
  return points.div(weight);
}

export function feedbackScore(rule: CompiledFeedback, calls: readonly CallFact[]): Rational | null {
  const count = calls.length;
  if (count === 0) return null;
  if (rule.shrinkage) {
    const { prior, strength } = rule.shrinkage;
    const sum = callScoreSum(rule, calls).add(strength.mul(prior));
    return sum.div(strength.add(rational(count)));
  }
  if (count < rule.minimumSample) return null;
  return callScoreSum(rule, calls).div(rational(count));
}

export type GroupMean = {
  readonly group: string;
  readonly weight: Rational;
  readonly mean: Rational;
  readonly raterCount: number;
};

/** The groups with a score that counts, in the scheme's order. */
export function groupMeans(
  rule: CompiledEvaluation,
  byGroup: ReadonlyMap<string, ReadonlyMap<string, EvaluationFact>>,
): readonly GroupMean[] {
  const means: GroupMean[] = [];
  for (const [group, weight] of rule.groups) {
    const raters = byGroup.get(group);
    if (!raters) continue;
    const scores = Array.from(raters.values(), ({ score }) => score);
    const mean = sumDecimals(scores).div(rational(scores.length));
    means.push({ group, weight, mean, raterCount: scores.length });
  }
  return means;
}

/**
 * A missing group's weight goes pro rata to the present groups other than `self`: those carry
 * (total − weight of self) / (their sum) of their own weight, and `self` keeps its own.
 */
export function evaluationScore(
  rule: CompiledEvaluation,
  byGroup: ReadonlyMap<string, ReadonlyMap<string, EvaluationFact>>,
): Rational | null {
  const present = groupMeans(rule, byGroup);
  if (rule.groups.has('supervisor') && !byGroup.has('supervisor')) return null;
  const others = present.filter(({ group }) => group !== 'self');
  if (others.length === 0) return null;
  const presentWeight = sumOf(present.map(({ weight }) => weight));
  if (compareRationals(presentWeight, rule.minimumRaterWeight) < 0) return null;
  const total = sumOf([...rule.groups.values()]);
  const self = present.find(({ group }) => group === 'self');
  const selfWeight = self?.weight ?? ZERO;
  const othersWeight = presentWeight.sub(selfWeight);
  const ofOthers = sumOf(others.map(({ weight, mean }) => weight.mul(mean)))
    .mul(total.sub(selfWeight))
    .div(othersWeight);
  const ofSelf = self ? self.weight.mul(self.mean) : ZERO;
  return ofSelf.add(ofOthers).div(total);
}

function sumOf(values: readonly Rational[]): Rational {
  return values.reduce((sum, value) => sum.add(value), ZERO);
}
