import { createHash } from 'node:crypto';
import { DataSource } from 'typeorm';
import { START } from '#event-store';
import { DomainError } from '#kernel';
import { appDataSource } from '#platform';
import {
  digestOfPointer,
  insertCheckpoint,
  readPointer,
  tablePath,
  writePointer,
  type Generations,
  type Pointer,
} from './catalogue.js';
import { inTransaction, schemaOf, type Connection, type Context } from './context.js';

/** What makes the tables of one projection in any generation. */
export type Definition = {
  readonly tables: readonly string[];
  readonly statements: readonly string[]; // PLACEHOLDER stands for the schema
  readonly afterTables: readonly string[];
  readonly shape: string; // hash of all that, and which log it is made from
};

export type Definitions = ReadonlyMap<string, Definition>;

const PLACEHOLDER = 'schema_of_generation';
const FIRST_TABLE = new RegExp(`"${PLACEHOLDER}"\\."([^"]+)"`);
const PREPARE_LOCK = '7882826979823183977';

const FIRST_LOG = 'postgresql';

/**
 * Nothing for the log beside the read models: their checkpoints were written before there was
 * another one.
 */
function logSuffix({ logKind = FIRST_LOG }: Pick<Context, 'logKind'>): string {
  return logKind === FIRST_LOG ? '' : `@${logKind}`;
}

const logOf = (shape: string): string => shape.split('@')[1] ?? FIRST_LOG;

/** TypeORM's definitions of the entities' tables, written for no schema in particular. */
export async function readDefinitions(context: Context): Promise<Definitions> {
  const entities = context.projections.flatMap((projection) => projection.entities);
  const { options } = appDataSource(context.appUrl, entities, { maxConnections: 1 });
  const source = new DataSource({
    ...(options as Extract<typeof options, { type: 'postgres' }>),
    schema: PLACEHOLDER,
    installExtensions: false,
  });
  await source.initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    const statements = upQueries.map(({ query }) => query);
    return new Map(
      context.projections.map((projection) => {
        const tables = projection.entities.map((entity) => source.getMetadata(entity).tableName);
        const own = statements.filter((text) => tables.includes(FIRST_TABLE.exec(text)?.[1] ?? ''));
        const afterTables = projection.afterTables ?? [];
        const all = JSON.stringify([own, afterTables, projection.version ?? 0]);
        const hash = createHash('sha256').update(all).digest('hex').slice(0, 32);
        const shape = `${hash}${logSuffix(context)}`;
        return [projection.name, { tables, statements: own, afterTables, shape }];
      }),
    );
  } finally {
    await source.destroy();
  }
}

/** Makes schema, tables and checkpoints of a generation, in the caller's transaction. */
export async function createGeneration(
  connection: Connection,
  generation: number,
  definitions: Definitions,
  logged: 'logged' | 'unlogged',
): Promise<void> {
  const schema = schemaOf(generation);
  await connection.query(`CREATE SCHEMA ${schema}`);
  await connection.query(`SET LOCAL search_path = ${schema}`);
  for (const [name, definition] of definitions) {
    for (const statement of definition.statements) {
      const text = statement.replaceAll(`"${PLACEHOLDER}"`, schema);
      await connection.query(
        logged === 'logged' ? text : text.replace(/^CREATE TABLE/, 'CREATE UNLOGGED TABLE'),
      );
    }
    for (const statement of definition.afterTables) await connection.query(statement);
    await insertCheckpoint(connection, generation, name, definition.shape);
  }
  await connection.query('SET LOCAL search_path = DEFAULT');
}

/**
 * Sees to it that every projection has a current generation that fits the code. What is new, or
 * whose tables are defined otherwise than when they were made, begins anew before the first event
 * in a generation of its own. Safe to call from several processes at once.
 *
 * Positions of one log say nothing in another: what has read something of another log is refused
 * (DomainError `read-models-of-another-log`), or begins anew with all others if that is wanted.
 */
export async function prepareGenerations(
  context: Pick<Context, 'pool' | 'store' | 'logKind' | 'onOtherLog'>,
  definitions: Definitions,
): Promise<void> {
  const { pool } = context;
  if ((await unprepared(context, pool, definitions)).size === 0) return;
  await inTransaction(pool, 'BEGIN', async (connection) => {
    await connection.query(`SELECT pg_advisory_xact_lock(${PREPARE_LOCK})`);
    const pointer = await readPointer(connection, 'FOR UPDATE');
    const missing = await unprepared(context, connection, definitions);
    if (missing.size === 0) return;
    const generation = pointer.lastGeneration + 1;
    await createGeneration(connection, generation, missing, 'logged');
    const fresh = Object.fromEntries([...missing.keys()].map((name) => [name, generation]));
    await writePointer(connection, {
      current: { ...pointer.current, ...fresh },
      // Tables of another definition are of no use to this code: no step back to them.
      previous: null,
      lastGeneration: generation,
    });
  });
}

