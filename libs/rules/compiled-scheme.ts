import { HUNDRED, type Rational, ZERO, decimal } from '#kernel';
import type {
  EvaluationIndicator,
  FeedbackCallsIndicator,
  Formula,
  Indicator,
  Scheme,
  WorkTraceIndicator,
} from './scheme.js';

/** A formula with its numbers read and its defaults in place. */
export type CompiledFormula =
  | { readonly type: 'linear'; readonly floor: Rational; readonly cap: Rational }
  | {
      readonly type: 'bands';
      readonly onAttainment: boolean;
      readonly bands: readonly { readonly from: Rational; readonly score: Rational }[];
    }
  | { readonly type: 'deduct'; readonly per: Rational }
  | {
      readonly type: 'inverse';
      readonly limit: Rational;
      readonly target: Rational;
      readonly floor: Rational;
      readonly cap: Rational;
    }
  | { readonly type: 'binary'; readonly threshold: Rational };

export type CompiledMeasured = {
  readonly kind: 'measured';
  readonly source: 'metric' | 'work-trace' | 'complaints';
  readonly formula: CompiledFormula;
  readonly defaultTarget: Rational | null;
  readonly prorateTarget: boolean;
  readonly traceTypes: ReadonlySet<string>;
  readonly oncePerCustomerDay: boolean;
};
export type CompiledFeedback = {
  readonly kind: 'feedback-calls';
  readonly questions: readonly { readonly id: string; readonly weight: Rational }[];
  readonly minimumSample: number;
  readonly shrinkage: { readonly prior: Rational; readonly strength: Rational } | null;
};
export type CompiledEvaluation = {
  readonly kind: 'evaluation';
  readonly groups: ReadonlyMap<string, Rational>; // weights above 0 alone
  readonly minimumPeers: number;
  readonly minimumRaterWeight: Rational;
};
export type CompiledIndicator = {
  readonly id: string;
  readonly weight: Rational;
  readonly missing: Indicator['missing'];
  readonly rule: CompiledMeasured | CompiledFeedback | CompiledEvaluation;
};

/** A scheme version with every decimal read once. */
export type CompiledScheme = {
  readonly indicators: readonly CompiledIndicator[];
  readonly byId: ReadonlyMap<string, CompiledIndicator>;
  readonly heaviestId: string | null; // the first of equals
  readonly feedbackId: string | null; // the first feedback-calls indicator
  readonly minimumEligibleDays: number;
  readonly minimumCountedWeight: Rational;
  readonly lateLimitHours: number;
  readonly maxScore: Rational;
  readonly maxBonus: Rational;
  readonly minusMaxPenalty: Rational;
  readonly gradeMins: readonly Rational[];
  readonly gradeIndex: ReadonlyMap<string, number>; // 0 is the best
  readonly vetoCaps: ReadonlyMap<string, number>; // grade index by veto code
};

const SIXTY = decimal('60');
const MAX_SCORE = decimal('120');

/** Keyed by the scheme object: a scheme version is read by the hundred thousand, parsed once. */
const compiled = new WeakMap<Scheme, CompiledScheme>();

/** The scheme must have come through `parseScheme`. */
export function compileScheme(scheme: Scheme): CompiledScheme {
  const known = compiled.get(scheme);
  if (known) return known;
  const fresh = compile(scheme);
  compiled.set(scheme, fresh);
  return fresh;
}

function compile(scheme: Scheme): CompiledScheme {
  const indicators = scheme.indicators.map(compileIndicator);
  const gradeIndex = new Map(scheme.grades.map(({ id }, index) => [id, index]));
  const heaviest = indicators.reduce<CompiledIndicator | null>(
    (best, next) => (best === null || next.weight.compare(best.weight) > 0 ? next : best),
    null,
  );
  return {
    indicators,
    byId: new Map(indicators.map((indicator) => [indicator.id, indicator])),
    heaviestId: heaviest?.id ?? null,
    feedbackId: indicators.find(({ rule }) => rule.kind === 'feedback-calls')?.id ?? null,
    minimumEligibleDays: scheme.minimumEligibleDays ?? 10,
    minimumCountedWeight: decimalOr(scheme.minimumCountedWeight, SIXTY),
    lateLimitHours: scheme.workTraceLateLimitHours ?? 48,
    maxScore: decimalOr(scheme.maxScore, MAX_SCORE),
    maxBonus: decimal(scheme.adjustments.maxBonus),
    minusMaxPenalty: decimal(scheme.adjustments.maxPenalty).neg(),
    gradeMins: scheme.grades.map(({ min }) => decimal(min)),
    gradeIndex,
    vetoCaps: new Map(
      scheme.vetoes.map(({ code, capGrade }) => [code, gradeIndex.get(capGrade) ?? 0]),
    ),
  };
}

