import { Body, Controller, Inject, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import { type Batch, PostBatch, TheBatch } from '../../batch.js';
import { type Call, TheCall } from '../../call.js';
import { recordMetric, RecordMetricBody, recordMetrics } from './commands.js';

@Controller('v1')
export class MetricsController {
  constructor(@Inject(CommandBus) private readonly commands: CommandBus) {}

  @Post('metrics')
  @Admits('office')
  record(@TheCall() call: Call, @Body() body: RecordMetricBody) {
    return this.commands.execute(recordMetric.command(call, body));
  }

  @PostBatch('metrics')
  @Admits('office')
  recordBatch(@TheBatch() batch: Batch) {
    return this.commands.execute(recordMetrics.command(batch));
  }
}
