/** kafkajs as it is: with its own defaults, or as the six rules want it. */
import kafkajs, {
  type Kafka,
  type KafkaConfig,
  type Message,
  type Producer,
  type ProducerConfig,
  type RetryOptions,
  type Transaction,
} from 'kafkajs';
import type { Wire } from './wire.js';

/** Rule 5. All five are given: kafkajs has other defaults where NODE_ENV is `test`. */
export const QUICK: RetryOptions = {
  initialRetryTime: 20,
  maxRetryTime: 1_000,
  factor: 0.2,
  multiplier: 2,
  retries: 9,
};
/** What kafkajs does when nothing is said. */
export const DEFAULTS: RetryOptions = {
  initialRetryTime: 300,
  maxRetryTime: 30_000,
  factor: 0.2,
  multiplier: 2,
  retries: 5,
};

export type Heard = Map<string, number>; // what the broker refused, by its words

export type ClientOptions = {
  readonly brokers: readonly string[];
  readonly retry?: RetryOptions;
  readonly wire?: Wire;
  readonly heard?: Heard;
  readonly config?: Partial<KafkaConfig>;
};

export function clientOf({ brokers, retry, wire, heard, config }: ClientOptions): Kafka {
  return new kafkajs.Kafka({
    brokers: [...brokers],
    retry: retry ?? QUICK,
    ...(wire ? { socketFactory: wire.socketFactory } : {}),
    logLevel: kafkajs.logLevel.ERROR,
    logCreator: () => (entry) => {
      const { error } = entry.log as { readonly error?: unknown };
      if (typeof error === 'string') heard?.set(error, (heard.get(error) ?? 0) + 1);
    },
    ...config,
  });
}

/** Rule 6, and a time-out of rule 5. */
const SAFE: ProducerConfig = {
  idempotent: true,
  maxInFlightRequests: 1,
  allowAutoTopicCreation: false,
  createPartitioner:
    () =>
    ({ message }) =>
      message.partition ?? 0,
  transactionTimeout: 10_000,
};

export async function connectProducer(
  kafka: Kafka,
  transactionalId: string,
  options: ProducerConfig = {},
): Promise<Producer> {
  const producer = kafka.producer({ ...SAFE, transactionalId, ...options });
  await producer.connect();
  return producer;
}

/** Ends a producer that something has gone wrong with, without waiting for it. */
export const throwAway = (producer: Producer): void =>
  void producer.disconnect().catch(() => undefined);

export type Lane = {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly Message[];
};

/** Rules 1 to 3: one partition a send, all awaited; the first failure is the whole's. */
export async function sendLanes(
  transaction: Pick<Transaction, 'send'>,
  lanes: readonly Lane[],
): Promise<void> {
  const sent = await Promise.allSettled(
    lanes.map(({ topic, partition, messages }) =>
      transaction.send({ topic, messages: messages.map((one) => ({ ...one, partition })) }),
    ),
  );
  const failed = sent.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Rule 2: the progress record goes first and alone. */
export const sendProgress = (
  transaction: Pick<Transaction, 'send'>,
  topic: string,
  value: string,
): Promise<unknown> =>
  transaction.send({ topic, messages: [{ key: 'relay', value, partition: 0 }] });

export const CONCURRENT = /concurrent operation on the same transaction/;
export const countOf = (heard: Heard, words: RegExp): number =>
  [...heard].reduce((sum, [text, count]) => sum + (words.test(text) ? count : 0), 0);

/** The words of an error and of those inside it. */
export function wordsOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const type = error instanceof Object && 'type' in error ? String(error.type) : '';
  const words = error instanceof Error ? error.message : String(error);
  return [type, words, cause === undefined ? '' : wordsOf(cause)].filter(Boolean).join(': ');
}
