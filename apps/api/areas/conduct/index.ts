import type { ApiArea } from '../area.js';
import { grantAdjustment, grantAdjustments, recordVeto } from './commands.js';
import { ConductController } from './controller.js';

export const conductArea: ApiArea = {
  controllers: [ConductController],
  commands: [grantAdjustment, grantAdjustments, recordVeto],
  queries: [],
};
