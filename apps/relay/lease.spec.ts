import pg from 'pg';
import { createTestDatabase, runSql, type TestDatabase } from '../../test/support/database.js';
import { type LeaseTimings, takeLease } from './lease.js';

const TIMINGS: LeaseTimings = { askEveryMs: 20, silenceMs: 10_000 };

let database: TestDatabase;
let pool: pg.Pool;
const open = new AbortController();

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.appUrl });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
});

afterAll(async () => {
  open.abort();
  await pool?.end();
  await database?.drop();
});

const take = (name: string, timings = TIMINGS, signal = open.signal) =>
  takeLease(pool, name, signal, timings);

const lostOf = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });

const endSessions = (): Promise<unknown> =>
  runSql(
    database.superuserUrl,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = '${database.name}' AND pid <> pg_backend_pid()`,
  );

describe('the lease', () => {
  it('is one relay’s at a time, and the next one’s when it is released', async () => {
    const first = await take('a');
    let isSecond = false;
    const second = take('a').then((lease) => {
      isSecond = true;
      return lease;
    });
    const other = await take('b'); // several questions of the second lie behind this
    expect(isSecond).toBe(false);
    first.release();
    expect(first.lost.aborted).toBe(true);
    (await second).release();
    other.release();
  });

  it('is lost with its connection, and then to be had again', async () => {
    const lease = await take('c');
    await endSessions();
    await lostOf(lease.lost);
    (await take('c')).release();
  });

  it('is taken from one that says nothing any more, as a vanished machine does', async () => {
    const silent = await pool.connect();
    await silent.query('SET idle_session_timeout = 200');
    await silent.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', ['d']);
    (await take('d')).release();
    silent.release(true);
  });

  it('is kept by one that has nothing to do for longer than the server waits', async () => {
    const lease = await take('e', { askEveryMs: 20, silenceMs: 200 });
    const { rows } = await pool.query<{ idle: string }>('SELECT pg_sleep(1)::text AS idle');
    expect(rows).toHaveLength(1);
    expect(lease.lost.aborted).toBe(false);
    lease.release();
  });

  it('is not waited for after the end', async () => {
    const held = await take('f');
    const end = new AbortController();
    const waiting = take('f', TIMINGS, end.signal);
    end.abort(new Error('ended'));
    await expect(waiting).rejects.toThrow(/aborted|ended/);
    held.release();
  });
});
