import { DomainError } from '#kernel';
import type { Position } from '#event-store';
import type { Sent } from '#read-models/outgoing';
import { compareSent } from './source.js';

/**
 * The relay's progress record: the value under the relay's name in the compacted progress topic,
 * written in the same transaction as the messages that it speaks of.
 */
export type ProgressRecord = {
  readonly version: 1;
  readonly sent: Sent; // the last message of the transaction
  readonly messageId: string; // its ce_id, by which the log is known again
  readonly writer: string; // the takeover that wrote it
  readonly serial: number; // counts the transactions of that takeover, from 1
  /** Partitions that each topic's keys are spread over, by the topic's name without prefix. */
  readonly partitions: Readonly<Record<string, number>>;
};

export function encodeProgress(record: ProgressRecord): string {
  const { version, sent, messageId, writer, serial, partitions } = record;
  const { position, ordinal } = sent;
  return JSON.stringify({
    version,
    sent: { position, ordinal },
    messageId,
    writer,
    serial,
    partitions,
  });
}

/** Error: DomainError `relay-progress-unreadable`; to go on without it would send all again. */
export function decodeProgress(text: string): ProgressRecord {
  const unreadable = (): DomainError =>
    new DomainError(
      'relay-progress-unreadable',
      {},
      'the progress record of the relay cannot be read: written by a newer version, or by others',
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable();
  }
  if (!isRecord(value)) throw unreadable();
  return value;
}

function isRecord(value: unknown): value is ProgressRecord {
  if (!isObject(value) || !isObject(value['sent']) || !isObject(value['partitions'])) return false;
  const { position, ordinal } = value['sent'];
  return (
    value['version'] === 1 &&
    typeof position === 'string' &&
    isCount(ordinal) &&
    typeof value['messageId'] === 'string' &&
    typeof value['writer'] === 'string' &&
    isCount(value['serial']) &&
    Object.values(value['partitions']).every((count) => isCount(count) && count > 0)
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** What a relay of this process wrote last: committed for certain, and of unknown outcome. */
export type Written = {
  readonly committed: ProgressRecord | null;
  readonly attempted: ProgressRecord | null;
};

/**
 * The counterpart of the check at writing: a record that this process wrote is read back as it was
 * written, and never an older one. Another relay's record is only known not to lie behind.
 */
export function requireReadBack(
  read: ProgressRecord | null,
  { committed, attempted }: Written,
): void {
  const known = [attempted, committed].filter((record) => record !== null);
  const own = known.find(({ writer }) => writer === read?.writer);
  if (own && read) {
    const texts = known.map(encodeProgress);
    if (texts.includes(encodeProgress(read))) return;
    throw lost('is not as it was written', read.sent, own.sent);
  }
  if (!committed) return;
  if (!read) throw lost('is gone', null, committed.sent);
  if (compareSent(read.sent, committed.sent) < 0)
    throw lost('has gone back', read.sent, committed.sent);
}

function lost(what: string, read: Sent | null, written: Sent): DomainError {
  return new DomainError(
    'relay-progress-lost',
    { read, written },
    `the progress record of the relay ${what}: the progress topic must be compacted and acks kept`,
  );
}

/** Error: DomainError `relay-progress-foreign`: to go on would send again, or leave out. */
export function requireWithinLog({ sent }: ProgressRecord, head: Position): void {
  if (sent.position <= head) return;
  throw foreign(sent, `lies beyond the log, which ends at ${head === '' ? 'its start' : head}`);
}

/** What was delivered last must be what the log says of that place. */
export function requireSameMessage(
  { sent, messageId }: ProgressRecord,
  found: { readonly sent: Sent; readonly messageId: string } | null,
): void {
  const isSame =
    found !== null && compareSent(found.sent, sent) === 0 && found.messageId === messageId;
  if (!isSame) throw foreign(sent, 'speaks of a message that this log does not have');
}

export function foreign(sent: Sent, what: string): DomainError {
  return new DomainError(
    'relay-progress-foreign',
    { position: sent.position, ordinal: sent.ordinal },
    `the progress record in Kafka ${what}: this is another database or a restored backup; ` +
      'give it a KAFKA_TOPIC_PREFIX of its own',
  );
}
