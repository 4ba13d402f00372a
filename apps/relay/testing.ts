import type { Admin, Consumer, Kafka, Producer, ProducerRecord, Transaction } from 'kafkajs';
import type { OutgoingMessage, Topic } from '#contracts';
import type { OutgoingPortion, Sent } from '#read-models/outgoing';
import type { RelaySource } from './source.js';

/** A send that a test lets succeed or fail when it wants to. */
export type PendingSend = ProducerRecord & {
  readonly succeed: () => void;
  readonly fail: (error: Error) => void;
};

export type FakeProducer = {
  /** What was asked, in order: `connect`, `transaction`, `send merit.x/2`, `commit`, … */
  readonly calls: string[];
  readonly configs: object[];
  readonly sends: PendingSend[];
  readonly kafka: Pick<Kafka, 'producer'>;
  /** What the next commits do. */
  commit: () => Promise<void>;
  /** Every send succeeds at once. */
  isWilling: boolean;
};

/** kafkajs as the relay meets it, with the answers that a test gives. */
export function fakeProducer(calls: string[] = []): FakeProducer {
  const fake: FakeProducer = {
    calls,
    configs: [],
    sends: [],
    kafka: {
      producer: (config) => {
        fake.configs.push(config ?? {});
        return producer as Producer;
      },
    },
    commit: () => Promise.resolve(),
    isWilling: false,
  };
  const send = (record: ProducerRecord): Promise<[]> => {
    calls.push(`send ${record.topic}/${record.messages[0]?.partition}`);
    if (fake.isWilling) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      fake.sends.push({ ...record, succeed: () => resolve([]), fail: reject });
    });
  };
  const told = (name: string): Promise<void> => {
    calls.push(name);
    return Promise.resolve();
  };
  const transaction: Pick<Transaction, 'send' | 'commit' | 'abort'> = {
    send,
    abort: () => told('abort'),
    commit: async () => {
      await told('commit');
      await fake.commit();
    },
  };
  const producer: Pick<Producer, 'connect' | 'disconnect' | 'transaction'> = {
    connect: () => told('connect'),
    disconnect: () => told('disconnect'),
    transaction: async () => {
      await told('transaction');
      return transaction as Transaction;
    },
  };
  return fake;
}

/** One fetch of the progress topic: committed records, and the last offset that it covered. */
export type FakeFetch = {
  readonly values: readonly string[];
  readonly lastOffset: number;
  readonly highWatermark?: number; // default: behind the last offset
};

/** A consumer of one partition that gives these fetches, one after the other, after a seek. */
export function fakeConsumer(
  calls: string[],
  configs: object[],
  key: string,
  fetches: readonly FakeFetch[],
): Pick<Kafka, 'consumer'> {
  const topic = { name: '' };
  const listeners = new Map<string, (event: object) => void>();
  let eachBatch: ((payload: object) => Promise<void>) | undefined;
  const give = async (): Promise<void> => {
    for (const { values, lastOffset, highWatermark = lastOffset + 1 } of fetches) {
      const messages = values.map((value) => ({
        key: Buffer.from(key),
        value: Buffer.from(value),
      }));
      await eachBatch?.({ batch: { topic: topic.name, partition: 0, messages } });
      const offsets = { lastOffset: String(lastOffset), highWatermark: String(highWatermark) };
      const payload = { topic: topic.name, partition: 0, ...offsets };
      calls.push(`read to ${lastOffset}`);
      listeners.get('end')?.({ payload });
    }
  };
  const consumer = {
    events: { END_BATCH_PROCESS: 'end', CRASH: 'crash' },
    on: (name: string, listener: (event: object) => void) => void listeners.set(name, listener),
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    subscribe: ({ topics }: { topics: string[] }) => {
      topic.name = topics[0] ?? '';
      return Promise.resolve();
    },
    run: (options: { eachBatch: (payload: object) => Promise<void> }) => {
      ({ eachBatch } = options);
      return Promise.resolve();
    },
    seek: ({ offset }: { offset: string }) => {
      calls.push(`seek ${offset}`);
      setImmediate(() => void give());
    },
  };
  return {
    consumer: (config) => {
      configs.push(config);
      return consumer as unknown as Consumer;
    },
  };
}

/** Offsets of the progress topic. */
export function fakeOffsets(
  calls: string[],
  low: number,
  high: number,
): Pick<Admin, 'fetchTopicOffsets'> {
  return {
    fetchTopicOffsets: () => {
      calls.push('offsets');
      const [from, to] = [String(low), String(high)];
      return Promise.resolve([{ partition: 0, offset: to, low: from, high: to }]);
    },
  };
}

export type SourceMessage = { readonly topic: Topic; readonly key: string; readonly text: string };

/** Messages one a place at one position after the other, and more when a test adds some. */
export function listedSource(messages: SourceMessage[], perPosition = 1): ListedSource {
  const listeners = new Set<() => void>();
  const placeOf = (index: number): Sent => ({
    position: positionOf(Math.floor(index / perPosition)),
    ordinal: index % perPosition,
  });
  const isAfter = (sent: Sent, after: Sent): boolean =>
    sent.position > after.position ||
    (sent.position === after.position && sent.ordinal > after.ordinal);
  const read: RelaySource['messages'] = async function* (after, { portion = 1_000 } = {}) {
    const all = messages.map((_, index) => index);
    const due = after === null ? all : all.filter((index) => isAfter(placeOf(index), after));
    for (let at = 0; at < due.length; at += portion) {
      const part = due.slice(at, at + portion);
      yield portionOf(part.map((index) => outgoing(messages[index], placeOf(index))));
    }
  };
  const head = (): Promise<string> =>
    Promise.resolve(messages.length === 0 ? '' : placeOf(messages.length - 1).position);
  return {
    messages: read,
    head,
    scannedTo: head,
    onMoved: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    add: (...more) => {
      messages.push(...more);
      for (const listener of listeners) listener();
    },
  };
}

export type ListedSource = RelaySource & { readonly add: (...more: SourceMessage[]) => void };

const positionOf = (index: number): string => String(index + 1).padStart(20, '0');

type Placed = { readonly message: OutgoingMessage; readonly sent: Sent };

const portionOf = (placed: readonly Placed[]): OutgoingPortion => ({
  messages: placed.map(({ message }) => message),
  sent: placed.map(({ sent }) => sent),
});

function outgoing(message: SourceMessage | undefined, sent: Sent): Placed {
  if (!message) throw new RangeError('no such message');
  const { topic, key, text } = message;
  const headers = { ce_id: `id-${text}`, ce_position: sent.position };
  return { message: { topic, key, headers, value: JSON.stringify({ text }) }, sent };
}
