import type { RecordedEvent } from '#event-store';
import { parseAssessmentStream } from '#kernel';
import type { Caller, Role } from '#platform';

/** Stands where raters' identities and customers' answers would. */
export const HIDDEN = '[hidden]';

const SEES_RATERS: ReadonlySet<Role> = new Set(['office', 'auditor', 'reviewer']);

/**
 * raters' identities and customers' answers stay hidden from the subject, whatever else the subject
 * is, and from whoever only manages the subject.
 */
export function hidesRaters({ id, roles }: Caller, accountManagerId: string): boolean {
  return id === accountManagerId || !roles.some((role) => SEES_RATERS.has(role));
}

/** Fields by event type that tell who rated, what was rated, and what customers said. */
const HIDDEN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'evaluations.EvaluationSubmitted.v1': ['raterId', 'score', 'comment'],
  'evaluations.EvaluationAmended.v1': ['score', 'comment'],
  'evaluations.EvaluationWithdrawn.v1': ['reason'],
  'feedback-calls.FeedbackCallCompleted.v1': ['customerId', 'answers', 'comment'],
  'feedback-calls.FeedbackCallRefused.v1': ['customerId', 'comment'],
  'feedback-calls.FeedbackCallUnreachable.v1': ['customerId', 'comment'],
  'assessment.ResultPublished.v1': ['ceilings'], // the last holder's figures are another's
  'assessment.ResultCorrected.v1': ['ceilings'],
};

export const hidesActor = (type: string): boolean => type.startsWith('evaluations.');

type Hideable = Pick<RecordedEvent, 'type' | 'stream' | 'data' | 'metadata'>;

/** The subject's own self-evaluation is no secret to the subject. */
const isOwnRating = ({ stream, metadata }: Hideable): boolean =>
  metadata.actor.id === parseAssessmentStream(stream)?.accountManagerId;

/** The event as somebody may see it from whom raters and answers are hidden. */
export function withoutRaters<Event extends Hideable>(event: Event): Event {
  if (event.type.startsWith('evaluations.') && isOwnRating(event)) return event;
  const { metadata } = event;
  const fields = HIDDEN_FIELDS[event.type] ?? [];
  const data = Object.fromEntries(
    Object.entries(event.data).map(([name, value]) => [
      name,
      fields.includes(name) ? HIDDEN : (value as unknown),
    ]),
  );
  if (!hidesActor(event.type)) return { ...event, data };
  const actor = { id: HIDDEN, role: metadata.actor.role };
  // Ids of commands are the callers' own texts and may name them.
  const ids = { commandId: HIDDEN, correlationId: HIDDEN, causationId: HIDDEN };
  return { ...event, data, metadata: { ...metadata, ...ids, actor } };
}
