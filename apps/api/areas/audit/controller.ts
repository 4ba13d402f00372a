import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { AsOfQuery, PersonPeriodPath } from '../../person-queries.js';
import { readTrace } from './queries.js';

@Controller('v1')
export class AuditController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get('trace/:accountManagerId/:period')
  @Admits('office', 'reviewer', 'auditor', 'account-manager')
  trace(@TheCaller() caller: Caller, @Param() path: PersonPeriodPath, @Query() params: AsOfQuery) {
    return this.bus.execute(readTrace.query({ ...params, ...path, caller }));
  }
}
