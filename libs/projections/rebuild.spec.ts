import { Client, type Pool } from 'pg';
import { openPostgresEventStore, type EventStore, type RecordedEvent } from '#event-store';
import { createAppPool } from '#platform';
import { createTestDatabase, runSql, type TestDatabase } from '../../test/support/database.js';
import { openProjections, type Projection, type Projections, type Sql } from './index.js';
import { counted, fill, tally, visits } from './toy-projections.js';

const WAIT_MS = 20_000;
const TEST_MS = 60_000;
const NAMES = ['tally', 'visits'] as const;

let database: TestDatabase;
let store: EventStore;
let pools: Pool[];
let opened: Projections[];

beforeEach(async () => {
  database = await createTestDatabase();
  store = await openPostgresEventStore({ connectionString: database.appUrl });
  pools = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((projections) => projections.close()));
  await store.close();
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

async function open(
  projections: readonly Projection[] = [tally(), visits()],
): Promise<Projections> {
  const pool = createAppPool(database.appUrl);
  pools.push(pool);
  const all = await openProjections({ pool, appUrl: database.appUrl, store, projections });
  opened.push(all);
  return all;
}

/** Projections that have taken `count` events and still run. */
async function running(count = 600): Promise<Projections> {
  await fill(store, count, 20);
  const all = await open();
  all.start();
  await all.waitFor(NAMES, await store.head(), WAIT_MS);
  return all;
}

const generationsOf = async (all: Projections): Promise<readonly number[]> =>
  (await all.status()).map(({ generation }) => generation);

async function readSchemas(): Promise<readonly unknown[]> {
  const { rows } = await runSql(
    database.superuserUrl,
    `SELECT relnamespace::regnamespace || '.' || relname AS path FROM pg_class
      WHERE relkind = 'r' AND relnamespace::regnamespace::text LIKE 'read_%' ORDER BY 1`,
  );
  return (rows as readonly { readonly path: string }[]).map(({ path }) => path);
}

const countTallied = async (sql: Sql) => {
  const [row] = await sql.query<{ events: number }>(
    'SELECT sum(event_count)::int AS events FROM tally',
  );
  return row?.events;
};

const sums = async (sql: Sql) => {
  const rows = await sql.query<{ events: number; visits: number }>(
    `SELECT (SELECT sum(event_count)::int FROM tally) AS events,
            (SELECT count(*)::int FROM visit) AS visits`,
  );
  return rows[0];
};

describe('a rebuild', () => {
  it(
    'switches to equal content in tables of its own, and can be taken back one step',
    async () => {
      const all = await running();
      const before = await Promise.all(NAMES.map((name) => all.contentHash(name)));
      const phases = new Set<string>();
      const outcome = await all.rebuild({ onProgress: ({ phase }) => phases.add(phase) });
      expect(outcome).toMatchObject({ differences: [], eventCount: 600 });
      expect([...phases]).toEqual(['reading', 'comparing', 'catching up', 'switching']);
      expect(await generationsOf(all)).toEqual([outcome.generation, outcome.generation]);
      expect(await Promise.all(NAMES.map((name) => all.contentHash(name)))).toEqual(before);

      await fill(store, 100, 20);
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      const rebuilt = await Promise.all(NAMES.map((name) => all.contentHash(name)));
      expect(rebuilt).not.toEqual(before);

      // The old generation catches up by itself, without a new event.
      await all.stepBack();
      expect(await generationsOf(all)).toEqual([1, 1]);
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      expect(await Promise.all(NAMES.map((name) => all.contentHash(name)))).toEqual(rebuilt);
    },
    TEST_MS,
  );

  it(
    'keeps every read whole, and loses nothing, while events come and others read',
    async () => {
      const all = await running(2_000);
      const reader = await open();
      const done = new AbortController();
      const seen: number[] = [];
      const read = async (): Promise<void> => {
        while (!done.signal.aborted) {
          const { result, position } = await reader.read(['tally'], countTallied);
          // Positions are dense here: a read that mixed generations would not add up.
          expect(result).toBe(Number(position));
          seen.push(Number(position));
        }
      };
      const write = async (): Promise<void> => {
        for (let round = 0; !done.signal.aborted; round += 1) {
          const { position } = await store.append(`clerk-${round % 5}`, 'any', [counted(1)]);
          // What somebody was told is there stays there, also over a switch.
          await all.waitFor(NAMES, position, WAIT_MS);
          const { position: answered } = await all.read([...NAMES], sums);
          expect(answered >= position).toBe(true);
        }
      };
      const load = Promise.all([read(), read(), write(), write()]);
      load.catch(() => done.abort()); // met below
      const outcomes = [];
      try {
        for (let round = 0; round < 4; round += 1) outcomes.push(await all.rebuild());
      } finally {
        done.abort();
      }
      await load;
      expect(outcomes.map(({ differences }) => differences)).toEqual([[], [], [], []]);
      expect(seen.length).toBeGreaterThan(20);
      expect((await readSchemas()).length).toBe(4);
      const verified = await all.verify();
      expect(verified).toMatchObject({ differences: [], parkedKeys: [] });
    },
    TEST_MS,
  );

  it(
    'of one projection leaves the others where they are',
    async () => {
      const all = await running();
      const { generation } = await all.rebuild({ projections: ['visits'] });
      expect(await generationsOf(all)).toEqual([1, generation]);
      const second = await all.rebuild({ projections: ['tally'] });
      expect(await generationsOf(all)).toEqual([second.generation, generation]);
      // What neither now nor one step back is used is gone; the tables are read where they are.
      expect(await readSchemas()).toEqual([
        'read_1.tally',
        `read_${generation}.visit`,
        `read_${second.generation}.tally`,
      ]);
      const { result } = await all.read([...NAMES], sums);
      expect(result).toEqual({ events: 600, visits: 300 });
      await expect(all.rebuild({ projections: ['scroll'] })).rejects.toMatchObject({
        code: 'unknown-projection',
      });
    },
    TEST_MS,
  );

  it(
    'works while no runner does, and brings what lay behind up to the head',
    async () => {
      const all = await running();
      await all.close();
      await fill(store, 100, 20);
      const offline = await open();
      expect(await offline.rebuild()).toMatchObject({ differences: [], eventCount: 700 });
      const { result, position } = await offline.read([...NAMES], sums);
      expect(position).toBe(await store.head());
      expect(result).toEqual({ events: 700, visits: 350 });
    },
    TEST_MS,
  );

  it(
    'that is stopped half-way leaves nothing that hurts',
    async () => {
      const all = await running();
      const stopping = new AbortController();
      const stopped = all.rebuild({
        signal: stopping.signal,
        onProgress: () => stopping.abort(),
      });
      await expect(stopped).rejects.toThrow(/abort/i);
      // As after a kill: the schema is there, nobody knows of it.
      await runSql(
        database.appUrl,
        'CREATE SCHEMA read_77; CREATE TABLE read_77.tally (subject text)',
      );
      const outcome = await all.rebuild();
      expect(outcome.differences).toEqual([]);
      expect(await readSchemas()).toEqual([
        'read_1.tally',
        'read_1.visit',
        `read_${outcome.generation}.tally`,
        `read_${outcome.generation}.visit`,
      ]);
    },
    TEST_MS,
  );

  it(
    'is refused while another one runs',
    async () => {
      const all = await running();
      // The first one cannot compare, and so not end, while a table of the live ones is held.
      const holder = new Client({ connectionString: database.superuserUrl });
      await holder.connect();
      await holder.query('BEGIN; LOCK TABLE read_1.tally IN ACCESS EXCLUSIVE MODE');
      let first: Promise<unknown> = Promise.resolve();
      await new Promise<void>((begun) => {
        first = all.rebuild({ onProgress: () => begun() });
      });
      const second = all.verify().catch((error: unknown) => error);
      expect(await second).toMatchObject({ code: 'rebuild-under-way' });
      await holder.end();
      expect(await first).toMatchObject({ differences: [] });
    },
    TEST_MS,
  );

  it(
    'does not switch to a generation that cannot take what the live one took',
    async () => {
      await (await running()).close();
      const worse = tally({
        async project({ events }) {
          if (events.some(({ stream }) => stream === 'clerk-3')) throw new Error('no longer known');
        },
      });
      const all = await open([worse, visits()]);
      await expect(all.rebuild()).rejects.toMatchObject({
        code: 'rebuild-parked-keys',
        details: { projection: 'tally', key: 'clerk-3', count: 1 },
      });
      expect(await generationsOf(all)).toEqual([1, 1]);
    },
    TEST_MS,
  );
});

describe('a rebuild that puts rows off', () => {
  /** Keeps every event to the last batch; streams in `poison` cannot be projected. */
  const lazy = (poison: readonly string[]): Projection => {
    let kept: RecordedEvent[] = [];
    return {
      ...tally(),
      defers: true,
      fresh: () => lazy(poison),
      async project(batch, sql, log) {
        kept.push(...batch.events);
        if (batch.deferral === 'open') return;
        const events = kept;
        kept = [];
        const bad = events.find(({ stream }) => poison.includes(stream));
        if (bad) throw new Error(`${bad.stream} is poison`);
        await tally().project({ ...batch, events }, sql, log);
      },
    };
  };

  it(
    'gives the live rows',
    async () => {
      await fill(store, 30_000, 20);
      const all = await open([lazy([]), visits()]);
      all.start();
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      const { differences, eventCount } = await all.rebuild();
      expect({ differences, eventCount }).toEqual({ differences: [], eventCount: 30_000 });
      expect((await all.read(['tally'], countTallied)).result).toBe(30_000);
    },
    TEST_MS,
  );

  it(
    'parks the one key that fails, as the live runner did',
    async () => {
      await fill(store, 600, 20);
      const all = await open([lazy(['clerk-3']), visits()]);
      const runner = all.start();
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      await runner.stop();
      const { differences } = await all.rebuild();
      expect(differences).toEqual([]);
      expect(await all.parkedKeys()).toMatchObject([
        { projection: 'tally', generation: 3, key: 'clerk-3', eventCount: 30 },
      ]);
    },
    TEST_MS,
  );
});

describe('verification', () => {
  it(
    'finds nothing in an untouched system and leaves nothing behind',
    async () => {
      const all = await running();
      expect(await all.verify()).toEqual({ eventCount: 600, parkedKeys: [], differences: [] });
      expect(await readSchemas()).toEqual(['read_1.tally', 'read_1.visit']);
    },
    TEST_MS,
  );

  const changes = [
    [
      'a number in another form',
      `UPDATE read_1.tally SET amount = amount + 0.0`,
      'tally',
      'amount',
    ],
    [
      'a member of a document',
      `UPDATE read_1.tally SET last = last || '{"place":"x"}'`,
      'tally',
      'last',
    ],
    ['a null', `UPDATE read_1.visit SET place = NULL`, 'visit', 'place'],
    ['a row that is gone', `DELETE FROM read_1.visit`, 'visit', '*'],
    ['a key', `UPDATE read_1.tally SET subject = 'clerk-00'`, 'tally', '*'],
  ] as const;
  it.each(changes)(
    'names %s',
    async (_, change, table, column) => {
      const all = await running();
      await all.close();
      const where =
        table === 'tally'
          ? `WHERE subject = 'clerk-11'`
          : `WHERE subject = 'visitor-12' AND revision = 7`;
      await runSql(database.appUrl, `${change} ${where}`);
      const { differences } = await (await open()).verify();
      expect(differences).toEqual([
        {
          projection: table === 'tally' ? 'tally' : 'visits',
          table,
          key: table === 'tally' ? expect.stringMatching(/clerk-(00|11)/) : '["visitor-12","7"]',
          column,
          rowCount: change.includes('subject =') ? 2 : 1,
        },
      ]);
    },
    TEST_MS,
  );

  it.each([
    ['position', `position = '0000000000000000590'`],
    ['position', `position = '9999999999999999999'`],
    ['position', `position = 'x'`],
    ['count', `events = events + 1`],
    ['fence', `fence = fence + 1`],
  ])(
    'names a checkpoint whose %s was changed to %s',
    async (_, change) => {
      const all = await running();
      await all.close();
      await runSql(
        database.appUrl,
        `UPDATE projection.checkpoint SET ${change} WHERE projection = 'visits'`,
      );
      const { differences } = await (await open()).verify();
      expect(differences).toMatchObject([
        { projection: 'visits', table: 'checkpoint', key: '["visits"]', column: 'digest' },
      ]);
    },
    TEST_MS,
  );

  it(
    'names keys that are parked',
    async () => {
      await fill(store, 60, 6);
      const poisoned = tally({
        project: ({ events }) =>
          events.some(({ stream }) => stream === 'clerk-3')
            ? Promise.reject(new Error('poison'))
            : tally().project({ events, after: '', until: '' }, ignored, store),
      });
      const all = await open([poisoned, visits()]);
      all.start();
      await all.waitFor(NAMES, await store.head(), WAIT_MS);
      const { parkedKeys } = await all.verify();
      expect(parkedKeys).toMatchObject([{ projection: 'tally', key: 'clerk-3', eventCount: 10 }]);
    },
    TEST_MS,
  );
});

const ignored: Sql = { query: () => Promise.resolve([]) };
