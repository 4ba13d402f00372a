import type { ApiArea } from '../area.js';
import { DocumentationController } from './controller.js';

export const documentationArea: ApiArea = {
  controllers: [DocumentationController],
  commands: [],
  queries: [],
};
