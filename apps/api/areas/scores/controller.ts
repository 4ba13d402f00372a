import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { PersonPeriodPageQuery } from '../../person-queries.js';
import { readProvisionalScores, readScores } from './queries.js';

@Controller('v1')
export class ScoresController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get('scores')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  scores(@TheCaller() caller: Caller, @Query() params: PersonPeriodPageQuery) {
    return this.bus.execute(readScores.query({ ...params, caller }));
  }

  @Get('provisional-scores')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  provisionalScores(@TheCaller() caller: Caller, @Query() params: PersonPeriodPageQuery) {
    return this.bus.execute(readProvisionalScores.query({ ...params, caller }));
  }
}