function decimalOr(text: string | undefined, otherwise: Rational): Rational {
  return text === undefined ? otherwise : decimal(text);
}

function compileIndicator(indicator: Indicator): CompiledIndicator {
  return {
    id: indicator.id,
    weight: decimal(indicator.weight),
    missing: indicator.missing,
    rule: compileRule(indicator),
  };
}

function compileRule(indicator: Indicator): CompiledIndicator['rule'] {
  switch (indicator.source) {
    case 'feedback-calls':
      return compileFeedback(indicator);
    case 'evaluation':
      return compileEvaluation(indicator);
    default:
      return {
        kind: 'measured',
        source: indicator.source,
        formula: compileFormula(indicator.formula),
        defaultTarget:
          indicator.defaultTarget === undefined ? null : decimal(indicator.defaultTarget),
        prorateTarget: indicator.prorateTarget ?? false,
        ...compileTraces(indicator.source === 'work-trace' ? indicator : null),
      };
  }
}

function compileTraces(
  indicator: WorkTraceIndicator | null,
): Pick<CompiledMeasured, 'traceTypes' | 'oncePerCustomerDay'> {
  return {
    traceTypes: new Set(indicator?.traceTypes ?? []),
    oncePerCustomerDay: indicator?.countOnce === 'customer-day',
  };
}

function compileFeedback(indicator: FeedbackCallsIndicator): CompiledFeedback {
  const { shrinkage } = indicator;
  return {
    kind: 'feedback-calls',
    questions: weights(indicator.questions).map(([id, weight]) => ({ id, weight })),
    minimumSample: indicator.minimumSample ?? 1,
    shrinkage: shrinkage
      ? { prior: decimal(shrinkage.prior), strength: decimal(shrinkage.strength) }
      : null,
  };
}

function compileEvaluation(indicator: EvaluationIndicator): CompiledEvaluation {
  return {
    kind: 'evaluation',
    groups: new Map(weights(indicator.raters)),
    minimumPeers: indicator.minimumPeers ?? 1,
    minimumRaterWeight: decimalOr(indicator.minimumRaterWeight, SIXTY),
  };
}

/** A weight of 0 is no weight: what has it is not weighed at all. */
function weights(
  record: Readonly<Record<string, string>>,
): readonly (readonly [string, Rational])[] {
  return Object.entries(record)
    .map(([id, weight]) => [id, decimal(weight)] as const)
    .filter(([, weight]) => weight.n > 0n);
}

function compileFormula(formula: Formula): CompiledFormula {
  switch (formula.type) {
    case 'linear':
      return {
        type: 'linear',
        floor: decimalOr(formula.floor, ZERO),
        cap: decimalOr(formula.cap, HUNDRED),
      };
    case 'bands':
      return {
        type: 'bands',
        onAttainment: formula.on === 'attainment',
        bands: formula.bands.map(({ from, score }) => ({
          from: decimal(from),
          score: decimal(score),
        })),
      };
    case 'deduct':
      return { type: 'deduct', per: decimal(formula.per) };
    case 'inverse':
      return {
        type: 'inverse',
        limit: decimal(formula.limit),
        target: decimal(formula.target),
        floor: decimalOr(formula.floor, ZERO),
        cap: decimalOr(formula.cap, HUNDRED),
      };
    case 'binary':
      return { type: 'binary', threshold: decimal(formula.threshold) };
  }
}
