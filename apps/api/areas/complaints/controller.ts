import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { AnyQuery } from '../../queries.js';
import {
  ComplaintPath,
  decideComplaint,
  DecideComplaintBody,
  raiseComplaint,
  RaiseComplaintBody,
} from './commands.js';
import { ComplaintsQuery, readComplaint, readComplaints } from './queries.js';

@Controller('v1')
export class ComplaintsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('complaints')
  @Admits('office', 'call-agent')
  raise(@TheCall() call: Call, @Body() body: RaiseComplaintBody) {
    return this.commands.execute(raiseComplaint.command(call, body));
  }

  @Post('complaints/:complaintId/decide')
  @Admits('office')
  decide(@TheCall() call: Call, @Param() path: ComplaintPath, @Body() body: DecideComplaintBody) {
    return this.commands.execute(decideComplaint.command(call, { ...body, ...path }));
  }

  @Get('complaints')
  @Admits('office', 'call-agent', 'auditor', 'reviewer')
  complaints(@TheCaller() caller: Caller, @Query() params: ComplaintsQuery) {
    return this.queries.execute(readComplaints.query({ ...params, caller }));
  }

  @Get('complaints/:complaintId')
  @Admits('office', 'call-agent', 'auditor', 'reviewer')
  complaint(@TheCaller() caller: Caller, @Param() path: ComplaintPath, @Query() params: AnyQuery) {
    return this.queries.execute(readComplaint.query({ ...params, ...path, caller }));
  }
}
