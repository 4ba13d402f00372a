import type { ApiArea } from '../area.js';
import { draftScheme, publishScheme, retireScheme, reviseScheme } from './commands.js';
import { SchemesController } from './controller.js';
import {
  readDiff,
  readInForce,
  readSchema,
  readSchemes,
  readVersion,
  validateScheme,
} from './queries.js';

export const schemesArea: ApiArea = {
  controllers: [SchemesController],
  commands: [draftScheme, reviseScheme, publishScheme, retireScheme],
  queries: [readSchemes, readVersion, readDiff, readInForce, readSchema, validateScheme],
};
