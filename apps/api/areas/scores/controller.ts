import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import {
  BoardPageQuery,
  BoardQuery,
  PersonPath,
  PersonPeriodPageQuery,
  PersonPeriodPath,
  readBoard,
  readPlace,
  readProvisionalScores,
  readScores,
  readTiers,
  readTrace,
  TraceQuery,
} from './queries.js';

@Controller('v1')
export class ScoresController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get('leaderboards')
  @Admits('office', 'manager', 'auditor', 'account-manager')
  board(@Query() params: BoardPageQuery) {
    return this.bus.execute(readBoard.query(params));
  }

  @Get('leaderboards/:accountManagerId/place')
  @Admits('office', 'manager', 'auditor', 'account-manager')
  place(@Param() { accountManagerId }: PersonPath, @Query() params: BoardQuery) {
    return this.bus.execute(readPlace.query({ ...params, accountManagerId }));
  }

  @Get('scores')
  @Admits('office', 'manager', 'auditor', 'account-manager')
  scores(@Query() params: PersonPeriodPageQuery) {
    return this.bus.execute(readScores.query(params));
  }

  @Get('provisional-scores')
  @Admits('office', 'manager', 'auditor', 'account-manager')
  provisionalScores(@Query() params: PersonPeriodPageQuery) {
    return this.bus.execute(readProvisionalScores.query(params));
  }

  @Get('tiers')
  @Admits('office', 'manager', 'auditor', 'account-manager')
  tiers(@Query() params: PersonPeriodPageQuery) {
    return this.bus.execute(readTiers.query(params));
  }

  @Get('trace/:accountManagerId/:period')
  @Admits('office', 'reviewer', 'auditor', 'account-manager')
  trace(@Param() path: PersonPeriodPath, @Query() params: TraceQuery) {
    return this.bus.execute(readTrace.query({ ...params, ...path }));
  }
}
