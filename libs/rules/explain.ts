import { ZERO, decimal, roundToText, toDecimalText, toFractionText } from '#kernel';
import { type CompiledIndicator, compileScheme } from './compiled-scheme.js';
import {
  type Figure,
  type IndicatorWork,
  sumOfDecimals,
  toFigure,
  workOf,
} from './explain-work.js';
import { factsInForce } from './facts-in-force.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { type ScoringMode, scoreOf } from './indicator-score.js';
import { type MissingInput, missingInputs } from './missing.js';
import type { CeilingOutcome, How, PublishedResult, ResultStatus } from './results.js';
import type { Formula, Indicator, Scheme } from './scheme.js';
import { gradeAt, gradeOfScore, scorecard, vetoCap } from './scorecard.js';

/**
 * One indicator: its rule as the scheme says it, the records that count, the arithmetic. Nothing
 * here is words: `explain-text.ts` says it in a language.
 */
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
  readonly work: IndicatorWork;
  readonly lacking: readonly MissingInput[]; // also of a scored evaluation: groups without a score
};

export type TotalExplanation = {
  readonly status: ResultStatus;
  readonly eligibleDays: number;
  readonly minimumEligibleDays: number;
  readonly minimumCountedWeight: Figure | null; // null: a correction has none
  /** The indicators that count; their weighted mean is `mean`. */
  readonly terms: readonly {
    readonly id: string;
    readonly weight: Figure;
    readonly exact: Figure;
  }[];
  readonly countedWeight: Figure;
  readonly mean: Figure | null;
  readonly adjustmentRecordIds: readonly string[];
  readonly recordedPoints: Figure; // before the clamp
  readonly maxBonus: Figure;
  readonly maxPenalty: Figure;
  readonly adjustmentPoints: Figure; // after the clamp
  readonly appealPoints: Figure;
  readonly sum: Figure | null; // before it is held between 0 and `maxScore`
  readonly maxScore: Figure;
  readonly exact: string | null; // "n/d"
  readonly score: string | null;
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
  const gaps = new Map(
    missingInputs(scheme, context, facts).map(({ indicatorId, missing }) => [indicatorId, missing]),
  );
  const indicators = card.indicators.flatMap(({ id }) => {
    const indicator = compiled.byId.get(id);
    if (!indicator) return [];
    const explained = explainIndicator(scheme, indicator, context, inForce, mode);
    return [{ ...explained, lacking: gaps.get(id) ?? [] }];
  });
  return {
    indicators,
    total: explainTotal(scheme, context, inForce, card, mode),
    grade: explainGrade(scheme, inForce, card.score, card.grade, result),
  };
}

function explainIndicator(
  scheme: Scheme,
  indicator: CompiledIndicator,
  context: AssessmentContext,
  inForce: RecordedFacts,
  mode: ScoringMode,
): Omit<IndicatorExplanation, 'lacking'> {
  const { how, exact } = scoreOf(scheme, indicator, context, inForce, mode);
  const stated = scheme.indicators.find(({ id }) => id === indicator.id)!;
  const { recordIds, work } = workOf(scheme, indicator, context, inForce);
  const carried = how === 'carried' ? context.carry[indicator.id] : undefined;
  return {
    id: indicator.id,
    source: stated.source,
    formula: 'formula' in stated ? stated.formula : null,
    weight: stated.weight,
    missing: indicator.missing,
    how,
    exact: exact === null ? null : toFractionText(exact),
    score: exact === null ? null : roundToText(exact, 2),
    recordIds,
    carriedFrom: carried ? { period: carried.period, resultVersion: carried.resultVersion } : null,
    work,
  };
}

function explainTotal(
  scheme: Scheme,
  { eligibleDays }: AssessmentContext,
  inForce: RecordedFacts,
  card: ReturnType<typeof scorecard>,
  mode: ScoringMode,
): TotalExplanation {
  const compiled = compileScheme(scheme);
  const counted = card.indicators.flatMap(({ id, exact }) => {
    const weight = compiled.byId.get(id)?.weight;
    return exact === null || !weight ? [] : [{ id, weight, exact }];
  });
  const countedWeight = counted.reduce((sum, { weight }) => sum.add(weight), ZERO);
  const weighted = counted.reduce((sum, { weight, exact }) => sum.add(weight.mul(exact)), ZERO);
  const mean = card.total === null ? null : weighted.div(countedWeight);
  const { adjustments } = inForce;
  const { minimumCountedWeight } = compiled;
  return {
    status: card.status,
    eligibleDays,
    minimumEligibleDays: compiled.minimumEligibleDays,
    minimumCountedWeight: mode === 'publication' ? toFigure(minimumCountedWeight) : null,
    terms: counted.map(({ id, weight, exact }) => ({
      id,
      weight: toFigure(weight),
      exact: toFigure(exact),
    })),
    countedWeight: toFigure(countedWeight),
    mean: mean && toFigure(mean),
    adjustmentRecordIds: adjustments.map(({ recordId }) => recordId),
    recordedPoints: sumOfDecimals(adjustments.map(({ points }) => points)),
    maxBonus: toFigure(compiled.maxBonus),
    maxPenalty: toFigure(compiled.minusMaxPenalty.neg()),
    adjustmentPoints: toFigure(card.adjustmentPoints),
    appealPoints: toFigure(card.appealPoints),
    sum: mean && toFigure(mean.add(card.adjustmentPoints).add(card.appealPoints)),
    maxScore: toFigure(compiled.maxScore),
    exact: card.total === null ? null : toFractionText(card.total),
    score: card.score,
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
