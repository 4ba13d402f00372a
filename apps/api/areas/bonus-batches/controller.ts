import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { AnyQuery } from '../../queries.js';
import {
  abandonBatch,
  AbandonBatchBody,
  acknowledgeBatch,
  AcknowledgeBatchBody,
  approveBatch,
  ApproveBatchBody,
  BatchPath,
  PaymentBody,
  prepareBatch,
  PrepareBatchBody,
  rejectBatch,
  RejectBatchBody,
  returnPayment,
  sealBatch,
  SealBatchBody,
  settlePayment,
} from './commands.js';
import {
  BatchesQuery,
  BatchLinesQuery,
  readBatch,
  readBatches,
  readBatchLines,
} from './queries.js';

@Controller('v1/bonus-batches')
export class BonusBatchesController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post()
  @Admits('office')
  prepare(@TheCall() call: Call, @Body() body: PrepareBatchBody) {
    return this.commands.execute(prepareBatch.command(call, body));
  }

  @Post(':batchId/approve')
  @Admits('approver')
  approve(@TheCall() call: Call, @Param() path: BatchPath, @Body() body: ApproveBatchBody) {
    return this.commands.execute(approveBatch.command(call, { ...body, ...path }));
  }

  @Post(':batchId/seal')
  @Admits('office')
  seal(@TheCall() call: Call, @Param() path: BatchPath, @Body() body: SealBatchBody) {
    return this.commands.execute(sealBatch.command(call, { ...body, ...path }));
  }

  @Post(':batchId/abandon')
  @Admits('office')
  abandon(@TheCall() call: Call, @Param() path: BatchPath, @Body() body: AbandonBatchBody) {
    return this.commands.execute(abandonBatch.command(call, { ...body, ...path }));
  }

  @Post(':batchId/acknowledge')
  @Admits('payroll')
  acknowledge(@TheCall() call: Call, @Param() path: BatchPath, @Body() body: AcknowledgeBatchBody) {
    return this.commands.execute(acknowledgeBatch.command(call, { ...body, ...path }));
  }

  @Post(':batchId/reject')
  @Admits('payroll')
  reject(@TheCall() call: Call, @Param() path: BatchPath, @Body() body: RejectBatchBody) {
    return this.commands.execute(rejectBatch.command(call, { ...body, ...path }));
  }

  @Post(':batchId/payments/settle')
  @Admits('payroll')
  settle(@TheCall() call: Call, @Param() path: BatchPath, @Body() body: PaymentBody) {
    return this.commands.execute(settlePayment.command(call, { ...body, ...path }));
  }

  @Post(':batchId/payments/return')
  @Admits('payroll')
  giveBack(@TheCall() call: Call, @Param() path: BatchPath, @Body() body: PaymentBody) {
    return this.commands.execute(returnPayment.command(call, { ...body, ...path }));
  }

  @Get()
  @Admits('office', 'approver', 'auditor', 'payroll')
  list(@TheCaller() caller: Caller, @Query() params: BatchesQuery) {
    return this.queries.execute(readBatches.query({ ...params, caller }));
  }

  @Get(':batchId')
  @Admits('office', 'approver', 'auditor', 'payroll')
  one(@TheCaller() caller: Caller, @Param() path: BatchPath, @Query() params: AnyQuery) {
    return this.queries.execute(readBatch.query({ ...params, ...path, caller }));
  }

  @Get(':batchId/lines')
  @Admits('office', 'approver', 'auditor', 'payroll')
  lines(@TheCaller() caller: Caller, @Param() path: BatchPath, @Query() params: BatchLinesQuery) {
    return this.queries.execute(readBatchLines.query({ ...params, ...path, caller }));
  }
}
