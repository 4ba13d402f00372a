import * as fc from 'fast-check';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import type { EventStore, Position, RecordedEvent } from '#event-store';
import { assessmentStream, canonicalJson } from '#kernel';
import { appDataSource } from '#platform';
import type { Sql } from '#projections';
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

/** One batch in a transaction, which now and then is rolled back and tried again, as after a fault. */
async function feed(
  projection: Projection,
  store: EventStore,
  batch: { events: readonly RecordedEvent[]; after: Position; until: Position },
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
  it('is at every position the pure score of the log up to it, however the log is cut', async () => {
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
});
