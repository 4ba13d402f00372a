import { type Engine, IMPORTER } from '#commands';
import type { BatchSealed, ScopeClaimed } from '#contexts/bonus-batches';
import { bonusBatchStream, SETTLEMENT_STREAM } from '#contexts/bonus-batches';
import type { CycleCommand } from '#contexts/cycles';
import {
  type ImportReport,
  type Milestone,
  type Replay,
  type RowGroup,
  sortRefusals,
} from '#dataset';
import { type Actor, START } from '#event-store';
import { compareInstants, DomainError, isAfter } from '#kernel';
import { publishCycle } from '#processes/publication';
import { settlePeriod } from '#processes/settlement';
import { type Cycle, cycleOf, periods } from '#read-models/organisation';
import { escalateUndecided } from './appeals.js';
import { decideGroups } from './groups.js';
import {
  acceptLater,
  approver,
  importer,
  type ImportProgress,
  type ImportRun,
  lineKey,
  preparer,
  refuseLater,
} from './import-run.js';
import { decideCycle, recordMasterData } from './master-data.js';
import { closings, instantValue, isOldNews, type Said } from './old-news.js';

export type ImportOptions = {
  readonly runId: string;
  readonly effectiveOn?: string | null;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** What people should hear beside the report: pools nobody shared, differences withheld. */
  readonly onNote?: (note: ImportNote) => void;
};

export type ImportNote =
  | { readonly kind: 'unpaid-pool'; readonly period: string; readonly unitId: string }
  | {
      readonly kind: 'withheld-difference';
      readonly payPeriod: string;
      readonly accountManagerId: string;
      readonly period: string;
      readonly sumMinor: string;
    };

/**
 * A window of groups has its streams read at once and is decided side by side, while the appends of
 * the window before are still on their way to disk.
 */
const WINDOW_ROWS = 4_000;
const WINDOW_GROUPS = 250;
const WINDOWS_AT_ONCE = 3;

/** An import seals one batch a period for everybody. */
const importedBatchId = (period: string): string => `${period}-all`;

/**
 * Replays an organisation's history through the commands that people use: master data, then every
 * row and milestone in the order of its own time. Running it again changes nothing; what a crash
 * left undone is done by the next run.
 */
export async function importDataset(
  engine: Engine,
  replay: Replay,
  options: ImportOptions,
): Promise<ImportReport> {
  const run: ImportRun = {
    engine,
    runId: options.runId,
    isFirst: (await engine.log.head()) === START,
    effectiveOn: options.effectiveOn ?? null,
    earliestOpenedAt: replay.earliestOpenedAt ?? new Date(0).toISOString(),
    sealedAtByPeriod: new Map(),
    refused: [...replay.refused],
    refusedLines: new Set(),
    repeatedLines: new Set(),
    undecidedAppealIds: new Set(),
    latestAt: null,
    onProgress: options.onProgress ?? (() => undefined),
    accepted: 0,
    repeated: 0,
  };
  await recordMasterData(run, replay);
  await findSealedBatches(run);
  await replaySteps(run, replay, options.onNote ?? (() => undefined));
  await escalateUndecided(run);
  return {
    accepted: run.accepted,
    repeated: run.repeated,
    refused: sortRefusals(run.refused),
  };
}

async function findSealedBatches(run: ImportRun): Promise<void> {
  const org = await run.engine.organisation.current();
  const streams = periods(org).map((period) => bonusBatchStream(importedBatchId(period)));
  for await (const events of run.engine.log.readStreams(streams)) {
    for (const { type, data } of events) {
      if (type !== 'bonus-batches.BatchSealed.v1') continue;
      const { payPeriod, sealedAt } = data as BatchSealed['data'];
      run.sealedAtByPeriod.set(payPeriod, sealedAt);
    }
  }
}

