import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { AsOfQuery, PersonPath, PersonPeriodPageQuery } from '../../person-queries.js';
import { readNextTier, readTierHistory, readTiers } from './queries.js';

@Controller('v1/tiers')
export class TiersController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get()
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  tiers(@TheCaller() caller: Caller, @Query() params: PersonPeriodPageQuery) {
    return this.bus.execute(readTiers.query({ ...params, caller }));
  }

  @Get(':accountManagerId')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  history(@TheCaller() caller: Caller, @Param() path: PersonPath, @Query() params: AsOfQuery) {
    return this.bus.execute(readTierHistory.query({ ...params, ...path, caller }));
  }

  @Get(':accountManagerId/next')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  next(@TheCaller() caller: Caller, @Param() path: PersonPath, @Query() params: AsOfQuery) {
    return this.bus.execute(readNextTier.query({ ...params, ...path, caller }));
  }
}
