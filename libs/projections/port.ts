import type { EventStore, Position, RecordedEvent } from '#event-store';

/** SQL inside the transaction that also moves the checkpoint; `search_path` is the generation's. */
export type Sql = {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    params?: readonly unknown[],
  ): Promise<readonly Row[]>;
};

/**
 * A stretch of the log: every event with `after` < position ≤ `until` that the projection reads.
 */
export type Batch = {
  readonly events: readonly RecordedEvent[]; // personal fields sealed
  readonly after: Position;
  readonly until: Position;
  /**
   * Events of other keys, parked or tried apart, are left out: what hangs on them reads the log.
   */
  readonly isPart?: boolean;
  /** Only for a projection with `defers`, and only while nobody reads its rows. */
  readonly deferral?: Deferral;
};

/**
 * In a rebuild nobody reads between two batches: what later batches would write again may be left
 * out of the rows of one that is `open`. With `due`, which comes last and also without events, the
 * rows are those of any other way to the same position.
 */
export type Deferral = 'open' | 'due';

/**
 * One read model (or a process's own rows). Rules that the runner relies on:
 * - `project` folds the batch in memory and writes with a fixed number of set-based statements,
 *   whatever the batch's size; it is called once per batch in one transaction with the checkpoint.
 *   It keeps nothing in memory between calls that a rolled back transaction would make wrong.
 *   One that keeps a cache gives another of itself by `fresh`: a rebuild beside the live runner
 *   stands elsewhere in the log, and the two would take each other's cache apart.
 * - No column depends on the clock or on where one batch ends and the next begins.
 * - `keyOf` says which rows an event touches. When a key's events cannot be projected the key is
 *   parked and the other keys go on; a retry projects the parked events later, so the rows of
 *   one key must not depend on whether another key's events came before or after.
 * - Table names are unique over all projections; closed sets of words are `text`, not enum types.
 */
export type Projection = {
  readonly name: string; // kebab-case
  readonly entities: readonly (new () => object)[]; // TypeORM entities: its tables
  readonly streamPrefixes?: readonly string[]; // default: the whole log
  readonly keyOf: (event: RecordedEvent) => string;
  /**
   * Which of those events its rows hang on; default: all. A batch without any moves the checkpoint
   * and costs no transaction; any other batch is given to `project` as a whole.
   */
  readonly concerns?: (event: RecordedEvent) => boolean;
  readonly project: (
    batch: Batch,
    sql: Sql,
    log: Pick<EventStore, 'readStreams' | 'readAll'>,
  ) => Promise<void>;
  readonly fresh?: () => Projection;
  /** Makes use of `Batch.deferral`: what it put off it remembers itself. */
  readonly defers?: true;
  /** Statements after the tables are made, for what entities cannot say (an index's INCLUDE). */
  readonly afterTables?: readonly string[];
  /** Raise it when unchanged tables come to mean something else: built anew at the next start. */
  readonly version?: number;
};

/** A projection moved: sent in every process that watches, after the commit. */
export type Committed = {
  readonly projection: string;
  readonly generation: number;
  readonly position: Position;
  /** No event concerned it: the rows are what they were. */
  readonly isUntouched?: boolean;
};

export type ProjectionStatus = {
  readonly projection: string;
  readonly generation: number;
  readonly position: Position;
  readonly lag: { readonly events: number; readonly seconds: number };
  readonly parkedKeyCount: number;
};

/** A key whose events the projection could not take; nothing of it is projected until a retry. */
export type ParkedKey = {
  readonly projection: string;
  readonly generation: number;
  readonly key: string;
  readonly firstPosition: Position;
  readonly error: string;
  readonly attempts: number;
  readonly eventCount: number; // set aside so far
};

/** Where two generations of a projection, or a checkpoint and the log, part. */
export type Difference = {
  readonly projection: string;
  readonly table: string; // `checkpoint` for the checkpoint itself
  readonly key: string; // of the first row that differs, its key columns as JSON
  readonly column: string; // `*`: the row is on one side alone
  readonly rowCount: number; // rows of the table that differ
};

export type RebuildProgress = {
  readonly phase: 'reading' | 'comparing' | 'catching up' | 'switching';
  readonly eventCount: number; // read so far
  readonly totalCount: number; // in the log when the rebuild began
};

export type RebuildOptions = {
  readonly projections?: readonly string[]; // default: all
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly signal?: AbortSignal;
};

export type RebuildOutcome = {
  readonly generation: number;
  readonly eventCount: number;
  readonly durationMs: number;
  /** What the rebuilt tables say otherwise than the live ones did at the same position. */
  readonly differences: readonly Difference[];
};

export type VerifyOutcome = {
  readonly eventCount: number;
  readonly parkedKeys: readonly ParkedKey[];
  readonly differences: readonly Difference[];
};
