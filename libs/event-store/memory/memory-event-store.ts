import { encodeAppend, type EncodedAppend, type EncodedEvent } from '../encode.js';
import {
  CommandKeyReused,
  EventIdReused,
  RevisionConflict,
  START,
  StoreUnavailable,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type Lag,
  type Metadata,
  type Position,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type SubscribeOptions,
} from '../port.js';

const DIGITS = 19;
const POSITION = /^\d{19}$/;
const DEFAULT_BATCH_EVENTS = 1_000;
const STREAM_BATCH_EVENTS = 1_000;

type Row = EncodedEvent & {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly storedAtMs: number;
};

type Log = {
  readonly rows: Row[];
  readonly streams: Map<string, Row[]>;
  readonly byId: Map<string, Row>;
  readonly byCommandKey: Map<string, Row>;
};

/**
 * For tests only: nothing outlives the process, nothing is bounded, one process alone can use it.
 * It keeps texts and decodes them on every read, so that a test cannot change history by accident.
 */
export function createMemoryEventStore(nowMs: () => number = Date.now): EventStore {
  const log: Log = { rows: [], streams: new Map(), byId: new Map(), byCommandKey: new Map() };
  const wakes = new Set<() => void>();
  const state = { closed: false };
  const wakeAll = (): void => {
    for (const wake of wakes) wake();
  };

  return {
    async append(stream, expected, events) {
      const append = encodeAppend(stream, expected, events);
      if (state.closed) throw new StoreUnavailable('the event store is closed');
      const result = appendTo(log, append, nowMs());
      wakeAll();
      return result;
    },
    readStream: (stream, options) => readStream(log, stream, options),
    async *readStreams(streams, options) {
      const until = options?.until ?? headOf(log);
      for (const stream of new Set(streams)) {
        const rows = (log.streams.get(stream) ?? []).filter(({ position }) => position <= until);
        if (rows.length > 0) yield rows.map(decode);
      }
    },
    async *readAll({ after = START, until, ...options } = {}) {
      const head = headOf(log);
      const end = until === undefined || until > head ? head : until;
      yield* batches(log, after, end, options);
    },
    subscribe: (options) => subscribe(log, wakes, () => state.closed, options),
    async eventById(id) {
      const row = log.byId.get(id);
      return row ? decode(row) : null;
    },
    async eventByCommandKey(key) {
      const row = log.byCommandKey.get(key);
      return row ? decode(row) : null;
    },
    head: async () => headOf(log),
    lag: async (after) => lagOf(log, after, nowMs()),
    isPosition: (text) => POSITION.test(text),
    async close() {
      state.closed = true;
      wakeAll();
    },
  };
}

function appendTo(log: Log, append: EncodedAppend, nowMs: number): AppendResult {
  const repeated = repeatedAppend(log, append);
  if (repeated) return repeated;
  const keys = append.events.map(({ commandKey }) => commandKey).filter((key) => key !== null);
  const used = keys.filter((key) => log.byCommandKey.has(key));
  if (used.length > 0) throw new CommandKeyReused(append.stream, used);
  const rows = log.streams.get(append.stream) ?? [];
  const actual = rows.length === 0 ? null : rows.length - 1;
  if (!isExpected(append.expected, actual)) {
    throw new RevisionConflict(append.stream, append.expected, actual);
  }
  const storedAtMs = Math.max(nowMs, log.rows.at(-1)?.storedAtMs ?? 0);
  for (const event of append.events) {
    const position = String(log.rows.length + 1).padStart(DIGITS, '0');
    const row = { ...event, stream: append.stream, revision: rows.length, position, storedAtMs };
    rows.push(row);
    log.rows.push(row);
    log.byId.set(event.id, row);
    if (event.commandKey !== null) log.byCommandKey.set(event.commandKey, row);
  }
  log.streams.set(append.stream, rows);
  const positions = rows.slice(-append.events.length).map(({ position }) => position);
  return { outcome: 'appended', revision: rows.length - 1, position: headOf(log), positions };
}

