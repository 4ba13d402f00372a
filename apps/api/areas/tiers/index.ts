import type { ApiArea } from '../area.js';
import { TiersController } from './controller.js';
import { readNextTier, readTierHistory, readTiers } from './queries.js';

export const tiersArea: ApiArea = {
  controllers: [TiersController],
  commands: [],
  queries: [readTiers, readTierHistory, readNextTier],
};
