import type { ApiArea } from '../area.js';
import { OperationsController } from './controller.js';
import { readProjections } from './queries.js';

export const operationsArea: ApiArea = {
  controllers: [OperationsController],
  commands: [],
  queries: [readProjections],
};
