import { dateOfDay, dayNumber, epochMsOf, localDayNumber } from '#kernel';
import { calendarDays, isWorkday, presentDays } from './calendar.js';
import { type CompiledIndicator, type CompiledMeasured, compileScheme } from './compiled-scheme.js';
import {
  countingCalls,
  countingEvaluations,
  countingTraces,
  isLateTrace,
  latestMetric,
} from './counting.js';
import { factsInForce } from './facts-in-force.js';
import type { AssessmentContext, EvaluationFact, RecordedFacts, TraceFact } from './facts.js';
import type { Scheme } from './scheme.js';

/** Whether a recorded fact counts, and if not, why: as scoring says, in one word each. */
export type Verdict =
  | 'counts'
  | 'struck'
  | 'superseded' // by a later one, of the same rater or indicator
  | 'withdrawn'
  | 'voided'
  | 'not-in-scheme' // no indicator counts facts of this kind, type or rater group
  | 'too-few-peers'
  | 'too-few-calls'
  | 'no-answer'
  | 'not-upheld'
  | 'logged-late'
  | 'not-present' // on a day outside employment or inside an absence
  | 'same-customer-day';

export type Verdicts = {
  readonly metrics: ReadonlyMap<string, Verdict>;
  readonly evaluations: ReadonlyMap<string, Verdict>;
  readonly calls: ReadonlyMap<string, Verdict>;
  readonly traces: ReadonlyMap<string, Verdict>;
  readonly complaints: ReadonlyMap<string, Verdict>;
  readonly adjustments: ReadonlyMap<string, Verdict>;
  readonly vetoes: ReadonlyMap<string, Verdict>;
};

type Asked = {
  readonly scheme: Scheme;
  readonly context: AssessmentContext;
  readonly inForce: RecordedFacts;
  readonly indicators: readonly CompiledIndicator[];
};

/** One verdict for each recorded fact, by record id: scores count the same ones. */
export function verdicts(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
): Verdicts {
  const inForce = factsInForce(facts);
  const { indicators, vetoCaps } = compileScheme(scheme);
  const asked: Asked = { scheme, context, inForce, indicators };
  const metrics = metricVerdict(asked);
  const evaluations = evaluationVerdict(asked);
  const calls = callVerdict(asked);
  const traces = traceVerdict(asked);
  const knowsComplaints = indicators.some(({ rule }) => isMeasured(rule, 'complaints'));
  return {
    metrics: judged(facts.metrics, inForce.metrics, metrics),
    evaluations: judged(facts.evaluations, inForce.evaluations, evaluations),
    calls: judged(facts.calls, inForce.calls, calls),
    traces: judged(facts.traces, inForce.traces, traces),
    complaints: judged(facts.complaints, inForce.complaints, ({ upheld }) => {
      if (!knowsComplaints) return 'not-in-scheme';
      return upheld ? 'counts' : 'not-upheld';
    }),
    adjustments: judged(facts.adjustments, inForce.adjustments, () => 'counts'),
    vetoes: judged(facts.vetoes, inForce.vetoes, ({ code }) =>
      vetoCaps.has(code) ? 'counts' : 'not-in-scheme',
    ),
  };
}

type Recorded = { readonly recordId: string };

function judged<Fact extends Recorded>(
  all: readonly Fact[],
  inForce: readonly Fact[],
  judge: (fact: Fact) => Verdict,
): ReadonlyMap<string, Verdict> {
  const found = new Map<string, Verdict>(all.map(({ recordId }) => [recordId, 'struck']));
  for (const fact of inForce) found.set(fact.recordId, judge(fact));
  return found;
}

const isMeasured = (
  rule: CompiledIndicator['rule'],
  source: CompiledMeasured['source'],
): rule is CompiledMeasured => rule.kind === 'measured' && rule.source === source;

const idsOf = (facts: Iterable<Recorded>): ReadonlySet<string> =>
  new Set(Array.from(facts, ({ recordId }) => recordId));

