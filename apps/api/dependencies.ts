import type { Engine } from '#commands';
import type { EventStore } from '#event-store';
import type { AccessRecord, Logger, TokenVerifier } from '#platform';
import type { Projections } from '#projections';
import type { Processes } from '#processes/to-do';
import type { TraceLog } from '#read-models/trace';
import type { Relay } from '../relay/index.js';

export type AppendCounts = {
  readonly appended: number; // appends that wrote something
  readonly events: number;
  readonly repeated: number; // appends that found their events in the log
  readonly conflicts: number; // refused by the expected revision
  readonly failed: number;
};

/** What the composition root hands to the API. */
export type ApiSystem = {
  readonly store: EventStore; // personal fields open
  readonly engine: Engine;
  readonly traceLog: TraceLog; // personal fields sealed: a trace needs none
  readonly projections: Projections;
  readonly tokens: TokenVerifier;
  /** Reads of other people and refusals, for the auditor. */
  readonly access: AccessRecord;
  /** The server's clock: when the organisation records what arrives. */
  readonly clock: () => Date;
  /**
   * Of the HMAC that tells a repeated request from another one under the same key, and of the
   * seeds of samples. A secret of the key store: the same whatever the key-encryption key.
   */
  readonly requestKey: Uint8Array;
  /** What this process has asked of the log since its start. */
  readonly appends: AppendCounts;
  /** How long payroll may take to acknowledge a batch before it is reported. */
  readonly acknowledgeWithinHours: number;
  /** Settings of the database that make it slow; one plain line each. */
  readonly settingWarnings: () => Promise<readonly string[]>;
  /** Why projections of this process stand still just now, by name. */
  readonly troubles: () => ReadonlyMap<string, string>;
  /** What goes on by itself in this process: publications, deadlines, … */
  readonly processes: Pick<Processes, 'troubles' | 'overdue' | 'counts' | 'wake'>;
  /** Log ⇄ Kafka in this process; null or left out: none is configured. */
  readonly relay?: Pick<Relay, 'status'> | null;
  readonly logger: Logger;
};

export const API_SYSTEM = Symbol('ApiSystem');
/** Of what a caller may ask (configuration). */
export const API_LIMITS = Symbol('ApiLimits');
