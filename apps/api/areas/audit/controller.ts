import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { AsOfQuery, PersonPeriodPath } from '../../person-queries.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import { EventPath, readEvent, readStream, readTrace, StreamPath } from './queries.js';

@Controller('v1')
export class AuditController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get('trace/:accountManagerId/:period')
  @Admits('office', 'reviewer', 'auditor', 'account-manager')
  trace(@TheCaller() caller: Caller, @Param() path: PersonPeriodPath, @Query() params: AsOfQuery) {
    return this.bus.execute(readTrace.query({ ...params, ...path, caller }));
  }

  @Get('events/:eventId')
  @Admits('office', 'manager', 'reviewer', 'auditor', 'account-manager')
  event(@TheCaller() caller: Caller, @Param() path: EventPath, @Query() params: AnyQuery) {
    return this.bus.execute(readEvent.query({ ...params, ...path, caller }));
  }

  @Get('streams/:stream')
  @Admits('auditor')
  stream(@TheCaller() caller: Caller, @Param() path: StreamPath, @Query() params: PageQuery) {
    return this.bus.execute(readStream.query({ ...params, ...path, caller }));
  }
}
