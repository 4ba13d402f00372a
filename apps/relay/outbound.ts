import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { TOPICS } from '#contracts';
import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import type { KafkaSetting, Logger } from '#platform';
import type { Sent } from '#read-models/outgoing';
import { createKafka, REQUEST_TIMEOUT_MS } from './connection.js';
import { errorCodeOf, isFenced, messageOf } from './errors.js';
import { type Lease, LEASE_TIMINGS, type LeaseTimings } from './lease.js';
import { partitionsBy } from './partitions.js';
import { PlanBuilder, type PlanLimits, plansOf, type TransactionPlan } from './plan.js';
import { encodeProgress, type ProgressRecord } from './progress.js';
import { compareSent, type RelaySource } from './source.js';
import {
  type Memory,
  PROGRESS_PARTITION,
  RELAY_NAME,
  type Takeover,
  takeOver,
  type TakeoverOptions,
} from './takeover.js';
import { pause, unlessAborted, within } from './waiting.js';

export type OutboundDeps = {
  readonly source: RelaySource;
  readonly kafka: KafkaSetting;
  /** Waits for leave to be the active relay. */
  readonly takeLease: (name: string, signal: AbortSignal, timings: LeaseTimings) => Promise<Lease>;
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  readonly clock: () => Date;
};

export type OutboundOptions = {
  readonly limits: PlanLimits;
  readonly lease: LeaseTimings;
  readonly requestTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly progressTimeoutMs: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** How long one that was fenced leaves the field to the other. */
  readonly fencedRestMs: number;
  /** Who hears of nothing new looks all the same. */
  readonly idleLookMs: number;
  /** How long a stop waits for the transaction under way. */
  readonly stopMs: number;
};

export const OUTBOUND: OutboundOptions = {
  // Measured with 70,000 lines on one broker: with 5,000 messages a transaction, a fifth slower, as
  // each waits some 30 ms for the markers of the last; with 20,000 no faster. A send is one record
  // batch: below the megabyte that brokers take, and kafkajs groups it in quadratic time.
  limits: { messages: 10_000, bytes: 8_000_000, sendMessages: 1_000, sendBytes: 800_000 },
  lease: LEASE_TIMINGS,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  transactionTimeoutMs: 10_000,
  progressTimeoutMs: 20_000,
  firstRetryMs: 50,
  longestRetryMs: 5_000,
  fencedRestMs: 1_000,
  idleLookMs: 1_000,
  stopMs: 10_000,
};

export type Trouble = { readonly code: string; readonly message: string; readonly at: string };

export type OutboundStatus = {
  /** `refused`: it must not go on and does not try again. */
  readonly role: 'standby' | 'active' | 'refused' | 'stopped';
  readonly sent: Sent | null;
  /** Up to where everything has been delivered; null while that is not known here. */
  readonly deliveredTo: Position | null;
  readonly counts: {
    readonly messages: number;
    readonly transactions: number;
    readonly failedTransactions: number;
    readonly takeovers: number;
  };
  /** What stands in the way just now. */
  readonly trouble: Trouble | null;
};

export type Outbound = {
  readonly status: () => OutboundStatus;
  /** Ends after the transaction under way. */
  readonly stop: () => Promise<void>;
  /** Resolves when the relay must not go on. */
  readonly refused: Promise<DomainError>;
};

/** To go on in spite of these would send again, or leave out. */
const REFUSALS = new Set([
  'relay-progress-unreadable',
  'relay-progress-lost',
  'relay-progress-foreign',
]);
/** A slow cluster gets ever smaller transactions, down to this part of the usual. */
const SMALLEST_SHARE = 1 / 64;

/** Delivers what goes out, while it has the lease; until it is stopped. */
export function startOutbound(deps: OutboundDeps, given: Partial<OutboundOptions> = {}): Outbound {
  return new Runner(deps, { ...OUTBOUND, ...given }).api();
}

/** The transaction failed: this producer is over. */
class DeliveryFailure extends Error {
  override readonly name = 'DeliveryFailure';
}

class Runner {
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  readonly #writer = randomUUID();
  #refuse: (error: DomainError) => void = () => undefined;
  readonly #refused = new Promise<DomainError>((resolve) => (this.#refuse = resolve));
  #role: OutboundStatus['role'] = 'standby';
  #trouble: Trouble | null = null;
  #deliveredTo: Position | null = null;
  #messages = 0;
  #transactions = 0;
  #failed = 0;
  #takeovers = 0;
  #serial = 0;
  #committed: ProgressRecord | null = null;
  #attempted: ProgressRecord | null = null;
  #retryMs: number;
  #share = 1;
  #kafka: Kafka | null = null;
  #current: Takeover | null = null;

