import type { ApiArea } from '../area.js';
import { AccessRecordsController } from './controller.js';
import { readAccessRecords } from './queries.js';

export const accessRecordsArea: ApiArea = {
  controllers: [AccessRecordsController],
  commands: [],
  queries: [readAccessRecords],
};
