import { type EachBatchPayload, Kafka, type KafkaMessage, logLevel, Partitioners } from 'kafkajs';
import { TOPICS } from '#contracts';
import { kafkaLog } from '#platform/kafka-log';
import { type Acknowledgement, toRecord } from './acknowledgements.js';
import type { ReceivedMessage } from './batch-reader.js';
import type { Intake, Tell } from './intake.js';
import type { KafkaSettings } from './settings.js';

/**
 * Kafka may be away for as long as it likes: the consumer begins again after these. Any other error
 * ends the process, and whoever supervises it starts it.
 */
const RETRY = { initialRetryTime: 100, maxRetryTime: 10_000, retries: 10 };

export function connectKafka(
  { brokers, ssl, sasl }: KafkaSettings,
  say: (line: string) => void,
): Kafka {
  return new Kafka({
    clientId: 'payroll-consumer',
    brokers: [...brokers],
    ssl,
    ...(sasl === null ? {} : { sasl }),
    retry: RETRY,
    ...kafkaLog(logLevel.ERROR, ({ log: { message } }) => say(`Kafka: ${message}`)),
  });
}

/**
 * A plain producer: a send whose answer was lost is sent again, and the ledger takes the second
 * one for what its id says it is, a repeat.
 */
export async function openTelling(
  kafka: Kafka,
  { topicPrefix }: KafkaSettings,
): Promise<{ readonly tell: Tell; readonly close: () => Promise<void> }> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const topic = `${topicPrefix}${TOPICS.acknowledgements}`;
  const tell = async (answers: readonly Acknowledgement[]): Promise<void> => {
    await producer.send({ topic, acks: -1, messages: answers.map(toRecord) });
  };
  return { tell, close: () => producer.disconnect() };
}

export type Following = {
  /** Rejects when following has ended for good by an error. */
  readonly failed: Promise<never>;
  readonly stop: () => Promise<void>;
};

/** How long Kafka waits for one that was killed before it gives its partitions to the next. */
const SESSION_MS = 10_000;
/** Deciding a large batch takes longer than a session lasts between two portions. */
const HEARTBEAT_MS = 2_000;
const FETCH_BYTES = 4 * 1024 * 1024;

/** Reads the topic of batches from where it was left, each partition in order. */
export async function follow(
  kafka: Kafka,
  { topicPrefix, group }: KafkaSettings & { readonly group: string },
  intake: Intake,
  say: (line: string) => void,
): Promise<Following> {
  const consumer = kafka.consumer({
    groupId: `${topicPrefix}${group}`,
    // What a relay wrote and did not commit is no message: never read uncommitted ones.
    readUncommitted: false,
    allowAutoTopicCreation: false,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: HEARTBEAT_MS,
    maxBytesPerPartition: FETCH_BYTES,
    retry: RETRY,
  });
  const failed = new Promise<never>((_, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) reject(error);
    });
  });
  failed.catch(() => undefined); // whoever waits for it is told
  await consumer.connect();
  // A group that has read nothing yet begins with the oldest message.
  await consumer.subscribe({ topic: `${topicPrefix}${TOPICS.batches}`, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 1,
    eachBatch: (payload) => takeFetched(payload, intake, say),
  });
  return { failed, stop: () => consumer.disconnect() };
}

const PORTION = 2_000;

/** The offset is committed when what was read is on the disk: a crash in between reads it again. */
export async function takeFetched(
  { batch, heartbeat, resolveOffset, uncommittedOffsets, ...payload }: EachBatchPayload,
  intake: Intake,
  say: (line: string) => void,
): Promise<void> {
  const { messages } = batch;
  // What a heartbeat has to tell is told by the next one that is waited for.
  const beat = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_MS);
  try {
    for (let from = 0; from < messages.length && payload.isRunning(); from += PORTION) {
      const portion = messages.slice(from, from + PORTION);
      const received = portion.flatMap((message) => {
        const one = toReceived(message);
        if (one === null) say(`${batch.partition}/${message.offset}: without a key, left aside`);
        return one ?? [];
      });
      await intake.take(received);
      resolveOffset(portion.at(-1)?.offset ?? batch.lastOffset());
      await heartbeat();
    }
  } finally {
    clearInterval(beat);
  }
  await payload.commitOffsetsIfNecessary(uncommittedOffsets());
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null for a message without a key, which is of no batch. */
export function toReceived({ key, headers, value }: KafkaMessage): ReceivedMessage | null {
  const batchId = textOf(key);
  if (batchId === null || batchId === '') return null;
  const texts = Object.entries(headers ?? {}).map(([name, header]) => [
    name,
    // One header given twice says nothing that could be relied on.
    Array.isArray(header) ? '' : (textOf(header) ?? ''),
  ]);
  const named = Object.fromEntries(texts) as Record<string, string>;
  return { key: batchId, headers: named, value: textOf(value) };
}

/** Null where there is none, and for bytes that are no UTF-8. */
function textOf(bytes: Buffer | string | null | undefined): string | null {
  if (bytes === null || bytes === undefined || typeof bytes === 'string') return bytes ?? null;
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}
