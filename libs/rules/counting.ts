import {
  compareInstants,
  dayNumber,
  type ExactInstant,
  exactInstant,
  localDayNumber,
} from '#kernel';
import { presentDays } from './calendar.js';
import type { CompiledEvaluation, CompiledFeedback, CompiledMeasured } from './compiled-scheme.js';
import type {
  AssessmentContext,
  CallFact,
  EvaluationFact,
  MetricFact,
  RecordedFacts,
  TraceFact,
} from './facts.js';

/** Which of the facts in force an indicator counts. Scores and explanations ask the same. */

const HOUR_MS = 3_600_000;

/** The latest actual by `recordedAt`; of equal times the later recorded. */
export function latestMetric(facts: RecordedFacts, indicatorId: string): MetricFact | null {
  let latest: MetricFact | null = null;
  for (const metric of facts.metrics) {
    if (metric.indicatorId !== indicatorId) continue;
    if (latest === null || compareInstants(metric.recordedAt, latest.recordedAt) >= 0) {
      latest = metric;
    }
  }
  return latest;
}

/**
 * The latest score of each rater, by group; a withdrawn one lets the rater's earlier one count.
 * Groups that the indicator does not weigh are left out, and so are peers below `minimumPeers`.
 */
export function countingEvaluations(
  facts: RecordedFacts,
  indicatorId: string,
  rule: CompiledEvaluation,
): ReadonlyMap<string, ReadonlyMap<string, EvaluationFact>> {
  const byGroup = new Map<string, Map<string, EvaluationFact>>();
  for (const evaluation of facts.evaluations) {
    const { raterGroup, raterId } = evaluation;
    if (evaluation.indicatorId !== indicatorId || evaluation.withdrawn) continue;
    if (!rule.groups.has(raterGroup)) continue;
    let group = byGroup.get(raterGroup);
    if (!group) byGroup.set(raterGroup, (group = new Map()));
    const earlier = group.get(raterId);
    if (!earlier || compareInstants(evaluation.submittedAt, earlier.submittedAt) >= 0) {
      group.set(raterId, evaluation);
    }
  }
  const peers = byGroup.get('peer');
  if (peers && peers.size < rule.minimumPeers) byGroup.delete('peer');
  return byGroup;
}

/** Completed calls with an answer to a question of the indicator. */
export function countingCalls(facts: RecordedFacts, rule: CompiledFeedback): readonly CallFact[] {
  return facts.calls.filter(({ answers }) =>
    rule.questions.some(({ id }) => Object.hasOwn(answers, id)),
  );
}

/**
 * Valid traces of the indicator's types on present days, logged in time. With
 * `countOnce: customer-day` the first of a customer's local day stands for the others; a trace
 * without a customer is nobody's repetition and counts by itself.
 */
export function countingTraces(
  facts: RecordedFacts,
  rule: CompiledMeasured,
  context: AssessmentContext,
  zone: { readonly timezone: string; readonly lateLimitHours: number },
): readonly TraceFact[] {
  if (facts.traces.length === 0) return [];
  const present = presentDays(context);
  const limitMs = zone.lateLimitHours * HOUR_MS;
  const firstDay = dayNumber(context.firstDay);
  const customersByDay: (Set<string> | undefined)[] = [];
  const counting: TraceFact[] = [];
  for (const trace of facts.traces) {
    if (trace.voided || !rule.traceTypes.has(trace.type)) continue;
    const occurred = exactInstant(trace.occurredAt);
    if (isLoggedLate(occurred, exactInstant(trace.loggedAt), limitMs)) continue;
    const day = localDayNumber(occurred.epochMs, zone.timezone);
    if (day < present.first || day > present.last || present.absent(day)) continue;
    if (rule.oncePerCustomerDay && trace.customerId !== null) {
      const customers = (customersByDay[day - firstDay] ??= new Set());
      if (customers.has(trace.customerId)) continue;
      customers.add(trace.customerId);
    }
    counting.push(trace);
  }
  return counting;
}

/** Exactly the limit is in time, also to the nanosecond. */
function isLoggedLate(occurred: ExactInstant, logged: ExactInstant, limitMs: number): boolean {
  const delayMs = logged.epochMs - occurred.epochMs;
  return delayMs > limitMs || (delayMs === limitMs && logged.nanos > occurred.nanos);
}

/** Was it logged later than the scheme allows? Such a trace is kept and does not count. */
export function isLateTrace(trace: TraceFact, lateLimitHours: number): boolean {
  const { occurredAt, loggedAt } = trace;
  return isLoggedLate(exactInstant(occurredAt), exactInstant(loggedAt), lateLimitHours * HOUR_MS);
}
