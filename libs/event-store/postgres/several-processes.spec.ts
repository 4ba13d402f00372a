import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { collect } from '../contract.js';
import type { RecordedEvent } from '../port.js';
import { openPostgresEventStore, type PostgresEventStore } from './postgres-event-store.js';

const WRITER = 'test/support/event-writer.mjs';
const WRITERS = 2;
const EVENTS_PER_WRITER = 2_500;

/**
 * Reliability: no reader meets an inversion or a skip, whatever writes and whatever is left open.
 */
describe('several processes that append to hot streams', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  let bystander: Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    store = await openPostgresEventStore({ connectionString: database.appUrl });
    bystander = new Client({ connectionString: database.appUrl });
    await bystander.connect();
  });
  afterAll(async () => {
    await bystander.end();
    await store.close();
    await database.drop();
  });

  const startWriter = (): ChildProcess =>
    fork(WRITER, [database.appUrl, String(EVENTS_PER_WRITER)], {
      execArgv: ['--no-warnings', '--import', './test/support/register-typescript.mjs'],
      stdio: 'inherit',
    });

  /** Follows the log until `total` events came, and counts what no reader may ever see. */
  const follow = async (total: number): Promise<{ inversions: number; skips: number }> => {
    const found = { inversions: 0, skips: 0 };
    const next = new Map<string, number>();
    let seen = 0;
    let last = '';
    for await (const batch of store.subscribe({ batchSize: 500 })) {
      for (const event of batch) {
        seen += 1;
        if (event.position <= last) found.inversions += 1;
        if (Number(event.position) !== seen) found.skips += 1;
        if (event.revision !== (next.get(event.stream) ?? 0)) found.inversions += 1;
        next.set(event.stream, event.revision + 1);
        last = event.position;
      }
      if (seen >= total) return found;
    }
    return found;
  };

  it('gives every reader one order without inversions and skips', async () => {
    // A transaction that took its snapshot first and stays idle hides nothing and holds nothing up.
    await bystander.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await bystander.query('SELECT count(*) FROM log.events');
    const total = WRITERS * EVENTS_PER_WRITER;
    const followers = [follow(total), follow(total)];
    const writers = Array.from({ length: WRITERS }, startWriter);
    const rolledBack = rollBackAppends();
    const exits = await Promise.all(writers.map((writer) => once(writer, 'exit')));
    expect(exits.map(([code]) => code)).toEqual([0, 0]);
    expect(await rolledBack).toBeGreaterThan(0);
    expect(await Promise.all(followers)).toEqual([
      { inversions: 0, skips: 0 },
      { inversions: 0, skips: 0 },
    ]);
    await bystander.query('ROLLBACK');
    const events = await collect(store.readAll());
    expect(events).toHaveLength(total);
    expect(new Set(events.map(({ id }) => id)).size).toBe(total);
    expect(writersOf(events)).toBe(WRITERS);
  }, 60_000);

  /** Appends that get their positions and are then rolled back: no position may stay empty. */
  const rollBackAppends = async (): Promise<number> => {
    const client = new Client({ connectionString: database.appUrl });
    await client.connect();
    let count = 0;
    while ((await store.lag('')).events < EVENTS_PER_WRITER) {
      await client.query('BEGIN');
      await client.query(
        `SELECT log.append_batch('{hot-0}', '{1}', '{-2}', '{1}', '{1}',
           ARRAY[gen_random_uuid()], '{x}', '{"{}"}', '{"{}"}', '{"x"}', '{"x"}')`,
      );
      await client.query('ROLLBACK');
      count += 1;
    }
    await client.end();
    return count;
  };

  const writersOf = (events: readonly RecordedEvent[]): number =>
    new Set(events.map(({ data }) => (data as { writer: number }).writer)).size;

  it('refuses to append under another isolation level, where a stale snapshot could give a taken position', async () => {
    await bystander.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const append = bystander.query(
      `SELECT log.append_batch('{a}', '{1}', '{-2}', '{1}', '{1}', ARRAY[gen_random_uuid()],
         '{x}', '{"{}"}', '{"{}"}', '{"x"}', '{"x"}')`,
    );
    await expect(append).rejects.toThrow('needs READ COMMITTED');
    await bystander.query('ROLLBACK');
  });
});