async function replaySteps(
  run: ImportRun,
  replay: Replay,
  onNote: (note: ImportNote) => void,
): Promise<void> {
  let window: RowGroup[] = [];
  let rowCount = 0;
  let done = 0;
  const windows = createOverlap(WINDOWS_AT_ONCE);
  const flush = async (): Promise<void> => {
    if (window.length === 0) return;
    const [groups, count] = [window, rowCount];
    window = [];
    rowCount = 0;
    await windows.start(async () => {
      await decideGroups(run, groups);
      done += count;
      run.onProgress({ phase: 'facts', done, total: replay.rowCount });
    });
  };
  let continues = false;
  try {
    for await (const step of replay.steps()) {
      // Parts of one group follow each other, as a milestone does all rows before it.
      if (step.type === 'milestone' || continues) {
        await flush();
        await windows.end();
      }
      continues = step.type === 'group' && step.group.isContinued;
      reachTime(run, step.type === 'milestone' ? step.milestone.at : lastTimeOf(step.group));
      if (step.type === 'milestone') {
        await reach(run, step.milestone, onNote);
        continue;
      }
      window.push(step.group);
      rowCount += step.group.rows.length;
      if (rowCount >= WINDOW_ROWS || window.length >= WINDOW_GROUPS) await flush();
    }
    await flush();
  } finally {
    await windows.end();
  }
}

/** Rows of a group come in the order of their time. */
const lastTimeOf = ({ rows }: RowGroup): string | null => rows.at(-1)?.at ?? null;

function reachTime(run: ImportRun, at: string | null): void {
  if (at !== null && (run.latestAt === null || isAfter(at, run.latestAt))) run.latestAt = at;
}

/**
 * Pieces of work side by side, up to a limit. The first failure is thrown by the next call, after
 * all that was started has ended: nothing is appended behind the back of who was told of it.
 */
function createOverlap(limit: number): {
  readonly start: (work: () => Promise<void>) => Promise<void>;
  readonly end: () => Promise<void>;
} {
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  const end = async (): Promise<void> => {
    await Promise.all(underWay);
    if (failure) throw failure.error;
  };
  return {
    end,
    async start(work) {
      while (underWay.size >= limit) await Promise.race(underWay);
      if (failure) return end();
      const running = work()
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => underWay.delete(running));
      underWay.add(running);
    },
  };
}

/** A step of a cycle that the log refuses is told like a row; the history goes on. */
async function reach(
  run: ImportRun,
  milestone: Milestone,
  onNote: (note: ImportNote) => void,
): Promise<void> {
  try {
    await takeStep(run, milestone, onNote);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code === 'projection-parked') throw error;
    refuseLater(run, milestone, error);
  }
}

async function takeStep(
  run: ImportRun,
  milestone: Milestone,
  onNote: (note: ImportNote) => void,
): Promise<void> {
  // Of a cycle that differs from its row nothing is taken further: its steps are somebody else's.
  if (run.refusedLines.has(lineKey(milestone))) return;
  const { type, period, at } = milestone;
  const org = await run.engine.organisation.current();
  const cycle = cycleOf(org, period);
  const decide = (command: CycleCommand): Promise<void> =>
    decideCycle(run, milestone, period, command, at);
  switch (type) {
    case 'close':
      if (isOldNews(await closingsSoFar(run, period), instantValue(at))) break;
      await decide({ type: 'cycles.CloseCollection', data: { period, closedAt: at } });
      break;
    case 'publish':
      if (isPublishedAlready(cycle, milestone)) break;
      await publish(run, period, at, onNote);
      acceptLater(run, milestone);
      break;
    case 'finalise':
      requirePublishedBefore(cycle, milestone);
      await decide({ type: 'cycles.FinaliseCycle', data: { period, finalisedAt: at } });
      break;
    case 'seal':
      if (isSealedAlready(run, milestone)) break;
      requirePublishedBefore(cycle, milestone);
      await refuseBatchOfOthers(run, period);
      await seal(run, period, at, onNote);
      acceptLater(run, milestone);
      break;
  }
  await run.engine.organisation.current();
}

