import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.js';
import { toSql } from './context.js';
import { deleteRows, insertRows, upsertRows } from './rows.js';

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
  client = new Client({ connectionString: database.ownerUrl });
  await client.connect();
  await client.query(
    `CREATE TABLE thing (id text, period text, score numeric, doc jsonb, path text[],
       is_final boolean, PRIMARY KEY (id, period))`,
  );
});
afterAll(async () => {
  await client.end();
  await database.drop();
});
beforeEach(() => client.query('TRUNCATE thing'));

const shape = {
  columns: {
    id: 'text',
    period: 'text',
    score: 'numeric',
    doc: 'jsonb',
    path: 'text[]',
    is_final: 'boolean',
  },
  key: ['id', 'period'],
} as const;

const awkward = {
  id: '客户"经理\\\'1',
  period: 'NULL',
  score: '0.10',
  doc: { text: '称"职"\\', list: [1, null] },
  path: ['a,b', '{c}', '"', '\\', '', 'NULL'],
  is_final: false,
};

const all = async () => {
  const { rows } = await client.query<Record<string, unknown>>('SELECT * FROM thing ORDER BY id');
  return rows;
};

it('writes texts, numbers, arrays, JSON and nulls as they are', async () => {
  const empty = { id: '', period: '', score: null, doc: null, path: [], is_final: true };
  await insertRows(toSql(client), 'thing', shape, [awkward, empty]);
  expect(await all()).toEqual([empty, awkward]);
});

it('replaces rows whose key is there, and adds the others', async () => {
  await upsertRows(toSql(client), 'thing', shape, [awkward]);
  const changed = { ...awkward, score: '7', path: [], doc: null };
  await upsertRows(toSql(client), 'thing', shape, [changed, { ...changed, id: 'zz' }]);
  expect(await all()).toEqual([{ ...changed, id: 'zz' }, changed].sort(byId));
});

it('refuses to insert a row whose key is there', async () => {
  await insertRows(toSql(client), 'thing', shape, [awkward]);
  await expect(insertRows(toSql(client), 'thing', shape, [awkward])).rejects.toThrow(/duplicate/);
});

it('deletes rows by their whole key alone', async () => {
  await upsertRows(toSql(client), 'thing', shape, [awkward, { ...awkward, period: 'Q2' }]);
  await deleteRows(toSql(client), 'thing', shape, [{ id: awkward.id, period: 'Q2' }]);
  expect(await all()).toEqual([awkward]);
});

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
