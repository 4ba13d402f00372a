import type { ApiArea } from '../area.js';
import {
  amendEvaluation,
  submitEvaluation,
  submitEvaluations,
  withdrawEvaluation,
} from './commands.js';
import { EvaluationsController } from './controller.js';
import { readEvaluations } from './queries.js';
import { readToDo } from './to-do.js';

export const evaluationsArea: ApiArea = {
  controllers: [EvaluationsController],
  commands: [submitEvaluation, submitEvaluations, amendEvaluation, withdrawEvaluation],
  queries: [readEvaluations, readToDo],
};
