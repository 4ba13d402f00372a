import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { BatchMessagesQuery, readBatchMessages, SealedBatchPath } from './queries.js';

@Controller('v1/payroll/batches')
export class PayrollController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  /** What the topic carries, for payroll without Kafka. */
  @Get(':batchId/messages')
  @Admits('office', 'approver', 'auditor', 'payroll')
  messages(
    @TheCaller() caller: Caller,
    @Param() path: SealedBatchPath,
    @Query() params: BatchMessagesQuery,
  ) {
    return this.queries.execute(readBatchMessages.query({ ...params, ...path, caller }));
  }
}
