import type { ApiArea } from '../area.js';
import { LedgerController } from './controller.js';
import {
  readAccounts,
  readLines,
  readPending,
  readTransactions,
  readTrialBalance,
} from './queries.js';

export const ledgerArea: ApiArea = {
  controllers: [LedgerController],
  commands: [],
  queries: [readLines, readAccounts, readTransactions, readPending, readTrialBalance],
};
