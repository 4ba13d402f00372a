import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { AnyQuery } from '../../queries.js';
import {
  approveCorrection,
  ApproveCorrectionBody,
  CorrectedBody,
  CorrectionPath,
  proposeCorrection,
  ProposeCorrectionBody,
} from './commands.js';
import { previewCorrection, ProposalsQuery, readCorrection, readProposals } from './queries.js';

const PREVIEWED = 200;

@Controller('v1/office-corrections')
export class OfficeCorrectionsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post()
  @Admits('office')
  propose(@TheCall() call: Call, @Body() body: ProposeCorrectionBody) {
    return this.commands.execute(proposeCorrection.command(call, body));
  }

  @Post('preview')
  @HttpCode(PREVIEWED)
  @Admits('office', 'approver', 'auditor')
  preview(@TheCaller() caller: Caller, @Query() params: AnyQuery, @Body() body: CorrectedBody) {
    return this.queries.execute(previewCorrection.query({ ...params, ...body, caller }));
  }

  @Post(':correctionId/approve')
  @Admits('office', 'approver')
  approve(
    @TheCall() call: Call,
    @Param() path: CorrectionPath,
    @Body() body: ApproveCorrectionBody,
  ) {
    return this.commands.execute(approveCorrection.command(call, { ...body, ...path }));
  }

  @Get()
  @Admits('office', 'approver', 'auditor')
  proposals(@TheCaller() caller: Caller, @Query() params: ProposalsQuery) {
    return this.queries.execute(readProposals.query({ ...params, caller }));
  }

  @Get(':correctionId')
  @Admits('office', 'approver', 'auditor')
  correction(
    @TheCaller() caller: Caller,
    @Param() path: CorrectionPath,
    @Query() params: AnyQuery,
  ) {
    return this.queries.execute(readCorrection.query({ ...params, ...path, caller }));
  }
}
