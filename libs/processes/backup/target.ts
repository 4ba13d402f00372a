import type pg from 'pg';
import { DomainError } from '#kernel';
import { TABLES } from './columns.js';
import type { BackupRow, Section } from './format.js';

export type Target = Pick<pg.ClientBase, 'query'>;

/** The lock of log.append_batch: who appends waits until the restore is there or gone. */
const APPEND_LOCK = '7882826979823183975';
/** The lock that makers of keys share. */
const KEYS_LOCK = '7882826979823183979';

/** Begins; refuses a target that holds anything. Error: DomainError `restore-target-not-empty`. */
export async function beginRestore(target: Target, sections: readonly Section[]): Promise<void> {
  await target.query('BEGIN');
  await target.query('SET LOCAL statement_timeout = 0');
  await target.query('SET LOCAL idle_in_transaction_session_timeout = 0');
  await target.query(`SELECT pg_advisory_xact_lock(${APPEND_LOCK})`);
  await target.query(`SELECT pg_advisory_xact_lock(${KEYS_LOCK})`);
  for (const section of sections) {
    const { table } = TABLES[section];
    await target.query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
    const { rowCount } = await target.query(`SELECT 1 FROM ${table} LIMIT 1`);
    if (rowCount === 0) continue;
    throw new DomainError(
      'restore-target-not-empty',
      { table },
      `there is something in ${table} already; a restore needs a new folder or database`,
    );
  }
}

export async function insertRows(
  target: Target,
  section: Section,
  rows: readonly BackupRow[],
): Promise<void> {
  const { table, columns } = TABLES[section];
  const names = columns.map(({ name }) => name);
  const values = columns.map(({ name, write }) => write(`r.${name}`));
  await target.query(
    `INSERT INTO ${table} (${names.join(', ')})
     OVERRIDING SYSTEM VALUE SELECT ${values.join(', ')}
       FROM unnest(${names.map((_, index) => `$${index + 1}::text[]`).join(', ')})
         AS r(${names.join(', ')})`,
    names.map((_, index) => rows.map((row) => row[index] ?? null)),
  );
}

/** Ids of the access record go on behind those that were restored. */
export async function continueIds(target: Target): Promise<void> {
  await target.query(
    `SELECT setval(pg_get_serial_sequence('access.record', 'id'), max(id))
       FROM access.record HAVING max(id) IS NOT NULL`,
  );
}

export async function tellReaders(target: Target, position: string): Promise<void> {
  await target.query(`SELECT pg_notify('merit_log', $1)`, [position]);
  await target.query(`SELECT pg_notify('merit_keys', '')`);
}
