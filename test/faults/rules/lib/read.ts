/** What a reader of committed messages sees. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ConsumerEndBatchProcessEvent, Kafka } from 'kafkajs';
import { type Cluster, runTool } from '../../../../infra/kafka/index.js';

export type Seen = { readonly partition: number; readonly key: string; readonly value: string };
export type Reading = { readonly seen: readonly Seen[]; readonly isWhole: boolean };

const READ_MS = 20_000;
const END_KEY = 'end';

type Fetched = {
  readonly partition: number;
  readonly messages: readonly {
    readonly offset: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
  }[];
};

type Follow = {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly limitMs: number;
  readonly readUncommitted?: boolean;
  readonly onBatch: (batch: Fetched, end: () => void) => void;
  readonly onEnd?: (event: ConsumerEndBatchProcessEvent, end: () => void) => void;
};

/** Reads from the start until somebody says that this is the end; false: time was over first. */
export async function follow({ kafka, topic, limitMs, ...rest }: Follow): Promise<boolean> {
  const { readUncommitted = false, onBatch, onEnd } = rest;
  const consumer = kafka.consumer({
    groupId: `rules-${randomUUID()}`,
    readUncommitted,
    maxWaitTimeInMs: 100,
    allowAutoTopicCreation: false,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    return await new Promise<boolean>((resolve, reject) => {
      timer = setTimeout(() => resolve(false), limitMs);
      const end = (): void => resolve(true);
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      consumer.on(consumer.events.END_BATCH_PROCESS, (event) => onEnd?.(event, end));
      const eachBatch = async ({ batch }: { readonly batch: Fetched }): Promise<void> =>
        onBatch(batch, end);
      consumer.run({ autoCommit: false, eachBatch }).catch(reject);
    });
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
}

/** A last message for each partition: who reads it has read what was decided before. */
async function appendEnds(kafka: Kafka, topic: string): Promise<string> {
  const admin = kafka.admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  const value = randomUUID();
  const createPartitioner =
    () =>
    ({ message }: { readonly message: { readonly partition?: number } }) =>
      message.partition ?? 0;
  const producer = kafka.producer({ createPartitioner });
  await producer.connect();
  for (const { partitionId } of topics[0]?.partitions ?? []) {
    await producer.send({ topic, messages: [{ key: END_KEY, value, partition: partitionId }] });
  }
  await producer.disconnect();
  return `${topics[0]?.partitions.length ?? 0} ${value}`;
}

export type ReadOptions = {
  readonly limitMs?: number;
  readonly readUncommitted?: boolean;
};

/**
 * Everything up to the present end, in the order of each partition. A message of its own tells the
 * end: a reader of committed messages meets it when every transaction before it is decided.
 */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  { limitMs = READ_MS, readUncommitted }: ReadOptions = {},
): Promise<Reading> {
  const [count, last] = (await appendEnds(kafka, topic)).split(' ');
  let left = Number(count);
  const seen: Seen[] = [];
  const places = new Set<string>();
  const onBatch = ({ partition, messages }: Fetched, end: () => void): void => {
    for (const { key, value, offset } of messages) {
      const place = `${partition}/${offset}`;
      if (places.size === places.add(place).size) continue; // a consumer that began again
      if (String(key) !== END_KEY) {
        seen.push({ partition, key: String(key), value: String(value) });
      } else if (String(value) === last) {
        left -= 1;
      }
    }
    if (left === 0) end();
  };
  const isWhole = await follow({ kafka, topic, limitMs, readUncommitted, onBatch });
  return { seen, isWhole };
}

export async function committed(kafka: Kafka, topic: string): Promise<readonly Seen[]> {
  const { seen, isWhole } = await readTopic(kafka, topic);
  if (!isWhole) throw new Error(`${topic} could not be read to its end`);
  return seen;
}

/** Which of the expected are missing, doubled, and what nobody expected. */
export function compare(
  seen: readonly Seen[],
  expected: readonly string[],
): { readonly missing: number; readonly twice: number; readonly foreign: number } {
  const counts = new Map<string, number>(expected.map((value) => [value, 0]));
  let foreign = 0;
  for (const { value } of seen) {
    const count = counts.get(value);
    if (count === undefined) foreign += 1;
    else counts.set(value, count + 1);
  }
  const all = [...counts.values()];
  return {
    missing: all.filter((count) => count === 0).length,
    twice: all.filter((count) => count > 1).length,
    foreign,
  };
}

/** Where a value stands in the log of the first node, by Kafka's own DumpLogSegments. */
export async function placesOf(
  { dir }: Pick<Cluster, 'dir'>,
  topic: string,
  { partition, value }: Seen,
): Promise<readonly string[]> {
  const segment = join(dir, 'node-1', 'log', `${topic}-${partition}`, `${'0'.repeat(20)}.log`);
  const dump = await runTool('dumpLogSegments', ['--print-data-log', '--files', segment]);
  return dump
    .split('\n')
    .filter((line) => line.includes(value))
    .map((line) => {
      const [, offset] = /offset: (\d+)/.exec(line) ?? [];
      const [, sequence] = /sequence: (\d+)/.exec(line) ?? [];
      return `offset ${offset} with sequence ${sequence}`;
    });
}
