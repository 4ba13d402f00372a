import { createHash } from 'node:crypto';
import { DataSource } from 'typeorm';
import { START } from '#event-store';
import { DomainError } from '#kernel';
import { appDataSource } from '#platform';
import {
  digestOf,
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

type LogContext = Pick<Context, 'store' | 'logKind'>;

/**
 * Which log a checkpoint is of, behind the hash of its tables: `@kind:name`. Nothing for the log
 * beside the read models: their checkpoints were written before there was another one. No name
 * while the log is empty.
 */
async function logSuffix(context: LogContext): Promise<string> {
  const { logKind = FIRST_LOG } = context;
  if (logKind === FIRST_LOG) return '';
  const name = await logName(context);
  return name === '' ? `@${logKind}` : `@${logKind}:${name}`;
}

/**
 * Tells logs of one kind apart by their first events. Ids follow from what was imported and are
 * the same in two logs, places may be; when a server took it is its own.
 */
export async function logName({ store }: Pick<Context, 'store'>): Promise<string> {
  for await (const [first] of store.readAll({ batchSize: 1 })) {
    if (!first) continue;
    const text = JSON.stringify([first.id, first.position, first.storedAt]);
    return createHash('sha256').update(text).digest('hex').slice(0, 16);
  }
  return '';
}

type LogShape = { readonly tables: string; readonly kind: string; readonly name: string };

function parseShape(shape: string): LogShape {
  const [tables = '', log = FIRST_LOG] = shape.split('@');
  const [kind = log, name = ''] = log.split(':');
  return { tables, kind, name };
}

/** What was made while the log was empty has no name, and may be of any log of its kind. */
function isSameLog(made: LogShape, wanted: LogShape): boolean {
  const isNamed = made.name !== '' && wanted.name !== '';
  return made.kind === wanted.kind && (!isNamed || made.name === wanted.name);
}

function isSameShape(made: string | undefined, wanted: string): boolean {
  if (made === undefined) return false;
  const [a, b] = [parseShape(made), parseShape(wanted)];
  return a.tables === b.tables && isSameLog(a, b);
}

/** TypeORM's definitions of the entities' tables, written for no schema in particular. */
export async function readDefinitions(context: Context): Promise<Definitions> {
  const entities = context.projections.flatMap((projection) => projection.entities);
  const { options } = appDataSource(context.appUrl, entities, { maxConnections: 1 });
  const source = new DataSource({
    ...(options as Extract<typeof options, { type: 'postgres' }>),
    schema: PLACEHOLDER,
    installExtensions: false,
  });
  const suffix = await logSuffix(context);
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
        const shape = `${hash}${suffix}`;
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
  const [own] = definitions.values();
  const isAnew = own !== undefined && (await isOfAnotherLog(context, parseShape(own.shape), rows));
  if (isAnew && context.onOtherLog !== 'begin-anew') throw otherLog(context, rows);
  const shapes = new Map(rows.map(({ projection, shape }) => [projection, shape]));
  return new Map(
    [...definitions].filter(([name, { shape }]) => isAnew || !isSameShape(shapes.get(name), shape)),
  );
}

/**
 * Of another kind or name, or ahead of the log. What has read nothing is of no log: where `shape`
 * differs, it is made anew without a word.
 */
async function isOfAnotherLog(
  { store, logKind = FIRST_LOG }: LogContext,
  own: LogShape,
  rows: readonly Prepared[],
): Promise<boolean> {
  const read = rows.filter(({ position }) => position !== START);
  if (read.some(({ shape }) => !isSameLog(parseShape(shape), own))) return true;
  // In one database both are restored together; that a checkpoint is ahead is for verify to say.
  if (logKind === FIRST_LOG || read.length === 0) return false;
  const head = await store.head();
  return read.some(({ position }) => position > head);
}

function otherLog(
  { logKind = FIRST_LOG }: Pick<Context, 'logKind'>,
  rows: readonly Prepared[],
): DomainError {
  const logs = new Set(rows.map(({ shape }) => parseShape(shape).kind));
  return new DomainError(
    'read-models-of-another-log',
    { log: logKind, readModelsOf: [...logs].toSorted() },
    `the read models of this database were made from another log (${[...logs].join(', ')}) than ` +
      `the one that is configured (${logKind}): configure that one again, or end every process ` +
      'of the system and make them anew from this one: merit rebuild',
  );
}

/**
 * Gives checkpoints that were made while the log was empty its name. A checkpoint whose digest is
 * wrong stays as it is, for verify to find.
 */
export async function nameCheckpoints(
  { pool, logKind = FIRST_LOG }: Pick<Context, 'pool' | 'logKind'>,
  name: string,
): Promise<void> {
  if (logKind === FIRST_LOG || name === '') return;
  const shape = `c.shape || ':${name}'`;
  await pool.query(
    `UPDATE projection.checkpoint c SET shape = ${shape}, digest = ${digestOf({ shape })}
      WHERE right(c.shape, length($1)) = $1 AND c.digest = ${digestOf({})}`,
    [`@${logKind}`],
  );
}

/** Of the log from which these are made; empty while the log is. */
export function nameIn(definitions: Definitions): string {
  const [first] = definitions.values();
  return first === undefined ? '' : parseShape(first.shape).name;
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
