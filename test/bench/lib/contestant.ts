/** What a store must offer to take part. One file of `contestants/` each. */
import type { StreamEvent } from './event.js';
import type { Database } from './server.js';

/** Called for every event that is read, with its decoded data and metadata. */
export type Visit = (n: number, commandId: string) => void;

export type Appending = {
  /** Durable when it resolves. */
  readonly append: (batch: readonly StreamEvent[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type Contestant = {
  /** Makes the store's schema in an empty database. */
  readonly install: (database: Database) => Promise<void>;
  /** The log's length by plain SQL; throws where the log is not sound. */
  readonly stored: (database: Database) => Promise<number>;
  readonly openAppending?: (database: Database, poolSize: number) => Promise<Appending>;
  /** Appends the chunks one after the other; each is one new stream. */
  readonly fill?: (database: Database, chunks: Iterable<readonly StreamEvent[]>) => Promise<void>;
  /** The whole log in order. */
  readonly readAll?: (database: Database, batchSize: number, visit: Visit) => Promise<void>;
};
