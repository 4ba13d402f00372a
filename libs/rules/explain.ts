import { type Rational, decimal, roundToText, toDecimalText, toFractionText } from '#kernel';
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
import type { AssessmentContext, RecordedFacts } from './facts.js';
import {
  type ScoringMode,
  feedbackScore,
  groupMeans,
  rawValue,
  scoreOf,
  targetOf,
} from './indicator-score.js';
import type { CeilingOutcome, How, PublishedResult } from './results.js';
import type { Formula, Indicator, Scheme } from './scheme.js';
import { gradeAt, gradeOfScore, scorecard, vetoCap } from './scorecard.js';

/** One indicator: its rule as the scheme says it, the records that count, the arithmetic. */
export type IndicatorExplanation = {
  readonly id: string;
  readonly source: Indicator['source'];
  readonly formula: Formula | null; // null: the source has no formula
  readonly weight: string;
  readonly missing: Indicator['missing'];
  readonly how: How;
  readonly exact: string | null; // "n/d"
  readonly score: string | null; // rounded
  readonly recordIds: readonly string[]; // of what counts; the log knows their events
  readonly carriedFrom: { readonly period: string; readonly resultVersion: number } | null;
  readonly arithmetic: string;
};

export type TotalExplanation = {
  readonly countedWeight: string;
  readonly adjustmentRecordIds: readonly string[];
  readonly adjustmentPoints: string; // after the clamp
  readonly appealPoints: string;
  readonly maxScore: string;
  readonly exact: string | null;
  readonly score: string | null;
  readonly arithmetic: string;
};

export type GradeExplanation = {
  readonly byScore: string | null; // before vetoes and ceilings
  readonly held: string | null;
  /** The next better grade than the score gives, and the points that it is away. */
  readonly next: { readonly grade: string; readonly min: string; readonly points: string } | null;
  readonly vetoes: readonly {
    readonly recordId: string;
    readonly code: string;
    readonly capGrade: string;
  }[];
  readonly vetoApplied: boolean;
  readonly ceilings: readonly CeilingOutcome[]; // as at publication; empty before it
  readonly ceilingApplied: boolean;
};

export type Explanation = {
  readonly indicators: readonly IndicatorExplanation[];
  readonly total: TotalExplanation;
  readonly grade: GradeExplanation;
};

type ExplainOptions = {
  readonly mode?: ScoringMode;
  readonly result?: PublishedResult | null;
};

/** What a scorecard can say about each of its figures. `result`: what was published, if it was. */
export function explain(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
  { mode = 'publication', result = null }: ExplainOptions = {},
): Explanation {
  const card = scorecard(scheme, context, facts, mode);
  const inForce = factsInForce(facts);
  const compiled = compileScheme(scheme);
  const indicators = card.indicators.flatMap(({ id }) => {
    const indicator = compiled.byId.get(id);
    return indicator ? [explainIndicator(scheme, indicator, context, inForce, mode)] : [];
  });
  return {
    indicators,
    total: explainTotal(scheme, inForce, card),
    grade: explainGrade(scheme, inForce, card.score, card.grade, result),
  };
}

function explainIndicator(
  scheme: Scheme,
  indicator: CompiledIndicator,
  context: AssessmentContext,
  inForce: RecordedFacts,
  mode: ScoringMode,
): IndicatorExplanation {
  const { how, exact } = scoreOf(scheme, indicator, context, inForce, mode);
  const stated = scheme.indicators.find(({ id }) => id === indicator.id)!;
  const { recordIds, arithmetic } = workOf(scheme, indicator, context, inForce);
  const carried = how === 'carried' ? context.carry[indicator.id] : undefined;
  const score = exact === null ? null : roundToText(exact, 2);
  return {
    id: indicator.id,
    source: stated.source,
    formula: 'formula' in stated ? stated.formula : null,
    weight: stated.weight,
    missing: indicator.missing,
    how,
    exact: exact === null ? null : toFractionText(exact),
    score,
    recordIds,
    carriedFrom: carried ? { period: carried.period, resultVersion: carried.resultVersion } : null,
    arithmetic: how === 'scored' ? `${arithmetic} → ${score}` : `${arithmetic}; missing: ${how}`,
  };
}

type Work = { readonly recordIds: readonly string[]; readonly arithmetic: string };

function workOf(
  scheme: Scheme,
  { id, rule }: CompiledIndicator,
  context: AssessmentContext,
  inForce: RecordedFacts,
): Work {
  switch (rule.kind) {
    case 'evaluation':
      return evaluationWork(rule, id, inForce);
    case 'feedback-calls':
      return feedbackWork(rule, inForce);
    case 'measured':
      return measuredWork(scheme, id, rule, context, inForce);
  }
}

function evaluationWork(rule: CompiledEvaluation, id: string, inForce: RecordedFacts): Work {
  const byGroup = countingEvaluations(inForce, id, rule);
  const recordIds = [...byGroup.values()].flatMap((raters) =>
    Array.from(raters.values(), ({ recordId }) => recordId),
  );
  const groups = groupMeans(rule, byGroup).map(
    ({ group, weight, mean, raterCount }) =>
      `${group}: mean of ${raterCount} = ${plain(mean)}, weight ${plain(weight)}`,
  );
  return { recordIds, arithmetic: groups.join('; ') || 'no rater counts' };
}

