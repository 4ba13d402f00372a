export * from './accounts.js';
export { bonusLedgerProjection } from './projection.js';
export {
  type Account,
  accounts,
  type AwaitedBatch,
  batches,
  type BatchLineRecord,
  batchLines,
  batchStatus,
  type DisputedBatch,
  disputedBatches,
  type Due,
  dueOf,
  dues,
  duesOf,
  type LedgerBatch,
  type LedgerRecord,
  ledgerRecords,
  type LedgerTotal,
  ledgerTotals,
  type LineStatus,
  overdueBatches,
  type Page,
  type PayLine,
  payLines,
  proposedCount,
  teamUnits,
  type Transaction,
  type TransactionFilter,
  transactions,
  type TrialBalance,
  trialBalance,
} from './queries.js';
export {
  LedgerAccountRow,
  LedgerBatchRow,
  LedgerDueRow,
  LedgerEntryRow,
  LedgerLineRow,
  LedgerSourceRow,
} from './table.js';
export { verifyLedger } from './verify.js';
export { type BatchStep, type LineHistory, lineHistory, linesAsOf } from './lines-as-of.js';
