import type { ApiArea } from '../area.js';
import { OverridesController } from './controller.js';
import { readOverrides } from './queries.js';

export const overridesArea: ApiArea = {
  controllers: [OverridesController],
  commands: [],
  queries: [readOverrides],
};
