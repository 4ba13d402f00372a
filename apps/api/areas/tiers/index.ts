import type { ApiArea } from '../area.js';
import { TiersController } from './controller.js';
import { readTiers } from './queries.js';

export const tiersArea: ApiArea = {
  controllers: [TiersController],
  commands: [],
  queries: [readTiers],
};
