import { Controller, Get, Headers, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { type Caller, csvChunks } from '#platform';
import { Admits } from '../../admits.js';
import { seen } from '../../authority.js';
import { TheCaller } from '../../caller.js';
import { API_SYSTEM, type ApiSystem } from '../../dependencies.js';
import { download } from '../../download.js';
import {
  everyOverride,
  OVERRIDE_NAMES,
  OverridesQuery,
  readOverrides,
  requireCycle,
} from './queries.js';

@Controller('v1')
export class OverridesController {
  constructor(
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(API_SYSTEM) private readonly system: ApiSystem,
  ) {}

  /** With `Accept: text/csv` all of the period as a spreadsheet. */
  @Get('overrides')
  @Admits('office', 'auditor', 'approver')
  list(
    @Query() params: OverridesQuery,
    @TheCaller() caller: Caller,
    @Headers('accept') accept?: string,
  ) {
    if (/\btext\/csv\b/.test(accept ?? '')) return this.csv(params, caller);
    seen(this.system, caller, params.accountManagerId ?? null, 'overrides');
    return this.queries.execute(readOverrides.query({ ...params, caller }));
  }

  @Get('overrides.csv')
  @Admits('office', 'auditor', 'approver')
  async csv(@Query() params: OverridesQuery, @TheCaller() caller: Caller) {
    await requireCycle(this.system, params.period);
    seen(this.system, caller, params.accountManagerId ?? null, 'overrides');
    const all = everyOverride(this.system, { ...params, caller });
    const name = `overrides-${params.period}`;
    return download(csvChunks(OVERRIDE_NAMES, all), { name, format: 'csv' });
  }
}
