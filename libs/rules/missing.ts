import { ZERO } from '#kernel';
import {
  type CompiledEvaluation,
  type CompiledFeedback,
  type CompiledIndicator,
  type CompiledMeasured,
  compileScheme,
} from './compiled-scheme.js';
import { countingCalls, countingEvaluations } from './counting.js';
import { factsInForce } from './facts-in-force.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { formulaScore, rawValue, scoreOf, targetOf } from './indicator-score.js';
import type { How } from './results.js';
import type { Indicator, Scheme } from './scheme.js';
import { isAssessed } from './scorecard.js';

/** What an indicator lacks; of a scored evaluation too, a group whose weight others carry. */
export type MissingInput =
  | { readonly kind: 'no-metric' }
  | { readonly kind: 'no-target' } // or none that the formula can use
  | { readonly kind: 'too-few-calls'; readonly count: number; readonly needed: number }
  | {
      readonly kind: 'no-rater';
      readonly group: string;
      readonly count: number;
      readonly needed: number;
    };

export type IndicatorGap = {
  readonly indicatorId: string;
  readonly policy: Indicator['missing'];
  readonly how: How; // as it would count if nothing more came
  readonly missing: readonly MissingInput[];
};

/** What is missing of one person's period, by indicator in the scheme's order. */
export function missingInputs(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
): readonly IndicatorGap[] {
  if (!isAssessed(scheme, context)) return [];
  const inForce = factsInForce(facts);
  return compileScheme(scheme).indicators.flatMap((indicator) => {
    const missing = missingOf(scheme, indicator, context, inForce);
    if (missing.length === 0) return [];
    const { how } = scoreOf(scheme, indicator, context, inForce, 'publication');
    return [{ indicatorId: indicator.id, policy: indicator.missing, how, missing }];
  });
}

function missingOf(
  scheme: Scheme,
  { id, rule }: CompiledIndicator,
  context: AssessmentContext,
  inForce: RecordedFacts,
): MissingInput[] {
  switch (rule.kind) {
    case 'measured':
      return missingMeasure(scheme, id, rule, context, inForce);
    case 'feedback-calls':
      return missingCalls(rule, inForce);
    case 'evaluation':
      return missingRaters(id, rule, inForce);
  }
}

function missingMeasure(
  scheme: Scheme,
  id: string,
  rule: CompiledMeasured,
  context: AssessmentContext,
  inForce: RecordedFacts,
): MissingInput[] {
  const actual = rawValue(scheme, id, rule, context, inForce);
  const target = targetOf(id, rule, context, inForce);
  const isUsable = formulaScore(rule.formula, actual ?? ZERO, target) !== null;
  return [
    ...(actual === null ? [{ kind: 'no-metric' } as const] : []),
    ...(isUsable ? [] : [{ kind: 'no-target' } as const]),
  ];
}

function missingCalls(rule: CompiledFeedback, inForce: RecordedFacts): MissingInput[] {
  const count = countingCalls(inForce, rule).length;
  const needed = rule.shrinkage ? 1 : Math.max(1, rule.minimumSample);
  return count < needed ? [{ kind: 'too-few-calls', count, needed }] : [];
}

function missingRaters(
  id: string,
  rule: CompiledEvaluation,
  inForce: RecordedFacts,
): MissingInput[] {
  const present = countingEvaluations(inForce, id, { ...rule, minimumPeers: 0 });
  return [...rule.groups.keys()].flatMap((group) => {
    const count = present.get(group)?.size ?? 0;
    const needed = group === 'peer' ? Math.max(1, rule.minimumPeers) : 1;
    return count < needed ? [{ kind: 'no-rater', group, count, needed } as const] : [];
  });
}
