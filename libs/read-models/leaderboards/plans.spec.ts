import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { sha256Hex } from '#kernel';
import { appDataSource } from '#platform';
import type { Sql } from '#projections';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { boardPage, boardPlace, indicatorPage, indicatorPlace, replaceStandings } from './index.js';
import type { Standing } from './entries.js';
import { BoardEntryRow, BoardScoreCountRow, IndicatorStandingRow } from './table.js';

const PEOPLE = 20_000;
const UNITS = 40;
const board = { period: '2026-01', unitId: '*', schemeId: 's' };

let database: TestDatabase;
let client: Client;
const asked: { text: string; params: readonly unknown[] }[] = [];

const sql: Sql = {
  query: async <Row extends object>(text: string, params: readonly unknown[] = []) => {
    asked.push({ text, params });
    return (await client.query<Row>(text, [...params])).rows;
  },
};

function standing(at: number, score: number): Standing {
  const accountManagerId = `AM${String(at).padStart(6, '0')}`;
  const text = score.toFixed(2);
  const exact = `${Math.round(score * 100)}/100`;
  return {
    accountManagerId,
    period: board.period,
    schemeId: board.schemeId,
    unitPath: [`U${at % UNITS}`, 'HQ'],
    provisional: true,
    key: {
      score: text,
      heaviest: exact,
      feedback: null,
      deducted: '0',
      earlierScore: null,
      hash: sha256Hex(accountManagerId),
    },
    indicators: { sales: { exact, score: text, how: 'scored' } },
  };
}

const scoreOf = (at: number): number => ((at * 7919) % 12_000) / 100;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.appUrl });
  await client.connect();
  await client.query('CREATE SCHEMA boards');
  const entities = [BoardEntryRow, BoardScoreCountRow, IndicatorStandingRow];
  const { options } = appDataSource(database.appUrl, entities, { maxConnections: 1 });
  const source = new DataSource({
    ...(options as Extract<typeof options, { type: 'postgres' }>),
    schema: 'boards',
    installExtensions: false,
  });
  await source.initialize();
  await source.synchronize();
  await source.destroy();
  await client.query('SET search_path = boards');
  for (let from = 0; from < PEOPLE; from += 5_000) {
    const step = Array.from({ length: 5_000 }, (_, at) => standing(from + at, scoreOf(from + at)));
    await replaceStandings(sql, step, step);
  }
}, 60_000);

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

/** The plans of what `work` asks, with the rows that each step really read. */
async function plansOf(work: () => Promise<unknown>): Promise<string> {
  asked.length = 0;
  await work();
  const plans: string[] = [];
  const asks = asked.slice();
  for (const { text, params } of asks) {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) ${text}`,
      [...params],
    );
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
  return plans.join('\n\n');
}

/** Without statistics, as in the first minutes of an import, and with them. */
describe.each(['before', 'after'])('%s the tables are analysed', (when) => {
  beforeAll(async () => {
    if (when === 'after') await client.query('ANALYZE');
  });

  it('reads the top of a board from the index of the ranking order', async () => {
    const plans = await plansOf(() => boardPage(sql, board, { offset: 0, limit: 50 }));
    expect(plans).toMatch(/Index Scan using board_entry_order/);
    expect(plans).not.toMatch(/Seq Scan|Sort /);
    expect(mostRows(plans)).toBeLessThan(PEOPLE - 1_000); // counts above, dead ones too
  });

  it('finds a place by the key and the counts above', async () => {
    const plans = await plansOf(() => boardPlace(sql, board, 'AM010000'));
    expect(plans).not.toMatch(/Seq Scan on board_entry/);
    expect(mostRows(plans)).toBeLessThan(PEOPLE - 1_000); // counts above, dead ones too
  });

  it.each(['*', 'U7'])('reads a board of %s by an indicator from indexes', async (unitId) => {
    const of = { ...board, unitId };
    const plans = await plansOf(() => indicatorPage(sql, of, 'sales', { offset: 0, limit: 50 }));
    expect(plans).not.toMatch(/Seq Scan on (board_entry|indicator_standing)/);
  });
});

const mostRows = (plans: string): number =>
  Math.max(...[...plans.matchAll(/actual rows=(\d+)/g)].map(([, rows]) => Number(rows)));

it('answers as a plain sort does, after people have moved', async () => {
  const moved = Array.from({ length: 300 }, (_, at) => standing(at * 50, scoreOf(at * 13)));
  const gone = [standing(1, 0), standing(2, 0)];
  await replaceStandings(sql, [...moved, ...gone], moved);
  const scores = new Map(
    Array.from({ length: PEOPLE }, (_, at) => [standing(at, 0).accountManagerId, scoreOf(at)]),
  );
  for (const { accountManagerId, key } of moved) scores.set(accountManagerId, Number(key.score));
  for (const { accountManagerId } of gone) scores.delete(accountManagerId);
  const sorted = [...scores].sort(
    ([a, left], [b, right]) => right - left || (sha256Hex(a) < sha256Hex(b) ? -1 : 1),
  );
  const page = await boardPage(sql, board, { offset: 1_000, limit: 200 });
  expect(page.map(({ accountManagerId }) => accountManagerId)).toEqual(
    sorted.slice(1_000, 1_200).map(([id]) => id),
  );
  for (const at of [0, 1, 777, 15_000]) {
    const [id, score] = sorted[at] as [string, number];
    const rank = 1 + sorted.filter(([, other]) => other > score).length;
    expect(await boardPlace(sql, board, id)).toMatchObject({ place: at + 1, rank });
    expect(await indicatorPlace(sql, board, 'sales', id)).toMatchObject({ rank });
  }
});
