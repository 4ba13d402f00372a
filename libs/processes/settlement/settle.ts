import {
  assessmentStreamAggregate,
  bonusBatchAggregate,
  type Engine,
  type Envelope,
} from '#commands';
import type { AssessmentState } from '#contexts/assessment';
import {
  type BatchPrepared,
  type BonusBatchCommand,
  bonusBatchStream,
  preparing,
  type WithheldDifference,
} from '#contexts/bonus-batches';
import type { Position } from '#event-store';
import { assessmentStream, contentHash, DomainError, nameBasedId } from '#kernel';
import type { Sql } from '#projections';
import {
  accountManagers,
  cohort,
  cycleOf,
  employmentOf,
  memberOf,
  type Organisation,
  schemeFor,
  schemeVersion,
} from '#read-models/organisation';
import { tiersInForce } from '#read-models/tiers';
import { type BatchLine, commissionRate, controlTotals, type Scheme } from '#rules';
import { assessmentsAt, dueOf, struckOriginals } from './dues.js';

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

const PEOPLE_A_STEP = 400;
const APPENDS_AT_ONCE = 128;
const REPORTED_WITHHELD = 200;

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
 * Prepares, approves and seals one batch for everybody: freeze credits and awards, work out what is
 * due, add the differences of periods sealed before, propose, prepare, approve, seal. Every step
 * is idempotent; a call after a crash goes on where it was.
 *
 * Another run may be at the same batch. Found sealed, that is the outcome. Found with other lines,
 * they are worked out anew, since somebody may have been quicker to see a decision; lines that
 * still
 * differ are of a run that died before that decision, and are superseded.
 */
export async function settlePeriod(
  engine: Engine,
  request: SettleRequest,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<SettlementReport> {
  for (let attempt = 1; ; attempt += 1) {
    const batch = await batchOnRecord(engine, request.batchId);
    if (batch.sealed) return batch.sealed;
    try {
      return await settleOnce(engine, request, batch.supersededCount, onProgress);
    } catch (error) {
      const isOvertaken = error instanceof DomainError && OVERTAKEN.has(error.code);
      if (!isOvertaken || attempt === MAX_ATTEMPTS) throw error;
      if (attempt % 2 === 0) await supersede(engine, request, batch.supersededCount);
    }
  }
}

async function settleOnce(
  engine: Engine,
  request: SettleRequest,
  supersededCount: number,
  onProgress: (done: number, total: number) => void,
): Promise<SettlementReport> {
  const { batchId, period, sealedAt } = request;
  const org = await engine.organisation.current();
  if (!cycleOf(org, period)?.publishedAt) throw new DomainError('cycle-not-published', { period });
  const position = await engine.log.head();
  const outsiders = await engine.readModels.at(position, ['settlement'], (sql) =>
    returnersOutside(sql, org, period),
  );
  const people = [...cohort(org, period), ...outsiders];
  const due = await settlePeople(engine, request, { org, people, onProgress });
  const differences = await engine.readModels.at(position, ['settlement'], openDifferences);
  const lines = [...due, ...differences.lines];
  const totals = controlTotals(lines);
  const { sha256 } = totals;
  const commands: BonusBatchCommand[] = [
    ...preparing({
      batchId,
      payPeriod: period,
      unitIds: '*',
      currency: currencyOf(org, period),
      preparedBy: request.preparer.id,
      replacesBatchId: null,
      withheld: differences.withheld.slice(0, REPORTED_WITHHELD),
      lines,
    }),
    {
      type: 'bonus-batches.ApproveBatch',
      data: { batchId, sha256, approvedBy: request.approver.id },
    },
    { type: 'bonus-batches.SealBatch', data: { batchId, sha256, sealedAt } },
  ];
  for (const command of commands) await decideBatch(engine, request, command, supersededCount);
  return { ...totals, withheld: differences.withheld };
}

type BatchOnRecord = {
  /** Once sealed, the differences that it posted are gone: it cannot be worked out again. */
  readonly sealed: SettlementReport | null;
  readonly supersededCount: number;
};

async function batchOnRecord(engine: Engine, batchId: string): Promise<BatchOnRecord> {
  let prepared: BatchPrepared['data'] | null = null;
  let supersededCount = 0;
  for await (const events of engine.store.readStream(bonusBatchStream(batchId))) {
    for (const { type, data } of events) {
      if (type === 'bonus-batches.BatchPrepared.v1') prepared = data as BatchPrepared['data'];
      if (type === 'bonus-batches.BatchSuperseded.v1') supersededCount += 1;
      if (type === 'bonus-batches.BatchSealed.v1') return { sealed: prepared, supersededCount };
    }
  }
  return { sealed: null, supersededCount };
}

async function supersede(
  engine: Engine,
  request: SettleRequest,
  supersededCount: number,
): Promise<void> {
  const data = { batchId: request.batchId, reason: 'lines-changed' };
  try {
    const command: BonusBatchCommand = { type: 'bonus-batches.SupersedeBatch', data };
    await decideBatch(engine, request, command, supersededCount);
  } catch (error) {
    // Sealed, or superseded by somebody else, since: the next look finds it so.
    if (!(error instanceof DomainError) || !OVERTAKEN.has(error.code)) throw error;
  }
}

async function decideBatch(
  engine: Engine,
  request: SettleRequest,
  command: BonusBatchCommand,
  supersededCount: number, // a line proposed again in a later generation is another event
): Promise<void> {
  const isApproval = command.type === 'bonus-batches.ApproveBatch';
  const actor = isApproval ? request.approver : request.preparer;
  await engine.handler.decide(bonusBatchAggregate, bonusBatchStream(request.batchId), {
    command,
    facts: () => ({ overlappingBatchIds: [], dueMinor: null }),
    envelope: envelopeOf(
      request,
      actor,
      `${supersededCount} ${command.type} ${contentHash(command.data)}`,
    ),
  });
}

function envelopeOf(
  { batchId, sealedAt, recordedAt }: SettleRequest,
  actor: Envelope['actor'],
  step: string,
): Envelope {
  return {
    commandId: nameBasedId('settlement', batchId, step),
    correlationId: nameBasedId('settlement', batchId),
    actor,
    occurredAt: sealedAt,
    recordedAt,
  };
}

/** People with a return in the period who are not in its cohort: their seller may have left. */
async function returnersOutside(sql: Sql, org: Organisation, period: string): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `select distinct account_manager_id as id from settlement_return where period = $1 order by 1`,
    [period],
  );
  return rows.map(({ id }) => id).filter((id) => memberOf(org, id, period) === null);
}

