import type { ApiArea } from '../area.js';
import { logWorkTrace, logWorkTraces, voidWorkTrace } from './commands.js';
import { WorkTracesController } from './controller.js';
import { readDay, readMissed, readTraces } from './queries.js';

export const workTracesArea: ApiArea = {
  controllers: [WorkTracesController],
  commands: [logWorkTrace, logWorkTraces, voidWorkTrace],
  queries: [readTraces, readDay, readMissed],
};
