import type { Engine } from '#commands';
import type { DomainError } from '#kernel';
import type { Logger } from '#platform';
import { type InboundOptions, type InboundStatus, startInbound } from './inbound/index.js';
import {
  type OutboundDeps,
  type OutboundOptions,
  type OutboundStatus,
  startOutbound,
} from './outbound.js';

export type { RelaySource } from './source.js';
export type { OutboundStatus, Trouble } from './outbound.js';
export type { InboundStatus } from './inbound/index.js';
export { takeLease } from './lease.js';

export type RelayDeps = OutboundDeps & {
  /** What takes the answers of payroll; left out, they stay in Kafka. */
  readonly engine?: Engine;
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
};
export type RelayOptions = {
  readonly outbound?: Partial<OutboundOptions>;
  readonly inbound?: Partial<InboundOptions>;
};

export type RelayStatus = {
  readonly outbound: OutboundStatus;
  readonly inbound: InboundStatus | null; // null: this relay only delivers
};

export type Relay = {
  readonly status: () => RelayStatus;
  /** Ends after what is under way. */
  readonly stop: () => Promise<void>;
  /** Resolves when the relay must not go on: its progress is not that of this log. */
  readonly refused: Promise<DomainError>;
};

/** Log ⇄ Kafka, in this process, until it is stopped. Nothing here rejects: see the status. */
export function startRelay(deps: RelayDeps, options: RelayOptions = {}): Relay {
  const outbound = startOutbound(deps, options.outbound);
  const { engine, kafka, clock, logger } = deps;
  // Without the lease: the group divides the answers, and each is taken once whoever reads it.
  const inbound = engine ? startInbound({ engine, kafka, clock, logger }, options.inbound) : null;
  return {
    status: () => ({ outbound: outbound.status(), inbound: inbound?.status() ?? null }),
    stop: async () => {
      await Promise.all([outbound.stop(), inbound?.stop()]);
    },
    refused: outbound.refused,
  };
}
