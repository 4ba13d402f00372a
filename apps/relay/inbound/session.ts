import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { TOPICS } from '#contracts';
import { type Replay, replaysDue } from '#read-models/payroll-inbox';
import { part, pause } from '../waiting.js';
import { RETRY } from '../connection.js';
import { identityOf, type InboundMessage } from './record.js';
import { giveUp, type TakeDeps, type Taken, takeFirst } from './take.js';

export type SessionOptions = {
  readonly topicPrefix: string;
  /** A relay that died holds its partitions for so long. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  readonly replayLookMs: number;
};

export type SessionDeps = TakeDeps & {
  readonly kafka: Kafka;
  readonly note: (taken: Taken) => void;
  /** Null: nothing stands in the way any more. */
  readonly onTrouble: (error: unknown) => void;
};

const MAX_BYTES_PER_PARTITION = 1_048_576;
const MAX_BYTES = 4_194_304;
const MAX_WAIT_MS = 500;
const COMMIT_EVERY = 100;
const MAX_TOGETHER = 200;

/**
 * One consumer from its start to its end: by `signal`, or rejecting with what it fell over. The
 * group divides the partitions, so that a second relay takes over what this one lets go.
 */
export async function consume(
  deps: SessionDeps,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<void> {
  const topic = options.topicPrefix + TOPICS.acknowledgements;
  const groupId = groupOf(options.topicPrefix);
  const consumer = deps.kafka.consumer({
    groupId,
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: options.heartbeatMs,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    maxBytes: MAX_BYTES,
    maxWaitTimeInMs: MAX_WAIT_MS,
    readUncommitted: false,
    allowAutoTopicCreation: false,
    // One way of starting again: ours, with its backoff, for whatever the error is called.
    retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
  });
  const ending = new AbortController();
  const crashed = new Promise<never>((_, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  });
  crashed.catch(() => undefined); // also when it falls over while it is being ended
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    // One session among many while Kafka is away: its listener goes with it.
    signal.addEventListener('abort', () => resolve(), { once: true, signal: ending.signal });
  });
  const partitions = new Partitions({ deps, options, topic, signal, consumer });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    partitions.assign(payload.memberAssignment[topic] ?? []);
  });
  try {
    await consumer.connect();
    // From the first message on: what was taken before is told by its id.
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const run = consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => partitions.take(payload),
    });
    await Promise.race([run, crashed, stopped]);
    const replaying = partitions.replay(groupId, ending.signal);
    try {
      await Promise.race([crashed, stopped]);
    } finally {
      ending.abort();
      await replaying;
    }
  } finally {
    ending.abort();
    partitions.end();
    await part(consumer);
  }
}

export const groupOf = (topicPrefix: string): string => `${topicPrefix}merit.relay.acks`;

type Parts = {
  readonly deps: SessionDeps;
  readonly options: SessionOptions;
  readonly topic: string;
  readonly signal: AbortSignal;
  readonly consumer: Pick<Consumer, 'seek'>;
};

/** Messages from a place on that share its key, and may go into one append. */
function sameKey(messages: readonly InboundMessage[], from: number): readonly InboundMessage[] {
  const most = Math.min(messages.length, from + MAX_TOGETHER);
  const key = messages[from]?.key ?? null;
  let to = from + 1;
  while (to < most && isSame(messages[to]?.key ?? null, key)) to += 1;
  return messages.slice(from, to);
}

const isSame = (a: Buffer | null, b: Buffer | null): boolean =>
  a === null || b === null ? a === b : a.equals(b);

