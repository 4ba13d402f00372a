import type { Engine, Envelope } from '#commands';
import type { BonusBatchCommand, WithheldDifference } from '#contexts/bonus-batches';
import { nameBasedId } from '#kernel';
import { controlTotals } from '#rules';
import { batchOnRecord, type By, decideBatch, isRefusal, supersedeBatch } from './batch.js';
import { claimScope, type OnProgress, proposeLines, workOut } from './prepare.js';
import { sealBatch } from './seal.js';

export type SettleRequest = {
  readonly batchId: string;
  readonly period: string; // pay period: the period of the batch's cycle
  readonly sealedAt: string; // business time of every step
  readonly recordedAt: string;
  readonly preparer: Envelope['actor'];
  readonly approver: Envelope['actor']; // another person, and no beneficiary either
};

export type SettlementReport = {
  readonly lineCount: number;
  readonly sumMinor: string;
  readonly sha256: string;
  readonly withheld: readonly WithheldDifference[];
};

/** What a batch that another run, dead or alive, has begun may answer to this run's commands. */
const OVERTAKEN: ReadonlySet<string> = new Set([
  'batch-lines-differ',
  'batch-part-missing',
  'batch-already-prepared',
  'batch-not-prepared',
  'batch-changed',
  'batch-not-approved',
  'batch-sealed',
  'record-id-reused', // a command of a generation that is superseded by now
]);
const MAX_ATTEMPTS = 6;

/**
 * Prepares, approves and seals one batch for everybody: the steps of a live batch, one after the
 * other. Each is idempotent; a call after a crash goes on where it was.
 *
 * Another run may be at the same batch. Found sealed, that is the outcome. Found with other lines,
 * they are worked out anew, since somebody may have been quicker to see a decision; lines that
 * still differ are of a run that died before that decision, and are superseded.
 */
export async function settlePeriod(
  engine: Engine,
  request: SettleRequest,
  onProgress: OnProgress = () => undefined,
): Promise<SettlementReport> {
  for (let attempt = 1; ; attempt += 1) {
    const batch = await batchOnRecord(engine, request.batchId);
    // Once sealed, the differences that it posted are gone: it cannot be worked out again.
    if (batch.sealed && batch.prepared) return batch.prepared;
    try {
      return await settleOnce(engine, request, onProgress);
    } catch (error) {
      if (!isRefusal(error, OVERTAKEN) || attempt === MAX_ATTEMPTS) throw error;
      if (attempt % 2 === 0) await supersede(engine, request, batch.generation);
    }
  }
}

async function settleOnce(
  engine: Engine,
  request: SettleRequest,
  onProgress: OnProgress,
): Promise<SettlementReport> {
  const { batchId, period, sealedAt, preparer, approver } = request;
  const asPreparer = byOf(request, preparer);
  const scope = { unitIds: '*', preparedBy: preparer.id, replacesBatchId: null } as const;
  const claim = await claimScope(engine, { batchId, period, ...scope }, asPreparer);
  const workedOut = await workOut(engine, claim, asPreparer, onProgress);
  await proposeLines(engine, claim, workedOut, asPreparer);
  const totals = controlTotals(workedOut.lines);
  const { sha256 } = totals;
  const approve: BonusBatchCommand = {
    type: 'bonus-batches.ApproveBatch',
    data: { batchId, sha256, approvedBy: approver.id },
  };
  await decideBatch(engine, byOf(request, approver), approve, claim.generation);
  await sealBatch(engine, { batchId, sha256, sealedAt }, asPreparer, workedOut.lines);
  return { ...totals, withheld: workedOut.withheld };
}

async function supersede(
  engine: Engine,
  request: SettleRequest,
  generation: number,
): Promise<void> {
  const data = { batchId: request.batchId, generation, reason: 'lines-changed' };
  try {
    await supersedeBatch(engine, data, byOf(request, request.preparer));
  } catch (error) {
    // Sealed, or superseded by somebody else, since: the next look finds it so.
    if (!isRefusal(error, OVERTAKEN)) throw error;
  }
}

function byOf({ batchId, sealedAt, recordedAt }: SettleRequest, actor: Envelope['actor']): By {
  return (step) => ({
    commandId: nameBasedId('settlement', batchId, step),
    correlationId: nameBasedId('settlement', batchId),
    actor,
    occurredAt: sealedAt,
    recordedAt,
  });
}
