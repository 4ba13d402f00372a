import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Batch, PostBatch, TheBatch } from '../../batch.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import {
  logWorkTrace,
  LogWorkTraceBody,
  logWorkTraces,
  TracePath,
  voidWorkTrace,
  VoidWorkTraceBody,
} from './commands.js';
import { DayQuery, MissedQuery, readDay, readMissed, readTraces, TracesQuery } from './queries.js';

@Controller('v1')
export class WorkTracesController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('work-traces')
  @Admits('account-manager')
  log(@TheCall() call: Call, @Body() body: LogWorkTraceBody) {
    return this.commands.execute(logWorkTrace.command(call, body));
  }

  @PostBatch('work-traces')
  @Admits('account-manager')
  logBatch(@TheBatch() batch: Batch) {
    return this.commands.execute(logWorkTraces.command(batch));
  }

  @Post('work-traces/:traceId/void')
  @Admits('account-manager', 'office')
  void(@TheCall() call: Call, @Param() path: TracePath, @Body() body: VoidWorkTraceBody) {
    return this.commands.execute(voidWorkTrace.command(call, { ...body, ...path }));
  }

  @Get('work-traces')
  @Admits('office', 'auditor', 'reviewer', 'manager', 'account-manager')
  traces(@TheCaller() caller: Caller, @Query() params: TracesQuery) {
    return this.queries.execute(readTraces.query({ ...params, caller }));
  }

  @Get('work-traces/day')
  @Admits('office', 'auditor', 'reviewer', 'manager', 'account-manager')
  day(@TheCaller() caller: Caller, @Query() params: DayQuery) {
    return this.queries.execute(readDay.query({ ...params, caller }));
  }

  @Get('work-traces/missed')
  @Admits('office', 'auditor', 'manager')
  missed(@TheCaller() caller: Caller, @Query() params: MissedQuery) {
    return this.queries.execute(readMissed.query({ ...params, caller }));
  }
}
