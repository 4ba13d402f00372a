import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import {
  canonicalJson,
  contentHash,
  type Decider,
  DomainError,
  type RecordReference,
  requireAmountMinor,
  requireForm,
  requireId,
  requireInstant,
  requirePeriod,
} from '#kernel';
import { type BatchLine, canonicalLine, compareBatchLines } from '#rules';
import { MAX_LINES_A_PART, MAX_PART_BYTES, utf8Length } from './parts.js';
import type {
  AcknowledgeBatch,
  ApproveBatch,
  BonusBatchCommand,
  PrepareBatch,
  ProposeLines,
  RejectBatch,
  ReturnPayment,
  SealBatch,
  SettlePayment,
  SupersedeBatch,
} from './commands.js';
import type {
  BatchApproved,
  BatchPrepared,
  BonusBatchEvent,
  PaymentReturned,
  PaymentSettled,
} from './events.js';

export type BonusBatchFacts = {
  /**
   * Asked by proposing and preparing: batches of the pay period, not rejected, with a unit in
   * common.
   */
  readonly overlappingBatchIds: readonly string[];
  /**
   * Asked by payments: what the batch pays to the person, after receivables and returns of earlier
   * batches; null where the asker does not know, and the amount is not checked.
   */
  readonly dueMinor: string | null;
};

type Payment = { settled: bigint; returned: bigint; returnedUnpaid: bigint };

export type BonusBatchState = {
  generation: number; // 0 before the first part
  partHashes: string[]; // of the current generation
  lastLine: BatchLine | null;
  lineCount: number;
  sumMinor: bigint;
  lineHash: ReturnType<typeof sha256.create>;
  beneficiaryIds: Set<string>; // kept until the sealing: nobody of them prepares or approves
  prepared: BatchPrepared['data'] | null;
  superseded: boolean; // the current generation
  approval: BatchApproved['data'] | null;
  isSealed: boolean;
  acknowledged: boolean;
  rejected: boolean;
  readonly hashByMessageId: Map<string, string>;
  readonly payments: Map<string, Payment>;
};

const isOpen = (state: Readonly<BonusBatchState>): boolean =>
  state.generation > 0 && !state.superseded && state.prepared === null;

function refuseOverlap({ overlappingBatchIds }: BonusBatchFacts, batchId: string): void {
  const [other] = overlappingBatchIds.filter((id) => id !== batchId);
  if (other !== undefined) throw new DomainError('batch-scope-overlaps', { batchId, other });
}

function requireLines(lines: readonly BatchLine[], after: BatchLine | null): void {
  requireForm(lines.length > 0 && lines.length <= MAX_LINES_A_PART, 'lines');
  requireForm(utf8Length(canonicalJson(lines)) <= MAX_PART_BYTES, 'lines');
  let previous = after;
  for (const line of lines) {
    requireAmountMinor(line.amountMinor, 'amountMinor');
    requireForm(BigInt(line.amountMinor) !== 0n, 'amountMinor');
    // Strictly rising: a line that stands twice would be paid twice.
    requireForm(previous === null || compareBatchLines(previous, line) < 0, 'lines');
    previous = line;
  }
}

function propose(
  { data }: ProposeLines,
  state: Readonly<BonusBatchState>,
  facts: BonusBatchFacts,
): readonly BonusBatchEvent[] {
  const { batchId, payPeriod, part, lines } = data;
  requireId(batchId, 'batchId');
  requirePeriod(payPeriod, 'payPeriod');
  requireForm(Number.isSafeInteger(part) && part >= 1, 'part');
  const resumes = state.generation > 0 && !state.superseded;
  const known = resumes ? state.partHashes.length : 0;
  if (part <= known) {
    // Parts already recorded are not repeated; that is how an interrupted preparing goes on.
    if (state.partHashes[part - 1] === contentHash(lines)) return [];
    throw new DomainError('batch-lines-differ', { batchId, part });
  }
  if (state.isSealed) throw new DomainError('batch-sealed', { batchId });
  if (resumes && state.prepared) throw new DomainError('batch-lines-differ', { batchId, part });
  if (part !== known + 1) throw new DomainError('batch-part-missing', { batchId, part: known + 1 });
  requireLines(lines, resumes ? state.lastLine : null);
  refuseOverlap(facts, batchId);
  const generation = resumes ? state.generation : state.generation + 1;
  const proposed = { batchId, payPeriod, generation, part, lines };
  return [{ type: 'bonus-batches.BatchLinesProposed.v1', data: proposed }];
}

