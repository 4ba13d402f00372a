import { createServer, type AddressInfo } from 'node:net';
import { createTestDatabase, runSql, type TestDatabase } from '../../../test/support/database.js';
import { collect, concurrently, mixedCrowd, newEvent, take } from '../contract.js';
import { StoreUnavailable } from '../port.js';
import { openPostgresEventStore, type PostgresEventStore } from './postgres-event-store.js';

describe('the PostgreSQL store and its connections', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  beforeEach(async () => {
    database = await createTestDatabase();
    store = await openPostgresEventStore({
      connectionString: database.appUrl,
      applicationName: database.name,
    });
  });
  afterEach(async () => {
    await store.close();
    await database.drop();
  });

  const killConnections = (): Promise<unknown> =>
    runSql(
      database.superuserUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = '${database.name}'`,
    );

  it('puts what is sent at once into one transaction, each append with its own outcome', async () => {
    const before = store.appendStatistics();
    const { outcomes } = await mixedCrowd(store);
    const after = store.appendStatistics();
    expect(outcomes).toEqual([
      'appended',
      'RevisionConflict',
      'repeated',
      'EventIdReused',
      'EventTooLarge',
      'appended',
    ]);
    // Two appends prepare the crowd one by one; its oversized one is never sent.
    expect(after.batches - before.batches).toBe(3);
    expect(after.largestBatchAppends).toBe(5);
    const positions = (await collect(store.readAll())).map(({ position }) => Number(position));
    expect(positions).toEqual([1, 2, 3, 4]);
  });

  it('stores each of 64 callers’ events once, whatever connection breaks under them', async () => {
    const ids = Array.from({ length: 1_500 }, (_, n) => newEvent({ n }));
    await concurrently(ids.length, async (n) => {
      if (n % 50 === 25) await killConnections();
      const event = ids[n] as (typeof ids)[number];
      for (let attempt = 0; attempt < 50; attempt += 1) {
        try {
          await store.append(`thing-${n % 7}`, 'any', [event]);
          break;
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
        }
      }
    });
    expect(store.appendStatistics().retries).toBeGreaterThan(0);
    const stored = await collect(store.readAll());
    expect(stored.map(({ id }) => id).sort()).toEqual(ids.map(({ id }) => id).sort());
  }, 60_000);

  it('resumes a subscription after its connections were lost', async () => {
    const got = take(store.subscribe(), 60);
    for (let n = 0; n < 60; n += 1) {
      if (n % 20 === 10) await killConnections();
      await store.append('thing-1', 'any', [newEvent({ n })]);
    }
    const numbers = (await got).map(({ data }) => (data as { n: number }).n);
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  it('hears of what another process appends, also after its listener was cut off', async () => {
    const other = await openPostgresEventStore({ connectionString: database.appUrl });
    try {
      const got = take(store.subscribe(), 2);
      await other.append('thing-1', 'any', [newEvent()]);
      await killConnections();
      await other.append('thing-1', 'any', [newEvent()]);
      expect((await got).map(({ revision }) => revision)).toEqual([0, 1]);
    } finally {
      await other.close();
    }
  });

  it('tells that a server cannot be reached', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(
      openPostgresEventStore({ connectionString: `postgres://x@127.0.0.1:${port}/x` }),
    ).rejects.toThrow(StoreUnavailable);
  });

  it('opens two connections for appends and reads, and one more for any number of subscribers', async () => {
    const stop = new AbortController();
    const readers = Array.from({ length: 5 }, () =>
      collect(store.subscribe({ signal: stop.signal })),
    );
    await store.append('thing-1', 'any', [newEvent()]);
    await take(store.subscribe(), 1);
    const { rows } = await runSql(
      database.superuserUrl,
      `SELECT count(*)::int AS listeners FROM pg_stat_activity
        WHERE application_name = '${database.name}' AND query = 'LISTEN merit_log'`,
    );
    expect(rows).toEqual([{ listeners: 1 }]);
    stop.abort();
    await Promise.all(readers);
  });
});
