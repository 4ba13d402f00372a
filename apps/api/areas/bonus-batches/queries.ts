import { type Scope, scopeHolds } from '#contexts/bonus-batches';
import { DomainError } from '#kernel';
import type { Caller } from '#platform';
import {
  type BatchOnRecord,
  batchOnRecord,
  type Claim,
  preparingProgress,
  readRegister,
} from '#processes/settlement';
import {
  batches,
  batchLines,
  type LedgerBatch,
  proposedCount,
  teamUnits,
} from '#read-models/bonus-ledger';
import { type Organisation, teamPools, unitPathOf } from '#read-models/organisation';
import { withETag } from '../../answer-marks.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Period } from '../../fields.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, readQuery, refuseUnlessReached } from '../../read-query.js';
import type { BatchPath } from './commands.js';

const LEDGER = ['bonus-ledger'];

export class BatchesQuery extends AnyQuery {
  @Period({ optional: true, description: 'Pay period' })
  period?: string;
}

export class BatchLinesQuery extends PageQuery {}

type By = { readonly caller: Caller };

/** payroll: sees sealed batches only; what it has rejected it knows. */
const seesAll = ({ roles }: Caller): boolean => roles.some((role) => role !== 'payroll');
const isSealed = ({ status }: Pick<LedgerBatch, 'status'>): boolean =>
  status === 'sealed' || status === 'rejected';

export const readBatches = readQuery(async (system, params: BatchesQuery & By) => {
  const { after, period, caller } = params;
  if (after !== undefined) await system.projections.waitFor(LEDGER, after, AFTER_WAIT_MS);
  const reading = await system.projections.read(LEDGER, (sql) =>
    batches(sql, period === undefined ? {} : { payPeriod: period }),
  );
  const { claims } = await readRegister(system.engine);
  const found = reading.result.filter((batch) => seesAll(caller) || isSealed(batch));
  const known = new Set(reading.result.map(({ batchId }) => batchId));
  const begun = [...claims.values()].filter(
    ({ batchId, payPeriod }) =>
      !known.has(batchId) && (period ?? payPeriod) === payPeriod && seesAll(caller),
  );
  const items = [...found.map((batch) => toItem(batch, claims)), ...begun.map(toBegun)];
  return { position: reading.position, items };
});

function toItem(batch: LedgerBatch, claims: ReadonlyMap<string, Claim>) {
  const { batchId, payPeriod, generation, lineCount, sumMinor, sha256, sealedAt } = batch;
  const claim = claims.get(batchId);
  return {
    batchId,
    payPeriod,
    state: stateOf(batch.status, claim?.generation, generation),
    unitIds: batch.unitIds ?? claim?.unitIds ?? null,
    generation,
    lineCount,
    sumMinor,
    sha256,
    preparedBy: batch.preparedBy,
    approvedBy: batch.approvedBy,
    sealedAt,
    acknowledgement: acknowledgementOf(batch),
  };
}

function toBegun({ batchId, payPeriod, unitIds, generation, preparedBy }: Claim) {
  const nothing = { lineCount: null, sumMinor: null, sha256: null, approvedBy: null };
  const state = 'preparing';
  const acknowledgement = 'none';
  return {
    batchId,
    payPeriod,
    state,
    unitIds,
    generation,
    ...nothing,
    preparedBy,
    sealedAt: null,
    acknowledgement,
  };
}

/** A generation is claimed before its first line: until it is prepared the batch is preparing. */
function stateOf(
  status: LedgerBatch['status'],
  claimed: number | undefined,
  generation: number,
): string {
  if (status === 'open') return 'preparing';
  if (status === 'superseded' && claimed !== undefined && claimed > generation) return 'preparing';
  return status === 'superseded' && claimed === undefined ? 'abandoned' : status;
}

function acknowledgementOf({ status, acknowledged }: LedgerBatch): string {
  if (status === 'rejected') return 'rejected';
  if (status !== 'sealed') return 'none';
  return acknowledged ? 'accepted' : 'awaited';
}

/** The batch as its own stream stands, with what the ledger makes of it at that place. */
export const readBatch = readQuery(async (system, params: AnyQuery & BatchPath & By) => {
  const { batchId, after, caller } = params;
  const { engine, store } = system;
  refuseUnlessReached(await store.head(), after);
  const batch = await batchOnRecord(engine, batchId);
  const claim = (await readRegister(engine)).claims.get(batchId) ?? null;
  const isHidden = !seesAll(caller) && !batch.sealed;
  if ((batch.revision < 0 && !claim) || isHidden)
    throw new DomainError('unknown-batch', { batchId });
  const position = batch.revision < 0 ? await store.head() : batch.position;
  await system.projections.waitFor(LEDGER, position, AFTER_WAIT_MS);
  const reading = await system.projections.read(LEDGER, async (sql) => ({
    ledger: (await batches(sql, { batchId }))[0] ?? null,
    proposed: await proposedCount(sql, batchId),
    paid: await teamUnits(sql, batchId),
  }));
  const { ledger, proposed, paid } = reading.result;
  const org = await engine.organisation.current();
  const answer = {
    position: reading.position,
    batchId,
    ...headOf(batch, claim, ledger),
    ...preparationOf(system, { batch, batchId, claim, proposed }),
    unpaidPools: batch.prepared ? unpaidPools(org, batch.prepared, paid) : [],
  };
  return withETag(answer, batch.revision);
});