function prepare(
  { data }: PrepareBatch,
  state: Readonly<BonusBatchState>,
  facts: BonusBatchFacts,
): readonly BonusBatchEvent[] {
  const { batchId, preparedBy } = data;
  requirePreparation(data);
  if (state.prepared && !state.superseded) {
    const { generation } = state.prepared;
    if (contentHash({ ...data, generation }) === contentHash(state.prepared)) return [];
    throw new DomainError(state.isSealed ? 'batch-sealed' : 'batch-already-prepared', { batchId });
  }
  // A batch without lines has no parts that could have opened a generation.
  const open = isOpen(state);
  const generation = open ? state.generation : state.generation + 1;
  const totals = open ? totalsOf(state) : totalsOf(bonusBatches.initialState());
  const same =
    totals.lineCount === data.lineCount &&
    totals.sumMinor === data.sumMinor &&
    totals.sha256 === data.sha256;
  if (!same) throw new DomainError('batch-lines-differ', { batchId, ...totals });
  refuseOverlap(facts, batchId);
  if (open && state.beneficiaryIds.has(preparedBy)) {
    throw new DomainError('segregation-of-duties', { batchId, field: 'preparedBy' });
  }
  return [{ type: 'bonus-batches.BatchPrepared.v1', data: { ...data, generation } }];
}

const MAX_UNITS = 200;
const MAX_WITHHELD = 200;

function requirePreparation(data: PrepareBatch['data']): void {
  requireId(data.batchId, 'batchId');
  requirePeriod(data.payPeriod, 'payPeriod');
  requireId(data.preparedBy, 'preparedBy');
  requireForm(/^[A-Z]{3}$/.test(data.currency), 'currency');
  if (data.unitIds !== '*') {
    requireForm(data.unitIds.length > 0 && data.unitIds.length <= MAX_UNITS, 'unitIds');
    for (const unitId of data.unitIds) requireId(unitId, 'unitIds');
  }
  if (data.replacesBatchId !== null) requireId(data.replacesBatchId, 'replacesBatchId');
  requireForm(data.withheld.length <= MAX_WITHHELD, 'withheld');
}

function totalsOf({ lineCount, sumMinor, lineHash }: Readonly<BonusBatchState>) {
  // Of a clone: the digest ends a hash, and the state may have to take further parts.
  const hex = bytesToHex(lineHash.clone().digest());
  return { lineCount, sumMinor: sumMinor.toString(), sha256: hex };
}

function supersede(
  { data }: SupersedeBatch,
  state: Readonly<BonusBatchState>,
): readonly BonusBatchEvent[] {
  const { batchId, reason } = data;
  requireId(reason, 'reason');
  const isMeant = (data.generation ?? state.generation) === state.generation;
  if (state.isSealed && isMeant) throw new DomainError('batch-sealed', { batchId });
  if (state.generation === 0 || state.superseded || !isMeant) return [];
  const { generation } = state;
  return [{ type: 'bonus-batches.BatchSuperseded.v1', data: { batchId, generation, reason } }];
}

/** The batch as it stands prepared, of exactly the content that the caller saw. */
function requirePrepared(
  state: Readonly<BonusBatchState>,
  { batchId, sha256: seen }: { readonly batchId: string; readonly sha256: string },
): BatchPrepared['data'] {
  const { prepared, superseded } = state;
  if (!prepared || superseded) throw new DomainError('batch-not-prepared', { batchId });
  if (prepared.sha256 !== seen) throw new DomainError('batch-changed', { batchId });
  return prepared;
}

function approve(
  { data }: ApproveBatch,
  state: Readonly<BonusBatchState>,
): readonly BonusBatchEvent[] {
  const { batchId, approvedBy, onBehalfOf } = data;
  requireId(approvedBy, 'approvedBy');
  if (onBehalfOf !== undefined) requireId(onBehalfOf, 'onBehalfOf');
  const prepared = requirePrepared(state, data);
  if (state.approval) {
    if (state.approval.approvedBy === approvedBy) return [];
    throw new DomainError('batch-already-approved', { batchId });
  }
  // Nor on behalf of one of them: a delegation carries no more than its giver has.
  for (const actorId of [approvedBy, onBehalfOf ?? approvedBy]) {
    if (actorId === prepared.preparedBy || state.beneficiaryIds.has(actorId)) {
      throw new DomainError('segregation-of-duties', { batchId, field: 'approvedBy' });
    }
  }
  const approved = { batchId, generation: prepared.generation, sha256: data.sha256, approvedBy };
  return [{ type: 'bonus-batches.BatchApproved.v1', data: approved }];
}

