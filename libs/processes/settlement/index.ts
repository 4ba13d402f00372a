export { type BatchOnRecord, batchOnRecord, type By } from './batch.js';
export { openDifferences } from './differences.js';
export { personDues, type PeriodDues } from './dues.js';
export { type Extent, extentHolds, pathOfPerson } from './people.js';
export {
  claimFor,
  claimScope,
  type OnProgress,
  prepareClaimed,
  type PrepareRequest,
} from './prepare.js';
export { settlementProjection } from './projection.js';
export { type Claim, claimFacts, readRegister } from './register.js';
export { finishSealing, isStillDue, sealBatch, type SealRequest } from './seal.js';
export { settlePeriod, type SettlementReport, type SettleRequest } from './settle.js';
export {
  SettlementBatchRow,
  SettlementChangeRow,
  SettlementClaimRow,
  SettlementLineRow,
  SettlementReturnRow,
} from './table.js';
