import type { ApiArea } from '../area.js';
import { defineCalendar, defineUnit, delegateApproval, setTeamPool } from './commands.js';
import { OrganisationController } from './controller.js';
import { readCalendar, readDelegations, readTeamPools, readUnits } from './queries.js';

export const organisationArea: ApiArea = {
  controllers: [OrganisationController],
  commands: [defineUnit, defineCalendar, setTeamPool, delegateApproval],
  queries: [readUnits, readCalendar, readTeamPools, readDelegations],
};
