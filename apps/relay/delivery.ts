import type { Kafka, Producer, ProducerConfig, Transaction } from 'kafkajs';
import type { Lane, PlannedMessage } from './plan.js';
import { part } from './waiting.js';

/**
 * Exactly once with kafkajs 2.2.4 hangs on six rules, numbered as in the specification of payroll
 * and kept where their number stands; decision record 0023 tells what happens without each.
 */
export type Delivery = {
  /** One transaction. After a rejection this delivery is over: close it and open another. */
  readonly deliver: (progress: Keyed, lanes: readonly Lane[]) => Promise<void>;
  /**
   * Aborts what producers under this transactional id have left in these partitions without a
   * marker; a rejection ends this delivery, too.
   */
  readonly abortOpen: (partitions: readonly Place[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** A partition; the topic is named without the prefix. */
export type Place = { readonly topic: string; readonly partition: number };

/** The progress record, where it goes. */
export type Keyed = Place & {
  readonly key: string;
  readonly value: string;
};

export type DeliveryOptions = {
  readonly transactionalId: string;
  readonly topicPrefix: string;
  readonly transactionTimeoutMs: number;
  readonly requestTimeoutMs: number;
};

/** Rule 6. */
export const PRODUCER = {
  // Numbers what is sent, so that a broker that is asked twice writes once.
  idempotent: true,
  // A second request under way could be written although the first one was refused.
  maxInFlightRequests: 1,
  // A topic made by chance would have one partition, one replica and a week of retention.
  allowAutoTopicCreation: false,
  // The partition is chosen before the send: one that nobody chose must not be guessed.
  createPartitioner:
    () =>
    ({ message: { partition } }) => {
      if (partition === undefined) throw new RangeError('a message without a partition');
      return partition;
    },
} as const satisfies ProducerConfig;

/** Rule 6: a leader that answered alone may be gone with what it answered for. */
const ALL_REPLICAS = -1;

/**
 * Rule 4, its first half: takes over from whatever producer had this transactional id. It is
 * `transaction()` that asks for a producer id under the transactional id and so fences the other;
 * `connect()` asks for one without. The transaction is ended at once: it has sent nothing. From
 * here on the progress that is read is the last.
 */
export async function openDelivery(
  kafka: Pick<Kafka, 'producer'>,
  options: DeliveryOptions,
): Promise<Delivery> {
  const { transactionalId, transactionTimeoutMs } = options;
  const producer = kafka.producer({
    ...PRODUCER,
    transactionalId,
    // Rule 5: what a relay left open that nobody takes over holds readers back for this long.
    transactionTimeout: transactionTimeoutMs,
  });
  try {
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.abort();
  } catch (error) {
    await part(producer);
    throw error;
  }
  return deliveryOf(producer, options);
}

function deliveryOf(
  producer: Producer,
  { topicPrefix, requestTimeoutMs, transactionalId }: DeliveryOptions,
): Delivery {
  let isOver = false;
  let underWay: Promise<unknown> = Promise.resolve();
  const begin = async (): Promise<{ transaction: Transaction; send: Send }> => {
    // Rule 3: sequence numbers of a producer that failed are used again for other messages.
    if (isOver) throw new RangeError('a delivery goes on after it has failed');
    isOver = true;
    const transaction = await producer.transaction();
    return { transaction, send: sender(transaction, requestTimeoutMs) };
  };
  const transact: Delivery['deliver'] = async ({ topic, partition, key, value }, lanes) => {
    const { transaction, send } = await begin();
    // Rule 2: the progress record goes first and alone. While the markers of the last transaction
    // are being written the coordinator answers CONCURRENT_TRANSACTIONS; here it meets a send that
    // has nothing beside it and may simply be repeated.
    await send(topicPrefix + topic, [{ key, value, headers: {}, partition }]);
    // Rule 2: all are waited for, also when one has failed; `Promise.all` would leave others
    // under way behind it. Progress is a record and never `sendOffsets`, which has no fencing of
    // a second member here.
    const outcomes = await Promise.allSettled(
      lanes.map((lane) => sendLane(send, topicPrefix, lane)),
    );
    // Rule 3: after a send that failed there is no commit. It would succeed, with what was sent
    // before. The transaction is ended by who takes over.
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    // Rule 3: a commit that fails may have happened; who takes over reads what is true.
    await transaction.commit();
    isOver = false;
  };
  const abortOpen: Delivery['abortOpen'] = async (partitions) => {
    const { transaction, send } = await begin();
    // A partition joins a transaction by a send alone. The record is aborted, as all is that the
    // producer id has before it in that partition: nobody ever sees it.
    for (const { topic, partition } of partitions) {
      await send(topicPrefix + topic, [
        { key: transactionalId, value: null, headers: {}, partition },
      ]);
    }
    await transaction.abort();
    isOver = false;
  };
  const disconnect = (): Promise<void> => part(producer);
  const watched = (work: Promise<void>): Promise<void> => {
    underWay = work.catch(() => undefined);
    return work;
  };
  return {
    deliver: (progress, lanes) => watched(transact(progress, lanes)),
    abortOpen: (partitions) => watched(abortOpen(partitions)),
    close: async () => {
      await disconnect();
      // A send that is still being repeated connects again; nobody would end that connection.
      void underWay.then(disconnect);
    },
  };
}

type Send = (
  topic: string,
  messages: readonly (Omit<PlannedMessage, 'value'> & { value: Buffer | string | null })[],
) => Promise<void>;

const sender =
  (transaction: Pick<Transaction, 'send'>, timeoutMs: number): Send =>
  async (topic, messages) => {
    // Rule 1: one partition a send, given explicitly. A send over several is repeated as a whole
    // for those brokers that have not answered yet when one fails, under new sequence numbers:
    // duplicates inside a committed transaction.
    const [first] = messages;
    if (!first || messages.some(({ partition }) => partition !== first.partition)) {
      throw new RangeError('a send is of one partition');
    }
    await transaction.send({
      topic,
      messages: [...messages],
      acks: ALL_REPLICAS,
      timeout: timeoutMs,
    });
  };

/** Rule 3: one send after the other. A later one written before an earlier one failed is a hole. */
async function sendLane(send: Send, prefix: string, lane: Lane): Promise<void> {
  for (const messages of lane.sends) await send(prefix + lane.topic, messages);
}