  constructor(
    private readonly deps: OutboundDeps,
    private readonly options: OutboundOptions,
  ) {
    this.#retryMs = options.firstRetryMs;
    this.#ended = this.#run();
  }

  api(): Outbound {
    return {
      status: () => this.#status(),
      stop: () => this.#stop(),
      refused: this.#refused,
    };
  }

  #status(): OutboundStatus {
    const isActive = this.#role === 'active';
    return {
      role: this.#role,
      sent: isActive ? (this.#committed?.sent ?? null) : null,
      deliveredTo: isActive ? this.#deliveredTo : null,
      counts: {
        messages: this.#messages,
        transactions: this.#transactions,
        failedTransactions: this.#failed,
        takeovers: this.#takeovers,
      },
      trouble: this.#trouble,
    };
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    const { stopMs } = this.options;
    const ended = await within(
      this.#ended.then(() => true),
      stopMs,
      () => new Error(),
    ).catch(() => false);
    // What does not answer is left behind: its transaction is ended by who takes over.
    if (!ended) await this.#current?.delivery.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#role !== 'refused') {
      try {
        const name = `${this.deps.kafka.topicPrefix}${RELAY_NAME}`;
        const lease = await this.deps.takeLease(name, signal, this.options.lease);
        try {
          await this.#lead(lease);
        } finally {
          lease.release();
        }
      } catch (error) {
        if (!signal.aborted) await this.#rest(error);
      }
    }
    if (this.#role !== 'refused') this.#role = 'stopped';
  }

  /** As the active relay, until the lease is lost, another one has taken over, or the end. */
  async #lead(lease: Lease): Promise<void> {
    const end = AbortSignal.any([this.#stopping.signal, lease.lost]);
    while (!end.aborted) {
      try {
        this.#kafka ??= await this.#connect();
        const taking = takeOver(
          this.#kafka,
          this.deps.source,
          this.#memory(),
          this.#takeoverOptions(end),
        );
        this.#current = await unlessAborted(taking, end, ({ delivery }) => void delivery.close());
        this.#begin(this.#current);
        await this.#deliverAll(this.#current, end);
      } catch (error) {
        if (end.aborted) return;
        if (error instanceof DomainError && REFUSALS.has(error.code)) return this.#end(error);
        await this.#rest(error);
        if (isFenced(error)) return;
      } finally {
        this.#role = this.#role === 'refused' ? 'refused' : 'standby';
        await this.#current?.delivery.close();
        this.#current = null;
      }
    }
  }

  #connect(): Promise<Kafka> {
    const { kafka, logger } = this.deps;
    const clientId = `${kafka.topicPrefix}${RELAY_NAME}`;
    const { requestTimeoutMs } = this.options;
    return createKafka(kafka, { clientId, logger, requestTimeoutMs });
  }

  #memory(): Memory {
    return { committed: this.#committed, attempted: this.#attempted, forget: () => this.#forget() };
  }

