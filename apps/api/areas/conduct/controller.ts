import { Body, Controller, Inject, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import { type Batch, PostBatch, TheBatch } from '../../batch.js';
import { type Call, TheCall } from '../../call.js';
import {
  grantAdjustment,
  GrantAdjustmentBody,
  grantAdjustments,
  recordVeto,
  RecordVetoBody,
} from './commands.js';

@Controller('v1')
export class ConductController {
  constructor(@Inject(CommandBus) private readonly commands: CommandBus) {}

  @Post('adjustments')
  @Admits('office')
  adjust(@TheCall() call: Call, @Body() body: GrantAdjustmentBody) {
    return this.commands.execute(grantAdjustment.command(call, body));
  }

  @PostBatch('adjustments')
  @Admits('office')
  adjustBatch(@TheBatch() batch: Batch) {
    return this.commands.execute(grantAdjustments.command(batch));
  }

  @Post('vetoes')
  @Admits('office')
  veto(@TheCall() call: Call, @Body() body: RecordVetoBody) {
    return this.commands.execute(recordVeto.command(call, body));
  }
}