function feedbackWork(rule: CompiledFeedback, inForce: RecordedFacts): Work {
  const calls = countingCalls(inForce, rule);
  const recordIds = calls.map(({ recordId }) => recordId);
  const count = calls.length;
  const mean = feedbackScore({ ...rule, shrinkage: null, minimumSample: 1 }, calls);
  if (mean === null) return { recordIds, arithmetic: 'no call with an answer' };
  if (!rule.shrinkage) {
    const arithmetic = `mean of ${count} calls (at least ${rule.minimumSample}) = ${plain(mean)}`;
    return { recordIds, arithmetic };
  }
  const [prior, strength] = [plain(rule.shrinkage.prior), plain(rule.shrinkage.strength)];
  const drawn = `${count} × ${plain(mean)} + ${strength} × ${prior}`;
  const arithmetic = `(${drawn}) / (${count} + ${strength})`;
  return { recordIds, arithmetic };
}

function measuredWork(
  scheme: Scheme,
  id: string,
  rule: CompiledMeasured,
  context: AssessmentContext,
  inForce: RecordedFacts,
): Work {
  const actual = rawValue(scheme, id, rule, context, inForce);
  const recordIds = measuredRecordIds(scheme, id, rule, context, inForce);
  if (actual === null) return { recordIds, arithmetic: 'no actual recorded' };
  const target = targetOf(id, rule, context, inForce);
  return { recordIds, arithmetic: formulaText(rule.formula, plain(actual), target) };
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

function formulaText(formula: CompiledFormula, actual: string, target: Rational | null): string {
  const goal = target === null ? 'no target' : plain(target);
  switch (formula.type) {
    case 'linear':
      return `100 × ${actual} / ${goal}, ${boundsText(formula)}`;
    case 'bands':
      return formula.onAttainment ? `band of 100 × ${actual} / ${goal}` : `band of ${actual}`;
    case 'deduct':
      return `100 − ${plain(formula.per)} × ${actual}, at least 0`;
    case 'inverse': {
      const limit = plain(formula.limit);
      return `100 × (${limit} − ${actual}) / (${limit} − ${goal}), ${boundsText(formula)}`;
    }
    case 'binary':
      return `${actual} ≥ ${plain(formula.threshold)}`;
  }
}

function boundsText({ floor, cap }: { readonly floor: Rational; readonly cap: Rational }): string {
  return `between ${plain(floor)} and ${plain(cap)}`;
}

function explainTotal(
  scheme: Scheme,
  inForce: RecordedFacts,
  card: ReturnType<typeof scorecard>,
): TotalExplanation {
  const { byId, maxScore } = compileScheme(scheme);
  const counted = card.indicators.filter(({ exact }) => exact !== null);
  const terms = counted.map(({ id, exact }) => `${plain(byId.get(id)!.weight)} × ${plain(exact!)}`);
  const weights = counted.map(({ id }) => byId.get(id)!.weight);
  const countedWeight = plain(weights.reduce((sum, weight) => sum.add(weight), decimal('0')));
  const adjustmentPoints = plain(card.adjustmentPoints);
  const points = plain(card.appealPoints);
  const sum = `(${terms.join(' + ')}) / ${countedWeight} + ${adjustmentPoints} + ${points}`;
  return {
    countedWeight,
    adjustmentRecordIds: inForce.adjustments.map(({ recordId }) => recordId),
    adjustmentPoints,
    appealPoints: points,
    maxScore: plain(maxScore),
    exact: card.total === null ? null : toFractionText(card.total),
    score: card.score,
    arithmetic:
      card.score === null
        ? card.status
        : `${sum}, between 0 and ${plain(maxScore)} → ${card.score}`,
  };
}

function explainGrade(
  scheme: Scheme,
  inForce: RecordedFacts,
  score: string | null,
  grade: string | null,
  result: PublishedResult | null,
): GradeExplanation {
  // A published score may be the old one, held harmless; the explanation is of what is held.
  const shown = result ? result.score : score;
  const index = shown === null ? null : gradeOfScore(scheme, shown);
  const cap = vetoCap(scheme, inForce);
  const { vetoCaps } = compileScheme(scheme);
  return {
    byScore: index === null ? null : gradeAt(scheme, index),
    held: result ? result.grade : grade,
    next: shown === null || index === null ? null : nextGrade(scheme, shown, index),
    vetoes: inForce.vetoes.flatMap(({ recordId, code }) => {
      const at = vetoCaps.get(code);
      return at === undefined ? [] : [{ recordId, code, capGrade: gradeAt(scheme, at) }];
    }),
    vetoApplied: index !== null && cap !== null && cap > index,
    ceilings: result?.ceilings ?? [],
    ceilingApplied: result?.ceilingApplied ?? false,
  };
}

function nextGrade(scheme: Scheme, score: string, index: number): GradeExplanation['next'] {
  const better = index === 0 ? undefined : scheme.grades[index - 1];
  if (!better) return null;
  const points = toDecimalText(decimal(better.min).sub(decimal(score)));
  return { grade: better.id, min: better.min, points };
}

/** A plain decimal where the number is one, else the reduced fraction. */
function plain(value: Rational): string {
  let rest = value.d;
  for (const factor of [2n, 5n]) while (rest % factor === 0n) rest /= factor;
  return rest === 1n && value.d < 10n ** 30n ? toDecimalText(value) : toFractionText(value);
}
