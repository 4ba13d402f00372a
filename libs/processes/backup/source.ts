import type pg from 'pg';
import { TABLES } from './columns.js';
import { type BackupRow, MAX_PART_ROWS, type Section } from './format.js';

export type Source = Pick<pg.ClientBase, 'query'>;

/** A page and its successor are in memory: each at most 500 events of 64 KiB. */
const PAGE_ROWS = MAX_PART_ROWS;

/** All reads of `work` see the database as it was at the first one. */
export async function atOneMoment<Result>(
  pool: Pick<pg.Pool, 'connect'>,
  work: (source: Source) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let failed: Error | undefined;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    failed = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(failed); // a connection that failed is not used again
  }
}

export async function countOf(source: Source, section: Section): Promise<number> {
  const { rows } = await source.query<{ readonly count: string }>(
    `SELECT count(*)::text AS count FROM ${TABLES[section].table}`,
  );
  return Number(rows[0]?.count ?? 0);
}

/** Position of the last event; 0 for none. */
export async function headOf(source: Source): Promise<bigint> {
  const { rows } = await source.query<{ readonly head: string }>(
    'SELECT coalesce(max(position), 0)::text AS head FROM log.events',
  );
  return BigInt(rows[0]?.head ?? 0);
}

/** Rows in the order of their key, up to `until` if given; the next page is on its way. */
export async function* rowsOf(
  source: Source | Pick<pg.Pool, 'query'>,
  section: Section,
  until?: bigint,
): AsyncGenerator<readonly BackupRow[]> {
  const { table, key, keyType, columns } = TABLES[section];
  const collation = keyType === 'text' ? ' COLLATE "C"' : '';
  const limit = until === undefined ? '' : `AND t.${key} <= ${until}`;
  const text = `SELECT ${columns.map(({ read }) => read).join(', ')} FROM ${table} t
    WHERE ($1::${keyType} IS NULL OR t.${key} > $1::${keyType}${collation}) ${limit}
    ORDER BY t.${key}${collation} LIMIT ${PAGE_ROWS}`;
  const keyIndex = columns.findIndex(({ name }) => name === key);
  const page = async (after: string | null): Promise<readonly BackupRow[]> => {
    const query = { text, values: [after], rowMode: 'array' as const };
    return (await source.query<(string | null)[]>(query)).rows;
  };
  let next = page(null);
  try {
    for (;;) {
      const rows = await next;
      const last = rows.at(-1);
      if (!last) return;
      next = page(String(last[keyIndex]));
      next.catch(() => undefined); // told when it is asked for; unheard it would end the process
      yield rows;
    }
  } finally {
    await next.catch(() => undefined); // fetched ahead, and no longer wanted
  }
}
