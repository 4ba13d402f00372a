import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import { AnyQuery } from '../../queries.js';
import {
  AccountsQuery,
  LedgerLinesQuery,
  readAccounts,
  readLines,
  readTransactions,
  readTrialBalance,
  TransactionsQuery,
} from './queries.js';

@Controller('v1/ledger')
export class LedgerController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get('lines')
  @Admits('office', 'approver', 'auditor', 'account-manager')
  lines(@Query() params: LedgerLinesQuery) {
    return this.bus.execute(readLines.query(params));
  }

  @Get('accounts')
  @Admits('office', 'auditor')
  accounts(@Query() params: AccountsQuery) {
    return this.bus.execute(readAccounts.query(params));
  }

  @Get('transactions')
  @Admits('office', 'auditor')
  transactions(@Query() params: TransactionsQuery) {
    return this.bus.execute(readTransactions.query(params));
  }

  @Get('trial-balance')
  @Admits('office', 'auditor')
  trialBalance(@Query() params: AnyQuery) {
    return this.bus.execute(readTrialBalance.query(params));
  }
}
