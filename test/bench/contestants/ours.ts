/** The product: its migrations, and its PostgreSQL adapter through the public API. */
import type { EventStore, RecordedEvent } from '../../../libs/event-store/index.js';
import { openPostgresEventStore } from '../../../libs/event-store/index.js';
import { migrate } from '../../../libs/platform/index.js';
import type { Contestant } from '../lib/contestant.js';
import type { BenchContent, StreamEvent } from '../lib/event.js';
import type { Database } from '../lib/server.js';
import { withClient } from '../lib/sql.js';
import type { FollowOutcome } from '../lib/task.js';

export const LOG_TABLE = 'log.events';

const withStore = async <Result>(
  { appUrl }: Database,
  run: (store: EventStore) => Promise<Result>,
): Promise<Result> => {
  const store = await openPostgresEventStore({ connectionString: appUrl });
  try {
    return await run(store);
  } finally {
    await store.close();
  }
};

const appendTo = async (store: EventStore, batch: readonly StreamEvent[]): Promise<void> => {
  const [first] = batch;
  if (first === undefined) return;
  await store.append(
    first.stream,
    first.expected,
    batch.map(({ event }) => event),
  );
};

/** Dense positions, and revisions without a gap in every stream. */
const countSound = async ({ ownerUrl }: Database): Promise<number> =>
  withClient(ownerUrl, async (client) => {
    const { rows } = await client.query<{ count: string; last: string; broken: string }>(`
      SELECT sum(count) AS count, max(last) AS last,
             count(*) FILTER (WHERE count <> last_revision + 1) AS broken
        FROM (SELECT count(*), max(position) AS last, max(revision) AS last_revision
                FROM ${LOG_TABLE} GROUP BY stream) AS streams`);
    const [log] = rows;
    const count = Number(log?.count);
    if (Number(log?.last ?? 0) !== count) throw new Error(`positions up to ${log?.last}: ${count}`);
    if (Number(log?.broken) !== 0) throw new Error(`streams with a gap: ${log?.broken}`);
    return count;
  });

export const ours: Contestant = {
  install: ({ ownerUrl, appUrl }) => migrate(ownerUrl, appUrl),
  stored: countSound,
  openAppending: async ({ appUrl }) => {
    const store = await openPostgresEventStore({ connectionString: appUrl });
    return { append: (batch) => appendTo(store, batch), close: () => store.close() };
  },
  fill: (database, chunks) =>
    withStore(database, async (store) => {
      for (const chunk of chunks) await appendTo(store, chunk);
    }),
  readAll: (database, batchSize, visit) =>
    withStore(database, async (store) => {
      for await (const batch of store.readAll({ batchSize })) {
        for (const { data, metadata } of batch as readonly RecordedEvent<string, BenchContent>[]) {
          visit(data.n, metadata.commandId);
        }
      }
    }),
};

export const headOfOurs = (database: Database): Promise<string> =>
  withStore(database, (store) => store.head());

/** Throws where an event is doubled, out of order or missing from its stream. */
const checkNext = (): ((event: RecordedEvent) => void) => {
  const ids = new Set<string>();
  const revisions = new Map<string, number>();
  let previous = '';
  return ({ id, stream, revision, position }) => {
    if (position <= previous) throw new Error(`position ${position} after ${previous}`);
    if (ids.has(id)) throw new Error(`event ${id} twice`);
    const due = (revisions.get(stream) ?? -1) + 1;
    if (revision !== due) throw new Error(`${stream}: revision ${revision} where ${due} was due`);
    previous = position;
    ids.add(id);
    revisions.set(stream, revision);
  };
};

const FOLLOW_LIMIT_MS = 60_000; // for what is left to read after the last append

/** Subscribes from the start; `lastPosition` resolves when nothing more will be appended. */
export const followOurs = (
  database: Database,
  ready: () => Promise<void>,
  lastPosition: Promise<string>,
): Promise<FollowOutcome> =>
  withStore(database, async (store) => {
    const check = checkNext();
    let [seen, position] = [0, ''];
    const goal: { last?: string } = {};
    const stop = new AbortController();
    void lastPosition.then((last) => {
      goal.last = last;
      if (position >= last) stop.abort();
      else AbortSignal.timeout(FOLLOW_LIMIT_MS).addEventListener('abort', () => stop.abort());
    });
    await ready();
    for await (const batch of store.subscribe({ signal: stop.signal })) {
      for (const event of batch) {
        check(event);
        seen += 1;
        position = event.position;
      }
      if (goal.last !== undefined && position >= goal.last) stop.abort();
    }
    return { seen };
  });
