import type { ApiArea } from '../area.js';
import { LeaderboardsController } from './controller.js';
import { readBoard, readPlace } from './queries.js';

export const leaderboardsArea: ApiArea = {
  controllers: [LeaderboardsController],
  commands: [],
  queries: [readBoard, readPlace],
};
