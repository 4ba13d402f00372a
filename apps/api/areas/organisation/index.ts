import type { ApiArea } from '../area.js';
import { defineUnit } from './commands.js';
import { OrganisationController } from './controller.js';
import { readUnits } from './queries.js';

export const organisationArea: ApiArea = {
  controllers: [OrganisationController],
  commands: [defineUnit],
  queries: [readUnits],
};