/** Ids come before the revision: a retry gets its first outcome, not a conflict with itself. */
function repeatedAppend(log: Log, append: EncodedAppend): AppendResult | null {
  const known = append.events.map(({ id }) => log.byId.get(id));
  const held = known.filter((row) => row !== undefined);
  if (held.length === 0) return null;
  if (held.length < append.events.length) {
    throw new EventIdReused(append.stream, held.map(idOf));
  }
  const differing = held.filter((row, index) => !isSame(append, index, row));
  if (differing.length > 0) throw new EventIdReused(append.stream, differing.map(idOf));
  const first = held[0] as Row;
  if (held.some(({ revision }, index) => revision !== first.revision + index)) {
    throw new EventIdReused(append.stream, held.map(idOf));
  }
  const last = held.at(-1) as Row;
  const positions = held.map(({ position }) => position);
  return { outcome: 'repeated', revision: last.revision, position: last.position, positions };
}

const idOf = ({ id }: Row): string => id;

function isSame({ stream, events }: EncodedAppend, index: number, row: Row): boolean {
  const event = events[index] as EncodedEvent;
  return stream === row.stream && event.type === row.type && event.dataText === row.dataText;
}

function isExpected(expected: ExpectedRevision, actual: number | null): boolean {
  if (expected === 'any') return true;
  if (expected === 'none') return actual === null;
  if (expected === 'exists') return actual !== null;
  return expected === actual;
}

function decode(row: Row): RecordedEvent {
  return {
    id: row.id,
    type: row.type,
    data: JSON.parse(row.dataText) as object,
    metadata: JSON.parse(row.metadataText) as Metadata,
    stream: row.stream,
    revision: row.revision,
    position: row.position,
    storedAt: new Date(row.storedAtMs).toISOString().replace('Z', '000Z'),
  };
}

const headOf = (log: Log): Position => log.rows.at(-1)?.position ?? START;

function lagOf(log: Log, after: Position, nowMs: number): Lag {
  const seen = Number(after);
  const next = log.rows[seen];
  if (!next) return { events: 0, seconds: 0 };
  return {
    events: log.rows.length - seen,
    seconds: Math.max(0, nowMs - next.storedAtMs) / 1_000,
  };
}

async function* readStream(
  log: Log,
  stream: string,
  { direction = 'forward', fromRevision, maxCount = Infinity }: ReadStreamOptions = {},
): AsyncGenerator<readonly RecordedEvent[]> {
  const rows = log.streams.get(stream) ?? [];
  const wanted =
    direction === 'forward'
      ? rows.slice(fromRevision ?? 0)
      : rows.slice(0, (fromRevision ?? rows.length) + 1).toReversed();
  const taken = wanted.slice(0, maxCount);
  for (let at = 0; at < taken.length; at += STREAM_BATCH_EVENTS) {
    yield taken.slice(at, at + STREAM_BATCH_EVENTS).map(decode);
  }
}

async function* batches(
  log: Log,
  after: Position,
  until: Position,
  { streamPrefixes, batchSize, signal }: Omit<ReadAllOptions, 'after' | 'until'>,
): AsyncGenerator<readonly RecordedEvent[]> {
  const isWanted = ({ stream }: Row): boolean =>
    !streamPrefixes || streamPrefixes.some((prefix) => stream.startsWith(prefix));
  const size = Math.max(1, batchSize ?? DEFAULT_BATCH_EVENTS);
  for (let at = Number(after); at < Number(until); at += size) {
    if (signal?.aborted) return;
    const rows = log.rows.slice(at, Math.min(at + size, Number(until))).filter(isWanted);
    if (rows.length > 0) yield rows.map(decode);
  }
}

async function* subscribe(
  log: Log,
  wakes: Set<() => void>,
  isClosed: () => boolean,
  { after = START, signal, ...options }: SubscribeOptions = {},
): AsyncGenerator<readonly RecordedEvent[]> {
  const isOver = (): boolean => isClosed() || signal?.aborted === true;
  let cursor = after;
  while (!isOver()) {
    const head = headOf(log);
    if (head === cursor) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          wakes.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        wakes.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      });
      continue;
    }
    for await (const batch of batches(log, cursor, head, { ...options, signal })) {
      if (isOver()) return;
      yield batch;
    }
    cursor = head;
  }
}
