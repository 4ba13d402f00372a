import type { Admin, Kafka } from 'kafkajs';
import { DomainError } from '#kernel';
import { part, within } from './waiting.js';

export type ProgressPlace = {
  readonly topic: string; // with prefix
  readonly partition: number;
  readonly key: string;
  /** A group of this one reading: in a shared one the partition could go to another member. */
  readonly groupId: string;
};

/** What the progress topic says up to its end. */
export type ReadProgress = {
  readonly value: string | null; // the last committed record; null: none
  /**
   * `open`: behind what is committed lies something without its marker. `unknown`: nothing is
   * committed, so that nothing was read that would tell.
   */
  readonly tail: 'ended' | 'open' | 'unknown';
};

export type ReadOptions = {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
};

/**
 * The topic is read from near its end, and from further back only if nothing is found there:
 * compaction keeps the last record of a key, but a week of records may lie before it.
 */
const FIRST_STRETCH = 100n;
const STRETCH_GROWTH = 50n;
const FETCH_WAIT_MS = 100;
const SESSION_TIMEOUT_MS = 10_000;

/**
 * The last committed record under a key. Only after the producer that wrote it has been fenced is
 * this the last one for good (rule 4). Error: DomainError `relay-progress-timeout`.
 */
export async function readLastCommitted(
  kafka: Pick<Kafka, 'consumer'>,
  admin: Pick<Admin, 'fetchTopicOffsets'>,
  place: ProgressPlace,
  options: ReadOptions,
): Promise<ReadProgress> {
  const offsets = await admin.fetchTopicOffsets(place.topic);
  const own = offsets.find(({ partition }) => partition === place.partition);
  // The end is that of what is committed or aborted: kafkajs asks for the last stable offset.
  const [low, end] = [BigInt(own?.low ?? 0), BigInt(own?.high ?? 0)];
  const others = offsets.filter(({ partition }) => partition !== place.partition);
  for (let stretch = FIRST_STRETCH; ; stretch *= STRETCH_GROWTH) {
    const from = end - stretch > low ? end - stretch : low;
    if (from >= end) return { value: null, tail: 'unknown' };
    const starts = [
      { partition: place.partition, offset: String(from) },
      ...others.map(({ partition, high }) => ({ partition, offset: high })),
    ];
    const found = await readStretch(kafka, place, { starts, end, ...options });
    if (found.value !== null || from === low) return found;
  }
}

type Stretch = ReadOptions & {
  readonly starts: readonly { readonly partition: number; readonly offset: string }[];
  readonly end: bigint; // not included
};

async function readStretch(
  kafka: Pick<Kafka, 'consumer'>,
  { topic, partition, key, groupId }: ProgressPlace,
  { starts, end, signal, timeoutMs }: Stretch,
): Promise<ReadProgress> {
  const consumer = kafka.consumer({
    groupId,
    // Rule 4: what a transaction left open or aborted is nothing that has been delivered.
    readUncommitted: false,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    sessionTimeout: SESSION_TIMEOUT_MS,
  });
  let last: string | null = null;
  const read = new AbortController();
  const reachedEnd = new Promise<ReadProgress['tail']>((resolve, reject) => {
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.topic !== topic || payload.partition !== partition) return;
      // Rule 4: the end is `lastOffset`. A transaction's marker takes an offset and is shown to
      // nobody: who waits for a message at the last offset waits for ever.
      const next = BigInt(payload.lastOffset) + 1n;
      if (next >= end) resolve(next < BigInt(payload.highWatermark) ? 'open' : 'ended');
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      // One that begins again by itself met a coordinator that was only just starting.
      if (!payload.restart) reject(payload.error);
    });
    // One reading among many while Kafka is away: its listener goes with it.
    const until = { once: true, signal: read.signal };
    signal.addEventListener('abort', () => reject(signal.reason), until);
  });
  reachedEnd.catch(() => undefined); // also when nobody has come to wait for it yet
  const start = async (): Promise<void> => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        if (batch.partition !== partition) return Promise.resolve();
        for (const message of batch.messages) {
          if (message.key?.toString() === key) last = message.value?.toString() ?? null;
        }
        return Promise.resolve();
      },
    });
    for (const place of starts) consumer.seek({ topic, ...place });
  };
  try {
    const late = () => tooLate(timeoutMs);
    const [, tail] = await within(Promise.all([start(), reachedEnd]), timeoutMs, late);
    return { value: last, tail };
  } finally {
    read.abort();
    await part(consumer);
  }
}

const tooLate = (timeoutMs: number): DomainError =>
  new DomainError(
    'relay-progress-timeout',
    { timeoutMs },
    `the progress topic could not be read to its end within ${timeoutMs} ms`,
  );
