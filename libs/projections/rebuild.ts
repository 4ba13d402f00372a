import type pg from 'pg';
import { START, type Position } from '#event-store';
import { DomainError } from '#kernel';
import { createAppPool } from '#platform';
import { checkBookkeeping, undeclaredParkedKeys } from './bookkeeping.js';
import {
  digestOf,
  moveFences,
  parkedKeysOf,
  readPointer,
  freshProjections,
  standingsOf,
  tablePath,
  writePointer,
  type Generations,
  type Standing,
} from './catalogue.js';
import { DeferralFailed } from './advance.js';
import { BEGIN_SNAPSHOT, compareTables } from './compare.js';
import { inTransaction, quoteText, type Connection, type Context } from './context.js';
import {
  CATCH_UP_LIMITS,
  commonPrefixes,
  feed,
  largeBatches,
  least,
  readAhead,
  type Member,
} from './feed.js';
import {
  createGeneration,
  dropUnused,
  nextGeneration,
  type Definition,
  type Definitions,
} from './generations.js';
import type {
  Batch,
  Difference,
  Projection,
  RebuildOptions,
  RebuildOutcome,
  RebuildProgress,
  VerifyOutcome,
} from './port.js';

const REBUILD_LOCK = '7882826979823183978';
/** The live runner is held up for the last stretch only: no more events than this are left. */
const NEAR_EVENTS = 2_000;
/**
 * With rows put off, a larger batch saves little and outlives the young generation: 50,000 events
 * took a third more memory and no less time.
 */
const BATCH_LIMITS = { eventCount: 10_000, bytes: 16 * 1024 ** 2 };
/** A log that grows faster than it is read is not caught up with for ever. */
const MAX_ROUNDS = 50;
const ANALYSE_AT_EVENTS = [20_000, 200_000, 2_000_000] as const;
const BEGIN_HOLD =
  'BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0';

/** A generation that is being built, beside the live one. */
type Build = {
  readonly context: Context;
  readonly definitions: Definitions; // of what is rebuilt
  readonly projections: readonly Projection[];
  readonly generation: number;
  readonly members: readonly Member[];
  readonly totalCount: number;
  readonly options: RebuildOptions;
  readonly defers: boolean; // rows may be put off to the last batch before they are looked at
  phase: RebuildProgress['phase'];
  eventCount: number; // of the log, that the reader gave
};

/**
 * Builds projections anew beside the live ones, compares both at the same position, and switches.
 * Reads and live projecting go on all the while: the live runner is held up twice for a moment,
 * once to bring both to one position (the comparison then works on a snapshot of that moment) and
 * once to switch. Differences do not keep from switching: they are what a rebuild with mended
 * code is for. A key that only the new generation parks does.
 *
 * Errors: DomainError `unknown-projection`, `rebuild-under-way`, `rebuild-parked-keys`; AbortError.
 */
export async function rebuildProjections(
  shared: Context,
  definitions: Definitions,
  options: RebuildOptions = {},
): Promise<RebuildOutcome> {
  const startedMs = performance.now();
  return withDeferral(shared, async (context, defers) => {
    await dropUnused(context, definitions);
    const build = await beginBuild(context, definitions, options, defers);
    try {
      const { differences } = await compareWithLive(build);
      await setLogged(build);
      await switchTo(build);
      const { generation, eventCount } = build;
      return { generation, eventCount, durationMs: performance.now() - startedMs, differences };
    } finally {
      await dropUnused(context, definitions);
    }
  });
}

/**
 * Builds every projection anew in a scratch generation and names what the live one says
 * otherwise: rows, checkpoints, and keys that are parked. Changes nothing.
 */
export async function verifyProjections(
  shared: Context,
  definitions: Definitions,
  options: RebuildOptions = {},
): Promise<VerifyOutcome> {
  return withDeferral(shared, async (context, defers) => {
    const kept = await checkBookkeeping(context.pool);
    // A pointer that was changed must not say which generations are to be dropped.
    if (kept.some(({ table }) => table === 'pointer')) {
      return { eventCount: 0, parkedKeys: [], differences: kept };
    }
    const build = await beginBuild(context, definitions, options, defers);
    try {
      const { differences, live } = await compareWithLive(build);
      const parkedKeys = await parkedKeysOf(context.pool, live);
      const scratch = Object.fromEntries(
        build.projections.map(({ name }) => [name, build.generation]),
      );
      const undeclared = await undeclaredParkedKeys(context.pool, live, scratch);
      return {
        eventCount: build.eventCount,
        parkedKeys,
        differences: [...kept, ...differences, ...undeclared],
      };
    } finally {
      await dropUnused(context, definitions);
    }
  });
}

