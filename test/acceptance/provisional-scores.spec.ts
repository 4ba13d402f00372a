import * as fc from 'fast-check';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import type { EventStore, Position } from '#event-store';
import { assessmentStream, canonicalJson } from '#kernel';
import { appDataSource } from '#platform';
import type { Batch, Sql } from '#projections';
import { provisionalBody, scoresProjection } from '#read-models/scores';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { acts, playHistory, type PureScore, pureScores } from '../support/random-history.js';

const seed = Number(process.env['FC_SEED'] ?? 20_260_722);
const RUNS = 6;

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.appUrl });
  await client.connect();
}, 60_000);

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

/** Empty tables of the projection, as a generation has them, in a schema of their own. */
async function freshTables(schema: string): Promise<void> {
  await client.query(`CREATE SCHEMA ${schema}`);
  const entities = [...scoresProjection().entities];
  const { options } = appDataSource(database.appUrl, entities, { maxConnections: 1 });
  const source = new DataSource({
    ...(options as Extract<typeof options, { type: 'postgres' }>),
    schema,
    installExtensions: false,
  });
  await source.initialize();
  await source.synchronize();
  await source.destroy();
  await client.query(`SET search_path = ${schema}`);
}

const sql: Sql = {
  query: async <Row extends object>(text: string, params: readonly unknown[] = []) =>
    (await client.query<Row>(text, [...params])).rows,
};

type Row = {
  readonly account_manager_id: string;
  readonly period: string;
  readonly status: string;
  readonly score: string | null;
  readonly grade: string | null;
  readonly body: string;
};

async function provisionalRows(): Promise<readonly string[]> {
  const rows = await sql.query<Row>(
    `SELECT account_manager_id, period, status, score::text AS score, grade, body
       FROM provisional_score`,
  );
  return rows.map((row) => canonicalJson(row)).toSorted();
}

const TABLES = [
  'score_result',
  'provisional_score',
  'score_cycle',
  'board_entry',
  'board_score_count',
];

async function allRows(): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const table of TABLES) {
    const texts = await sql.query<{ text: string }>(
      `SELECT to_jsonb(t)::text AS text FROM ${table} t`,
    );
    rows.push(...texts.map(({ text }) => `${table} ${text}`).toSorted());
  }
  return rows;
}

function expectedRows(pure: ReadonlyMap<string, PureScore>): readonly string[] {
  const rows: string[] = [];
  for (const [stream, entry] of pure) {
    if (entry.stage !== 'provisional') continue;
    const { context, card } = entry.score;
    const { accountManagerId, period } = context;
    expect(stream).toBe(assessmentStream(accountManagerId, period));
    const { status, score, grade } = card;
    const key = { account_manager_id: accountManagerId, period };
    rows.push(canonicalJson({ ...key, status, score, grade, body: provisionalBody(entry.score) }));
  }
  return rows.toSorted();
}

type Projection = ReturnType<typeof scoresProjection>;

/** One batch in a transaction, now and then after one that was rolled back. */
async function feed(
  projection: Projection,
  store: EventStore,
  batch: Batch,
  fails: boolean,
): Promise<void> {
  if (fails) {
    await client.query('BEGIN');
    await projection.project(batch, sql, store);
    await client.query('ROLLBACK');
  }
  await client.query('BEGIN');
  await projection.project(batch, sql, store);
  await client.query('COMMIT');
}

describe('a provisional score', () => {
  it('is everywhere the pure score of the log up to there, however that is cut', async () => {
    console.info(`seed ${seed}`);
    let run = 0;
    let rows = 0;
    const cuts = fc.array(fc.tuple(fc.integer({ min: 1, max: 25 }), fc.boolean()), {
      minLength: 40,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(acts(120), cuts, async (list, sizes) => {
        run += 1;
        await freshTables(`run_${run}`);
        const { store, events } = await playHistory(list);
        const projection = scoresProjection();
        let from = 0;
        let after: Position = '';
        for (let turn = 0; from < events.length; turn += 1) {
          const [size, fails] = sizes[turn % sizes.length] ?? [1, false];
          const batch = events.slice(from, from + size);
          const until = batch.at(-1)?.position ?? after;
          await feed(projection, store, { events: batch, after, until }, fails);
          from += batch.length;
          after = until;
          const expected = expectedRows(pureScores(events.slice(0, from)));
          expect(await provisionalRows()).toEqual(expected);
          rows += expected.length;
        }
      }),
      { numRuns: RUNS, seed, endOnFailure: true },
    );
    expect(rows).toBeGreaterThan(RUNS * 20);
  }, 120_000);

  it('is the same where a rebuild puts rows off, however the log is cut', async () => {
    let run = 0;
    let rows = 0;
    const cuts = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 25 }), fc.boolean(), fc.boolean(), fc.boolean()),
      { minLength: 20, maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(acts(120), cuts, async (list, sizes) => {
        run += 1;
        const { store, events } = await playHistory(list);
        await freshTables(`put_off_${run}`);
        const projection = scoresProjection();
        let from = 0;
        let after: Position = '';
        for (let turn = 0; from < events.length; turn += 1) {
          const [size, fails, isDue, isApart] = sizes[turn % sizes.length] ?? [1];
          const batch = events.slice(from, from + size);
          const until = batch.at(-1)?.position ?? after;
          from += batch.length;
          const ends = isDue === true || from === events.length;
          const deferral = ends && isApart !== true ? 'due' : 'open';
          const first: Batch = { events: batch, after, until, deferral };
          await feed(projection, store, first, fails === true);
          after = until;
          if (!ends) continue;
          // What was put off comes with the last batch, also when that has no events.
          if (isApart) {
            const rest: Batch = { events: [], after, until, deferral: 'due' };
            await feed(projection, store, rest, false);
          }
          const expected = expectedRows(pureScores(events.slice(0, from)));
          expect(await provisionalRows()).toEqual(expected);
          rows += expected.length;
        }
        const rebuilt = await allRows();
        await freshTables(`at_once_${run}`);
        const atOnce = { events, after: '', until: after };
        await feed(scoresProjection(), store, atOnce, false);
        expect(rebuilt).toEqual(await allRows());
      }),
      { numRuns: RUNS, seed, endOnFailure: true },
    );
    expect(rows).toBeGreaterThan(RUNS);
  }, 120_000);
});
