import type { ApiArea } from '../area.js';
import { LedgerController } from './controller.js';
import { readLines, readAccounts, readTransactions, readTrialBalance } from './queries.js';

export const ledgerArea: ApiArea = {
  controllers: [LedgerController],
  commands: [],
  queries: [readLines, readAccounts, readTransactions, readTrialBalance],
};
