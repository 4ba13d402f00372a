import { createHash } from 'node:crypto';
import type { IHeaders, Kafka, Producer } from 'kafkajs';
import { DEAD_LETTER_HEADERS, TOPICS } from '#contracts';
import { PRODUCER } from '../delivery.js';
import { errorCodeOf } from '../errors.js';
import { part } from '../waiting.js';
import type { InboundMessage } from './record.js';

export { DEAD_LETTER_HEADERS };

export type Fault = { readonly code: string; readonly detail: string };

export type DeadLetters = {
  /**
   * The message as it came, with its origin and what was wrong with it. The same message under the
   * same id, however often: a crash behind it repeats it.
   */
  readonly send: (message: InboundMessage, id: string, fault: Fault) => Promise<void>;
  readonly close: () => Promise<void>;
};

const ALL_REPLICAS = -1;

/**
 * A plain producer under the rules of delivery (0023): idempotent, one send of one message to one
 * partition at a time, and thrown away after a send that failed.
 */
export function openDeadLetters(kafka: Kafka, topicPrefix: string): DeadLetters {
  const topic = topicPrefix + TOPICS.deadLetters;
  let open: Promise<{ producer: Producer; partitionCount: number }> | null = null;

  const connect = async () => {
    const producer = kafka.producer({ ...PRODUCER });
    try {
      await producer.connect();
      return { producer, partitionCount: await partitionCountOf(kafka, topic) };
    } catch (error) {
      await part(producer);
      throw error;
    }
  };
  const close = async (): Promise<void> => {
    const closing = open;
    open = null;
    await closing?.then(({ producer }) => part(producer)).catch(() => undefined);
  };
  const sendOnce = async (message: InboundMessage, headers: IHeaders): Promise<void> => {
    open ??= connect();
    try {
      const { producer, partitionCount } = await open;
      // As in the topic that it comes from: messages of a key stay in their order.
      const partition = message.origin.partition % partitionCount;
      const { key, value } = message;
      await producer.send({
        topic,
        acks: ALL_REPLICAS,
        messages: [{ key, value, headers, partition }],
      });
    } catch (error) {
      await close();
      throw error;
    }
  };

  return {
    send: async (message, id, fault) => {
      const headers = { ...message.headers, ...headersOf(message, id, fault) };
      try {
        await sendOnce(message, headers);
      } catch (error) {
        if (errorCodeOf(error) !== 'MESSAGE_TOO_LARGE' || message.value === null) throw error;
        const sha256 = createHash('sha256').update(message.value).digest('hex');
        const without = { ...message, value: null };
        await sendOnce(without, { ...headers, [DEAD_LETTER_HEADERS.omittedSha256]: sha256 });
      }
    },
    close,
  };
}

function headersOf({ origin }: InboundMessage, id: string, fault: Fault): IHeaders {
  return {
    [DEAD_LETTER_HEADERS.id]: id,
    [DEAD_LETTER_HEADERS.topic]: origin.topic,
    [DEAD_LETTER_HEADERS.partition]: String(origin.partition),
    [DEAD_LETTER_HEADERS.offset]: origin.offset,
    [DEAD_LETTER_HEADERS.code]: fault.code,
    [DEAD_LETTER_HEADERS.detail]: fault.detail,
  };
}

async function partitionCountOf(kafka: Kafka, topic: string): Promise<number> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return Math.max(1, topics[0]?.partitions.length ?? 0);
  } finally {
    await part(admin);
  }
}
