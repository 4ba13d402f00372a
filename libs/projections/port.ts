import type { EventStore, Position, RecordedEvent } from '#event-store';

/** SQL inside the transaction that also moves the checkpoint; `search_path` is the generation's. */
export type Sql = {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    params?: readonly unknown[],
  ): Promise<readonly Row[]>;
};

/** A stretch of the log: every event with `after` < position ≤ `until` that the projection reads. */
export type Batch = {
  readonly events: readonly RecordedEvent[]; // personal fields sealed
  readonly after: Position;
  readonly until: Position;
};

/**
 * One read model (or a process's own rows). Rules that the runner relies on:
 * - `project` folds the batch in memory and writes with a fixed number of set-based statements,
 *   whatever the batch's size; it is called once per batch in one transaction with the checkpoint.
 * - No column depends on the clock or on where one batch ends and the next begins.
 * - `keyOf` says which rows an event touches. When a key's events cannot be projected the key is
 *   parked and the other keys go on; a retry projects the parked events later, so the rows of
 *   one key must not depend on whether another key's events came before or after.
 */
export type Projection = {
  readonly name: string; // kebab-case
  readonly entities: readonly (new () => object)[]; // TypeORM entities: its tables
  readonly streamPrefixes?: readonly string[]; // default: the whole log
  readonly keyOf: (event: RecordedEvent) => string;
  readonly project: (
    batch: Batch,
    sql: Sql,
    log: Pick<EventStore, 'readStreams' | 'readAll'>,
  ) => Promise<void>;
};