function headOf(batch: BatchOnRecord, claim: Claim | null, ledger: LedgerBatch | null) {
  const { prepared, sealed } = batch;
  return {
    payPeriod: prepared?.payPeriod ?? claim?.payPeriod ?? ledger?.payPeriod ?? null,
    state: stateOnRecord(batch, claim),
    unitIds: prepared?.unitIds ?? claim?.unitIds ?? null,
    generation: Math.max(batch.generation, claim?.generation ?? 0),
    currency: prepared?.currency ?? null,
    lineCount: prepared?.lineCount ?? null,
    sumMinor: prepared?.sumMinor ?? null,
    sha256: prepared?.sha256 ?? null,
    preparedBy: prepared?.preparedBy ?? claim?.preparedBy ?? null,
    approvedBy: batch.approvedBy,
    approvedOnBehalfOf: batch.onBehalfOf,
    supersededFor: batch.isSuperseded ? batch.supersededFor : null,
    sealedAt: sealed?.sealedAt ?? null,
    replacesBatchId: prepared?.replacesBatchId ?? claim?.replacesBatchId ?? null,
    withheld: prepared?.withheld ?? [],
    acknowledgement: ledger ? acknowledgementOf(ledger) : 'none',
    rejectionCode: ledger?.rejectionCode ?? null,
    rejectionCodes: ledger?.rejectionCodes ?? [],
    dueMinor: ledger?.dueMinor ?? '0',
    settledMinor: ledger?.settledMinor ?? '0',
    returnedMinor: ledger?.returnedMinor ?? '0',
  };
}

function stateOnRecord(batch: BatchOnRecord, claim: Claim | null): string {
  if (batch.isRejected) return 'rejected';
  if (batch.sealed) return 'sealed';
  if (claim && claim.generation > batch.generation) return 'preparing';
  if (batch.isSuperseded) return claim ? 'superseded' : 'abandoned';
  if (!batch.prepared) return 'preparing';
  return batch.approvedBy === null ? 'prepared' : 'approved';
}

type Preparation = {
  readonly batch: BatchOnRecord;
  readonly batchId: string;
  readonly claim: Claim | null;
  readonly proposed: number;
};

function preparationOf(
  { engine }: ApiSystem,
  { batch, batchId, claim, proposed }: Preparation,
): object {
  if (stateOnRecord(batch, claim) !== 'preparing') return { progress: null };
  const people = preparingProgress(engine, batchId);
  return {
    progress: {
      peopleDone: people?.done ?? null, // null: another process prepares it
      peopleCount: people?.total ?? null,
      proposedLineCount: claim && claim.generation > batch.generation ? 0 : proposed,
    },
  };
}

/** bonus: a pool that nobody shared is not paid, and reported. */
function unpaidPools(
  org: Organisation,
  { payPeriod, unitIds }: { readonly payPeriod: string; readonly unitIds: Scope },
  paid: ReadonlySet<string>,
) {
  return [...teamPools(org, payPeriod)]
    .filter(([unitId]) => scopeHolds(unitIds, unitPathOf(org, payPeriod, unitId)))
    .filter(([unitId, amountMinor]) => !paid.has(unitId) && amountMinor !== '0')
    .map(([unitId, amountMinor]) => ({ unitId, amountMinor }));
}

export const readBatchLines = readQuery(
  async (system, params: BatchLinesQuery & BatchPath & By) => {
    const { batchId, after, caller, cursor, limit } = params;
    if (after !== undefined) await system.projections.waitFor(LEDGER, after, AFTER_WAIT_MS);
    const [from] = cursor === undefined ? [] : fromCursor(cursor, ['string']);
    const reading = await system.projections.read(LEDGER, async (sql) => {
      const [batch] = await batches(sql, { batchId });
      if (!batch || !(seesAll(caller) || isSealed(batch))) {
        throw new DomainError('unknown-batch', { batchId });
      }
      const page = await batchLines(
        sql,
        batchId,
        from === undefined ? { limit } : { after: from, limit },
      );
      const { generation, status, sha256 } = batch;
      return { generation, state: status, sha256, page };
    });
    const { page, ...of } = reading.result;
    const next = page.next === null ? null : toCursor([page.next]);
    return { position: reading.position, batchId, ...of, items: page.lines, next };
  },
);
