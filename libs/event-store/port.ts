/**
 * The event store port: an append-only log of events in streams, with one global order.
 *
 * What every adapter promises (contract.ts proves it for each):
 * - An append is atomic, also over several events of one stream.
 * - Event ids are looked up before the revision is checked, so that a retry after a lost answer
 *   gets its first outcome and not a conflict with itself.
 * - The global order is the commit order: a reader that has seen position p never later finds an
 *   event before p, and revision n+1 of a stream never precedes n.
 */

/** Opaque outside the adapters. Positions of one store sort as texts by code point. */
export type Position = string;

/** Before the first event of every store. */
export const START: Position = '';

/** Who acted. `onBehalfOf` names the importer or the delegate. */
export type Actor = { readonly id: string; readonly role: string; readonly onBehalfOf?: string };

/** Metadata v1 (events.md, Shape). The store adds `storedAt`. */
export type Metadata = {
  readonly occurredAt: string; // RFC 3339 with offset: when it happened
  readonly recordedAt: string; // RFC 3339 with offset: when the organisation recorded it
  readonly actor: Actor;
  readonly commandId: string; // of a keyed request: the caller's key
  /**
   * Of the request that a caller sent under a key: its event that has one is the command's answer
   * for ever, and the log holds one such event a key.
   */
  readonly requestHmac?: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly schemaVersion: number;
};

/** An event to be appended. `id` is a UUID chosen by the writer. */
export type NewEvent<Type extends string = string, Data extends object = object> = {
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  readonly metadata: Metadata;
};

/** An event as the log holds it. `revision` counts from 0 within the stream. */
export type RecordedEvent<Type extends string = string, Data extends object = object> = NewEvent<
  Type,
  Data
> & {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly storedAt: string; // RFC 3339 UTC, microseconds; never falls along the log
};

/**
 * `any`: no check. `none`: the stream must not exist. `exists`: it must. A number: its last
 * revision must be exactly that.
 */
export type ExpectedRevision = 'any' | 'none' | 'exists' | number;

/** `revision` and `position` are those of the last event of the append. */
export type AppendResult = {
  readonly outcome: 'appended' | 'repeated';
  readonly revision: number;
  readonly position: Position;
  readonly positions: readonly Position[]; // of each event
};

export type ReadStreamOptions = {
  readonly direction?: 'forward' | 'backward'; // default forward
  readonly fromRevision?: number; // included; default: the first (backward: the last)
  readonly maxCount?: number; // default: all
};

export type ReadAllOptions = {
  readonly after?: Position; // not included; default START
  readonly until?: Position; // included; default: the head when the read began
  readonly streamPrefixes?: readonly string[]; // only streams that begin with one of these
  readonly batchSize?: number; // events a batch at the most; default 1,000
  readonly signal?: AbortSignal;
};

export type SubscribeOptions = Omit<ReadAllOptions, 'until'>;

/** How far a reader at a position is behind: 0 events and 0 seconds when it has seen everything. */
export type Lag = { readonly events: number; readonly seconds: number };

export interface EventStore {
  /**
   * Errors: RevisionConflict, EventIdReused (other content, or known and new ids mixed),
   * CommandKeyReused (looked up after the ids and before the revision), EventTooLarge,
   * StoreUnavailable (outcome unknown: retry with the same ids and an exact
   * revision), TypeError for an empty append or data that is no canonical JSON.
   */
  append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult>;

  /** Batches in stream order; none for a stream that does not exist. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<readonly RecordedEvent[]>;

  /**
   * Many streams forward, for folds over a cohort; each batch is one whole stream. Streams that
   * do not exist are left out; the order of the streams is the adapter's. With `until`, only
   * events up to that position.
   */
  readStreams(
    streams: readonly string[],
    options?: { readonly until?: Position },
  ): AsyncIterable<readonly RecordedEvent[]>;

  /** The log in global order up to `until`; ends there. */
  readAll(options?: ReadAllOptions): AsyncIterable<readonly RecordedEvent[]>;

  /**
   * The log in global order, then what is appended, without end; ends when `signal` aborts. Pull:
   * nothing is fetched far ahead of a slow consumer. A lost connection is found again by itself
   * and the
   * subscription goes on after the last event that it gave.
   * With `streamPrefixes`, batches without matching events may come empty.
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<readonly RecordedEvent[]>;

  /** Null when no event has this id. */
  eventById(id: string): Promise<RecordedEvent | null>;

  /**
   * The answer of the request that came under this key; null when none has left an event. As
   * current as the log: what a finished append holds is found.
   */
  eventByCommandKey(key: string): Promise<RecordedEvent | null>;

  /** Position of the last event; START when the log is empty. */
  head(): Promise<Position>;

  lag(after: Position): Promise<Lag>;

  /**
   * Whether a text has the form of a position of this store; START has not. What people send may
   * be of another store, or of the one in which the log was before.
   */
  isPosition(text: string): boolean;

  /** Ends subscriptions, waits for appends under way, lets go of connections that it opened. */
  close(): Promise<void>;
}

/**
 * Limits of every adapter (events.md, Shape), in bytes of the canonical JSON of data and metadata.
 */
export const MAX_EVENT_BYTES = 64 * 1024;
export const MAX_APPEND_BYTES = 512 * 1024;

export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  /** `actual` is null when the stream does not exist. */
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    readonly actual: number | null,
  ) {
    super(`${stream}: expected revision ${expected}, actual ${actual ?? 'none'}`);
  }
}

export class EventIdReused extends Error {
  override readonly name = 'EventIdReused';
  /** Ids of this append that the log already holds in a way that is not this append. */
  constructor(
    readonly stream: string,
    readonly eventIds: readonly string[],
  ) {
    super(`${stream}: event id already used: ${eventIds.slice(0, 3).join(', ')}`);
  }
}

/** The key of a request of this append is that of an earlier request. Nothing is stored. */
export class CommandKeyReused extends Error {
  override readonly name = 'CommandKeyReused';
  constructor(
    readonly stream: string,
    readonly keys: readonly string[],
  ) {
    super(`${stream}: ${keys.length} keys of requests already used`);
  }
}

export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
  readonly code = 'event-too-large';
  constructor(
    readonly stream: string,
    readonly bytes: number,
    readonly limitBytes: number,
  ) {
    super(`${stream}: ${bytes} bytes, at most ${limitBytes}`);
  }
}

/** The store did not answer: what was asked may or may not have happened. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
