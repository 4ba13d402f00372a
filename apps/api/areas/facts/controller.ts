import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { FactsQuery, readFacts } from './queries.js';

@Controller('v1')
export class FactsController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  @Get('facts')
  @Admits('office', 'auditor', 'reviewer', 'manager', 'account-manager')
  facts(@TheCaller() caller: Caller, @Query() params: FactsQuery) {
    return this.queries.execute(readFacts.query({ ...params, caller }));
  }
}
