import type { ApiArea } from '../area.js';
import { ScoresController } from './controller.js';
import {
  readBoard,
  readPlace,
  readScores,
  readProvisionalScores,
  readTiers,
  readTrace,
} from './queries.js';

export const scoresArea: ApiArea = {
  controllers: [ScoresController],
  commands: [],
  queries: [readBoard, readPlace, readScores, readProvisionalScores, readTiers, readTrace],
};
