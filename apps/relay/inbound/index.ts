import type { Engine } from '#commands';
import type { KafkaSetting, Logger } from '#platform';
import { createKafka } from '../connection.js';
import { errorCodeOf, messageOf } from '../errors.js';
import { pause } from '../waiting.js';
import { openDeadLetters } from './dead-letters.js';
import { KeyStandings } from './key-standings.js';
import { consume, type SessionOptions } from './session.js';
import type { Taken } from './take.js';

export { DEAD_LETTER_HEADERS } from './dead-letters.js';

export type InboundDeps = {
  readonly engine: Engine;
  readonly kafka: KafkaSetting;
  readonly clock: () => Date;
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
};

export type InboundOptions = Omit<SessionOptions, 'topicPrefix'>;

export const INBOUND: InboundOptions = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 1_000,
  firstRetryMs: 100,
  longestRetryMs: 5_000,
  replayLookMs: 1_000,
};

export type InboundStatus = {
  /** Messages by what became of them, since the start. */
  readonly counts: Readonly<Record<Taken, number>>;
  /** What stands in the way just now. */
  readonly trouble: { readonly code: string; readonly message: string; readonly at: string } | null;
};

export type Inbound = {
  readonly status: () => InboundStatus;
  /** Ends after the message under way, and leaves the group. */
  readonly stop: () => Promise<void>;
};

/**
 * What payroll answers, from Kafka into the log, until it is stopped. Nothing here rejects: see
 * the status. Two of them share the partitions, and may both take one message: the log keeps it
 * once.
 */
export function startInbound(deps: InboundDeps, given: Partial<InboundOptions> = {}): Inbound {
  const options = { ...INBOUND, ...given };
  const stopping = new AbortController();
  const counts = {
    taken: 0,
    repeated: 0,
    refused: 0,
    unreadable: 0,
    'set-aside': 0,
    skipped: 0,
  } satisfies Record<Taken, number>;
  let trouble: InboundStatus['trouble'] = null;
  const onTrouble = (error: unknown): void => {
    const at = deps.clock().toISOString();
    trouble = error === null ? null : { code: errorCodeOf(error), message: messageOf(error), at };
  };

  const session = async (): Promise<void> => {
    const { topicPrefix } = deps.kafka;
    const kafka = await createKafka(deps.kafka, {
      clientId: `${topicPrefix}merit-relay-acks`,
      logger: deps.logger,
    });
    const deadLetters = openDeadLetters(kafka, topicPrefix);
    const standings = new KeyStandings(deps.engine.store);
    const note = (taken: Taken): void => void (counts[taken] += 1);
    try {
      await consume(
        { ...deps, kafka, deadLetters, standings, note, onTrouble },
        { ...options, topicPrefix },
        stopping.signal,
      );
    } finally {
      await deadLetters.close();
    }
  };

  const supervise = async (): Promise<void> => {
    let waitMs = options.firstRetryMs;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      try {
        await session();
      } catch (error) {
        onTrouble(error);
        deps.logger.warn({ err: error }, 'the answers of payroll are not being read');
      }
      if (Date.now() - startedAt > options.sessionTimeoutMs) waitMs = options.firstRetryMs;
      await pause(waitMs, stopping.signal);
      waitMs = Math.min(waitMs * 2, options.longestRetryMs);
    }
  };

  const ended = supervise();
  return {
    status: () => ({ counts: { ...counts }, trouble }),
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}
