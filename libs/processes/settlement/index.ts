export { settlementProjection } from './projection.js';
export { settlePeriod, type SettlementReport, type SettleRequest } from './settle.js';
export { SettlementBatchRow, SettlementLineRow, SettlementReturnRow } from './table.js';
