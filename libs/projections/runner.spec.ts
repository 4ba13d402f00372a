import * as fc from 'fast-check';
import type pg from 'pg';
import {
  createMemoryEventStore,
  openPostgresEventStore,
  type EventStore,
  type RecordedEvent,
} from '#event-store';
import { createAppPool } from '#platform';
import { createTestDatabase, runSql, type TestDatabase } from '../../test/support/database.js';
import { BEGIN_SNAPSHOT, hashTables } from './compare.js';
import { inTransaction } from './context.js';
import { feed, type Member } from './feed.js';
import { createGeneration, nextGeneration, readDefinitions } from './generations.js';
import { openProjections, type Projection, type Projections, type Sql } from './index.js';
import { counted, fill, tally, TallyRow, visits } from './toy-projections.js';

const WAIT_MS = 20_000;
const TEST_MS = 60_000;
const NAMES = ['tally', 'visits'] as const;

let database: TestDatabase;
let pools: pg.Pool[];
let opened: Projections[];
let stores: EventStore[];

beforeEach(async () => {
  database = await createTestDatabase();
  pools = [];
  opened = [];
  stores = [];
});
afterEach(async () => {
  await Promise.all(opened.map((projections) => projections.close()));
  await Promise.all(stores.map((store) => store.close()));
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

async function open(
  store: EventStore,
  projections: readonly Projection[] = [tally(), visits()],
): Promise<Projections> {
  const pool = createAppPool(database.appUrl);
  pools.push(pool);
  const appUrl = database.appUrl;
  const all = await openProjections({ pool, appUrl, store, projections });
  opened.push(all);
  return all;
}

const allTallies = async (sql: Sql) =>
  sql.query<TallyRow>('SELECT subject, event_count, amount FROM tally ORDER BY subject');

/** What the tables must hold, counted from the log without any projection. */
async function expectFull(all: Projections, store: EventStore): Promise<void> {
  const counts = new Map<string, number>();
  let visitCount = 0;
  for await (const events of store.readAll()) {
    for (const { stream } of events) {
      counts.set(stream, (counts.get(stream) ?? 0) + 1);
      if (stream.startsWith('visitor-')) visitCount += 1;
    }
  }
  const { result, position } = await all.read([...NAMES], async (sql) => ({
    tallies: await sql.query<TallyRow>('SELECT subject, event_count FROM tally ORDER BY subject'),
    visits: await sql.query('SELECT 1 FROM visit'),
  }));
  expect(position).toBe(await store.head());
  expect(result.tallies).toEqual(
    [...counts].toSorted().map(([subject, event_count]) => ({ subject, event_count })),
  );
  expect(result.visits).toHaveLength(visitCount);
}

describe('a runner', () => {
  it(
    'projects what is there and what comes, and answers with the position of its rows',
    async () => {
      const store = createMemoryEventStore();
      await fill(store, 500, 20);
      const all = await open(store);
      all.start();
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      await expectFull(all, store);

      // Nothing of it concerns `visits`: its checkpoint moves all the same.
      const { position } = await store.append('clerk-late', 'any', [counted(5)]);
      await all.waitFor(NAMES, position, WAIT_MS);
      await expectFull(all, store);
      const status = await all.status();
      expect(status.map(({ projection, lag }) => [projection, lag.events])).toEqual([
        ['tally', 0],
        ['visits', 0],
      ]);
    },
    TEST_MS,
  );

  it(
    'says that a projection is behind when the time is over',
    async () => {
      const store = createMemoryEventStore();
      const { position } = await store.append('clerk-1', 'any', [counted(1)]);
      const all = await open(store);
      await expect(all.waitFor(['tally'], position, 20)).rejects.toMatchObject({
        code: 'projection-behind',
        details: { projections: ['tally'] },
      });
      await expect(all.waitFor(['scroll'], position, 20)).rejects.toMatchObject({
        code: 'unknown-projection',
      });
    },
    TEST_MS,
  );

  it(
    'wakes who waits in a process that projects nothing',
    async () => {
      const store = createMemoryEventStore();
      const reader = await open(store);
      const writer = await open(store);
      writer.start();
      const heard: string[] = [];
      reader.onCommitted(({ projection, position }) => heard.push(`${projection} ${position}`));
      for (let round = 0; round < 20; round += 1) {
        const { position } = await store.append(`clerk-${round}`, 'any', [counted(round)]);
        await reader.waitFor(['tally'], position, WAIT_MS);
        const { result } = await reader.read(['tally'], allTallies);
        expect(result).toHaveLength(round + 1);
      }
      expect(heard.length).toBeGreaterThan(0);
    },
    TEST_MS,
  );

  it(
    'lets a projection that is new catch up from the beginning and join the others',
    async () => {
      const store = createMemoryEventStore();
      await fill(store, 300, 7);
      const old = await open(store, [tally()]);
      old.start();
      await old.waitFor(['tally'], await store.head(), WAIT_MS);
      await old.close();
      const all = await open(store);
      all.start();
      await fill(store, 300, 7);
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      await expectFull(all, store);
    },
    TEST_MS,
  );

  it(
    'begins anew, in tables of their own, what is defined otherwise than before',
    async () => {
      const store = createMemoryEventStore();
      await fill(store, 50, 5);
      const old = await open(store);
      old.start();
      await old.waitFor(NAMES, await store.head(), WAIT_MS);
      const [before] = await old.status();
      await old.close();
      const indexed = tally({ afterTables: ['CREATE INDEX tally_amount ON tally (amount)'] });
      const all = await open(store, [indexed, visits()]);
      all.start();
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      const [after, untouched] = await all.status();
      expect(after?.generation).toBe((before?.generation ?? 0) + 1);
      expect(untouched?.generation).toBe(before?.generation);
      await expectFull(all, store);
    },
    TEST_MS,
  );
});

it(
  'writes the same rows however the log is cut into batches',
  async () => {
    const store = createMemoryEventStore();
    await fill(store, 120, 9);
    const events: RecordedEvent[] = [];
    for await (const page of store.readAll()) events.push(...page);
    const pool = createAppPool(database.appUrl);
    pools.push(pool);
    const projections = [tally(), visits()];
    const context = { pool, appUrl: database.appUrl, store, projections };
    const definitions = await readDefinitions(context);
    const hashOf = async (cuts: readonly number[]): Promise<readonly string[]> => {
      const generation = await nextGeneration(context);
      await inTransaction(pool, 'BEGIN', (connection) =>
        createGeneration(connection, generation, definitions, 'unlogged'),
      );
      const standing = { generation, position: '', fence: 0, parkedKeys: new Set<string>() };
      const members: Member[] = projections.map((projection) => ({ projection, standing }));
      let from = 0;
      for (const to of [...new Set([...cuts, events.length])].toSorted((a, b) => a - b)) {
        const after = events[from - 1]?.position ?? '';
        const until = events[to - 1]?.position ?? '';
        // A stretch that begins before the checkpoint: only what lies beyond it counts.
        const early = Math.max(0, from - 2);
        const stretch = {
          events: events.slice(early, to),
          after: events[early - 1]?.position ?? '',
          until,
        };
        const outcomes = await feed(context, members, stretch);
        expect(outcomes.map(({ kind }) => kind)).toEqual(['moved', 'moved']);
        expect(after < until).toBe(true);
        from = to;
      }
      return inTransaction(pool, BEGIN_SNAPSHOT, async (connection) => [
        await hashTables(connection, definitions, 'tally', generation),
        await hashTables(connection, definitions, 'visits', generation),
      ]);
    };
    const whole = await hashOf([]);
    const cuts = fc.array(fc.integer({ min: 1, max: events.length - 1 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(cuts, async (points) => expect(await hashOf(points)).toEqual(whole)),
      { numRuns: 12 },
    );
  },
  TEST_MS,
);

it(
  'outlives a log that is closed under it, and stops when asked',
  async () => {
    const store = createMemoryEventStore();
    await fill(store, 10, 2);
    const all = await open(store);
    const runner = all.start();
    await all.waitFor(NAMES, await store.head(), WAIT_MS);
    await store.close();
    await until(() => runner.troubles().size === 2);
    await runner.stop();
  },
  TEST_MS,
);

describe('a key whose events cannot be projected', () => {
  const poisoned = (isMended: () => boolean): Projection => {
    const sound = tally();
    return {
      ...sound,
      async project(batch, sql, log) {
        // After the rows are written, so that a part that is not undone would show.
        await sound.project(batch, sql, log);
        const bad = batch.events.find(({ stream }) => stream === 'clerk-bad');
        if (bad && !isMended()) await sql.query(`SELECT 1 / 0`);
      },
    };
  };

  it(
    'is parked, counted, shown and retried with mended code; the others go on',
    async () => {
      const store = createMemoryEventStore();
      let isMended = false;
      await fill(store, 40, 8);
      const bad = await store.append('clerk-bad', 'any', [counted(1), counted(2)]);
      await fill(store, 40, 8);
      const all = await open(store, [poisoned(() => isMended), visits()]);
      all.start();
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      const later = await store.append('clerk-bad', 'any', [counted(4)]);
      await all.waitFor(NAMES, later.position, WAIT_MS);

      const [parked] = await all.parkedKeys();
      expect(parked).toMatchObject({
        projection: 'tally',
        key: 'clerk-bad',
        eventCount: 3,
        attempts: 1,
        error: expect.stringContaining('division by zero'),
      });
      expect((parked?.firstPosition ?? '') < bad.position).toBe(true);
      const { result } = await all.read(['tally'], allTallies);
      expect(result).toHaveLength(8);
      expect(result.reduce((sum, row) => sum + row.event_count, 0)).toBe(80);

      const vain = await all.retryParked();
      expect(vain.stillParked).toMatchObject([{ key: 'clerk-bad', attempts: 2 }]);
      isMended = true;
      expect(await all.retryParked('tally')).toEqual({
        projected: [{ projection: 'tally', key: 'clerk-bad' }],
        stillParked: [],
      });
      // The runner knew the key as parked: its next event must not be set aside unseen.
      const last = await store.append('clerk-bad', 'any', [counted(8)]);
      await all.waitFor(NAMES, last.position, WAIT_MS);
      const mended = await all.read(['tally'], allTallies);
      expect(mended.result.find(({ subject }) => subject === 'clerk-bad')).toMatchObject({
        event_count: 4,
        amount: '15',
      });
      await expectFull(all, store);
    },
    TEST_MS,
  );

  it(
    'is no key but a fault of the projection when over a thousand fail; that one stops',
    async () => {
      const store = createMemoryEventStore();
      const broken = tally({ project: () => Promise.reject(new Error('all is wrong')) });
      for (let index = 0; index <= 1_000; index += 1) {
        await store.append(`visitor-${index}`, 'any', [counted(1)]);
      }
      const all = await open(store, [broken, visits()]);
      const runner = all.start();
      await all.waitFor(['visits'], await store.head(), WAIT_MS);
      await until(() => runner.troubles().get('tally')?.includes('over 1000 keys') === true);
      expect(await all.parkedKeys()).toEqual([]);
      const [standing] = await all.status();
      expect(standing?.position).toBe('');
    },
    TEST_MS,
  );
});

describe('on PostgreSQL', () => {
  let store: EventStore;
  beforeEach(async () => {
    store = await openPostgresEventStore({ connectionString: database.appUrl });
    stores.push(store);
  });

  it(
    'two runners share the projections and count every event once',
    async () => {
      const [one, two] = [await open(store), await open(store)];
      const stopOne = one.start({ leaseTtlMs: 300 });
      two.start({ leaseTtlMs: 300 });
      for (let round = 0; round < 10; round += 1) {
        await fill(store, 100, 10);
        if (round === 5) await stopOne.stop();
      }
      await two.waitFor(NAMES, await store.head(), WAIT_MS);
      await expectFull(two, store);
    },
    TEST_MS,
  );

  it(
    'a runner beside one that works on some alone takes all of the rest',
    async () => {
      const [one, two] = [await open(store), await open(store)];
      one.start({ leaseTtlMs: 300 });
      await fill(store, 100, 10);
      await one.waitFor(NAMES, await store.head(), WAIT_MS);
      two.start({ leaseTtlMs: 300, projections: ['tally'] });
      const owners = async (): Promise<readonly string[]> => {
        const { rows } = await runSql(
          database.superuserUrl,
          'SELECT owner FROM projection.lease ORDER BY projection',
        );
        return (rows as readonly { readonly owner: string }[]).map(({ owner }) => owner);
      };
      while (new Set(await owners()).size < 2) await one.status();
      await fill(store, 100, 10);
      await two.waitFor(NAMES, await store.head(), WAIT_MS);
      await expectFull(two, store);
      expect(new Set(await owners()).size).toBe(2);
    },
    TEST_MS,
  );

  it(
    'two runners that both believe to hold the leases count every event once',
    async () => {
      const [one, two] = [await open(store), await open(store)];
      // Leases that never keep anybody away.
      await runSql(
        database.superuserUrl,
        `CREATE OR REPLACE FUNCTION projection.renew_leases(text, in_projections text[], integer)
         RETURNS text[] LANGUAGE sql AS 'SELECT in_projections'`
          .replace('(text,', '(in_owner text,')
          .replace(', integer)', ', in_ttl_ms integer)'),
      );
      one.start();
      two.start();
      for (let round = 0; round < 10; round += 1) await fill(store, 100, 10);
      await two.waitFor(NAMES, await store.head(), WAIT_MS);
      await expectFull(two, store);
    },
    TEST_MS,
  );

  it(
    'goes on by itself when its connections are ended again and again',
    async () => {
      const all = await open(store);
      all.start({ limits: { eventCount: 50, bytes: 1e6 } });
      for (let round = 0; round < 8; round += 1) {
        await fill(store, 200, 10);
        await runSql(
          database.superuserUrl,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'merit'`,
        );
      }
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      await expectFull(all, store);
    },
    TEST_MS,
  );
});

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('the condition did not come');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
