import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Batch, PostBatch, TheBatch } from '../../batch.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { AnyQuery } from '../../queries.js';
import { recordCall, RecordCallBody, recordCalls } from './commands.js';
import {
  CallsQuery,
  readCalls,
  readNext,
  readSampleProof,
  readSamples,
  SamplesQuery,
} from './queries.js';
import {
  commitSeed,
  CommitSeedBody,
  drawSample,
  DrawSampleBody,
  freezeFrame,
  FreezeFrameBody,
  SamplePath,
} from './samples.js';

@Controller('v1')
export class FeedbackCallsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('feedback-samples')
  @Admits('call-agent', 'office')
  commit(@TheCall() call: Call, @Body() body: CommitSeedBody) {
    return this.commands.execute(commitSeed.command(call, body));
  }

  @Post('feedback-samples/:sampleId/freeze')
  @Admits('call-agent', 'office')
  freeze(@TheCall() call: Call, @Param() path: SamplePath, @Body() body: FreezeFrameBody) {
    return this.commands.execute(freezeFrame.command(call, { ...body, ...path }));
  }

  @Post('feedback-samples/:sampleId/draw')
  @Admits('call-agent', 'office')
  draw(@TheCall() call: Call, @Param() path: SamplePath, @Body() body: DrawSampleBody) {
    return this.commands.execute(drawSample.command(call, { ...body, ...path }));
  }

  @Get('feedback-samples')
  @Admits('call-agent', 'office', 'auditor', 'reviewer')
  samples(@TheCaller() caller: Caller, @Query() params: SamplesQuery) {
    return this.queries.execute(readSamples.query({ ...params, caller }));
  }

  @Get('feedback-samples/:sampleId')
  @Admits('call-agent', 'office', 'auditor', 'reviewer')
  sample(@TheCaller() caller: Caller, @Param() path: SamplePath, @Query() params: AnyQuery) {
    return this.queries.execute(readSampleProof.query({ ...params, ...path, caller }));
  }

  @Get('feedback-samples/:sampleId/next')
  @Admits('call-agent', 'office', 'auditor')
  next(@TheCaller() caller: Caller, @Param() path: SamplePath, @Query() params: AnyQuery) {
    return this.queries.execute(readNext.query({ ...params, ...path, caller }));
  }

  @Post('feedback-calls')
  @Admits('call-agent')
  record(@TheCall() call: Call, @Body() body: RecordCallBody) {
    return this.commands.execute(recordCall.command(call, body));
  }

  @PostBatch('feedback-calls')
  @Admits('call-agent')
  recordBatch(@TheBatch() batch: Batch) {
    return this.commands.execute(recordCalls.command(batch));
  }

  @Get('feedback-calls')
  @Admits('call-agent', 'office', 'auditor', 'reviewer', 'manager', 'account-manager')
  calls(@TheCaller() caller: Caller, @Query() params: CallsQuery) {
    return this.queries.execute(readCalls.query({ ...params, caller }));
  }
}
