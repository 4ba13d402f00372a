import type { ApiArea } from '../area.js';
import { acknowledgeStatement, objectToStatement } from './commands.js';
import { StatementsController } from './controller.js';
import { readStatement } from './queries.js';

export const statementsArea: ApiArea = {
  controllers: [StatementsController],
  commands: [acknowledgeStatement, objectToStatement],
  queries: [readStatement],
};