type Everybody = {
  readonly org: Organisation;
  readonly people: readonly string[];
  readonly onProgress: (done: number, total: number) => void;
};

/**
 * bonus: preparing freezes the credits and awards of the batch's people; then what is due follows.
 * All is worked out as of one position behind the last freeze, so that read models have to get
 * there once and not once a step.
 */
async function settlePeople(
  engine: Engine,
  request: SettleRequest,
  { org, people, onProgress }: Everybody,
): Promise<readonly BatchLine[]> {
  const total = people.length;
  for (let open = people; ;) {
    for (const step of stepsOf(open)) {
      await freezeCredits(engine, request, org, step.ids);
      onProgress(Math.floor(step.done / 2), total);
    }
    const position = await engine.log.head();
    const tiers = await engine.readModels.at(position, ['tiers'], (sql) =>
      tiersInForce(sql, request.period, people),
    );
    const due: BatchLine[] = [];
    const unfrozen: string[] = [];
    for (const { ids, done } of stepsOf(people)) {
      const frozen = await dueAt(engine, request, { org, ids, tiers, position });
      due.push(...frozen.due);
      unfrozen.push(...frozen.unfrozen);
      onProgress(Math.floor((total + done) / 2), total);
    }
    // A return that came between the look and the freeze is not in the freeze: freeze once more.
    if (unfrozen.length === 0) return due;
    open = unfrozen;
  }
}

function* stepsOf(people: readonly string[]): Generator<{ ids: readonly string[]; done: number }> {
  for (let from = 0; from < people.length; from += PEOPLE_A_STEP) {
    const ids = people.slice(from, from + PEOPLE_A_STEP);
    yield { ids, done: from + ids.length };
  }
}

type DueAt = {
  readonly org: Organisation;
  readonly ids: readonly string[];
  readonly tiers: ReadonlyMap<string, number>;
  readonly position: Position;
};

async function dueAt(
  engine: Engine,
  { period }: SettleRequest,
  { org, ids, tiers, position }: DueAt,
): Promise<{ readonly due: readonly BatchLine[]; readonly unfrozen: readonly string[] }> {
  const streamOf = (id: string): string => assessmentStream(id, period);
  const states = await assessmentsAt(engine.log, ids.map(streamOf), position);
  const struckSales = await struckOriginals(engine.log, states.values(), position);
  const stateOf = (id: string): AssessmentState => states.get(streamOf(id)) as AssessmentState;
  const due = ids.flatMap((accountManagerId) => {
    const state = stateOf(accountManagerId);
    const scheme = schemeOf(org, accountManagerId, period, state);
    if (!scheme) return []; // nobody's scheme ever applied: there is nothing that could be due
    return dueOf({
      accountManagerId,
      period,
      state,
      scheme,
      unitId: unitOf(org, accountManagerId, state),
      tier: tiers.get(accountManagerId) ?? null,
      isPublished: true,
      struckSales,
    });
  });
  return { due, unfrozen: ids.filter((id) => !isFrozenWhole(stateOf(id))) };
}

function schemeOf(
  org: Organisation,
  accountManagerId: string,
  period: string,
  { frozen, returns }: AssessmentState,
): Scheme | null {
  if (frozen) return schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
  const own = schemeFor(org, accountManagerId, period);
  const original = returns[0]?.original;
  return own ?? (original ? schemeFor(org, original.accountManagerId, original.period) : null);
}

function unitOf(org: Organisation, accountManagerId: string, { frozen }: AssessmentState): string {
  return frozen?.unitPath[0] ?? employmentOf(org, accountManagerId)?.unitId ?? '';
}

