import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { PersonPeriodPageQuery } from '../../person-queries.js';
import { readTiers } from './queries.js';

@Controller('v1/tiers')
export class TiersController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get()
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  tiers(@TheCaller() caller: Caller, @Query() params: PersonPeriodPageQuery) {
    return this.bus.execute(readTiers.query({ ...params, caller }));
  }
}
