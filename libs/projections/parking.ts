import type { Position, RecordedEvent } from '#event-store';
import { beginAt, trySavepoint } from './advance.js';
import {
  moveFences,
  parkedKeysOf,
  readPointer,
  freshProjections,
  standingsOf,
  type Generations,
} from './catalogue.js';
import { describeError, inTransaction, toSql, type Connection, type Context } from './context.js';
import type { Batch, ParkedKey, Projection, Sql } from './port.js';

export type RetryOutcome = {
  readonly projected: readonly { readonly projection: string; readonly key: string }[];
  readonly stillParked: readonly ParkedKey[];
};

export async function currentParkedKeys({ pool }: Context): Promise<readonly ParkedKey[]> {
  return parkedKeysOf(pool, (await readPointer(pool)).current);
}

/** A parked key, and up to where everything before it is projected. */
export type FirstParked = Pick<ParkedKey, 'projection' | 'key' | 'firstPosition' | 'error'> & {
  readonly afterPosition: Position;
};

/**
 * Inside a `read` of these projections, at its snapshot: the parked key that begins first. Nothing
 * of its events is in the rows, from `firstPosition` on. Null: no key is parked.
 */
export async function firstParked(sql: Sql, names: readonly string[]): Promise<FirstParked | null> {
  const [first] = await sql.query<FirstParked>(
    `SELECT p.projection, p.key, p.error, p.first_position AS "firstPosition",
            p.after_position AS "afterPosition"
       FROM projection.parked p JOIN projection.pointer
         ON current @> jsonb_build_object(p.projection, p.generation)
      WHERE p.projection = ANY($1::text[]) ORDER BY p.first_position, p.key LIMIT 1`,
    [names],
  );
  return first ?? null;
}

/**
 * Projects the events of parked keys again, with the code of now, and lets go of those keys that
 * succeed. Error: DomainError `unknown-projection`.
 */
export async function retryParkedKeys(context: Context, name?: string): Promise<RetryOutcome> {
  const chosen = freshProjections(context, name === undefined ? undefined : [name]);
  const projected: { projection: string; key: string }[] = [];
  const stillParked: ParkedKey[] = [];
  for (const projection of chosen) {
    const { current } = await readPointer(context.pool);
    const generation = current[projection.name];
    if (generation === undefined) continue;
    const generations = { [projection.name]: generation };
    const before = await parkedKeysOf(context.pool, generations);
    if (before.length === 0) continue;
    await retryProjection(context, projection, generations);
    const after = await parkedKeysOf(context.pool, generations);
    const left = new Set(after.map(({ key }) => key));
    stillParked.push(...after);
    for (const { key } of before) {
      if (!left.has(key)) projected.push({ projection: projection.name, key });
    }
  }
  return { projected, stillParked };
}

/**
 * The events are read first, without holding anybody up; then the checkpoint is locked, the rest
 * up to it is read and all is projected. The runner waits for that lock, and finds its fence
 * moved: what it knew of parked keys is no longer so.
 */
async function retryProjection(
  context: Context,
  projection: Projection,
  generations: Generations,
): Promise<void> {
  const generation = generations[projection.name] ?? 0;
  const known = await collect(context, projection, generation, context.pool);
  await inTransaction(context.pool, beginAt(generation), async (connection) => {
    await connection.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    await standingsOf(connection, generations, 'FOR UPDATE OF c');
    const stretch = await collect(context, projection, generation, connection, known);
    for (const [key, events] of stretch.eventsByKey) {
      const { after, until } = stretch;
      const batch: Batch = { events, after, until, isPart: true };
      const failed = await trySavepoint(connection, () =>
        projection.project(batch, toSql(connection), context.store),
      );
      if (failed === null) await unpark(connection, generation, projection, key);
      else await noteFailure(connection, generation, projection, key, failed.error);
    }
    await moveFences(connection, generations);
  });
}

type Collected = {
  readonly eventsByKey: ReadonlyMap<string, RecordedEvent[]>;
  readonly after: string;
  readonly until: string;
};

/** The events of the parked keys up to the checkpoint, on top of those that are known. */
async function collect(
  context: Context,
  projection: Projection,
  generation: number,
  connection: Connection,
  known?: Collected,
): Promise<Collected> {
  const { rows } = await connection.query<{ key: string; after: string; first: string }>(
    `SELECT key, after_position AS after, first_position AS first FROM projection.parked
      WHERE generation = $1 AND projection = $2 ORDER BY key`,
    [generation, projection.name],
  );
  const standing = await standingsOf(connection, { [projection.name]: generation });
  const until = standing.get(projection.name)?.position ?? '';
  const keys = new Map(rows.map((row) => [row.key, row]));
  const isKnown = rows.every(({ key }) => known?.eventsByKey.has(key));
  const after = rows.map((row) => row.after).toSorted()[0] ?? until;
  const eventsByKey = new Map<string, RecordedEvent[]>(
    rows.map(({ key, first }) => [
      key,
      // A key that was let go and parked anew in between begins later.
      isKnown ? (known?.eventsByKey.get(key) ?? []).filter((event) => event.position >= first) : [],
    ]),
  );
  const range = {
    after: isKnown && known ? known.until : after,
    until,
    streamPrefixes: projection.streamPrefixes,
  };
  if (range.after < range.until) {
    for await (const page of context.store.readAll(range)) {
      for (const event of page) {
        const key = keys.get(projection.keyOf(event));
        if (key && event.position >= key.first) eventsByKey.get(key.key)?.push(event);
      }
    }
  }
  return { eventsByKey, after, until };
}

async function unpark(
  connection: Connection,
  generation: number,
  { name }: Projection,
  key: string,
): Promise<void> {
  await connection.query(
    'DELETE FROM projection.parked WHERE generation = $1 AND projection = $2 AND key = $3',
    [generation, name, key],
  );
}

async function noteFailure(
  connection: Connection,
  generation: number,
  { name }: Projection,
  key: string,
  error: unknown,
): Promise<void> {
  await connection.query(
    `UPDATE projection.parked SET attempts = attempts + 1, error = $4
      WHERE generation = $1 AND projection = $2 AND key = $3`,
    [generation, name, key, describeError(error)],
  );
}