  #forget(): void {
    this.#committed = null;
    this.#attempted = null;
  }

  #takeoverOptions(signal: AbortSignal): TakeoverOptions {
    const { requestTimeoutMs, transactionTimeoutMs, progressTimeoutMs } = this.options;
    const { topicPrefix } = this.deps.kafka;
    return { topicPrefix, requestTimeoutMs, transactionTimeoutMs, progressTimeoutMs, signal };
  }

  #begin({ progress, hasAborted }: Takeover): void {
    this.#committed = progress;
    this.#attempted = null;
    // Of a batch it may be the middle: how far everything is delivered shows at the next position.
    this.#deliveredTo = null;
    this.#takeovers += 1;
    this.#role = 'active';
    const { logger } = this.deps;
    if (hasAborted) {
      const code = 'relay-transaction-unended';
      logger.warn({ code }, 'relay aborted a transaction that Kafka had left without end');
    }
    logger.info({ sent: progress?.sent ?? null }, 'relay is active');
  }

  #end(error: DomainError): void {
    const { code, message } = error;
    this.#trouble = { code, message, at: this.deps.clock().toISOString() };
    this.#role = 'refused';
    this.deps.logger.error({ code }, `relay stops: ${message}`);
    this.#refuse(error);
  }

  /** Looks for what is new, delivers it, and waits for more. */
  async #deliverAll({ delivery, partitions }: Takeover, end: AbortSignal): Promise<void> {
    const { source } = this.deps;
    const partitionOf = partitionsBy(partitions);
    const begin = (after: Sent | null): PlanBuilder =>
      new PlanBuilder(this.#limits(), partitionOf, after);
    const moved = listen(source);
    try {
      while (!end.aborted) {
        moved.forget();
        try {
          // Before the look: what is known later may not have been seen by it.
          const scannedTo = await source.scannedTo();
          const after = this.#committed?.sent ?? null;
          const { portion } = PORTION;
          const plans = plansOf(source.messages(after, { signal: end, portion }), after, begin);
          await ahead(plans, end, (plan) => this.#deliver(plan, delivery, partitions));
          if (end.aborted) return;
          const deliveredTo = this.#deliveredTo ?? scannedTo;
          this.#deliveredTo = deliveredTo > scannedTo ? deliveredTo : scannedTo;
          this.#settle();
        } catch (error) {
          if (error instanceof DeliveryFailure) throw error.cause;
          if (end.aborted) return;
          // The database is away: the producer is as good as before.
          await this.#rest(error);
          continue;
        }
        await moved.wait(this.options.idleLookMs, end);
      }
    } finally {
      moved.end();
    }
  }

  async #deliver(
    plan: TransactionPlan,
    { deliver }: Takeover['delivery'],
    partitions: Takeover['partitions'],
  ): Promise<void> {
    const { last, lastMessageId } = plan;
    const before = this.#committed;
    if (before && compareSent(before.sent, last) >= 0) throw new RangeError('progress goes back');
    this.#serial += 1;
    const record: ProgressRecord = {
      version: 1,
      sent: last,
      messageId: lastMessageId,
      writer: this.#writer,
      serial: this.#serial,
      partitions,
    };
    this.#attempted = record;
    const value = encodeProgress(record);
    const place = { topic: TOPICS.progress, partition: PROGRESS_PARTITION, key: RELAY_NAME };
    try {
      // What takes longer has been ended by the coordinator, whatever it is still waiting for.
      const { transactionTimeoutMs } = this.options;
      const delivering = deliver({ ...place, value }, plan.lanes);
      await within(delivering, transactionTimeoutMs, () => tooSlow(transactionTimeoutMs));
    } catch (cause) {
      this.#failed += 1;
      this.#share = Math.max(this.#share / 2, SMALLEST_SHARE);
      throw new DeliveryFailure('a transaction failed', { cause });
    }
    this.#committed = record;
    this.#attempted = null;
    this.#deliveredTo = plan.wholeTo ?? this.#deliveredTo;
    this.#messages += plan.messageCount;
    this.#transactions += 1;
    this.#share = Math.min(this.#share * 2, 1);
    this.#settle();
  }

  #limits(): PlanLimits {
    const { messages, bytes, sendMessages, sendBytes } = this.options.limits;
    const share = (whole: number): number => Math.max(1, Math.floor(whole * this.#share));
    return {
      messages: share(messages),
      bytes: share(bytes),
      sendMessages: share(sendMessages),
      sendBytes: share(sendBytes),
    };
  }

  #settle(): void {
    this.#retryMs = this.options.firstRetryMs;
    if (this.#trouble) this.deps.logger.info({}, 'relay delivers again');
    this.#trouble = null;
  }

  #note(error: unknown): void {
    const code = errorCodeOf(error);
    const message = messageOf(error);
    // Said once, not at every attempt.
    if (this.#trouble?.code !== code) this.deps.logger.warn({ code }, `relay waits: ${message}`);
    this.#trouble = { code, message, at: this.deps.clock().toISOString() };
  }

  async #rest(error: unknown): Promise<void> {
    this.#note(error);
    const waitMs = isFenced(error) ? this.options.fencedRestMs : this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, this.options.longestRetryMs);
    await pause(waitMs, this.#stopping.signal);
  }
}

const tooSlow = (ms: number): DomainError =>
  new DomainError(
    'relay-transaction-timeout',
    { ms },
    `Kafka took longer than ${ms} ms for a transaction`,
  );

const PORTION = { portion: 1_000 } as const;

/** Sends one transaction while the next one is read; no more than those two are in memory. */
async function ahead(
  plans: AsyncGenerator<TransactionPlan, void>,
  end: AbortSignal,
  deliver: (plan: TransactionPlan) => Promise<void>,
): Promise<void> {
  let next = plans.next();
  try {
    for (;;) {
      const { value: plan } = await next;
      if (!plan || end.aborted) return;
      next = plans.next();
      next.catch(() => undefined); // told when it is this one's turn
      await deliver(plan);
    }
  } finally {
    await plans.return().catch(() => undefined);
  }
}

/** Remembers that something moved while nobody waited. */
function listen({ onMoved }: Pick<RelaySource, 'onMoved'>) {
  let hasMoved = false;
  let wake: () => void = () => undefined;
  const end = onMoved(() => {
    hasMoved = true;
    wake();
  });
  return {
    forget: () => void (hasMoved = false),
    /** Until something moves, the time is over, or the signal aborts. */
    wait: (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          wake = () => undefined;
          resolve();
        };
        wake = done;
        const timer = setTimeout(done, ms);
        signal.addEventListener('abort', done, { once: true });
        if (hasMoved || signal.aborted) done();
      }),
    end,
  };
}
