import type { ApiArea } from '../area.js';
import { ExportsController } from './controller.js';

export const exportsArea: ApiArea = {
  controllers: [ExportsController],
  commands: [],
  queries: [],
};