function metricVerdict({ inForce, indicators }: Asked) {
  const measured = indicators.filter(({ rule }) => isMeasured(rule, 'metric'));
  const counting = new Map(measured.map(({ id }) => [id, latestMetric(inForce, id)?.recordId]));
  return ({ recordId, indicatorId }: RecordedFacts['metrics'][number]): Verdict => {
    if (!counting.has(indicatorId)) return 'not-in-scheme';
    return counting.get(indicatorId) === recordId ? 'counts' : 'superseded';
  };
}

function evaluationVerdict({ inForce, indicators }: Asked) {
  const rules = new Map(
    indicators.flatMap(({ id, rule }) => {
      if (rule.kind !== 'evaluation') return [];
      const byGroup = countingEvaluations(inForce, id, rule);
      const counting = idsOf([...byGroup.values()].flatMap((raters) => [...raters.values()]));
      return [[id, { rule, byGroup, counting }] as const];
    }),
  );
  return ({ recordId, indicatorId, raterGroup, withdrawn }: EvaluationFact): Verdict => {
    const known = rules.get(indicatorId);
    if (withdrawn) return 'withdrawn';
    if (!known?.rule.groups.has(raterGroup)) return 'not-in-scheme';
    if (known.counting.has(recordId)) return 'counts';
    return known.byGroup.has(raterGroup) ? 'superseded' : 'too-few-peers';
  };
}

function callVerdict({ inForce, indicators }: Asked) {
  const rules = indicators.flatMap(({ rule }) => (rule.kind === 'feedback-calls' ? [rule] : []));
  const answered = rules.map((rule) => ({ rule, ids: idsOf(countingCalls(inForce, rule)) }));
  return ({ recordId }: Recorded): Verdict => {
    if (rules.length === 0) return 'not-in-scheme';
    const ofThese = answered.filter(({ ids }) => ids.has(recordId));
    if (ofThese.length === 0) return 'no-answer';
    const suffices = ofThese.some(
      ({ rule, ids }) => rule.shrinkage !== null || ids.size >= rule.minimumSample,
    );
    return suffices ? 'counts' : 'too-few-calls';
  };
}

function traceVerdict({ scheme, context, inForce, indicators }: Asked) {
  const { lateLimitHours } = compileScheme(scheme);
  const { timezone } = scheme;
  const rules = indicators.flatMap(({ rule }) => (isMeasured(rule, 'work-trace') ? [rule] : []));
  const counting = idsOf(
    rules.flatMap((rule) => [
      ...countingTraces(inForce, rule, context, { timezone, lateLimitHours }),
    ]),
  );
  const present = presentDays(context);
  return (trace: TraceFact): Verdict => {
    if (trace.voided) return 'voided';
    if (counting.has(trace.recordId)) return 'counts';
    if (!rules.some(({ traceTypes }) => traceTypes.has(trace.type))) return 'not-in-scheme';
    if (isLateTrace(trace, lateLimitHours)) return 'logged-late';
    const day = localDayNumber(epochMsOf(trace.occurredAt), timezone);
    const isPresent = day >= present.first && day <= present.last && !present.absent(day);
    return isPresent ? 'same-customer-day' : 'not-present';
  };
}

/** The work traces that one indicator counts, each with its local day. */
export function countedTraceDays(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
  indicatorId: string,
): readonly { readonly recordId: string; readonly on: string }[] {
  const { byId, lateLimitHours } = compileScheme(scheme);
  const rule = byId.get(indicatorId)?.rule;
  if (!rule || !isMeasured(rule, 'work-trace')) return [];
  const zone = { timezone: scheme.timezone, lateLimitHours };
  const counting = countingTraces(factsInForce(facts), rule, context, zone);
  return counting.map(({ recordId, occurredAt }) => ({
    recordId,
    on: dateOfDay(localDayNumber(epochMsOf(occurredAt), scheme.timezone)),
  }));
}

/** The eligible workdays of a person's period, in order. */
export function eligibleWorkdays(context: AssessmentContext): readonly string[] {
  const present = presentDays(context);
  const exceptions = calendarDays(context.calendar);
  const days: string[] = [];
  const last = Math.min(present.last, dayNumber(context.lastDay));
  for (let day = present.first; day <= last; day += 1) {
    const date = dateOfDay(day);
    if (!present.absent(day) && isWorkday(date, exceptions)) days.push(date);
  }
  return days;
}
