import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { tagged } from '../../etag.js';
import { PersonPath } from '../../person-queries.js';
import { AnyQuery } from '../../queries.js';
import {
  AbsenceBody,
  CapabilityBody,
  certifyCapability,
  enrol,
  EnrolBody,
  GoalBody,
  LeavingBody,
  recordAbsence,
  recordLeaving,
  setGoal,
  transfer,
  TransferBody,
} from './commands.js';
import {
  CohortPath,
  CohortQuery,
  GoalsQuery,
  PeopleQuery,
  readCohort,
  readGoals,
  readPeople,
  readPerson,
  readUnitTree,
  UnitTreeQuery,
} from './queries.js';

@Controller('v1')
export class PeopleController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('account-managers')
  @Admits('office')
  enrol(@TheCall() call: Call, @Body() body: EnrolBody) {
    return this.commands.execute(enrol.command(call, body));
  }

  @Post('account-managers/:accountManagerId/transfers')
  @Admits('office')
  transfer(@TheCall() call: Call, @Param() path: PersonPath, @Body() body: TransferBody) {
    return this.commands.execute(transfer.command(call, { ...body, ...path }));
  }

  @Post('account-managers/:accountManagerId/absences')
  @Admits('office')
  recordAbsence(@TheCall() call: Call, @Param() path: PersonPath, @Body() body: AbsenceBody) {
    return this.commands.execute(recordAbsence.command(call, { ...body, ...path }));
  }

  @Post('account-managers/:accountManagerId/leaving')
  @Admits('office')
  recordLeaving(@TheCall() call: Call, @Param() path: PersonPath, @Body() body: LeavingBody) {
    return this.commands.execute(recordLeaving.command(call, { ...body, ...path }));
  }

  @Post('account-managers/:accountManagerId/capabilities')
  @Admits('office')
  certify(@TheCall() call: Call, @Param() path: PersonPath, @Body() body: CapabilityBody) {
    return this.commands.execute(certifyCapability.command(call, { ...body, ...path }));
  }

  @Post('account-managers/:accountManagerId/goals')
  @Admits('office')
  setGoal(@TheCall() call: Call, @Param() path: PersonPath, @Body() body: GoalBody) {
    return this.commands.execute(setGoal.command(call, { ...body, ...path }));
  }

  @Get('account-managers')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'account-manager', 'admin')
  people(@TheCaller() caller: Caller, @Query() params: PeopleQuery) {
    return this.queries.execute(readPeople.query({ ...params, caller }));
  }

  @Get('account-managers/:accountManagerId')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'account-manager', 'admin')
  async person(
    @TheCaller() caller: Caller,
    @Param() path: PersonPath,
    @Query() params: AnyQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const query = readPerson.query({ ...params, ...path, caller });
    return tagged(reply, await this.queries.execute(query));
  }

  @Get('account-managers/:accountManagerId/goals')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  async goals(
    @TheCaller() caller: Caller,
    @Param() path: PersonPath,
    @Query() params: GoalsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const query = readGoals.query({ ...params, ...path, caller });
    return tagged(reply, await this.queries.execute(query));
  }

  @Get('cohorts/:period')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'admin')
  cohort(@TheCaller() caller: Caller, @Param() path: CohortPath, @Query() params: CohortQuery) {
    return this.queries.execute(readCohort.query({ ...params, ...path, caller }));
  }

  @Get('unit-tree')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'admin')
  unitTree(@TheCaller() caller: Caller, @Query() params: UnitTreeQuery) {
    return this.queries.execute(readUnitTree.query({ ...params, caller }));
  }
}
