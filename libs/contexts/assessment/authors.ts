import type { AssessmentStreamEvent } from './facts.js';

/** An event of the stream with who acted; `onBehalfOf` names an importer or a delegate. */
export type ActedEvent = AssessmentStreamEvent & {
  readonly metadata?: { readonly actor: { readonly id: string; readonly onBehalfOf?: string } };
};

/**
 * Everybody who made or changed one of the records: whom the record names (rater, grantedBy) and
 * who acted in its events. None of them may review an appeal that disputes it. The actor alone is
 * taken, not on whose behalf: an importer of rows is the author of none.
 */
export function authorsOf(
  events: Iterable<ActedEvent>,
  recordIds: readonly string[],
): ReadonlySet<string> {
  const wanted = new Set(recordIds);
  const authors = new Set<string>();
  for (const event of events) {
    const recordId = recordIdOf(event);
    if (recordId === null || !wanted.has(recordId)) continue;
    if (event.metadata) authors.add(event.metadata.actor.id);
    if ('raterId' in event.data) authors.add(event.data.raterId);
    if ('grantedBy' in event.data) authors.add(event.data.grantedBy);
  }
  return authors;
}

function recordIdOf({ type, data }: AssessmentStreamEvent): string | null {
  switch (type) {
    case 'metrics.MetricRecorded.v1':
      return data.recordId;
    case 'evaluations.EvaluationSubmitted.v1':
    case 'evaluations.EvaluationAmended.v1':
    case 'evaluations.EvaluationWithdrawn.v1':
      return data.evaluationId;
    case 'feedback-calls.FeedbackCallCompleted.v1':
    case 'feedback-calls.FeedbackCallRefused.v1':
    case 'feedback-calls.FeedbackCallUnreachable.v1':
      return data.callId;
    case 'work-traces.WorkTraceLogged.v1':
    case 'work-traces.WorkTraceVoided.v1':
      return data.traceId;
    case 'conduct.AdjustmentGranted.v1':
      return data.adjustmentId;
    case 'conduct.VetoRecorded.v1':
      return data.vetoId;
    case 'conduct.ComplaintDecided.v1':
      return data.complaintId;
    case 'conduct.AwardGranted.v1':
      return data.awardId;
    case 'conduct.SalesCredited.v1':
    case 'conduct.SalesReturned.v1':
      return data.creditId;
    default:
      return null;
  }
}
