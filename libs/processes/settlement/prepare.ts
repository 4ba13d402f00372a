import type { Engine } from '#commands';
import {
  type ClaimScope,
  preparing,
  type Scope,
  type WithheldDifference,
} from '#contexts/bonus-batches';
import { compareCodePoints, DomainError } from '#kernel';
import { cycleOf, type Organisation } from '#read-models/organisation';
import type { BatchLine } from '#rules';
import {
  type BatchOnRecord,
  batchOnRecord,
  type By,
  decideBatch,
  isRefusal,
  supersedeBatch,
} from './batch.js';
import { openDifferences } from './differences.js';
import { currencyOf, settlePeople } from './lines.js';
import { extentHolds, peopleOf, refuseUnknownUnits } from './people.js';
import { type Claim, claimFacts, decideRegister, readRegister } from './register.js';

export type PrepareRequest = {
  readonly batchId: string;
  readonly period: string; // pay period: the period of the batch's cycle
  readonly unitIds: Scope;
  readonly preparedBy: string;
  readonly replacesBatchId: string | null;
};

export type OnProgress = (done: number, total: number) => void;

const REPORTED_WITHHELD = 200;
const MAX_ATTEMPTS = 6;

/**
 * The claim that a preparing begins with: of the generation that stands open, else of the next.
 * Errors: `cycle-not-published`, `unknown-unit`, `batch-sealed`, `batch-rejected`,
 * `batch-not-rejected` (the one to be replaced), `segregation-of-duties`.
 */
export async function claimFor(
  engine: Engine,
  org: Organisation,
  request: PrepareRequest,
): Promise<{ readonly command: ClaimScope; readonly batch: BatchOnRecord }> {
  const { batchId, period, preparedBy, replacesBatchId } = request;
  if (!cycleOf(org, period)?.publishedAt) throw new DomainError('cycle-not-published', { period });
  refuseUnknownUnits(org, request.unitIds);
  const unitIds: Scope =
    request.unitIds === '*' ? '*' : [...new Set(request.unitIds)].sort(compareCodePoints);
  const batch = await batchOnRecord(engine, batchId);
  if (batch.isRejected) throw new DomainError('batch-rejected', { batchId });
  if (batch.sealed) throw new DomainError('batch-sealed', { batchId });
  if (replacesBatchId !== null) await refuseUnlessRejected(engine, replacesBatchId);
  // Whoever the batch may pay is its beneficiary, before it is known what is due.
  const isBeneficiary =
    org.people.has(preparedBy) && extentHolds(org, { period, unitIds }, preparedBy);
  if (isBeneficiary)
    throw new DomainError('segregation-of-duties', { batchId, field: 'preparedBy' });
  const generation = isStanding(batch) ? batch.generation : batch.generation + 1;
  const data = { batchId, payPeriod: period, generation, unitIds, preparedBy, replacesBatchId };
  return { command: { type: 'bonus-batches.ClaimScope', data }, batch };
}

const isStanding = ({ generation, isSuperseded }: BatchOnRecord): boolean =>
  generation > 0 && !isSuperseded;

async function refuseUnlessRejected(engine: Engine, batchId: string): Promise<void> {
  const { isRejected } = await batchOnRecord(engine, batchId);
  if (!isRejected) throw new DomainError('batch-not-rejected', { batchId });
}

/** Claims the scope; nothing is frozen before that. Error: `batch-scope-overlaps`. */
export async function claimScope(engine: Engine, request: PrepareRequest, by: By): Promise<Claim> {
  const org = await engine.organisation.current();
  const { command } = await claimFor(engine, org, request);
  await decideRegister(engine, by, command, await claimFacts(engine, org, command));
  return { ...command.data, releasedBatchIds: [] };
}

export type WorkedOut = {
  readonly lines: readonly BatchLine[];
  readonly withheld: readonly WithheldDifference[];
};

/** Freezes credits and awards of the claim's people and works out what their batch has to hold. */
export async function workOut(
  engine: Engine,
  claim: Claim,
  by: By,
  onProgress: OnProgress,
): Promise<WorkedOut> {
  const { batchId, payPeriod: period, unitIds } = claim;
  const extent = { period, unitIds };
  const org = await engine.organisation.current();
  // Behind the claim, so that whoever it does not name finds the claim and is refused.
  const named = (await readRegister(engine)).returners.get(period) ?? [];
  const people = await engine.readModels.at(await engine.log.head(), ['settlement'], (sql) =>
    peopleOf(sql, org, extent, [...named]),
  );
  const request = { batchId, period, by, onProgress };
  const { due, position } = await settlePeople(engine, request, org, people);
  const differences = await engine.readModels.at(position, ['settlement'], (sql) =>
    openDifferences(sql, org, extent),
  );
  return { lines: [...due, ...differences.lines], withheld: differences.withheld };
}

