import type { ApiArea } from '../area.js';
import { approveCorrection, proposeCorrection } from './commands.js';
import { OfficeCorrectionsController } from './controller.js';
import { previewCorrection, readCorrection, readProposals } from './queries.js';

export const officeCorrectionsArea: ApiArea = {
  controllers: [OfficeCorrectionsController],
  commands: [proposeCorrection, approveCorrection],
  queries: [readProposals, readCorrection, previewCorrection],
};
