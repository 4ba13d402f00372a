import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { TOPICS, type Topic } from '#contracts';
import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import { type Delivery, openDelivery, type Place } from './delivery.js';
import {
  decodeProgress,
  foreign,
  type ProgressRecord,
  requireReadBack,
  requireSameMessage,
  requireWithinLog,
  type Written,
} from './progress.js';
import { readLastCommitted } from './progress-reader.js';
import type { RelaySource } from './source.js';
import { keptPartitions, type PartitionCounts, requireTopics } from './topics.js';
import { part } from './waiting.js';

/** Of the transactional id and of the progress record, after the prefix. */
export const RELAY_NAME = 'merit.relay';

/** The progress topic has one partition: another one would hold another progress. */
export const PROGRESS_PARTITION = 0;

const WRITTEN: readonly Topic[] = [TOPICS.batches, TOPICS.results, TOPICS.tiers, TOPICS.progress];

export type TakeoverOptions = {
  readonly topicPrefix: string;
  readonly requestTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly progressTimeoutMs: number;
  readonly signal: AbortSignal;
};

/** What a relay of this process remembers to have written. */
export type Memory = Written & { readonly forget: () => void };

/** Where a relay that has taken over goes on. */
export type Takeover = {
  readonly delivery: Delivery;
  readonly progress: ProgressRecord | null; // null: nothing has ever been delivered
  readonly partitions: PartitionCounts;
  /** Kafka had left a transaction without its end; its messages go out again. */
  readonly hasAborted: boolean;
};

/**
 * Takes over from whoever was the relay. Errors: DomainError `kafka-topics-unfit`,
 * `relay-progress-unreadable`, `relay-progress-lost`, `relay-progress-foreign`,
 * `relay-progress-ahead`, `relay-progress-timeout`; those of kafkajs and of the source.
 */
export async function takeOver(
  kafka: Pick<Kafka, 'admin' | 'producer' | 'consumer'>,
  source: RelaySource,
  written: Memory,
  options: TakeoverOptions,
): Promise<Takeover> {
  const { topicPrefix, signal, progressTimeoutMs } = options;
  const admin = kafka.admin();
  try {
    await admin.connect();
    const found = await requireTopics(admin, WRITTEN, topicPrefix);
    const transactionalId = topicPrefix + RELAY_NAME;
    // Rule 4: first the other producer is fenced, then the progress is read. Read before, it
    // could move until the fence stands, and what it then speaks of would be sent again.
    const delivery = await openDelivery(kafka, { ...options, transactionalId });
    try {
      const place = {
        topic: topicPrefix + TOPICS.progress,
        partition: PROGRESS_PARTITION,
        key: RELAY_NAME,
        groupId: `${topicPrefix}${RELAY_NAME}.progress-${randomUUID()}`,
      };
      const { value, tail } = await readLastCommitted(kafka, admin, place, {
        signal,
        timeoutMs: progressTimeoutMs,
      });
      const read = value === null ? null : decodeProgress(value);
      const progress = read && (await placedInLog(source, read, signal));
      // Of a transaction without its end Kafka may have told that it is committed. What else this
      // relay wrote is known to it by its place in this log.
      if (tail === 'open') written.forget();
      else requireReadBack(progress, written);
      if (progress && progress === read) await requireOwnLog(source, read, signal);
      const partitions = keptPartitions(found, progress?.partitions ?? null);
      if (tail !== 'ended') await abortOpen(delivery, found);
      return { delivery, progress, partitions, hasAborted: tail === 'open' };
    } catch (error) {
      await delivery.close();
      throw error;
    }
  } finally {
    await part(admin);
  }
}

/**
 * Once fenced, no transaction of a relay is open, and yet one can stand in its partitions without
 * markers: the coordinator of Kafka takes a partition that has no leader for deleted, passes it
 * over and counts the transaction as ended (a cluster that was killed as a whole and starts again);
 * brokers before 3.6 write a send that comes late. Readers would stop there for ever, and the
 * commit of the next transaction would show what lies there beside the same messages sent again.
 */
async function abortOpen(delivery: Delivery, found: PartitionCounts): Promise<void> {
  const partitions = Object.entries(found).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition): Place => ({ topic, partition })),
  );
  await delivery.abortOpen(partitions);
}

/**
 * Of a log that has moved to another store the positions are others, the messages, their ids and
 * their order are not: the last message delivered is looked for by its id. Any other progress as
 * it is.
 */
async function placedInLog(
  source: RelaySource,
  progress: ProgressRecord,
  signal: AbortSignal,
): Promise<ProgressRecord> {
  const head = await source.head();
  const isMoved = shapeOf(progress.sent.position) !== shapeOf(head) && head !== '';
  if (!isMoved) return progress;
  for await (const { messages, sent } of source.messages(null, { signal })) {
    const at = messages.findIndex(({ headers }) => headers['ce_id'] === progress.messageId);
    const place = sent[at];
    if (place) return { ...progress, sent: place };
  }
  // What is not known yet may still be the message.
  requireScanned(await source.scannedTo(), head);
  throw foreign(progress.sent, 'speaks of a message that this log does not have');
}

/** Positions of one store differ in their digits alone. */
const shapeOf = (position: Position): string => position.replaceAll(/\d/g, '0');

/** The last message delivered must be one of this log, at its place. */
async function requireOwnLog(
  source: RelaySource,
  progress: ProgressRecord,
  signal: AbortSignal,
): Promise<void> {
  const { position, ordinal } = progress.sent;
  requireWithinLog(progress, await source.head());
  requireScanned(await source.scannedTo(), position);
  const before = { position, ordinal: ordinal - 1 };
  for await (const { messages, sent } of source.messages(before, { signal, portion: 1 })) {
    const [message, place] = [messages[0], sent[0]];
    if (!message || !place) continue;
    return requireSameMessage(progress, {
      sent: place,
      messageId: message.headers['ce_id'] ?? '',
    });
  }
  requireSameMessage(progress, null);
}

function requireScanned(scannedTo: Position, position: Position): void {
  if (scannedTo >= position) return;
  throw new DomainError(
    'relay-progress-ahead',
    { position, scannedTo },
    `messages were delivered up to ${position}, and what goes out is known up to ` +
      `${scannedTo === '' ? 'nothing' : scannedTo} only: the projection is still being built`,
  );
}