type Prepared = { readonly projection: string; readonly shape: string; readonly position: string };

async function unprepared(
  context: Pick<Context, 'store' | 'logKind' | 'onOtherLog'>,
  connection: Connection,
  definitions: Definitions,
): Promise<Definitions> {
  const { rows } = await connection.query<Prepared>(
    `SELECT projection, shape, position FROM projection.checkpoint c JOIN projection.pointer
         ON current @> jsonb_build_object(c.projection, c.generation)
      WHERE projection = ANY ($1::text[])`,
    [[...definitions.keys()]], // those of other releases are not read
  );
  const isAnew = await isOfAnotherLog(context, rows);
  if (isAnew && context.onOtherLog !== 'begin-anew') throw otherLog(context, rows);
  const shapes = new Map(rows.map(({ projection, shape }) => [projection, shape]));
  return new Map(
    [...definitions].filter(([name, { shape }]) => isAnew || shapes.get(name) !== shape),
  );
}

/**
 * Of another kind, or of another log of the same kind that has not come so far. What has read
 * nothing is of no log: where `shape` differs, it is made anew without a word.
 */
async function isOfAnotherLog(
  { store, logKind = FIRST_LOG }: Pick<Context, 'store' | 'logKind'>,
  rows: readonly Prepared[],
): Promise<boolean> {
  const read = rows.filter(({ position }) => position !== START);
  if (read.some(({ shape }) => logOf(shape) !== logKind)) return true;
  // In one database both are restored together; that a checkpoint is ahead is for verify to say.
  if (logKind === FIRST_LOG || read.length === 0) return false;
  const head = await store.head();
  return read.some(({ position }) => position > head);
}

function otherLog(
  { logKind = FIRST_LOG }: Pick<Context, 'logKind'>,
  rows: readonly Prepared[],
): DomainError {
  const logs = new Set(rows.map(({ shape }) => logOf(shape)));
  return new DomainError(
    'read-models-of-another-log',
    { log: logKind, readModelsOf: [...logs].toSorted() },
    `the read models of this database were made from another log (${[...logs].join(', ')}) than ` +
      `the one that is configured (${logKind}): configure that one again, or end every process ` +
      'of the system and make them anew from this one: merit rebuild',
  );
}

/** A number that no generation had before, committed before anything is made under it. */
export function nextGeneration({ pool }: Pick<Context, 'pool'>): Promise<number> {
  return inTransaction(pool, 'BEGIN', async (connection) => {
    const { rows } = await connection.query<{ last_generation: number }>(
      `UPDATE projection.pointer
          SET last_generation = last_generation + 1,
              pointer_digest = ${digestOfPointer({ lastGeneration: 'last_generation + 1' })}
       RETURNING last_generation`,
    );
    return rows[0]?.last_generation ?? 0;
  });
}

/**
 * Drops what the pointer does not name: leftovers of a killed rebuild, and what was two switches
 * ago. A reader that still looks for those tables finds them gone and reads the pointer again.
 */
export async function dropUnused(context: Context, definitions: Definitions): Promise<void> {
  await inTransaction(context.pool, 'BEGIN', async (connection) => {
    const pointer = await readPointer(connection, 'FOR UPDATE');
    const { rows } = await connection.query<{ generation: number }>(
      `SELECT substr(nspname, 6)::int AS generation FROM pg_namespace
        WHERE nspname ~ '^read_[0-9]{1,9}$' AND nspowner = 'merit_app'::regrole`,
    );
    for (const { generation } of rows) {
      const kept = namesIn(pointer, generation);
      if (kept.size === 0) {
        await connection.query(`DROP SCHEMA ${schemaOf(generation)} CASCADE`);
        continue;
      }
      for (const [name, { tables }] of definitions) {
        if (kept.has(name)) continue;
        for (const table of tables) {
          await connection.query(`DROP TABLE IF EXISTS ${tablePath(generation, table)}`);
        }
      }
    }
    for (const table of ['checkpoint', 'parked']) {
      await connection.query(
        `DELETE FROM projection.${table} c USING projection.pointer
          WHERE NOT current @> jsonb_build_object(c.projection, c.generation)
            AND NOT coalesce(previous, '{}') @> jsonb_build_object(c.projection, c.generation)`,
      );
    }
  });
}

const namesIn = ({ current, previous }: Pointer, generation: number): ReadonlySet<string> =>
  new Set(
    [current, previous ?? {}].flatMap((generations: Generations) =>
      Object.keys(generations).filter((name) => generations[name] === generation),
    ),
  );
