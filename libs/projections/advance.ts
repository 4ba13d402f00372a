import type { Position, RecordedEvent } from '#event-store';
import { digestOf, type Standing } from './catalogue.js';
import {
  describeError,
  inTransaction,
  isPassing,
  quoteText,
  schemaOf,
  toSql,
  type Connection,
  type Context,
} from './context.js';
import type { Batch, Projection } from './port.js';

/** More keys than this parked at once is no poison but a fault of the projection: it stops. */
const MAX_PARKED_KEYS = 1_000;

/** The checkpoint is not where this process believed: somebody else moved it. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
}

/**
 * An error met while rows were put off: it may come from any event since the last `due`, so there
 * is no telling which key to park. The rebuild begins again and puts nothing off.
 */
export class DeferralFailed extends Error {
  override readonly name = 'DeferralFailed';
}

export class TooManyParkedKeys extends Error {
  override readonly name = 'TooManyParkedKeys';
}

/** The part of a stretch of the log that lies beyond a projection's checkpoint and concerns it. */
export function batchFor(projection: Projection, position: Position, stretch: Batch): Batch {
  const { streamPrefixes } = projection;
  const isCut = position > stretch.after;
  const events =
    streamPrefixes === undefined && !isCut
      ? stretch.events
      : stretch.events.filter(
          (event) =>
            (!isCut || event.position > position) &&
            (streamPrefixes === undefined ||
              streamPrefixes.some((prefix) => event.stream.startsWith(prefix))),
        );
  const { until, deferral } = stretch;
  const batch = { events, after: isCut ? position : stretch.after, until };
  return deferral === undefined || !projection.defers ? batch : { ...batch, deferral };
}

/**
 * Projects a batch and moves the checkpoint in one transaction. The compare-and-set comes first:
 * it locks the checkpoint's row, so that of two runners one works and the other waits and loses
 * (CheckpointMoved). Commits are asynchronous: after a crash of the server the read models and
 * their checkpoints are back a moment together, and the log is read again from there.
 *
 * Errors that may pass by themselves are thrown; otherwise the keys that fail are parked.
 */
export async function advance(
  context: Context,
  projection: Projection,
  standing: Standing,
  batch: Batch,
): Promise<Standing> {
  try {
    return await projectKeys(context, projection, standing, batch);
  } catch (error) {
    if (error instanceof CheckpointMoved || isPassing(error)) throw error;
    if (batch.deferral !== undefined) {
      throw new DeferralFailed(describeError(error), { cause: error });
    }
    if (batch.events.length === 0) throw error;
    return parkFailing(context, projection, standing, batch, error);
  }
}

async function projectKeys(
  context: Context,
  projection: Projection,
  standing: Standing,
  batch: Batch,
): Promise<Standing> {
  const begin = beginAndMove(projection, standing, batch);
  return inTransaction(context.pool, begin, async (connection, moved) => {
    if (moved.rowCount !== 1) throw new CheckpointMoved(projection.name);
    const events = await withoutParked(connection, projection, standing, batch.events);
    if (events.length > 0 || batch.deferral === 'due') {
      await projection.project(partOf(batch, events), toSql(connection), context.store);
    }
    return { ...standing, position: batch.until };
  });
}

export const beginAt = (generation: number): string =>
  `BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL jit = off; ` +
  `SET LOCAL search_path = ${schemaOf(generation)}`;

/** Changes one row, or the checkpoint is not where it was believed to be. */
function beginAndMove(projection: Projection, standing: Standing, batch: Batch): string {
  const position = quoteText(batch.until);
  const events = `c.events + ${batch.events.length}`;
  return `${beginAt(standing.generation)};
     UPDATE projection.checkpoint c
        SET position = ${position}, events = ${events}, digest = ${digestOf({ position, events })}
      WHERE c.generation = ${standing.generation} AND c.projection = ${quoteText(projection.name)}
        AND c.position = ${quoteText(standing.position)} AND c.fence = ${standing.fence}`;
}

export type Idle = {
  readonly projection: Projection;
  readonly standing: Standing;
  readonly eventCount: number; // read, none of its concern
};

/**
 * Moves the checkpoints of projections that a stretch does not concern, in one statement, whose
 * commit is as asynchronous as theirs.
 */
export async function advanceIdle(
  { pool }: Pick<Context, 'pool'>,
  idle: readonly Idle[],
  until: Position,
): Promise<ReadonlySet<string>> {
  const events = 'c.events + k.count';
  const { rows } = await pool.query<{ projection: string }>(
    `UPDATE projection.checkpoint c
        SET position = $1::text, events = ${events},
            digest = ${digestOf({ position: '$1::text', events })}
       FROM (SELECT c.generation, c.projection, k.position, k.fence, k.count
               FROM (SELECT set_config('synchronous_commit', 'off', true)) AS s,
                    unnest($2::text[], $3::int[], $4::text[], $5::int[], $6::int[])
                    AS k(projection, generation, position, fence, count)
               JOIN projection.checkpoint c USING (projection, generation)
              ORDER BY c.projection, c.generation FOR UPDATE OF c) AS k
      WHERE c.generation = k.generation AND c.projection = k.projection
        AND c.position = k.position AND c.fence = k.fence
      RETURNING c.projection`,
    [
      until,
      idle.map(({ projection }) => projection.name),
      idle.map(({ standing }) => standing.generation),
      idle.map(({ standing }) => standing.position),
      idle.map(({ standing }) => standing.fence),
      idle.map(({ eventCount }) => eventCount),
    ],
  );
  return new Set(rows.map(({ projection }) => projection));
}