function closingsSoFar({ isFirst, engine }: ImportRun, period: string): Promise<readonly Said[]> {
  return isFirst ? Promise.resolve([]) : closings(engine.log, period);
}

const isSameInstant = (a: string, b: string): boolean => compareInstants(a, b) === 0;

/**
 * Errors: DomainError `cycle-already-published`, `publication-started` for one that is not the
 * row's; `collection-open` where the collection was closed only later.
 */
function isPublishedAlready(cycle: Cycle | null, { period, at }: Milestone): boolean {
  if (!cycle) return false;
  const { publishedAt, publicationStarted, closedAt } = cycle;
  if (publishedAt !== null) {
    if (isSameInstant(publishedAt, at)) return true;
    throw new DomainError('cycle-already-published', { period });
  }
  if (publicationStarted && !isSameInstant(publicationStarted.startedAt, at)) {
    throw new DomainError('publication-started', { period });
  }
  if (closedAt !== null && isAfter(closedAt, at))
    throw new DomainError('collection-open', { period });
  return false;
}

function requirePublishedBefore(cycle: Cycle | null, { period, at }: Milestone): void {
  const publishedAt = cycle?.publishedAt ?? null;
  if (publishedAt !== null && !isAfter(publishedAt, at)) return;
  throw new DomainError('cycle-not-published', { period });
}

function isSealedAlready({ sealedAtByPeriod }: ImportRun, { period, at }: Milestone): boolean {
  const sealedAt = sealedAtByPeriod.get(period);
  if (sealedAt === undefined) return false;
  if (isSameInstant(sealedAt, at)) return true;
  throw new DomainError('batch-sealed', { period });
}

/**
 * A batch for everybody that people began has the import's own id: it is theirs to approve and to
 * seal. Error: DomainError `batch-already-prepared`.
 */
async function refuseBatchOfOthers({ isFirst, engine }: ImportRun, period: string): Promise<void> {
  if (isFirst) return;
  const batchId = importedBatchId(period);
  let claimedBy: Actor | null = null;
  for await (const events of engine.log.readStreams([SETTLEMENT_STREAM])) {
    for (const { type, data, metadata } of events) {
      if (type !== 'bonus-batches.ScopeClaimed.v1') continue;
      if ((data as ScopeClaimed['data']).batchId === batchId) claimedBy = metadata.actor;
    }
  }
  if (claimedBy === null || claimedBy.onBehalfOf === IMPORTER) return;
  throw new DomainError('batch-already-prepared', { batchId });
}

async function publish(
  run: ImportRun,
  period: string,
  publishedAt: string,
  onNote: (note: ImportNote) => void,
): Promise<void> {
  const report = await publishCycle(
    run.engine,
    {
      period,
      publishedAt,
      recordedAt: publishedAt,
      actor: importer,
      incompleteAcknowledgedBy: null,
      incompleteCount: 0, // dataset: incomplete people do not stop an imported publication
    },
    (done, total) => run.onProgress({ phase: 'publication', period, done, total }),
  );
  for (const unitId of report.unpaidPools) onNote({ kind: 'unpaid-pool', period, unitId });
}

async function seal(
  run: ImportRun,
  period: string,
  sealedAt: string,
  onNote: (note: ImportNote) => void,
): Promise<void> {
  const request = {
    batchId: importedBatchId(period),
    period,
    sealedAt,
    recordedAt: sealedAt,
    preparer,
    approver,
  };
  const report = await settlePeriod(run.engine, request, (done, total) =>
    run.onProgress({ phase: 'settlement', period, done, total }),
  );
  run.sealedAtByPeriod.set(period, sealedAt);
  for (const difference of report.withheld) {
    onNote({ kind: 'withheld-difference', payPeriod: period, ...difference });
  }
}