function seal({ data }: SealBatch, state: Readonly<BonusBatchState>): readonly BonusBatchEvent[] {
  const { batchId, sealedAt } = data;
  requireInstant(sealedAt, 'sealedAt');
  const prepared = requirePrepared(state, data);
  if ((data.generation ?? prepared.generation) !== prepared.generation) {
    throw new DomainError('batch-changed', { batchId });
  }
  if (state.isSealed) return [];
  if (!state.approval) throw new DomainError('batch-not-approved', { batchId });
  const { payPeriod, generation, lineCount, sumMinor, sha256: hash } = prepared;
  const sealed = { batchId, payPeriod, generation, lineCount, sumMinor, sha256: hash, sealedAt };
  return [{ type: 'bonus-batches.BatchSealed.v1', data: sealed }];
}

type Message = AcknowledgeBatch | RejectBatch | SettlePayment | ReturnPayment;

const messageHash = (kind: string, data: object) => contentHash({ kind, ...data });

const EVENT_OF_MESSAGE = {
  'bonus-batches.AcknowledgeBatch': 'bonus-batches.BatchAcknowledged.v1',
  'bonus-batches.RejectBatch': 'bonus-batches.BatchRejected.v1',
  'bonus-batches.SettlePayment': 'bonus-batches.PaymentSettled.v1',
  'bonus-batches.ReturnPayment': 'bonus-batches.PaymentReturned.v1',
} as const;

/** payroll: each acknowledgement is handled once, told by its message id. */
function isRepeatedMessage({ type, data }: Message, state: Readonly<BonusBatchState>): boolean {
  const { messageId, batchId } = data;
  requireId(messageId, 'messageId');
  const earlier = state.hashByMessageId.get(messageId);
  if (earlier === messageHash(EVENT_OF_MESSAGE[type], data)) return true;
  if (earlier) throw new DomainError('message-id-reused', { batchId, messageId });
  if (!state.isSealed) throw new DomainError('batch-not-sealed', { batchId });
  return false;
}

function acknowledge(
  { data }: AcknowledgeBatch,
  state: Readonly<BonusBatchState>,
): readonly BonusBatchEvent[] {
  if (state.rejected) throw new DomainError('batch-rejected', { batchId: data.batchId });
  return state.acknowledged ? [] : [{ type: 'bonus-batches.BatchAcknowledged.v1', data }];
}

const MAX_REASON_CODES = 20;

function reject(
  { data }: RejectBatch,
  state: Readonly<BonusBatchState>,
): readonly BonusBatchEvent[] {
  const { batchId, reasonCode, reasonCodes = [] } = data;
  requireId(reasonCode, 'reasonCode');
  requireForm(reasonCodes.length <= MAX_REASON_CODES, 'reasonCodes');
  for (const code of reasonCodes) requireId(code, 'reasonCodes');
  if (state.rejected) return [];
  // What payroll has taken over or paid cannot go back as a whole; single payments can.
  const takenOver = state.acknowledged || state.payments.size > 0;
  if (takenOver) throw new DomainError('batch-acknowledged', { batchId });
  return [{ type: 'bonus-batches.BatchRejected.v1', data }];
}

function pay(
  { type, data }: SettlePayment | ReturnPayment,
  state: Readonly<BonusBatchState>,
  { dueMinor }: BonusBatchFacts,
): readonly BonusBatchEvent[] {
  const { batchId, accountManagerId, amountMinor } = data;
  requireId(accountManagerId, 'accountManagerId');
  requireAmountMinor(amountMinor, 'amountMinor');
  const amount = BigInt(amountMinor);
  requireForm(amount > 0n, 'amountMinor');
  if (state.rejected) throw new DomainError('batch-rejected', { batchId });
  const payment = state.payments.get(accountManagerId) ?? noPayment();
  const inClearing =
    dueMinor === null ? null : BigInt(dueMinor) - payment.settled - payment.returnedUnpaid;
  // Ledger: neither clearing nor paid may fall below zero.
  const coveredByClearing = inClearing === null || amount <= inClearing;
  const covered =
    type === 'bonus-batches.SettlePayment'
      ? coveredByClearing
      : coveredByClearing || amount <= payment.settled - payment.returned;
  if (!covered) throw new DomainError('amount-exceeds-due', { batchId, accountManagerId });
  return type === 'bonus-batches.SettlePayment'
    ? [{ type: 'bonus-batches.PaymentSettled.v1', data }]
    : [{ type: 'bonus-batches.PaymentReturned.v1', data }];
}

