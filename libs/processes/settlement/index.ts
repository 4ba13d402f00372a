export { abandonBatch, type AbandonRequest } from './abandon.js';
export { type BatchOnRecord, batchOnRecord, type By } from './batch.js';
export { openDifferences } from './differences.js';
export { timezoneOf } from './lines.js';
export { dueOf, personDues, type PeriodDues } from './dues.js';
export { type Extent, pathOfPerson } from './people.js';
export {
  type PendingDifference,
  pendingDifferences,
  type UnsettledPeriod,
  unsettledPeriods,
} from './pending.js';
export {
  claimFor,
  claimScope,
  type OnProgress,
  prepareClaimed,
  preparingProgress,
  type PrepareRequest,
} from './prepare.js';
export {
  type PayrollMessage,
  payrollRefusal,
  type PayrollTarget,
  payrollTarget,
  payrollTargets,
} from './payroll-messages.js';
export { preparingProcess, sealingProcess } from './process.js';
export { settlementProjection } from './projection.js';
export { type Claim, claimFacts, nameReturner, readRegister } from './register.js';
export { finishSealing, sealBatch, type SealRequest, startSealing } from './seal.js';
export { settlePeriod, type SettlementReport, type SettleRequest } from './settle.js';
export {
  SettlementBatchRow,
  SettlementChangeRow,
  SettlementClaimRow,
  SettlementLineRow,
  SettlementReturnRow,
} from './table.js';
export { startSuperseding, type Superseding } from './superseding.js';
