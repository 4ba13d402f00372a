import type { ApiArea } from '../area.js';
import { AuditController } from './controller.js';
import { readEvent, readStream, readTrace } from './queries.js';

export const auditArea: ApiArea = {
  controllers: [AuditController],
  commands: [],
  queries: [readTrace, readEvent, readStream],
};