/**
 * Back to the generations of before the last switch; they catch up with the log by themselves.
 * Error: DomainError `no-previous-generation`.
 */
export async function stepBack({ pool }: Context): Promise<Generations> {
  return inTransaction(pool, BEGIN_HOLD, async (connection) => {
    const pointer = await readPointer(connection, 'FOR UPDATE');
    const { current, previous, lastGeneration } = pointer;
    if (previous === null) throw new DomainError('no-previous-generation');
    await moveFences(connection, current);
    await moveFences(connection, previous);
    await writePointer(connection, { current: previous, previous: current, lastGeneration });
    return previous;
  });
}

/** Once putting rows off, and where a key cannot be projected once more without, to park it. */
async function withDeferral<Result>(
  shared: Context,
  work: (own: Context, defers: boolean) => Promise<Result>,
): Promise<Result> {
  return withOwnPool(shared, async (context) => {
    try {
      return await work(context, true);
    } catch (error) {
      if (!(error instanceof DeferralFailed)) throw error;
      context.log?.(`projections: built once more, key by key: ${error.message}`);
      return work(context, false);
    }
  });
}

/**
 * Connections of its own: while it holds the live checkpoints, runners wait for them with a
 * connection each, and must not wait with the last one that the rebuild needs to go on.
 */
async function withOwnPool<Result>(
  context: Context,
  work: (own: Context) => Promise<Result>,
): Promise<Result> {
  const pool = createAppPool(context.appUrl, {
    applicationName: 'merit-rebuild',
    maxConnections: 10,
    statementTimeoutMs: 0,
    log: context.log,
  });
  try {
    const own = { ...context, pool };
    return await withRebuildLock(own, () => work(own));
  } finally {
    await pool.end();
  }
}

/** One rebuild at a time in a database: the lock ends with its connection, however that ends. */
async function withRebuildLock<Result>(
  { pool }: Context,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = await pool.connect();
  let broken: Error | undefined;
  const endOfConnection = (error: Error): void => void (broken = error);
  holder.on('error', endOfConnection);
  try {
    const { rows } = await holder.query<{ held: boolean }>(
      `SELECT pg_try_advisory_lock(${REBUILD_LOCK}) AS held`,
    );
    if (rows[0]?.held !== true) {
      throw new DomainError('rebuild-under-way', {}, 'Another rebuild or verification is running.');
    }
    try {
      return await work();
    } finally {
      await holder
        .query(`SELECT pg_advisory_unlock(${REBUILD_LOCK})`)
        .catch((error: Error) => void (broken = error));
    }
  } finally {
    holder.off('error', endOfConnection);
    holder.release(broken);
  }
}

async function beginBuild(
  context: Context,
  all: Definitions,
  options: RebuildOptions,
  defers: boolean,
): Promise<Build> {
  const projections = freshProjections(context, options.projections);
  const definitions = new Map<string, Definition>(
    [...all].filter(([name]) => projections.some((projection) => projection.name === name)),
  );
  const generation = await nextGeneration(context);
  // Not logged while it is written to: a third less time (adr/0006). A scratch generation never
  // is, and what a crash of the server leaves of one is dropped by the next rebuild.
  await inTransaction(context.pool, BEGIN_HOLD, (connection) =>
    createGeneration(connection, generation, definitions, 'unlogged'),
  );
  const standing: Standing = { generation, position: START, fence: 0, parkedKeys: new Set() };
  const { events: totalCount } = await context.store.lag(START);
  return {
    context,
    definitions,
    projections,
    generation,
    members: projections.map((projection) => ({ projection, standing })),
    totalCount,
    options,
    defers,
    phase: 'reading',
    eventCount: 0,
  };
}

type Targets = ReadonlyMap<string, Position>;

/**
 * Feeds the members from one reader until each is exactly at its target; those whose target is
 * passed wait. A failure ends the build: nothing of it is used, and the next one starts afresh.
 */
