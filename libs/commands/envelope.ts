import { type DomainEvent, nameBasedId, type RecordKind, type RecordReference } from '#kernel';
import type { Actor, NewEvent } from '#event-store';

/** What surrounds a command: who, when, and by which intent (events.md: metadata v1). */
export type Envelope = {
  readonly commandId: string;
  readonly actor: Actor;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly correlationId?: string; // default: the command's id
  readonly causationId?: string; // default: the command's id
  readonly requestHmac?: string;
};

/**
 * The id of the event that first records a record: the same for every writer, whatever its stream.
 */
export function firstRecordEventId(kind: RecordKind, recordId: string): string {
  return nameBasedId('record', kind, recordId);
}

/**
 * Gives decided events their ids and metadata. The ids follow from the command, so that a repeated
 * append is recognised by the log; that of a record's first event follows from the record alone,
 * so that the log's unique ids refuse a second use of it in any stream.
 */
export function toNewEvents<Event extends DomainEvent>(
  events: readonly Event[],
  envelope: Envelope,
  recordOf: (event: Event) => RecordReference | null,
): NewEvent[] {
  const metadata = {
    occurredAt: envelope.occurredAt,
    recordedAt: envelope.recordedAt,
    actor: envelope.actor,
    commandId: envelope.commandId,
    ...(envelope.requestHmac === undefined ? {} : { requestHmac: envelope.requestHmac }),
    correlationId: envelope.correlationId ?? envelope.commandId,
    causationId: envelope.causationId ?? envelope.commandId,
    schemaVersion: 1,
  };
  return events.map((event, ordinal) => ({
    id: eventId(recordOf(event), envelope.commandId, ordinal),
    type: event.type,
    data: event.data,
    metadata,
  }));
}

function eventId(record: RecordReference | null, commandId: string, ordinal: number): string {
  if (record === null) return nameBasedId('command', commandId, ordinal);
  const { kind, recordId, first } = record;
  return first
    ? firstRecordEventId(kind, recordId)
    : nameBasedId('record', kind, recordId, commandId);
}
