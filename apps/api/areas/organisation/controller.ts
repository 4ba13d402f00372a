import { Body, Controller, Get, Inject, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { AnyQuery } from '../../queries.js';
import { defineUnit, DefineUnitBody } from './commands.js';
import { readUnits } from './queries.js';

@Controller('v1')
export class OrganisationController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('units')
  @Admits('office')
  defineUnit(@TheCall() call: Call, @Body() body: DefineUnitBody) {
    return this.commands.execute(defineUnit.command(call, body));
  }

  @Get('units')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver')
  units(@Query() params: AnyQuery) {
    return this.queries.execute(readUnits.query(params));
  }
}
