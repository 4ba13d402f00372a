import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Batch, PostBatch, TheBatch } from '../../batch.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import {
  amendEvaluation,
  AmendEvaluationBody,
  EvaluationPath,
  submitEvaluation,
  SubmitEvaluationBody,
  submitEvaluations,
  withdrawEvaluation,
  WithdrawEvaluationBody,
} from './commands.js';
import { EvaluationsQuery, readEvaluations } from './queries.js';
import { readToDo, ToDoQuery } from './to-do.js';

@Controller('v1')
export class EvaluationsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('evaluations')
  @Admits('rater', 'account-manager')
  submit(@TheCall() call: Call, @Body() body: SubmitEvaluationBody) {
    return this.commands.execute(submitEvaluation.command(call, body));
  }

  @PostBatch('evaluations')
  @Admits('rater')
  submitBatch(@TheBatch() batch: Batch) {
    return this.commands.execute(submitEvaluations.command(batch));
  }

  @Post('evaluations/:evaluationId/amend')
  @Admits('rater', 'account-manager')
  amend(@TheCall() call: Call, @Param() path: EvaluationPath, @Body() body: AmendEvaluationBody) {
    return this.commands.execute(amendEvaluation.command(call, { ...body, ...path }));
  }

  @Post('evaluations/:evaluationId/withdraw')
  @Admits('rater', 'account-manager')
  withdraw(
    @TheCall() call: Call,
    @Param() path: EvaluationPath,
    @Body() body: WithdrawEvaluationBody,
  ) {
    return this.commands.execute(withdrawEvaluation.command(call, { ...body, ...path }));
  }

  @Get('evaluations/to-do')
  @Admits('rater', 'account-manager')
  toDo(@TheCaller() caller: Caller, @Query() params: ToDoQuery) {
    return this.queries.execute(readToDo.query({ ...params, caller }));
  }

  @Get('evaluations')
  @Admits('office', 'auditor', 'reviewer', 'manager', 'account-manager')
  evaluations(@TheCaller() caller: Caller, @Query() params: EvaluationsQuery) {
    return this.queries.execute(readEvaluations.query({ ...params, caller }));
  }
}
