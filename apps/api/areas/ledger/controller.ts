import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { AnyQuery } from '../../queries.js';
import {
  AccountsQuery,
  LedgerLinesQuery,
  PendingQuery,
  readAccounts,
  readLines,
  readPending,
  readTransactions,
  readTrialBalance,
  TransactionsQuery,
} from './queries.js';

@Controller('v1/ledger')
export class LedgerController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get('lines')
  @Admits('office', 'approver', 'auditor', 'account-manager')
  lines(@TheCaller() caller: Caller, @Query() params: LedgerLinesQuery) {
    return this.bus.execute(readLines.query({ ...params, caller }));
  }

  @Get('accounts')
  @Admits('office', 'approver', 'auditor', 'account-manager')
  accounts(@TheCaller() caller: Caller, @Query() params: AccountsQuery) {
    return this.bus.execute(readAccounts.query({ ...params, caller }));
  }

  @Get('transactions')
  @Admits('office', 'approver', 'auditor', 'account-manager')
  transactions(@TheCaller() caller: Caller, @Query() params: TransactionsQuery) {
    return this.bus.execute(readTransactions.query({ ...params, caller }));
  }

  @Get('pending')
  @Admits('office', 'approver', 'auditor', 'account-manager')
  pending(@TheCaller() caller: Caller, @Query() params: PendingQuery) {
    return this.bus.execute(readPending.query({ ...params, caller }));
  }

  @Get('trial-balance')
  @Admits('office', 'approver', 'auditor')
  trialBalance(@Query() params: AnyQuery) {
    return this.bus.execute(readTrialBalance.query(params));
  }
}
