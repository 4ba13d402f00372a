import type { ApiArea } from '../area.js';
import { decideComplaint, raiseComplaint } from './commands.js';
import { ComplaintsController } from './controller.js';
import { readComplaint, readComplaints } from './queries.js';

export const complaintsArea: ApiArea = {
  controllers: [ComplaintsController],
  commands: [raiseComplaint, decideComplaint],
  queries: [readComplaint, readComplaints],
};
