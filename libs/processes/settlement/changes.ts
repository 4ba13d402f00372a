import type { Sql } from '#projections';

/** Stands for everybody, where a cycle was published late. */
export const EVERYBODY = '';

type Generation = {
  readonly batchId: string;
  readonly generation: number;
  readonly period: string;
};

/** Of whom something was decided that can move lines since a generation claimed its scope. */
export async function changedSince(
  sql: Sql,
  { batchId, generation, period }: Generation,
): Promise<readonly string[] | 'everybody'> {
  const rows = await sql.query<{ id: string }>(
    `select distinct c.account_manager_id as id
     from settlement_change c
     join settlement_claim k on k.batch_id = $1 and k.generation = $2
     where c.position > k.position and c.period <= $3 order by 1`,
    [batchId, generation, period],
  );
  return rows.some(({ id }) => id === EVERYBODY) ? 'everybody' : rows.map(({ id }) => id);
}
