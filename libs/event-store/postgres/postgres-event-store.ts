import { encodeAppend } from '../encode.js';
import { StoreUnavailable, type EventStore, type RecordedEvent } from '../port.js';
import type { SubscribeOptions } from '../port.js';
import { createAppender, type AppendStatistics } from './appender.js';
import { createPool, type ConnectionSettings } from './connections.js';
import { createHeadWatch, type HeadWatch } from './head-watch.js';
import { fromPosition, isPosition, toPosition } from './position.js';
import {
  createFilter,
  eventsByCommandKey,
  eventsById,
  headPosition,
  lagAfter,
  pages,
  readStream,
  readStreams,
} from './reader.js';
import { createLoader } from '../loader.js';
import type { Queryable } from './rows.js';

export type PostgresEventStoreOptions = {
  /** Of the system's role; it may select and insert events, and no more. */
  readonly connectionString: string;
  /** Stands in pg_stat_activity. */
  readonly applicationName?: string;
  /** Readers beside the appender's and the listener's connection; default 4. */
  readonly maxReaders?: number;
};

export type PostgresEventStore = EventStore & {
  /** How appends were coalesced into transactions since the store was opened. */
  appendStatistics(): AppendStatistics;
};

const DEFAULT_READERS = 4;
const RESUME_PAUSE_MS = 200;

/**
 * The event store on PostgreSQL ≥ 15, on a database that the migrations have prepared. Rejects
 * with StoreUnavailable when the server cannot be reached.
 */
export async function openPostgresEventStore(
  options: PostgresEventStoreOptions,
): Promise<PostgresEventStore> {
  const settings: ConnectionSettings = {
    connectionString: options.connectionString,
    applicationName: options.applicationName ?? 'merit event store',
  };
  const pool = createPool(settings, options.maxReaders ?? DEFAULT_READERS);
  const watch = createHeadWatch(settings, () => headPosition(pool));
  const appender = createAppender(settings, (head) => watch.advance(fromPosition(head)));
  // Requests that ask at once ask together: a statement each would cost more than the command.
  const byId = createLoader(
    (id: string) => id,
    (ids) => eventsById(pool, ids),
  );
  const byCommandKey = createLoader(
    (key: string) => key,
    (keys) => eventsByCommandKey(pool, keys),
  );
  let closing: Promise<void> | null = null;
  const isClosed = (): boolean => closing !== null;
  try {
    watch.advance(await headPosition(pool));
  } catch (error) {
    await pool.end();
    throw error;
  }

  return {
    append: async (stream, expected, events) =>
      appender.append(encodeAppend(stream, expected, events)),
    readStream: (stream, range) => readStream(pool, stream, range),
    readStreams: (streams, range) => readStreams(pool, streams, range?.until),
    async *readAll(range = {}) {
      const { after = '', until, ...rest } = range;
      // Who is led past the assessment streams reaches the end in one statement: a command asks for
      // what is new of the organisation each time, and mostly there is nothing.
      const isLed = until === undefined && createFilter(rest.streamPrefixes).reach === null;
      const head = isLed ? Number.MAX_SAFE_INTEGER : await headPosition(pool);
      const end = until === undefined ? head : Math.min(head, fromPosition(until));
      for await (const { events } of pages(pool, fromPosition(after), end, rest)) {
        if (events.length > 0) yield events;
      }
    },
    subscribe: (range = {}) => subscribe(pool, watch, range, isClosed),
    eventById: async (id) => (await byId([id])).get(id) ?? null,
    eventByCommandKey: async (key) => (await byCommandKey([key])).get(key) ?? null,
    head: async () => toPosition(await headPosition(pool)),
    lag: (after) => lagAfter(pool, after),
    isPosition,
    appendStatistics: () => appender.statistics(),
    close: () =>
      (closing ??= (async () => {
        await appender.close();
        await watch.close();
        await pool.end();
      })()),
  };
}

async function* subscribe(
  source: Queryable,
  watch: HeadWatch,
  { after = '', ...options }: SubscribeOptions,
  isClosed: () => boolean,
): AsyncGenerator<readonly RecordedEvent[]> {
  let cursor = fromPosition(after);
  for (;;) {
    const head = await watch.headAfter(cursor, options.signal);
    if (head === null) return;
    try {
      for await (const page of pages(source, cursor, head, options)) {
        if (isClosed()) return;
        cursor = page.cursor; // moved with the page: a failure after it goes on behind it
        if (page.events.length > 0) yield page.events;
      }
    } catch (error) {
      if (isClosed()) return;
      if (!(error instanceof StoreUnavailable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RESUME_PAUSE_MS));
    }
  }
}
