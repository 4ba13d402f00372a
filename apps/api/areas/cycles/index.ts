import type { ApiArea } from '../area.js';
import {
  approveReopening,
  closeCollection,
  finaliseCycle,
  openCycle,
  proposeReopening,
  publishCycle,
} from './commands.js';
import { CyclesController } from './controller.js';
import { readProgress } from './progress.js';
import { readCycle, readCycles, readDistribution } from './queries.js';

export const cyclesArea: ApiArea = {
  controllers: [CyclesController],
  commands: [
    openCycle,
    closeCollection,
    proposeReopening,
    approveReopening,
    publishCycle,
    finaliseCycle,
  ],
  queries: [readCycles, readCycle, readProgress, readDistribution],
};
