import type { ApiArea } from '../area.js';
import {
  abandonBatch,
  acknowledgeBatch,
  approveBatch,
  prepareBatch,
  rejectBatch,
  returnPayment,
  sealBatch,
  settlePayment,
} from './commands.js';
import { BonusBatchesController } from './controller.js';
import { readBatch, readBatches, readBatchLines } from './queries.js';

export const bonusBatchesArea: ApiArea = {
  controllers: [BonusBatchesController],
  commands: [
    prepareBatch,
    approveBatch,
    sealBatch,
    abandonBatch,
    acknowledgeBatch,
    rejectBatch,
    settlePayment,
    returnPayment,
  ],
  queries: [readBatch, readBatches, readBatchLines],
};
