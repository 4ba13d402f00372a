/** What one process of a benchmark is told to do, and what it answers. All of it is JSON. */
import type { ContestantName } from '../contestants/index.js';
import type { Database } from './server.js';

/**
 * `new`: every event a new stream, expected `none`. `hot`: four streams, expected `any`.
 * `mixed`: every other caller of the one and of the other kind.
 */
export type StreamChoice = 'new' | 'hot' | 'mixed';

export type AppendTask = {
  readonly kind: 'append';
  readonly contestant: ContestantName;
  readonly database: Database;
  readonly callers: number;
  /** Events of one call: 64 for the raw insert, which stands for 64 callers that wait. */
  readonly eventsPerCall: number;
  readonly poolSize: number;
  readonly streams: StreamChoice;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly postmasterPid: number | null;
};

export type AppendOutcome = {
  readonly eventsPerSecond: number;
  readonly clientCpuUsPerEvent: number;
  readonly serverCpuUsPerEvent: number | null;
  /** All that were acknowledged, those before and after the measured time included. */
  readonly acknowledged: number;
};

export type FillTask = {
  readonly kind: 'fill';
  readonly contestant: ContestantName;
  readonly database: Database;
  readonly events: number;
  readonly perStream: number;
};

export type ReadTask = {
  readonly kind: 'read';
  readonly contestant: ContestantName;
  readonly database: Database;
  readonly events: number;
  readonly batchSize: number;
  readonly postmasterPid: number | null;
};

export type ReadOutcome = {
  readonly eventsPerSecond: number;
  readonly clientCpuUsPerEvent: number;
  readonly serverCpuUsPerEvent: number | null;
};

/** Follows our log from its start until told at which position to end. */
export type FollowTask = { readonly kind: 'follow'; readonly database: Database };

export type FollowOutcome = { readonly seen: number };

export type SimpleTask = {
  readonly kind: 'install' | 'stored' | 'head';
  readonly contestant: ContestantName;
  readonly database: Database;
};

export type Task = AppendTask | FillTask | ReadTask | FollowTask | SimpleTask;
