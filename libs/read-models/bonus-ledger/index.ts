export * from './accounts.js';
export { bonusLedgerProjection } from './projection.js';
export {
  type Account,
  accounts,
  batches,
  type BatchLineRecord,
  batchLines,
  type Due,
  dueOf,
  dues,
  type LedgerBatch,
  type LedgerRecord,
  ledgerRecords,
  type LedgerTotal,
  ledgerTotals,
  type LineStatus,
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