/** The commands of a claim's generation: its lines in parts, and what closes them. */
export async function proposeLines(
  engine: Engine,
  claim: Claim,
  { lines, withheld }: WorkedOut,
  by: By,
): Promise<void> {
  const { batchId, payPeriod, unitIds, preparedBy, replacesBatchId, generation } = claim;
  const org = await engine.organisation.current();
  const commands = preparing({
    batchId,
    payPeriod,
    unitIds,
    currency: currencyOf(org, payPeriod),
    preparedBy,
    replacesBatchId,
    withheld: withheld.slice(0, REPORTED_WITHHELD),
    lines,
  });
  for (const command of commands) await decideBatch(engine, by, command, generation);
}

const OTHER_LINES: ReadonlySet<string> = new Set(['batch-lines-differ', 'batch-part-missing']);

/**
 * From a claim to the prepared batch. Called again after a crash it goes on where it was: lines
 * that a dead run proposed and that are not due any more are superseded, and claimed anew.
 */
export function prepareClaimed(engine: Engine, claim: Claim, by: By): Promise<void> {
  const key = `${claim.generation} ${claim.batchId}`;
  const running = underWay.get(engine) ?? new Map<string, Running>();
  underWay.set(engine, running);
  const known = running.get(key);
  if (known) return known.promise;
  const progress: Progress = { done: 0, total: 0 };
  const onProgress: OnProgress = (done, total) => Object.assign(progress, { done, total });
  const promise = prepareInTurn(engine, claim, by, onProgress).finally(() => running.delete(key));
  running.set(key, { promise, progress });
  return promise;
}

type Progress = { done: number; total: number };
type Running = { readonly promise: Promise<void>; readonly progress: Progress };

/** One preparing of a generation at a time in this process: the command's and the runner's. */
const underWay = new WeakMap<Engine, Map<string, Running>>();

/** People done of people in all, while this process prepares the batch. */
export function preparingProgress(
  engine: Engine,
  batchId: string,
): { readonly done: number; readonly total: number } | null {
  for (const [key, { progress }] of underWay.get(engine) ?? []) {
    if (key.slice(key.indexOf(' ') + 1) === batchId) return { ...progress };
  }
  return null;
}

async function prepareInTurn(
  engine: Engine,
  claimed: Claim,
  by: By,
  onProgress: OnProgress,
): Promise<void> {
  let claim = claimed;
  for (let attempt = 1; ; attempt += 1) {
    const { batchId } = claim;
    const batch = await batchOnRecord(engine, batchId);
    if (batch.generation > claim.generation || isDone(batch, claim)) return;
    try {
      const workedOut = await workOut(engine, claim, by, onProgress);
      if (await isGivenUp(engine, claim)) return;
      await proposeLines(engine, claim, workedOut, by);
      if (await isGivenUp(engine, claim)) await supersedeGiven(engine, claim, by);
      return;
    } catch (error) {
      if (!isRefusal(error, OTHER_LINES) || attempt === MAX_ATTEMPTS) throw error;
      const { generation } = claim;
      await supersedeBatch(engine, { batchId, generation, reason: 'lines-changed' }, by);
      const { payPeriod: period, unitIds, preparedBy, replacesBatchId } = claim;
      const request = { batchId, period, unitIds, preparedBy, replacesBatchId };
      claim = await claimScope(engine, request, by);
    }
  }
}

const isDone = ({ generation, prepared, isSuperseded }: BatchOnRecord, claim: Claim): boolean =>
  generation === claim.generation && (prepared !== null || isSuperseded);

/** Given up while its lines were on their way: nobody could seal it any more. */
async function isGivenUp(engine: Engine, { batchId, generation }: Claim): Promise<boolean> {
  const { claims } = await readRegister(engine);
  return claims.get(batchId)?.generation !== generation;
}

function supersedeGiven(engine: Engine, { batchId, generation }: Claim, by: By): Promise<void> {
  return supersedeBatch(engine, { batchId, generation, reason: 'given-up' }, by);
}
