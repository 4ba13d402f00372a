import {
  type BatchLinesProposed,
  type BatchPrepared,
  type BatchSealed,
  bonusBatchStream,
  MAX_LINES_A_PART,
} from '#contexts/bonus-batches';
import { cloudEvent, type OutgoingMessage, ROUTES } from '#contracts';
import type { EventStore, RecordedEvent } from '#event-store';
import { DomainError } from '#kernel';

type Log = Pick<EventStore, 'readStream'>;

/** Every portion of messages is at most this long. */
export const MAX_PORTION = 1_000;

type Sealed = {
  readonly stream: string;
  readonly event: RecordedEvent<BatchSealed['type'], BatchSealed['data']>;
  readonly prepared: BatchPrepared['data'];
  readonly firstRevision: number; // of the sealed generation's first part
  readonly partCount: number;
  readonly areFull: boolean; // all parts but the last
};

/**
 * The messages of one sealed batch in order, from ordinal `from` on: 0 opens it, 1 … n are its
 * lines, n + 1 seals it. The lines are those of the sealed generation, read from the batch's
 * stream a few parts at a time. Errors: DomainError `unknown-batch`, `batch-not-sealed`.
 */
export async function* batchMessages(
  log: Log,
  batchId: string,
  from = 0,
): AsyncGenerator<readonly OutgoingMessage[]> {
  const sealed = await findSealed(log, batchId);
  const { lineCount } = sealed.event.data;
  if (from <= 0) yield [toOpened(sealed)];
  if (from <= lineCount) yield* lineMessages(log, sealed, from);
  if (from <= lineCount + 1) yield [toSealed(sealed)];
}

/** Five parts of at most 200 lines: a portion, and at most 320 KiB of the log at once. */
const PARTS_A_READ = 5;

async function* lineMessages(
  log: Log,
  sealed: Sealed,
  from: number,
): AsyncGenerator<readonly OutgoingMessage[]> {
  const { stream, firstRevision, partCount, event } = sealed;
  // A page from the middle is found without the parts before it.
  const skipped = sealed.areFull ? Math.floor(Math.max(from - 1, 0) / MAX_LINES_A_PART) : 0;
  let ordinal = skipped * MAX_LINES_A_PART;
  for (let part = skipped; part < partCount; part += PARTS_A_READ) {
    const maxCount = Math.min(PARTS_A_READ, partCount - part);
    const messages: OutgoingMessage[] = [];
    for await (const events of log.readStream(stream, {
      fromRevision: firstRevision + part,
      maxCount,
    })) {
      for (const { data } of events as readonly RecordedEvent<
        string,
        BatchLinesProposed['data']
      >[]) {
        for (const line of data.lines) {
          ordinal += 1;
          if (ordinal >= from) messages.push(toLine(sealed, ordinal, line));
        }
      }
    }
    if (messages.length > 0) yield messages;
  }
  if (ordinal === event.data.lineCount) return;
  throw new Error(`${stream}: ${ordinal} lines before a seal over ${event.data.lineCount}`);
}

type Line = BatchLinesProposed['data']['lines'][number];

function toOpened({ event, prepared }: Sealed): OutgoingMessage {
  const { batchId, payPeriod, generation, lineCount } = event.data;
  return cloudEvent({
    ...framed(event, 'org.meritledger.payroll.batch-opened.v1', 0),
    data: {
      batchId,
      payPeriod,
      generation,
      unitScope: prepared.unitIds,
      currency: prepared.currency,
      lineCount,
      replacesBatchId: prepared.replacesBatchId,
    },
  });
}

function toLine({ event }: Sealed, ordinal: number, line: Line): OutgoingMessage {
  const { accountManagerId, period, kind, of, reference, amountMinor, cause, unitId } = line;
  const content = { accountManagerId, period, kind, of, reference, amountMinor, cause, unitId };
  return cloudEvent({
    ...framed(event, 'org.meritledger.payroll.bonus-line.v1', ordinal),
    data: { batchId: event.data.batchId, ordinal, ...content },
  });
}

