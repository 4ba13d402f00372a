import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import { schemaOf, type Connection, type Context } from './context.js';
import type { ParkedKey, Projection } from './port.js';

/** Generation by projection. */
export type Generations = Readonly<Record<string, number>>;

export type Pointer = {
  readonly current: Generations;
  readonly previous: Generations | null;
  readonly lastGeneration: number;
};

/**
 * Where one generation of a projection stands, as last read. Whoever moves it names all three of
 * position, fence and generation, so that what it has not seen makes it lose.
 */
export type Standing = {
  readonly generation: number;
  readonly position: Position;
  readonly fence: number;
  readonly parkedKeys: ReadonlySet<string>;
};

/** SQL over the row `c` with new values put in; see the migration for what it is for. */
export const digestOf = (columns: {
  readonly position?: string;
  readonly events?: string;
  readonly fence?: string;
  readonly shape?: string;
}): string =>
  `md5(concat_ws('|', c.generation, c.projection, ${columns.position ?? 'c.position'}, ` +
  `${columns.events ?? 'c.events'}, ${columns.fence ?? 'c.fence'}, ` +
  `${columns.shape ?? 'c.shape'}))`;

/** SQL over the row of the pointer with new values put in. */
export const digestOfPointer = (columns: {
  readonly current?: string;
  readonly previous?: string;
  readonly lastGeneration?: string;
}): string =>
  `md5(concat_ws('|', ${columns.current ?? 'current'}, ` +
  `coalesce(${columns.previous ?? 'previous'}, 'null'), ` +
  `${columns.lastGeneration ?? 'last_generation'}))`;

export async function readPointer(
  connection: Connection,
  lock: '' | 'FOR UPDATE' = '',
): Promise<Pointer> {
  const { rows } = await connection.query<{
    current: Generations;
    previous: Generations | null;
    last_generation: number;
  }>(`SELECT current, previous, last_generation FROM projection.pointer ${lock}`);
  const row = rows[0];
  if (!row) throw new Error('projection.pointer has lost its row');
  return { current: row.current, previous: row.previous, lastGeneration: row.last_generation };
}

export async function writePointer(
  connection: Connection,
  { current, previous, lastGeneration }: Pointer,
): Promise<void> {
  await connection.query(
    `UPDATE projection.pointer
        SET current = $1, previous = $2, last_generation = $3, pointer_digest = ${digestOfPointer({
          current: '$1::jsonb',
          previous: '$2::jsonb',
          lastGeneration: '$3::int',
        })}`,
    [JSON.stringify(current), previous && JSON.stringify(previous), lastGeneration],
  );
}

/** A new checkpoint before the first event. */
export async function insertCheckpoint(
  connection: Connection,
  generation: number,
  projection: string,
  shape: string,
): Promise<void> {
  await connection.query(
    `INSERT INTO projection.checkpoint
       (generation, projection, position, events, fence, shape, digest)
     SELECT c.*, ${digestOf({})}
       FROM (SELECT $1::int AS generation, $2::text AS projection, ''::text AS position,
                    0::bigint AS events, 0 AS fence, $3::text AS shape) AS c`,
    [generation, projection, shape],
  );
}

const STANDING = `
  SELECT c.projection, c.generation, c.position, c.fence, coalesce((
    SELECT array_agg(p.key) FROM projection.parked p
     WHERE p.generation = c.generation AND p.projection = c.projection), '{}') AS parked
    FROM projection.checkpoint c`;

type StandingRow = {
  readonly projection: string;
  readonly generation: number;
  readonly position: string;
  readonly fence: number;
  readonly parked: readonly string[];
};

const toStanding = (row: StandingRow): Standing => ({
  generation: row.generation,
  position: row.position,
  fence: row.fence,
  parkedKeys: new Set(row.parked),
});

/** Of the current generations, by projection; unknown names are left out. */
export async function currentStandings(
  connection: Connection,
  names: readonly string[],
): Promise<ReadonlyMap<string, Standing>> {
  const { rows } = await connection.query<StandingRow>(
    `${STANDING} JOIN projection.pointer
         ON current @> jsonb_build_object(c.projection, c.generation)
      WHERE c.projection = ANY ($1::text[])`,
    [names],
  );
  return new Map(rows.map((row) => [row.projection, toStanding(row)]));
}

/** Of given generations; with a lock, in an order that all who lock several share. */
export async function standingsOf(
  connection: Connection,
  generations: Generations,
  lock: '' | 'FOR UPDATE OF c' = '',
): Promise<ReadonlyMap<string, Standing>> {
  const { rows } = await connection.query<StandingRow>(
    `${STANDING} WHERE $1::jsonb @> jsonb_build_object(c.projection, c.generation)
      ORDER BY c.projection, c.generation ${lock}`,
    [JSON.stringify(generations)],
  );
  return new Map(rows.map((row) => [row.projection, toStanding(row)]));
}

/** Everybody who knows an older fence loses the next compare-and-set and looks again. */
export async function moveFences(connection: Connection, generations: Generations): Promise<void> {
  await connection.query(
    `UPDATE projection.checkpoint c
        SET fence = c.fence + 1, digest = ${digestOf({ fence: 'c.fence + 1' })}
      WHERE $1::jsonb @> jsonb_build_object(c.projection, c.generation)`,
    [JSON.stringify(generations)],
  );
}

export async function parkedKeysOf(
  connection: Connection,
  generations: Generations,
): Promise<readonly ParkedKey[]> {
  const { rows } = await connection.query<Omit<ParkedKey, 'eventCount'> & { events: string }>(
    `SELECT projection, generation, key, first_position AS "firstPosition", error, attempts, events
       FROM projection.parked p
      WHERE $1::jsonb @> jsonb_build_object(p.projection, p.generation)
      ORDER BY projection, first_position, key`,
    [JSON.stringify(generations)],
  );
  return rows.map(({ events, ...key }) => ({ ...key, eventCount: Number(events) }));
}

/** The projections of these names, all without names. Error: DomainError `unknown-projection`. */
export function selectProjections(
  { projections }: Pick<Context, 'projections'>,
  names?: readonly string[],
): readonly Projection[] {
  if (names === undefined) return projections;
  return names.map((name) => {
    const found = projections.find((projection) => projection.name === name);
    if (found) return found;
    const known = projections.map((projection) => projection.name).join(', ');
    throw new DomainError(
      'unknown-projection',
      { projection: name },
      `There is no projection ${name}; known: ${known}.`,
    );
  });
}

/** As `selectProjections`, none of them sharing a cache with the runner of this process. */
export function freshProjections(
  context: Pick<Context, 'projections'>,
  names?: readonly string[],
): readonly Projection[] {
  return selectProjections(context, names).map((projection) => projection.fresh?.() ?? projection);
}

export const tablePath = (generation: number, table: string): string =>
  `${schemaOf(generation)}."${table}"`;