async function freezeCredits(
  engine: Engine,
  request: SettleRequest,
  org: Organisation,
  accountManagerIds: readonly string[],
): Promise<void> {
  const streamOf = (id: string): string => assessmentStream(id, request.period);
  const states = await assessmentsAt(engine.log, accountManagerIds.map(streamOf));
  const stateOf = (id: string): AssessmentState => states.get(streamOf(id)) as AssessmentState;
  const unfrozen = accountManagerIds.filter((id) => !isFrozenWhole(stateOf(id)));
  if (unfrozen.length === 0) return;
  const struck = await struckOriginals(engine.log, states.values());
  await engine.handler.prefetch(assessmentStreamAggregate, unfrozen.map(streamOf));
  for (let from = 0; from < unfrozen.length; from += APPENDS_AT_ONCE) {
    await Promise.all(
      unfrozen
        .slice(from, from + APPENDS_AT_ONCE)
        .map((id) => freezeStream(engine, request, id, returnsToFreeze(org, stateOf(id), struck))),
    );
  }
}

function isFrozenWhole({ creditsFrozen, returns }: AssessmentState): boolean {
  if (!creditsFrozen) return false;
  const frozen = new Set(creditsFrozen.returns.map(({ creditId }) => creditId));
  return returns.every(({ creditId }) => frozen.has(creditId));
}

type FrozenReturn = {
  readonly creditId: string;
  readonly commissionPercent: string | null;
  readonly originalStruck: boolean;
};

function returnsToFreeze(
  org: Organisation,
  { returns }: AssessmentState,
  struck: ReadonlySet<string>,
): FrozenReturn[] {
  return returns.map(({ creditId, original }) => {
    const { accountManagerId, period, productId } = original;
    const scheme =
      memberOf(org, accountManagerId, period)?.scheme ?? schemeFor(org, accountManagerId, period);
    return {
      creditId,
      commissionPercent: scheme ? commissionRate(scheme, productId) : null,
      originalStruck: struck.has(original.creditId),
    };
  });
}

async function freezeStream(
  engine: Engine,
  request: SettleRequest,
  accountManagerId: string,
  returns: readonly FrozenReturn[],
): Promise<void> {
  const { batchId, period } = request;
  const step = `credits ${accountManagerId} ${contentHash(returns)}`;
  const stream = assessmentStream(accountManagerId, period);
  await engine.handler.decide(assessmentStreamAggregate, stream, {
    command: {
      context: 'assessment',
      command: { type: 'assessment.FreezeCredits', data: { batchId, returns } },
      facts: () => ({ cyclePublished: true }),
    },
    facts: () => undefined,
    envelope: envelopeOf(request, request.preparer, step),
  });
}

type DifferenceRow = {
  id: string;
  period: string;
  of_kind: BatchLine['of'];
  reference: string;
  unit_id: string;
  difference: string;
  causes: string;
  by_office: boolean;
};

/**
 * corrections: per line the difference between what is due and what was posted. An appeal never
 * takes money away: differences of a person's period that sum to less than 0 stay open and are
 * reported, unless a correction by the office is among what made them.
 */
async function openDifferences(
  sql: Sql,
): Promise<{ lines: BatchLine[]; withheld: WithheldDifference[] }> {
  const rows = await sql.query<DifferenceRow>(
    `select account_manager_id as id, period, of_kind, reference, unit_id,
       (due_minor - posted_minor)::text as difference, causes, by_office
     from settlement_line where due_minor <> posted_minor
     order by account_manager_id, period, of_kind, reference`,
  );
  const lines: BatchLine[] = [];
  const withheld: WithheldDifference[] = [];
  for (const group of groupsOf(rows)) {
    const first = group[0] as DifferenceRow;
    const sum = group.reduce((total, { difference }) => total + BigInt(difference), 0n);
    if (sum < 0n && !group.some(({ by_office }) => by_office)) {
      const { id, period } = first;
      withheld.push({ accountManagerId: id, period, sumMinor: sum.toString() });
    } else {
      lines.push(...group.map(toCorrection));
    }
  }
  return { lines, withheld };
}

function groupsOf(rows: readonly DifferenceRow[]): DifferenceRow[][] {
  const groups: DifferenceRow[][] = [];
  for (const row of rows) {
    const last = groups.at(-1);
    const first = last?.[0];
    if (last && first?.id === row.id && first.period === row.period) last.push(row);
    else groups.push([row]);
  }
  return groups;
}

function toCorrection(row: DifferenceRow): BatchLine {
  return {
    accountManagerId: row.id,
    period: row.period,
    kind: 'correction',
    of: row.of_kind,
    reference: row.reference,
    amountMinor: row.difference,
    cause: (JSON.parse(row.causes) as string[]).join(';'),
    unitId: row.unit_id,
  };
}

/** ISO 4217's code for no currency: a batch of nobody has no money to name. */
const NO_CURRENCY = 'X'.repeat(3);

/** bonus: one currency per scheme; a batch has that of its people's schemes. */
function currencyOf(org: Organisation, period: string): string {
  for (const id of accountManagers(org)) {
    const currency = schemeFor(org, id, period)?.currency;
    if (currency) return currency;
  }
  return NO_CURRENCY;
}
