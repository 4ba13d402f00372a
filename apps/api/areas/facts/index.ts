import type { ApiArea } from '../area.js';
import { FactsController } from './controller.js';
import { readFacts } from './queries.js';

export const factsArea: ApiArea = {
  controllers: [FactsController],
  commands: [],
  queries: [readFacts],
};
