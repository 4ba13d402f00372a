import { randomUUID } from 'node:crypto';
import type { Position } from '#event-store';
import { currentStandings, readPointer, selectProjections } from './catalogue.js';
import { watchCommits, type Commits } from './commits.js';
import { BEGIN_SNAPSHOT, hashTables } from './compare.js';
import { asUnavailable, describeError, inTransaction, type Context } from './context.js';
import {
  logName,
  nameCheckpoints,
  nameIn,
  prepareGenerations,
  readDefinitions,
  type Definitions,
} from './generations.js';
import { currentParkedKeys, retryParkedKeys, type RetryOutcome } from './parking.js';
import type {
  Committed,
  ParkedKey,
  ProjectionStatus,
  RebuildOptions,
  RebuildOutcome,
  Sql,
  VerifyOutcome,
} from './port.js';
import { readCurrent, type Reading } from './reading.js';
import { rebuildProjections, stepBack, verifyProjections } from './rebuild.js';
import { startRunner, type Runner, type RunnerOptions } from './runner.js';

export * from './port.js';
export {
  deleteRows,
  insertRows,
  rowParameters,
  rowSource,
  upsertRows,
  type TableColumns,
} from './rows.js';
export type { Context as ProjectionsContext, OnOtherLog } from './context.js';
export type { Reading } from './reading.js';
export { firstParked, type FirstParked, type RetryOutcome } from './parking.js';
export type { Runner, RunnerOptions } from './runner.js';

/**
 * The read models of one process: reads, waits, the runner, and what operators do with them. All
 * of them reject with StoreUnavailable when the database is not there.
 */
export type Projections = {
  /** Projects in this process, sharing the work with other runners, until it is stopped. */
  start(options?: RunnerOptions): Runner;
  /** A query over current generations at one snapshot, with the position that it reflects. */
  read<Result>(
    projections: readonly string[],
    query: (sql: Sql, position: Position) => Promise<Result>,
  ): Promise<Reading<Result>>;
  /** Error: DomainError `projection-behind` after `timeoutMs`. */
  waitFor(projections: readonly string[], position: Position, timeoutMs: number): Promise<void>;
  /** Called after each committed batch, also one of another process; gives the way out. */
  onCommitted(listener: (committed: Committed) => void): () => void;
  status(): Promise<readonly ProjectionStatus[]>;
  parkedKeys(): Promise<readonly ParkedKey[]>;
  retryParked(projection?: string): Promise<RetryOutcome>;
  rebuild(options?: RebuildOptions): Promise<RebuildOutcome>;
  verify(options?: RebuildOptions): Promise<VerifyOutcome>;
  stepBack(): Promise<Readonly<Record<string, number>>>;
  /** SHA-256 of all rows of a projection, of its current or another generation. */
  contentHash(projection: string, generation?: number): Promise<string>;
  /** Stops runners and lets go of its connection; the pool is its owner's to end. */
  close(): Promise<void>;
};

/**
 * Opens the read models on a migrated database; makes the tables of those that are new or defined
 * otherwise than before. Several processes may do so at once. Error: DomainError
 * `read-models-of-another-log`.
 */
export async function openProjections(context: Context): Promise<Projections> {
  refuseDoubledNames(context);
  const definitions = await readDefinitions(context);
  await prepareGenerations(context, definitions);
  const name = nameIn(definitions);
  await nameCheckpoints(context, name);
  const owner = randomUUID();
  const commits = watchCommits(context, owner);
  if (name === '') nameLater(context, commits);
  const runners = new Set<Runner>();
  return {
    start(options = {}) {
      // Each runner has a name of its own: two in one process share the work as two processes do.
      const runner = startRunner(context, commits, randomUUID(), options);
      runners.add(runner);
      return runner;
    },
    read: (names, query) => available(readCurrent(context, names, query)),
    async waitFor(names, position, timeoutMs) {
      selectProjections(context, names);
      await commits.waitFor(names, position, timeoutMs);
    },
    onCommitted: (listener) => commits.onCommitted(listener),
    status: () => available(statusOf(context)),
    parkedKeys: () => available(currentParkedKeys(context)),
    retryParked: (name) => announced(commits, retryParkedKeys(context, name)),
    rebuild: (options) => announced(commits, rebuildProjections(context, definitions, options)),
    verify: (options) => available(verifyProjections(context, definitions, options)),
    stepBack: () => announced(commits, stepBack(context)),
    contentHash: (name, generation) => contentHash(context, definitions, name, generation),
    async close() {
      await Promise.all([...runners].map((runner) => runner.stop()));
      commits.close();
    },
  };
}

/** Of a log that is still empty the checkpoints get the name when the first of them moves. */
function nameLater(context: Context, commits: Commits): void {
  if (context.logKind === undefined || context.logKind === 'postgresql') return;
  const forget = commits.onCommitted(() => {
    forget();
    const naming = logName(context).then((name) => nameCheckpoints(context, name));
    // Then whoever opens the read models next does it.
    naming.catch((error: unknown) => context.log?.(`not named yet: ${describeError(error)}`));
  });
}

/** Every runner looks again at once; without the notice it would at its next lost attempt. */
async function announced<Result>(commits: Commits, work: Promise<Result>): Promise<Result> {
  const result = await available(work);
  await available(commits.announceChange());
  return result;
}

/** Error: StoreUnavailable when the database went away in the middle. */
async function available<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw asUnavailable(error);
  }
}

function refuseDoubledNames({ projections }: Context): void {
  const names = projections.map(({ name }) => name);
  const entities = projections.flatMap((projection) => projection.entities);
  for (const list of [names, entities]) {
    if (new Set<unknown>(list).size < list.length) {
      throw new TypeError('two projections with one name or one table');
    }
  }
}

async function statusOf(context: Context): Promise<readonly ProjectionStatus[]> {
  const { pool, store, projections } = context;
  const names = projections.map(({ name }) => name);
  const standings = await currentStandings(pool, names);
  const lags = new Map<Position, Promise<{ events: number; seconds: number }>>();
  const lagOf = (position: Position) => {
    const lag = lags.get(position) ?? store.lag(position);
    lags.set(position, lag);
    return lag;
  };
  return Promise.all(
    [...standings].toSorted().map(async ([projection, { generation, position, parkedKeys }]) => ({
      projection,
      generation,
      position,
      lag: await lagOf(position),
      parkedKeyCount: parkedKeys.size,
    })),
  );
}

function contentHash(
  context: Context,
  definitions: Definitions,
  name: string,
  generation?: number,
): Promise<string> {
  return inTransaction(context.pool, BEGIN_SNAPSHOT, async (connection) => {
    const current = generation ?? (await readPointer(connection)).current[name];
    if (current === undefined) throw new TypeError(`no generation of ${name}`);
    return hashTables(connection, definitions, name, current);
  });
}