/** payroll: a message id is used once, over all batches and kinds of messages. */
export function recordOf({ data }: BonusBatchEvent): RecordReference | null {
  if (!('messageId' in data)) return null;
  return { kind: 'payroll-message', recordId: data.messageId, first: true };
}

const noPayment = (): Payment => ({ settled: 0n, returned: 0n, returnedUnpaid: 0n });

function takePayment(
  state: BonusBatchState,
  { type, data }: PaymentSettled | PaymentReturned,
): void {
  const payment = state.payments.get(data.accountManagerId) ?? noPayment();
  const amount = BigInt(data.amountMinor);
  if (type === 'bonus-batches.PaymentSettled.v1') payment.settled += amount;
  // A returned payment comes out of what was settled, else out of the clearing.
  else if (amount <= payment.settled - payment.returned) payment.returned += amount;
  else payment.returnedUnpaid += amount;
  state.payments.set(data.accountManagerId, payment);
}

/** A new generation starts where the last one was superseded. */
function startGeneration(state: BonusBatchState, generation: number): void {
  state.generation = generation;
  state.partHashes = [];
  state.lastLine = null;
  state.lineCount = 0;
  state.sumMinor = 0n;
  state.lineHash = sha256.create();
  state.beneficiaryIds = new Set();
  state.prepared = null;
  state.superseded = false;
  state.approval = null;
}

function takeLines(state: BonusBatchState, lines: readonly BatchLine[]): void {
  state.partHashes.push(contentHash(lines));
  state.lastLine = lines.at(-1) ?? state.lastLine;
  state.lineCount += lines.length;
  for (const line of lines) {
    state.sumMinor += BigInt(line.amountMinor);
    state.lineHash.update(utf8ToBytes(canonicalLine(line)));
    state.beneficiaryIds.add(line.accountManagerId);
  }
}

/** One batch of a pay period, from its first line to the last payment. */
export const bonusBatches: Decider<
  BonusBatchState,
  BonusBatchCommand,
  BonusBatchEvent,
  BonusBatchFacts
> = {
  initialState: () => ({
    generation: 0,
    partHashes: [],
    lastLine: null,
    lineCount: 0,
    sumMinor: 0n,
    lineHash: sha256.create(),
    beneficiaryIds: new Set(),
    prepared: null,
    superseded: false,
    approval: null,
    isSealed: false,
    acknowledged: false,
    rejected: false,
    hashByMessageId: new Map(),
    payments: new Map(),
  }),

  evolve(state, event) {
    if ('messageId' in event.data) {
      state.hashByMessageId.set(event.data.messageId, messageHash(event.type, event.data));
    }
    switch (event.type) {
      case 'bonus-batches.BatchLinesProposed.v1':
        if (event.data.generation !== state.generation) {
          startGeneration(state, event.data.generation);
        }
        takeLines(state, event.data.lines);
        return state;
      case 'bonus-batches.BatchPrepared.v1':
        if (event.data.generation !== state.generation) {
          startGeneration(state, event.data.generation);
        }
        state.prepared = event.data;
        return state;
      case 'bonus-batches.BatchSuperseded.v1':
        state.superseded = true;
        state.approval = null;
        return state;
      case 'bonus-batches.BatchApproved.v1':
        state.approval = event.data;
        return state;
      case 'bonus-batches.BatchSealed.v1':
        state.isSealed = true;
        state.beneficiaryIds = new Set();
        return state;
      case 'bonus-batches.BatchAcknowledged.v1':
        state.acknowledged = true;
        return state;
      case 'bonus-batches.BatchRejected.v1':
        state.rejected = true;
        return state;
      case 'bonus-batches.PaymentSettled.v1':
      case 'bonus-batches.PaymentReturned.v1':
        takePayment(state, event);
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'bonus-batches.ProposeLines':
        return propose(command, state, facts);
      case 'bonus-batches.PrepareBatch':
        return prepare(command, state, facts);
      case 'bonus-batches.SupersedeBatch':
        return supersede(command, state);
      case 'bonus-batches.ApproveBatch':
        return approve(command, state);
      case 'bonus-batches.SealBatch':
        return seal(command, state);
      default:
        return isRepeatedMessage(command, state) ? [] : takeMessage(command, state, facts);
    }
  },
};

function takeMessage(
  command: Message,
  state: Readonly<BonusBatchState>,
  facts: BonusBatchFacts,
): readonly BonusBatchEvent[] {
  switch (command.type) {
    case 'bonus-batches.AcknowledgeBatch':
      return acknowledge(command, state);
    case 'bonus-batches.RejectBatch':
      return reject(command, state);
    default:
      return pay(command, state, facts);
  }
}
