import type { ApiArea } from '../area.js';
import {
  certifyCapability,
  enrol,
  recordAbsence,
  recordLeaving,
  setGoal,
  transfer,
} from './commands.js';
import { PeopleController } from './controller.js';
import { readCohort, readGoals, readPeople, readPerson, readUnitTree } from './queries.js';

export const peopleArea: ApiArea = {
  controllers: [PeopleController],
  commands: [enrol, transfer, recordAbsence, recordLeaving, certifyCapability, setGoal],
  queries: [readPeople, readPerson, readGoals, readCohort, readUnitTree],
};
