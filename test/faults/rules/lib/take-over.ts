import type { Kafka, Producer } from 'kafkajs';
import { connectProducer } from './client.js';
import { follow, type Reading, type Seen } from './read.js';

export type TakenOver = {
  readonly producer: Producer;
  readonly progress: string | null; // the last record committed
};

const READ_MS = 20_000;

export type EndsBy = 'lastOffset of a batch' | 'offset of a message';

/**
 * One partition to its end. `fetchTopicOffsets` tells the last stable offset. What stands before it
 * may be a marker, which takes an offset and is no message: the last offset of a batch counts it.
 */
export async function readToEnd(
  kafka: Kafka,
  topic: string,
  endsBy: EndsBy = 'lastOffset of a batch',
  limitMs = READ_MS,
): Promise<Reading> {
  const admin = kafka.admin();
  await admin.connect();
  const [offsets] = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const last = BigInt(offsets?.high ?? 0) - 1n;
  const seen: Seen[] = [];
  if (last < 0n) return { seen, isWhole: true };
  const isWhole = await follow({
    kafka,
    topic,
    limitMs,
    onBatch: ({ partition, messages }, end) => {
      for (const { key, value, offset } of messages) {
        seen.push({ partition, key: String(key), value: String(value) });
        if (endsBy === 'offset of a message' && BigInt(offset) >= last) end();
      }
    },
    onEnd: ({ payload }, end) => {
      if (endsBy === 'lastOffset of a batch' && BigInt(payload.lastOffset) >= last) end();
    },
  });
  return { seen, isWhole };
}

export async function readProgress(kafka: Kafka, topic: string): Promise<string | null> {
  const { seen, isWhole } = await readToEnd(kafka, topic);
  if (!isWhole) throw new Error(`${topic} could not be read to its end`);
  return seen.at(-1)?.value ?? null;
}

/**
 * Rule 4: `transaction()` fences who was there before and ends its transaction, `abort()` gives the
 * one just begun back; only then is the progress record read, up to the end.
 */
export async function takeOver(
  kafka: Kafka,
  transactionalId: string,
  progressTopic: string,
): Promise<TakenOver> {
  const producer = await connectProducer(kafka, transactionalId);
  const fencing = await producer.transaction();
  await fencing.abort();
  return { producer, progress: await readProgress(kafka, progressTopic) };
}
