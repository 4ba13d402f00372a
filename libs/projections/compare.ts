import { createHash } from 'node:crypto';
import { tablePath } from './catalogue.js';
import { quoteName, quoteText, schemaOf, type Connection } from './context.js';
import type { Definitions } from './generations.js';
import type { Difference } from './port.js';

type Column = { readonly name: string; readonly type: string; readonly keyOrder: number | null };

/** Texts of values must not depend on who asks. */
export const BEGIN_SNAPSHOT =
  `BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL TimeZone = 'UTC'; ` +
  `SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres'; ` +
  `SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL jit = off; ` +
  `SET LOCAL work_mem = '64MB'; SET LOCAL statement_timeout = 0; ` +
  `SET LOCAL idle_in_transaction_session_timeout = 0`;

async function columnsOf(
  connection: Connection,
  generation: number,
  table: string,
): Promise<readonly Column[]> {
  const { rows } = await connection.query<Column>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
            array_position(i.indkey::int2[], a.attnum) AS "keyOrder"
       FROM pg_class t
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
      WHERE t.relnamespace = to_regnamespace($1) AND t.relname = $2
      ORDER BY a.attname COLLATE "C"`,
    [schemaOf(generation), table],
  );
  return rows;
}

/** Names of the key's columns in its own order. */
const keyOf = (columns: readonly Column[]): readonly string[] =>
  columns
    .filter(({ keyOrder }) => keyOrder !== null)
    .toSorted((a, b) => Number(a.keyOrder) - Number(b.keyOrder))
    .map(({ name }) => name);

/**
 * Compares the tables of one projection in two generations row by row and column by column, as
 * texts, so that also what equals itself in another form (1.0 and 1.00) is a difference. One for
 * each table, at its first row by key.
 */
export async function compareTables(
  connection: Connection,
  projection: string,
  tables: readonly string[],
  live: number,
  rebuilt: number,
): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  for (const table of tables) {
    const columns = await columnsOf(connection, live, table);
    const other = await columnsOf(connection, rebuilt, table);
    const odd = oddColumn(columns, other);
    if (odd !== null) {
      differences.push({ projection, table, key: '', column: odd, rowCount: 0 });
      continue;
    }
    const found = await firstDifference(connection, columns, {
      live: tablePath(live, table),
      rebuilt: tablePath(rebuilt, table),
    });
    if (found) differences.push({ projection, table, ...found });
  }
  return differences;
}

/** A column that only one of the tables has, or that differs in type; null when all agree. */
function oddColumn(live: readonly Column[], rebuilt: readonly Column[]): string | null {
  const texts = (columns: readonly Column[]) =>
    new Map(columns.map((column) => [JSON.stringify(column), column.name]));
  const [a, b] = [texts(live), texts(rebuilt)];
  for (const [text, name] of [...a, ...b]) if (!a.has(text) || !b.has(text)) return name;
  return live.length === 0 ? '*' : null;
}

async function firstDifference(
  connection: Connection,
  columns: readonly Column[],
  paths: { readonly live: string; readonly rebuilt: string },
): Promise<Pick<Difference, 'key' | 'column' | 'rowCount'> | null> {
  const keys = keyOf(columns).map(quoteName);
  const texts = (alias: string) =>
    columns.map(({ name }) => `${alias}.${quoteName(name)}::text`).join(', ');
  const sameKey = keys.map((name) => `a.${name} = b.${name}`).join(' AND ');
  const key = keys.map((name) => `coalesce(a.${name}, b.${name})`);
  const { rows } = await connection.query<{
    key: readonly string[];
    a: readonly (string | null)[];
    b: readonly (string | null)[];
    one_sided: boolean;
    count: string;
  }>(
    `SELECT ARRAY[${key.map((name) => `${name}::text`).join(', ')}] AS key,
            ARRAY[${texts('a')}] AS a, ARRAY[${texts('b')}] AS b,
            (a.${keys[0]} IS NULL) <> (b.${keys[0]} IS NULL) AS one_sided, count(*) OVER () AS count
       FROM ${paths.live} AS a
       FULL JOIN ${paths.rebuilt} AS b ON ${sameKey}
      WHERE ROW(${texts('a')}) IS DISTINCT FROM ROW(${texts('b')})
      ORDER BY ${key.join(', ')} LIMIT 1`,
  );
  const row = rows[0];
  if (!row) return null;
  const index = columns.findIndex((_, at) => row.a[at] !== row.b[at]);
  return {
    key: JSON.stringify(row.key),
    column: row.one_sided ? '*' : (columns[index]?.name ?? '*'),
    rowCount: Number(row.count),
  };
}

const FETCH_ROWS = 5_000;

/**
 * SHA-256 over the rows of all tables of a projection in one generation: the same for the same
 * content, in whatever order it was written. Needs a transaction begun with BEGIN_SNAPSHOT.
 */
export async function hashTables(
  connection: Connection,
  definitions: Definitions,
  projection: string,
  generation: number,
): Promise<string> {
  const hash = createHash('sha256');
  for (const table of definitions.get(projection)?.tables.toSorted() ?? []) {
    const columns = await columnsOf(connection, generation, table);
    hash.update(`${JSON.stringify([table, columns])}\n`);
    const fields = columns.map(({ name }) => `${quoteText(name)}, ${quoteName(name)}::text`);
    const order = keyOf(columns)
      .map((name) => `${quoteName(name)}::text COLLATE "C"`)
      .join(', ');
    await connection.query(
      `DECLARE content NO SCROLL CURSOR FOR SELECT json_build_object(${fields.join(', ')})::text
         AS line FROM ${tablePath(generation, table)} ORDER BY ${order}`,
    );
    for (;;) {
      const { rows } = await connection.query<{ line: string }>(`FETCH ${FETCH_ROWS} FROM content`);
      for (const { line } of rows) hash.update(`${line}\n`);
      if (rows.length < FETCH_ROWS) break;
    }
    await connection.query('CLOSE content');
  }
  return hash.digest('hex');
}