/** Counts the events of parked keys and leaves them out. */
async function withoutParked(
  connection: Connection,
  projection: Projection,
  { generation, parkedKeys }: Standing,
  events: readonly RecordedEvent[],
): Promise<readonly RecordedEvent[]> {
  if (parkedKeys.size === 0) return events;
  const countByKey = new Map<string, number>();
  const rest = events.filter((event) => {
    const key = projection.keyOf(event);
    if (!parkedKeys.has(key)) return true;
    countByKey.set(key, (countByKey.get(key) ?? 0) + 1);
    return false;
  });
  if (countByKey.size > 0) {
    await connection.query(
      `UPDATE projection.parked p SET events = p.events + k.count
         FROM unnest($3::text[], $4::int[]) AS k(key, count)
        WHERE p.generation = $1 AND p.projection = $2 AND p.key = k.key`,
      [generation, projection.name, [...countByKey.keys()], [...countByKey.values()]],
    );
  }
  return rest;
}

const partOf = (batch: Batch, events: readonly RecordedEvent[]): Batch =>
  events.length === batch.events.length ? batch : { ...batch, events, isPart: true };

type Failure = { readonly key: string; readonly events: readonly RecordedEvent[]; error: unknown };

/** Finds by halving which keys fail, parks those, and projects all others. */
async function parkFailing(
  context: Context,
  projection: Projection,
  standing: Standing,
  batch: Batch,
  cause: unknown,
): Promise<Standing> {
  const failures: Failure[] = [];
  const fence = standing.fence + 1;
  const begin = beginAndMove(projection, standing, batch);
  await inTransaction(context.pool, begin, async (connection, moved) => {
    if (moved.rowCount !== 1) throw new CheckpointMoved(projection.name);
    const events = await withoutParked(connection, projection, standing, batch.events);
    const groups = groupByKey(projection, events);
    const attempt = async (part: typeof groups, known: { readonly error: unknown } | null) => {
      const failed = known ?? (await tryPart(context, projection, connection, batch, part));
      if (failed === null) return;
      const [first] = part;
      if (part.length === 1 && first) {
        failures.push({ key: first[0], events: first[1], error: failed.error });
        if (standing.parkedKeys.size + failures.length > MAX_PARKED_KEYS) {
          throw new TooManyParkedKeys(
            `${projection.name}: over ${MAX_PARKED_KEYS} keys fail, the last one of ` +
              `${describeError(failed.error)}`,
          );
        }
        return;
      }
      const half = Math.ceil(part.length / 2);
      await attempt(part.slice(0, half), null);
      await attempt(part.slice(half), null);
    };
    // The whole batch has just failed by itself: not tried a second time.
    await attempt(groups, { error: cause });
    await insertParked(connection, projection, standing.generation, batch, failures);
    await connection.query(
      `UPDATE projection.checkpoint c
          SET fence = $3::int, digest = ${digestOf({ fence: '$3::int' })}
        WHERE generation = $1 AND projection = $2`,
      [standing.generation, projection.name, fence],
    );
  });
  for (const { key, error } of failures) {
    context.log?.(`${projection.name}: key ${key} is parked: ${describeError(error)}`);
  }
  return {
    ...standing,
    position: batch.until,
    fence,
    parkedKeys: new Set([...standing.parkedKeys, ...failures.map(({ key }) => key)]),
  };
}

function groupByKey(
  { keyOf }: Projection,
  events: readonly RecordedEvent[],
): [string, RecordedEvent[]][] {
  const groups = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const key = keyOf(event);
    const group = groups.get(key);
    if (group) group.push(event);
    else groups.set(key, [event]);
  }
  return [...groups];
}

async function tryPart(
  context: Context,
  projection: Projection,
  connection: Connection,
  batch: Batch,
  groups: readonly (readonly [string, readonly RecordedEvent[]])[],
): Promise<{ readonly error: unknown } | null> {
  const events = groups.flatMap(([, group]) => group);
  // Several keys were grouped: the log's order again.
  if (groups.length > 1) events.sort((a, b) => (a.position < b.position ? -1 : 1));
  return trySavepoint(connection, () =>
    projection.project(partOf(batch, events), toSql(connection), context.store),
  );
}

/** Null when `work` succeeded; its error when it failed for good, after undoing what it did. */
export async function trySavepoint(
  connection: Connection,
  work: () => Promise<void>,
): Promise<{ readonly error: unknown } | null> {
  await connection.query('SAVEPOINT attempt');
  try {
    await work();
    await connection.query('RELEASE attempt');
    return null;
  } catch (error) {
    if (isPassing(error)) throw error;
    await connection.query('ROLLBACK TO attempt; RELEASE attempt');
    return { error };
  }
}

async function insertParked(
  connection: Connection,
  projection: Projection,
  generation: number,
  batch: Batch,
  failures: readonly Failure[],
): Promise<void> {
  await connection.query(
    `INSERT INTO projection.parked
       (generation, projection, key, after_position, first_position, error, attempts, events)
     SELECT $1, $2, f.key, $3, f.first_position, f.error, 1, f.events
       FROM unnest($4::text[], $5::text[], $6::text[], $7::int[])
            AS f(key, first_position, error, events)`,
    [
      generation,
      projection.name,
      batch.after,
      failures.map(({ key }) => key),
      failures.map(({ events }) => events[0]?.position ?? batch.until),
      failures.map(({ error }) => describeError(error)),
      failures.map(({ events }) => events.length),
    ],
  );
}
