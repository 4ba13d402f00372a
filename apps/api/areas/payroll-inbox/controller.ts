import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { ParkedKeyPath, releaseKey, ReleaseKeyBody } from './commands.js';
import { AlertsQuery, ParkedKeysQuery, readAlerts, readParkedKeys } from './queries.js';

@Controller('v1/payroll')
export class PayrollInboxController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  /** What somebody has to look after between here and payroll. */
  @Get('alerts')
  @Admits('office', 'auditor', 'admin', 'payroll')
  alerts(@Query() params: AlertsQuery) {
    return this.queries.execute(readAlerts.query(params));
  }

  @Get('parked-keys')
  @Admits('office', 'auditor', 'admin', 'payroll')
  parkedKeys(@Query() params: ParkedKeysQuery) {
    return this.queries.execute(readParkedKeys.query(params));
  }

  @Post('parked-keys/:keyDigest/release')
  @Admits('admin')
  release(@TheCall() call: Call, @Param() path: ParkedKeyPath, @Body() body: ReleaseKeyBody) {
    return this.commands.execute(releaseKey.command(call, { ...body, ...path }));
  }
}