function toSealed({ event }: Sealed): OutgoingMessage {
  const { batchId, lineCount, sumMinor, sha256, sealedAt } = event.data;
  return cloudEvent({
    ...framed(event, 'org.meritledger.payroll.batch-sealed.v1', lineCount + 1),
    data: { batchId, lineCount, sumMinor, sha256, sealedAt },
  });
}

type BatchType =
  | 'org.meritledger.payroll.batch-opened.v1'
  | 'org.meritledger.payroll.bonus-line.v1'
  | 'org.meritledger.payroll.batch-sealed.v1';

function framed<Type extends BatchType>(event: Sealed['event'], type: Type, ordinal: number) {
  return {
    type,
    topic: ROUTES[type].topic,
    key: event.data.batchId,
    sourceEventId: event.id,
    ordinal,
    time: event.metadata.occurredAt,
    position: event.position,
  };
}

/** All that may stand before the seal in a batch's stream, and none of it behind. */
const BEFORE_SEAL: ReadonlySet<string> = new Set([
  'bonus-batches.BatchLinesProposed.v1',
  'bonus-batches.BatchPrepared.v1',
  'bonus-batches.BatchSuperseded.v1',
  'bonus-batches.BatchApproved.v1',
]);

/**
 * The seal by bisection: before it stand hundreds of parts of 56 KiB, after it may stand a payment
 * for everybody, and a dozen single events find it between them. The preparing closes its parts
 * directly behind the last, which says how many they are.
 */
async function findSealed(log: Log, batchId: string): Promise<Sealed> {
  const stream = bonusBatchStream(batchId);
  const [last] = await eventsOf(log, stream, { direction: 'backward', maxCount: 1 });
  if (!last) throw new DomainError('unknown-batch', { batchId });
  if (BEFORE_SEAL.has(last.type)) throw new DomainError('batch-not-sealed', { batchId });
  let [low, high] = [0, last.revision];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [found] = await eventsOf(log, stream, { fromRevision: middle, maxCount: 1 });
    if (found && BEFORE_SEAL.has(found.type)) low = middle + 1;
    else high = middle;
  }
  const before = await eventsOf(log, stream, {
    direction: 'backward',
    fromRevision: low,
    maxCount: SEALED_TO_LAST_PART,
  });
  const event = before.find(isSealed);
  const prepared = before.find(isPrepared);
  if (!event || !prepared || prepared.data.generation !== event.data.generation) {
    throw new Error(`${stream}: no seal with its preparing at revision ${low}`);
  }
  const closed = before.find(({ revision }) => revision === prepared.revision - 1);
  const { lineCount } = event.data;
  const lastPart = lineCount > 0 && closed && isPart(closed) ? closed.data : null;
  const partCount = lastPart?.part ?? 0;
  // No part holds more lines: if all the others together hold the most, each of them does.
  const inOthers = lineCount - (lastPart?.lines.length ?? 0);
  const areFull = inOthers === (partCount - 1) * MAX_LINES_A_PART;
  const firstRevision = prepared.revision - partCount;
  return { stream, event, prepared: prepared.data, firstRevision, partCount, areFull };
}

/** Sealed, approved, prepared, the last part: nothing else stands between them. */
const SEALED_TO_LAST_PART = 4;

async function eventsOf(
  log: Log,
  stream: string,
  range: Parameters<Log['readStream']>[1],
): Promise<readonly RecordedEvent[]> {
  const found: RecordedEvent[] = [];
  for await (const events of log.readStream(stream, range)) found.push(...events);
  return found;
}

function isSealed(event: RecordedEvent): event is Sealed['event'] {
  return event.type === 'bonus-batches.BatchSealed.v1';
}

function isPrepared(
  event: RecordedEvent,
): event is RecordedEvent<BatchPrepared['type'], BatchPrepared['data']> {
  return event.type === 'bonus-batches.BatchPrepared.v1';
}

function isPart(
  event: RecordedEvent,
): event is RecordedEvent<BatchLinesProposed['type'], BatchLinesProposed['data']> {
  return event.type === 'bonus-batches.BatchLinesProposed.v1';
}