async function feedTo(build: Build, targets: Targets): Promise<void> {
  const { context, options } = build;
  const limits = build.defers ? BATCH_LIMITS : CATCH_UP_LIMITS;
  for (const until of [...new Set(targets.values())].toSorted()) {
    const members = build.members.filter(
      ({ projection, standing }) =>
        (targets.get(projection.name) ?? START) >= until && standing.position < until,
    );
    if (members.length === 0) continue;
    const range = {
      after: least(members.map(({ standing }) => standing.position)),
      until,
      streamPrefixes: commonPrefixes(members.map(({ projection }) => projection)),
      signal: options.signal,
    };
    for await (const stretch of readAhead(largeBatches(context.store, range, limits))) {
      options.signal?.throwIfAborted();
      const deferral = stretch.until < until ? 'open' : 'due';
      const batch: Batch = build.defers ? { ...stretch, deferral } : stretch;
      const outcomes = await feed(context, members, batch);
      for (const outcome of outcomes) {
        if (outcome.kind === 'failed') throw outcome.error;
        if (outcome.kind === 'lost') {
          throw new DomainError('rebuild-disturbed', {
            projection: outcome.member.projection.name,
          });
        }
      }
      await noteRead(build, stretch.events.length);
    }
    options.signal?.throwIfAborted();
  }
}

async function noteRead(build: Build, count: number): Promise<void> {
  const before = build.eventCount;
  build.eventCount += count;
  report(build, build.phase);
  // Plans made for empty tables are poor ones; the server's own look comes too late.
  const isDue = ANALYSE_AT_EVENTS.some((mark) => before < mark && build.eventCount >= mark);
  if (isDue) await analyse(build);
}

function report(build: Build, phase: Build['phase']): void {
  build.phase = phase;
  const { eventCount } = build;
  // Some stores count what lies behind a position only so far.
  const totalCount = Math.max(build.totalCount, eventCount);
  build.options.onProgress?.({ phase, eventCount, totalCount });
}

const pathsOf = ({ definitions, generation }: Build): readonly string[] =>
  [...definitions.values()].flatMap(({ tables }) =>
    tables.map((table) => tablePath(generation, table)),
  );

async function analyse(build: Build): Promise<void> {
  for (const path of pathsOf(build)) await build.context.pool.query(`ANALYZE ${path}`);
}

/** Writes the finished tables to the log of the server, in a transaction each. */
async function setLogged(build: Build): Promise<void> {
  for (const path of pathsOf(build)) {
    await inTransaction(build.context.pool, BEGIN_HOLD, async (connection) => {
      await connection.query(`ALTER TABLE ${path} SET LOGGED`);
      await connection.query(`ANALYZE ${path}`);
    });
  }
}

async function liveGenerations(build: Build, connection: Connection): Promise<Generations> {
  const { current } = await readPointer(connection);
  return Object.fromEntries(
    Object.entries(current).filter(([name]) => build.definitions.has(name)),
  );
}

/** From here to the end of the transaction the live runner waits. */
async function holdLive(build: Build, holder: Connection): Promise<Generations> {
  const live = await liveGenerations(build, holder);
  await standingsOf(holder, live, 'FOR UPDATE OF c');
  return live;
}

/** How many events a target is ahead of its member, at the most. */
async function distance(build: Build, targets: Targets): Promise<number> {
  const { store } = build.context;
  const own = await store.lag(least(build.members.map(({ standing }) => standing.position)));
  const wanted = await store.lag(least([...targets.values()]));
  return own.events - wanted.events;
}

/**
 * Both generations at one position, then all their rows compared. The live checkpoints are locked
 * while the last events are projected; the comparison's snapshot is taken before they are let go.
 */
async function compareWithLive(
  build: Build,
): Promise<{ readonly differences: readonly Difference[]; readonly live: Generations }> {
  const { pool } = build.context;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const targets = soundTargets(await checkLive(build, pool));
    await feedTo(build, targets);
    const now = soundTargets(await checkLive(build, pool));
    if (now.size === 0 || (await distance(build, now)) <= NEAR_EVENTS) break;
  }
  return inTransaction(pool, BEGIN_HOLD, async (holder) => {
    const live = await holdLive(build, holder);
    const checked = await checkLive(build, holder);
    await feedTo(build, soundTargets(checked));
    return inTransaction(pool, BEGIN_SNAPSHOT, async (snapshot) => {
      await snapshot.query('SELECT FROM projection.pointer'); // takes the snapshot
      await holder.query('COMMIT'); // the live runner goes on; the holder's own COMMIT is empty
      report(build, 'comparing');
      const differences = checked.map(({ difference }) => difference).filter((one) => one !== null);
      for (const { name, difference } of checked) {
        if (difference !== null) continue; // at no known position: nothing to compare with
        build.options.signal?.throwIfAborted();
        differences.push(...(await compareProjection(build, snapshot, name, live[name] ?? 0)));
      }
      return { differences, live };
    });
  });
}

