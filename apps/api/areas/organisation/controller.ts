import { Body, Controller, Get, Inject, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Admits, EVERYBODY_AT_WORK } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { PageQuery } from '../../queries.js';
import {
  defineCalendar,
  DefineCalendarBody,
  defineUnit,
  DefineUnitBody,
  delegateApproval,
  DelegateApprovalBody,
  setTeamPool,
  SetTeamPoolBody,
} from './commands.js';
import {
  CalendarQuery,
  DelegationsQuery,
  readCalendar,
  readDelegations,
  readTeamPools,
  readUnits,
  TeamPoolsQuery,
} from './queries.js';

@Controller('v1')
export class OrganisationController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('units')
  @Admits('office')
  defineUnit(@TheCall() call: Call, @Body() body: DefineUnitBody) {
    return this.commands.execute(defineUnit.command(call, body));
  }

  @Get('units')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'admin')
  units(@Query() params: PageQuery) {
    return this.queries.execute(readUnits.query(params));
  }

  @Post('calendar')
  @Admits('office')
  defineCalendar(@TheCall() call: Call, @Body() body: DefineCalendarBody) {
    return this.commands.execute(defineCalendar.command(call, body));
  }

  @Get('calendar')
  @Admits(...EVERYBODY_AT_WORK, 'admin')
  calendar(@Query() params: CalendarQuery) {
    return this.queries.execute(readCalendar.query(params));
  }

  @Post('team-pools')
  @Admits('office')
  setTeamPool(@TheCall() call: Call, @Body() body: SetTeamPoolBody) {
    return this.commands.execute(setTeamPool.command(call, body));
  }

  @Get('team-pools')
  @Admits('office', 'approver', 'auditor')
  teamPools(@Query() params: TeamPoolsQuery) {
    return this.queries.execute(readTeamPools.query(params));
  }

  @Post('delegations')
  @Admits('approver', 'office')
  delegateApproval(@TheCall() call: Call, @Body() body: DelegateApprovalBody) {
    return this.commands.execute(delegateApproval.command(call, body));
  }

  @Get('delegations')
  @Admits('office', 'approver', 'auditor', 'admin')
  delegations(@Query() params: DelegationsQuery) {
    return this.queries.execute(readDelegations.query(params));
  }
}
