import type { ApiArea } from '../area.js';
import { PayrollController } from './controller.js';
import { readBatchMessages } from './queries.js';

export const payrollArea: ApiArea = {
  controllers: [PayrollController],
  commands: [],
  queries: [readBatchMessages],
};
