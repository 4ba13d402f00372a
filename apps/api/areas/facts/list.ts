import type { AssessmentStreamEvent } from '#contexts/assessment';
import type { Actor, RecordedEvent } from '#event-store';
import type { RecordKind } from '#kernel';
import { isAssessed, type Verdict, type Verdicts, verdicts } from '#rules';
import type { RecordedPeriod } from './reading.js';

export type FactKind = Exclude<RecordKind, 'complaint' | 'appeal' | 'payroll-message'> | 'goal';

export const FACT_KINDS: readonly FactKind[] = [
  'goal',
  'metric',
  'evaluation',
  'feedback-call',
  'work-trace',
  'complaint-decision',
  'adjustment',
  'veto',
  'award',
  'sales-credit',
];

/** A recorded fact with its event, and whether it counts. */
export type ListedFact = {
  readonly eventId: string;
  readonly position: string;
  readonly revision: number;
  readonly type: string;
  readonly kind: FactKind;
  readonly recordId: string | null; // null: goals are no records
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly actor: Actor;
  readonly data: object;
  /** Null where a change is told (amended, withdrawn, voided): its record says what counts. */
  readonly counts: boolean | null;
  readonly why: Verdict | 'outside-cohort' | 'not-completed' | 'sale-struck' | null;
  readonly struck: boolean;
  /** The value that a decision put in its place. */
  readonly replacedBy: string | null;
};

type Named = { readonly kind: FactKind; readonly recordId: string | null; readonly first: boolean };

/** Everything recorded of the period, in order; with the verdict of the scheme that applies. */
export function listFacts({ events, state, facts, assessed }: RecordedPeriod): ListedFact[] {
  const judged = assessed ? verdicts(assessed.scheme, assessed.context, facts) : null;
  const lastGoals = new Map<string, string>();
  for (const event of events) {
    if (event.type !== 'metrics.GoalSet.v1') continue;
    lastGoals.set((event.data as { indicatorId: string }).indicatorId, event.id);
  }
  const replaced = new Map<string, string>();
  for (const correction of state.corrections) {
    if (correction.type === 'replace') replaced.set(correction.recordId, correction.value);
    if (correction.type === 'strike') replaced.delete(correction.recordId);
  }
  const struckSales = new Set(
    state.creditsFrozen?.returns.flatMap(({ creditId, originalStruck }) =>
      originalStruck ? [creditId] : [],
    ) ?? [],
  );
  return events.flatMap((event) => {
    const named = nameOf(event as unknown as AssessmentStreamEvent);
    if (!named) return [];
    const { kind, recordId, first } = named;
    const struck = recordId !== null && state.struck.has(recordId);
    const why = first ? whyOf({ event, named, struck, judged, lastGoals, struckSales }) : null;
    const { id: eventId, position, revision, type, data, metadata } = event;
    const { occurredAt, recordedAt, actor } = metadata;
    return {
      eventId,
      position,
      revision,
      type,
      kind,
      recordId,
      occurredAt,
      recordedAt,
      actor,
      data,
      counts: why === null ? null : why === 'counts',
      why,
      struck,
      replacedBy: recordId === null ? null : (replaced.get(recordId) ?? null),
    };
  });
}

/** Is the person assessed at all, or too few days there? Null: outside the cohort. */
export function isAssessedIn({ assessed }: RecordedPeriod): boolean | null {
  return assessed ? isAssessed(assessed.scheme, assessed.context) : null;
}

type Judging = {
  readonly event: RecordedEvent;
  readonly named: Named;
  readonly struck: boolean;
  readonly judged: Verdicts | null;
  readonly lastGoals: ReadonlyMap<string, string>;
  readonly struckSales: ReadonlySet<string>;
};

function whyOf({ event, named, struck, judged, lastGoals, struckSales }: Judging) {
  const { kind } = named;
  const recordId = named.recordId ?? '';
  // A seller may have left: what is paid by the piece asks no cohort.
  if (kind === 'award' || kind === 'sales-credit') {
    if (struck) return 'struck';
    return struckSales.has(recordId) ? 'sale-struck' : 'counts';
  }
  if (!judged) return 'outside-cohort';
  switch (kind) {
    case 'goal': {
      const { indicatorId } = event.data as { indicatorId: string };
      return lastGoals.get(indicatorId) === event.id ? 'counts' : 'superseded';
    }
    case 'metric':
      return judged.metrics.get(recordId) ?? null;
    case 'evaluation':
      return judged.evaluations.get(recordId) ?? null;
    case 'feedback-call':
      return judged.calls.get(recordId) ?? 'not-completed';
    case 'work-trace':
      return judged.traces.get(recordId) ?? null;
    case 'complaint-decision':
      return judged.complaints.get(recordId) ?? null;
    case 'adjustment':
      return judged.adjustments.get(recordId) ?? null;
    case 'veto':
      return judged.vetoes.get(recordId) ?? null;
  }
}

function nameOf({ type, data }: AssessmentStreamEvent): Named | null {
  switch (type) {
    case 'metrics.GoalSet.v1':
      return { kind: 'goal', recordId: null, first: true };
    case 'metrics.MetricRecorded.v1':
      return { kind: 'metric', recordId: data.recordId, first: true };
    case 'evaluations.EvaluationSubmitted.v1':
      return { kind: 'evaluation', recordId: data.evaluationId, first: true };
    case 'evaluations.EvaluationAmended.v1':
    case 'evaluations.EvaluationWithdrawn.v1':
      return { kind: 'evaluation', recordId: data.evaluationId, first: false };
    case 'feedback-calls.FeedbackCallCompleted.v1':
    case 'feedback-calls.FeedbackCallRefused.v1':
    case 'feedback-calls.FeedbackCallUnreachable.v1':
      return { kind: 'feedback-call', recordId: data.callId, first: true };
    case 'work-traces.WorkTraceLogged.v1':
      return { kind: 'work-trace', recordId: data.traceId, first: true };
    case 'work-traces.WorkTraceVoided.v1':
      return { kind: 'work-trace', recordId: data.traceId, first: false };
    case 'conduct.ComplaintDecided.v1':
      return { kind: 'complaint-decision', recordId: data.complaintId, first: true };
    case 'conduct.AdjustmentGranted.v1':
      return { kind: 'adjustment', recordId: data.adjustmentId, first: true };
    case 'conduct.VetoRecorded.v1':
      return { kind: 'veto', recordId: data.vetoId, first: true };
    case 'conduct.AwardGranted.v1':
      return { kind: 'award', recordId: data.awardId, first: true };
    case 'conduct.SalesCredited.v1':
    case 'conduct.SalesReturned.v1':
      return { kind: 'sales-credit', recordId: data.creditId, first: true };
    default:
      return null;
  }
}
