import type { DomainError } from '#kernel';
import {
  type OutboundDeps,
  type OutboundOptions,
  type OutboundStatus,
  startOutbound,
} from './outbound.js';

export type { RelaySource } from './source.js';
export type { OutboundStatus, Trouble } from './outbound.js';
export { takeLease } from './lease.js';

export type RelayDeps = OutboundDeps;
export type RelayOptions = { readonly outbound?: Partial<OutboundOptions> };

export type RelayStatus = { readonly outbound: OutboundStatus };

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
  return {
    status: () => ({ outbound: outbound.status() }),
    stop: () => outbound.stop(),
    refused: outbound.refused,
  };
}
