import type { ApiArea } from '../area.js';
import { ScoresController } from './controller.js';
import { readProvisionalScores, readScores } from './queries.js';

export const scoresArea: ApiArea = {
  controllers: [ScoresController],
  commands: [],
  queries: [readScores, readProvisionalScores],
};
