import type { ApiArea } from '../area.js';
import { releaseKey } from './commands.js';
import { PayrollInboxController } from './controller.js';
import { readAlerts, readParkedKeys } from './queries.js';

export const payrollInboxArea: ApiArea = {
  controllers: [PayrollInboxController],
  commands: [releaseKey],
  queries: [readAlerts, readParkedKeys],
};
