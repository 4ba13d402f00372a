import type { BatchLine } from '#rules';
import type { BonusBatchEvent, SettlementRegisterEvent } from './events.js';

const batchId = '2026-03-all';
const payPeriod = '2026-03';

export const lineFixtures: readonly BatchLine[] = [
  {
    accountManagerId: 'AM00001',
    period: '2026-03',
    kind: 'base',
    of: 'base',
    reference: '',
    amountMinor: '240000',
    cause: '',
    unitId: 'U01',
  },
  {
    accountManagerId: 'AM00002',
    period: '2026-02',
    kind: 'correction',
    of: 'base',
    reference: '',
    amountMinor: '80000',
    cause: 'AP0000001',
    unitId: 'U02',
  },
];
const totals = {
  lineCount: 2,
  sumMinor: '320000',
  sha256: 'd891700974880de6c1d02db951d9662c4a9468c7245cfe04f8b9703cb7867996',
};

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const bonusBatchFixtures: {
  readonly [Type in BonusBatchEvent['type']]: Extract<BonusBatchEvent, { type: Type }>['data'];
} = {
  'bonus-batches.BatchLinesProposed.v1': {
    batchId,
    payPeriod,
    generation: 1,
    part: 1,
    lines: lineFixtures,
  },
  'bonus-batches.BatchPrepared.v1': {
    batchId,
    payPeriod,
    generation: 1,
    unitIds: ['R1', 'R2'],
    currency: 'CNY',
    ...totals,
    preparedBy: 'OFFICE-1',
    replacesBatchId: '2026-03-all-rejected',
    withheld: [{ accountManagerId: 'AM00003', period: '2026-02', sumMinor: '-500' }],
  },
  'bonus-batches.BatchSuperseded.v1': { batchId, generation: 1, reason: 'result-corrected' },
  'bonus-batches.BatchApproved.v1': {
    batchId,
    generation: 1,
    sha256: totals.sha256,
    approvedBy: 'APPROVER-1',
  },
  'bonus-batches.BatchSealed.v1': {
    batchId,
    payPeriod,
    generation: 1,
    ...totals,
    sealedAt: '2026-04-20T12:00:00+08:00',
  },
  'bonus-batches.BatchAcknowledged.v1': { batchId, messageId: 'a3e5f1c2-0001' },
  'bonus-batches.BatchRejected.v1': {
    batchId,
    messageId: 'a3e5f1c2-0002',
    reasonCode: 'control-totals-differ',
    reasonCodes: ['control-totals-differ', 'hash-differs'],
  },
  'bonus-batches.PaymentSettled.v1': {
    batchId,
    accountManagerId: 'AM00001',
    amountMinor: '240000',
    messageId: 'a3e5f1c2-0003',
  },
  'bonus-batches.PaymentReturned.v1': {
    batchId,
    accountManagerId: 'AM00001',
    amountMinor: '240000',
    messageId: 'a3e5f1c2-0004',
  },
};

export const settlementRegisterFixtures: {
  readonly [Type in SettlementRegisterEvent['type']]: Extract<
    SettlementRegisterEvent,
    { type: Type }
  >['data'];
} = {
  'bonus-batches.ScopeClaimed.v1': {
    batchId,
    payPeriod,
    generation: 1,
    unitIds: ['R1', 'R2'],
    preparedBy: 'OFFICE-1',
    replacesBatchId: '2026-03-all-rejected',
    releasedBatchIds: ['2026-03-all-rejected'],
  },
  'bonus-batches.ScopeReleased.v1': {
    batchId,
    payPeriod,
    generation: 1,
    releasedBy: 'OFFICE-1',
  },
  'bonus-batches.ReturnerNamed.v1': { accountManagerId: 'AM1', period: '2026-03' },
  'bonus-batches.SealingStarted.v1': {
    batchId,
    generation: 1,
    sha256: totals.sha256,
    sealedAt: '2026-04-20T12:00:00+08:00',
  },
};