class Partitions {
  readonly #parts: Parts;
  #assigned: readonly number[] = [];
  /** Where each partition goes on, as far as this session has been. */
  readonly #next = new Map<number, bigint>();
  /** Sought and not met so far. */
  readonly #sought = new Map<number, Replay>();
  #isEnding = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  assign(partitions: readonly number[]): void {
    this.#parts.deps.onTrouble(null);
    this.#assigned = partitions;
    this.#next.clear();
    this.#sought.clear();
  }

  end(): void {
    this.#isEnding = true;
  }

  /** In their order; what is not resolved comes again. */
  async take(payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, commitOffsetsIfNecessary, heartbeat } = payload;
    const { topic, partition } = batch;
    let uncommitted: bigint | null = null;
    const commit = async (): Promise<void> => {
      if (uncommitted === null) return;
      const offset = String(uncommitted);
      uncommitted = null;
      await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
    };
    let count = 0;
    const messages = batch.messages.map(({ offset, key, value, headers = {} }) => {
      return { origin: { topic, partition, offset }, key, value, headers };
    });
    for (let at = 0; at < messages.length;) {
      // Sought elsewhere, or ended: what was fetched ahead is not for now.
      if (payload.isStale() || !payload.isRunning() || this.#hasEnded()) break;
      const done = await this.#insist(sameKey(messages, at), heartbeat);
      // Sought while it was being taken: the place is that of the seek.
      if (done === 0 || payload.isStale()) break;
      at += done;
      const { offset } = (messages[at - 1] as InboundMessage).origin;
      resolveOffset(offset);
      uncommitted = BigInt(offset) + 1n;
      this.#next.set(partition, uncommitted);
      count += done;
      if (count >= COMMIT_EVERY) {
        await commit();
        count = 0;
      }
      await heartbeat();
    }
    await commit();
  }

  #hasEnded(): boolean {
    return this.#isEnding || this.#parts.signal.aborted;
  }

  /**
   * Until the first of the messages are done, so many: none when the session ends before.
   * Heartbeats go on meanwhile.
   */
  async #insist(
    messages: readonly InboundMessage[],
    heartbeat: () => Promise<void>,
  ): Promise<number> {
    const { deps, options, signal } = this.#parts;
    const lost = new AbortController();
    let cause: unknown = null;
    const beat = setInterval(() => {
      heartbeat().catch((error: unknown) => {
        cause = error;
        lost.abort();
      });
    }, options.heartbeatMs);
    const over = AbortSignal.any([signal, lost.signal]);
    try {
      for (let waitMs = options.firstRetryMs; !over.aborted;) {
        try {
          await this.#meet(messages);
          const taken = await takeFirst(deps, messages);
          for (const each of taken) deps.note(each);
          deps.onTrouble(null);
          return taken.length;
        } catch (error) {
          deps.onTrouble(error);
          const origin = messages[0]?.origin;
          deps.logger.warn({ origin, err: error }, 'a message of payroll has to wait');
        }
        await pause(waitMs, over);
        waitMs = Math.min(waitMs * 2, options.longestRetryMs);
      }
      // The group has moved on: whoever has the partition now takes the message.
      if (lost.signal.aborted) throw cause;
      return 0;
    } finally {
      clearInterval(beat);
    }
  }

  /** The first message behind a seek is the one that was sought, or that one is gone. */
  async #meet([message]: readonly InboundMessage[]): Promise<void> {
    const partition = message?.origin.partition ?? -1;
    const sought = this.#sought.get(partition);
    if (!sought || !message) return;
    if (identityOf(message).inboxId !== sought.inboxId) await giveUp(this.#parts.deps, sought);
    this.#sought.delete(partition);
  }

  /** Looks for released keys whose messages wait, as long as the session lasts. */
  async replay(groupId: string, over: AbortSignal): Promise<void> {
    const { deps, options } = this.#parts;
    while (!over.aborted) {
      try {
        await this.#seekReplays(groupId);
      } catch (error) {
        deps.logger.warn({ err: error }, 'released messages have to wait');
      }
      await pause(options.replayLookMs, over);
    }
  }

  async #seekReplays(groupId: string): Promise<void> {
    const { deps, topic, consumer } = this.#parts;
    const { engine } = deps;
    const assigned = this.#assigned;
    if (assigned.length === 0) return;
    const due = await engine.readModels.at(await engine.log.head(), ['payroll-inbox'], (sql) =>
      replaysDue(sql, topic),
    );
    const mine = due.filter(({ partition }) => assigned.includes(partition));
    if (mine.length === 0) return;
    const committed = await committedOffsets(deps.kafka, groupId, topic);
    if (assigned !== this.#assigned) return; // divided anew meanwhile
    for (const replay of mine) {
      const { partition, offset } = replay;
      const next = this.#next.get(partition) ?? committed.get(partition) ?? 0n;
      // What lies ahead is met anyway: forward nothing may be passed over.
      if (this.#sought.has(partition) || BigInt(offset) >= next) continue;
      this.#sought.set(partition, replay);
      this.#next.set(partition, BigInt(offset));
      consumer.seek({ topic, partition, offset });
      deps.logger.info({ partition, offset }, 'messages of a released key are read again');
    }
  }
}

async function committedOffsets(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, bigint>> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const found = await admin.fetchOffsets({ groupId, topics: [topic] });
    return new Map(
      found.flatMap(({ partitions }) =>
        partitions.map(({ partition, offset }) => [partition, BigInt(offset)] as const),
      ),
    );
  } finally {
    await part(admin);
  }
}
