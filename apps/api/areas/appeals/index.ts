import type { ApiArea } from '../area.js';
import {
  acceptAppeal,
  assignReviewer,
  decideAppeal,
  fileAppeal,
  refuseAppeal,
  requestReview,
  withdrawAppeal,
} from './commands.js';
import { AppealsController } from './controller.js';
import { readOverdue, readOverdueCsv } from './overdue.js';
import { previewAppeal } from './preview.js';
import { readInbox, readWholeAppeal } from './queries.js';

export const appealsArea: ApiArea = {
  controllers: [AppealsController],
  commands: [
    fileAppeal,
    acceptAppeal,
    refuseAppeal,
    assignReviewer,
    decideAppeal,
    requestReview,
    withdrawAppeal,
  ],
  queries: [readInbox, readOverdue, readOverdueCsv, readWholeAppeal, previewAppeal],
};
