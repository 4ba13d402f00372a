import type pg from 'pg';
import { createMemoryEventStore, type EventStore, type NewEvent } from '#event-store';
import { createAppPool } from '#platform';
import { createTestDatabase, runSql, type TestDatabase } from '../../test/support/database.js';
import { openProjections, type OnOtherLog, type Projections } from './index.js';
import { counted, tally, visits } from './toy-projections.js';

const WAIT_MS = 20_000;
const NAMES = ['tally', 'visits'] as const;

let database: TestDatabase;
let pools: pg.Pool[];
let opened: Projections[];

beforeEach(async () => {
  database = await createTestDatabase();
  pools = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((projections) => projections.close()));
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

/** A store of this kind, whatever it is in truth. */
async function open(store: EventStore, onOtherLog: OnOtherLog = 'refuse'): Promise<Projections> {
  const pool = createAppPool(database.appUrl);
  pools.push(pool);
  const { appUrl } = database;
  const projections = [tally(), visits()];
  const logKind = 'eventstoredb';
  const all = await openProjections({ pool, appUrl, store, logKind, onOtherLog, projections });
  opened.push(all);
  return all;
}

async function projected(store: EventStore, onOtherLog?: OnOtherLog): Promise<void> {
  const all = await open(store, onOtherLog);
  all.start();
  await all.waitFor(NAMES, await store.head(), WAIT_MS);
  await all.close();
}

/** Logs with the same events at the same places, of servers that took them at other times. */
const history: readonly NewEvent[] = Array.from({ length: 6 }, (_, n) => counted(n, 'here'));
async function logOf(startedAt: string, count = history.length): Promise<EventStore> {
  const store = createMemoryEventStore(() => Date.parse(startedAt));
  await grow(store, history.slice(0, count));
  return store;
}
async function grow(store: EventStore, events: readonly NewEvent[]): Promise<void> {
  for (const event of events) await store.append('visitor-1', 'any', [event]);
}

const REFUSED = { code: 'read-models-of-another-log', details: { log: 'eventstoredb' } };
const generations = async (): Promise<object> => {
  const { rows } = await runSql(database.ownerUrl, 'SELECT current FROM projection.pointer');
  return rows[0] as object;
};
const shapes = async (): Promise<string[]> => {
  const text = 'SELECT shape FROM projection.checkpoint ORDER BY projection, generation';
  const { rows } = await runSql(database.ownerUrl, text);
  return (rows as { shape: string }[]).map(({ shape }) => shape);
};

describe('read models of one log, opened over another of the same kind', () => {
  it('are refused, however far that one has come, and begin anew when that is wanted', async () => {
    await projected(await logOf('2026-01-01T00:00:00Z', 4));
    for (const count of [2, 4, 6]) {
      await expect(open(await logOf('2026-01-02T00:00:00Z', count))).rejects.toMatchObject(REFUSED);
    }
    const other = await logOf('2026-01-02T00:00:00Z');
    await projected(other, 'begin-anew');
    const all = await open(other);
    const { result } = await all.read(['tally'], (sql) =>
      sql.query('SELECT subject, event_count FROM tally'),
    );
    expect(result).toEqual([{ subject: 'visitor-1', event_count: 6 }]);
    await expect(open(await logOf('2026-01-01T00:00:00Z'))).rejects.toMatchObject(REFUSED);
  });

  it('are left as they are over their own, which has grown', async () => {
    const store = await logOf('2026-01-01T00:00:00Z', 3);
    await projected(store);
    const before = await generations();
    await grow(store, history.slice(3));
    await projected(store);
    expect(await generations()).toEqual(before);
  });

  it('are nobody’s while nothing was read, and then begin anew without a word', async () => {
    await (await open(await logOf('2026-01-01T00:00:00Z'))).close();
    await projected(await logOf('2026-01-02T00:00:00Z'));
  });
});

describe('read models that were opened while the log was empty', () => {
  it('are of that log from its first event on', async () => {
    const store = createMemoryEventStore(() => Date.parse('2026-01-01T00:00:00Z'));
    const all = await open(store);
    all.start();
    await grow(store, history.slice(0, 2));
    await all.waitFor(NAMES, await store.head(), WAIT_MS);
    while (!(await shapes()).every((shape) => shape.includes('@eventstoredb:'))) {
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
    const before = await generations();
    expect((await all.verify()).differences).toEqual([]);
    await all.close();
    await expect(open(await logOf('2026-01-02T00:00:00Z'))).rejects.toMatchObject(REFUSED);
    await projected(store);
    expect(await generations()).toEqual(before);
  });

  it('get its name from who opens them next, save one whose row was changed by hand', async () => {
    const store = createMemoryEventStore(() => Date.parse('2026-01-01T00:00:00Z'));
    await (await open(store)).close();
    const damage = `UPDATE projection.checkpoint SET fence = fence + 1 WHERE projection = 'visits'`;
    await runSql(database.appUrl, damage);
    await grow(store, history);
    const all = await open(store);
    const [ofTally = '', ofVisits = ''] = await shapes();
    expect([ofTally, ofVisits].map((shape) => shape.includes(':'))).toEqual([true, false]);
    const { differences } = await all.verify();
    expect(differences).toMatchObject([
      { projection: 'visits', table: 'checkpoint', column: 'digest' },
    ]);
  });
});