type Checked = {
  readonly name: string;
  readonly position: Position;
  readonly difference: Difference | null;
};

const soundTargets = (checked: readonly Checked[]): Targets =>
  new Map(
    checked
      .filter(({ difference }) => difference === null)
      .map(({ name, position }) => [name, position]),
  );

/** The live checkpoints, and which of them cannot be right by themselves. */
async function checkLive(build: Build, connection: Connection): Promise<readonly Checked[]> {
  const head = await build.context.store.head();
  const live = await liveGenerations(build, connection);
  const { rows } = await connection.query<{ name: string; position: string; sound: boolean }>(
    `SELECT projection AS name, position, digest = ${digestOf({})} AS sound
       FROM projection.checkpoint c
      WHERE $1::jsonb @> jsonb_build_object(c.projection, c.generation)`,
    [JSON.stringify(live)],
  );
  return build.projections.map(({ name }) => {
    const row = rows.find((one) => one.name === name);
    const column = !row ? '*' : !row.sound ? 'digest' : row.position > head ? 'position' : null;
    const difference = column === null ? null : checkpointDifference(name, column);
    return { name, position: row?.position ?? START, difference };
  });
}

const checkpointDifference = (projection: string, column: string): Difference => ({
  projection,
  table: 'checkpoint',
  key: JSON.stringify([projection]),
  column,
  rowCount: 1,
});

async function compareProjection(
  build: Build,
  snapshot: Connection,
  name: string,
  live: number,
): Promise<readonly Difference[]> {
  const { rows } = await snapshot.query<{ same: boolean }>(
    `SELECT a.events = b.events AND a.position = b.position AS same
       FROM projection.checkpoint a JOIN projection.checkpoint b USING (projection)
      WHERE projection = ${quoteText(name)} AND a.generation = ${live}
        AND b.generation = ${build.generation}`,
  );
  const tables = build.definitions.get(name)?.tables ?? [];
  const differences = await compareTables(snapshot, name, tables, live, build.generation);
  return rows[0]?.same === true
    ? differences
    : [checkpointDifference(name, 'events'), ...differences];
}

/** Brings the build to the head, holds the live runner up for the rest, and moves the pointer. */
async function switchTo(build: Build): Promise<void> {
  const { context, generation } = build;
  report(build, 'catching up');
  const atHead = async (): Promise<Targets> => {
    const head = await context.store.head();
    return new Map(build.projections.map(({ name }) => [name, head]));
  };
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    await feedTo(build, await atHead());
    if ((await distance(build, await atHead())) <= NEAR_EVENTS) break;
  }
  await inTransaction(context.pool, BEGIN_HOLD, async (holder) => {
    const live = await holdLive(build, holder);
    // Not behind the live one, of which somebody may have been told that it is there already.
    await feedTo(build, await atHead());
    await refuseNewlyParked(build, holder, live);
    report(build, 'switching');
    await movePointer(holder, build, generation, live);
  });
}

async function movePointer(
  holder: pg.PoolClient,
  build: Build,
  generation: number,
  live: Generations,
): Promise<void> {
  const { current, lastGeneration } = await readPointer(holder, 'FOR UPDATE');
  const rebuilt = Object.fromEntries(build.projections.map(({ name }) => [name, generation]));
  await moveFences(holder, live);
  await moveFences(holder, rebuilt);
  const next = { ...current, ...rebuilt };
  await writePointer(holder, { current: next, previous: current, lastGeneration });
}

async function refuseNewlyParked(
  build: Build,
  connection: Connection,
  live: Generations,
): Promise<void> {
  const rebuilt = Object.fromEntries(build.projections.map(({ name }) => [name, build.generation]));
  const known = new Set(
    (await parkedKeysOf(connection, live)).map(({ projection, key }) =>
      JSON.stringify([projection, key]),
    ),
  );
  const parked = await parkedKeysOf(connection, rebuilt);
  const news = parked.filter(
    ({ projection, key }) => !known.has(JSON.stringify([projection, key])),
  );
  const [first] = news;
  if (!first) return;
  throw new DomainError(
    'rebuild-parked-keys',
    { projection: first.projection, key: first.key, count: news.length, error: first.error },
    `The rebuilt ${first.projection} cannot take the events of ${first.key}, which the live one ` +
      `took (${first.error}); nothing was switched.`,
  );
}
