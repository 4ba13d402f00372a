import { Body, Controller, Inject, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import { type Batch, PostBatch, TheBatch } from '../../batch.js';
import { type Call, TheCall } from '../../call.js';
import {
  creditSale,
  CreditSaleBody,
  creditSales,
  grantAward,
  GrantAwardBody,
  grantAwards,
} from './commands.js';

@Controller('v1')
export class EarningsController {
  constructor(@Inject(CommandBus) private readonly commands: CommandBus) {}

  @Post('awards')
  @Admits('office')
  award(@TheCall() call: Call, @Body() body: GrantAwardBody) {
    return this.commands.execute(grantAward.command(call, body));
  }

  @PostBatch('awards')
  @Admits('office')
  awardBatch(@TheBatch() batch: Batch) {
    return this.commands.execute(grantAwards.command(batch));
  }

  @Post('sales-credits')
  @Admits('office')
  credit(@TheCall() call: Call, @Body() body: CreditSaleBody) {
    return this.commands.execute(creditSale.command(call, body));
  }

  @PostBatch('sales-credits')
  @Admits('office')
  creditBatch(@TheBatch() batch: Batch) {
    return this.commands.execute(creditSales.command(batch));
  }
}
