import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import { inTransaction, quoteText, toSql, type Context } from './context.js';
import type { Sql } from './port.js';

/** `undefined_table`, `invalid_schema_name`: the generation was dropped under a slow reader. */
const GENERATION_GONE: ReadonlySet<unknown> = new Set(['42P01', '3F000']);
const MAX_ATTEMPTS = 3;

/** The answer of a query and the position that it reflects: every event up to it, none after. */
export type Reading<Result> = { readonly result: Result; readonly position: Position };

/**
 * Runs a query over the current generations of these projections, all at one snapshot; the
 * position is the lowest of theirs. A switch between two statements of the query changes nothing:
 * pointer, checkpoints and rows are those of the snapshot. Only when the tables of that pointer
 * are dropped meanwhile (two rebuilds on) is the query run again.
 */
export async function readCurrent<Result>(
  { pool }: Pick<Context, 'pool'>,
  names: readonly string[],
  query: (sql: Sql, position: Position) => Promise<Result>,
): Promise<Reading<Result>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readOnce(pool, names, query);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (!GENERATION_GONE.has(code) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function readOnce<Result>(
  pool: Context['pool'],
  names: readonly string[],
  query: (sql: Sql, position: Position) => Promise<Result>,
): Promise<Reading<Result>> {
  const begin = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${enterCurrent(names)}`;
  return inTransaction(pool, begin, async (client, entered) => {
    const [found] = entered.rows as { position: string | null; count: number }[];
    if (found?.position == null || found.count !== names.length) {
      throw new DomainError('unknown-projection', { projections: names });
    }
    return { result: await query(toSql(client), found.position), position: found.position };
  });
}

/** Newer schemas first: an older one may still hold tables of projections that moved on. */
const enterCurrent = (names: readonly string[]): string => `
  WITH standing AS (
    SELECT c.position, c.generation FROM projection.checkpoint c JOIN projection.pointer
        ON current @> jsonb_build_object(c.projection, c.generation)
     WHERE c.projection IN (${names.map(quoteText).join(', ')}))
  SELECT min(position) AS position, count(*)::int AS count,
         set_config('search_path', (
           SELECT string_agg('read_' || generation, ', ' ORDER BY generation DESC)
             FROM (SELECT DISTINCT generation FROM standing) AS d), true)
    FROM standing`;
