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
  /** Of a request under a caller's key; its last event answers it for ever. */
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
    correlationId: envelope.correlationId ?? envelope.commandId,
    causationId: envelope.causationId ?? envelope.commandId,
    schemaVersion: 1,
  };
  const { requestHmac, commandId } = envelope;
  // A caller chooses the key: never may it be the id of a command of our own.
  const intent = requestHmac === undefined ? commandId : nameBasedId('request', commandId);
  const answering = requestHmac === undefined ? metadata : { ...metadata, requestHmac };
  return events.map((event, ordinal) => ({
    id: eventId(recordOf(event), intent, ordinal),
    type: event.type,
    data: event.data,
    metadata: ordinal === events.length - 1 ? answering : metadata,
  }));
}

function eventId(record: RecordReference | null, commandId: string, ordinal: number): string {
  if (record === null) return nameBasedId('command', commandId, ordinal);
  const { kind, recordId, first } = record;
  return first
    ? firstRecordEventId(kind, recordId)
    : nameBasedId('record', kind, recordId, commandId);
}
