import { rational } from '#kernel';
import { type CompiledMeasured, compileScheme } from './compiled-scheme.js';
import { countingTraces } from './counting.js';
import { factsInForce } from './facts-in-force.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import {
  formulaScore,
  type IndicatorScore,
  missingScore,
  type ScoringMode,
  targetOf,
} from './indicator-score.js';
import type { Scheme } from './scheme.js';

/**
 * The number of work traces that an indicator counts. Whether one counts depends on itself and on
 * earlier ones of the same customer alone: who follows a period trace by trace may ask about those
 * few, instead of counting all again for each (n² instants read: 60 ms for 250 traces).
 */
export function workTraceCount(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
  indicatorId: string,
): number {
  const { lateLimitHours } = compileScheme(scheme);
  const zone = { timezone: scheme.timezone, lateLimitHours };
  const { rule } = ofWorkTraces(scheme, indicatorId);
  return countingTraces(factsInForce(facts), rule, context, zone).length;
}

/** As `scoreIndicator` of a work-trace indicator whose count is known already. */
export function scoreWorkTraceCount(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
  indicatorId: string,
  count: number,
  mode: ScoringMode = 'publication',
): IndicatorScore {
  const { indicator, rule } = ofWorkTraces(scheme, indicatorId);
  const target = targetOf(indicatorId, rule, context, factsInForce(facts));
  const exact = formulaScore(rule.formula, rational(count), target);
  if (exact === null) return missingScore(indicator, context, mode);
  return { id: indicatorId, how: 'scored', exact };
}

function ofWorkTraces(scheme: Scheme, indicatorId: string) {
  const indicator = compileScheme(scheme).byId.get(indicatorId);
  if (indicator?.rule.kind !== 'measured' || indicator.rule.source !== 'work-trace') {
    throw new RangeError(`${indicatorId} of ${scheme.schemeId} counts no work traces`);
  }
  const rule: CompiledMeasured = indicator.rule;
  return { indicator, rule };
}
