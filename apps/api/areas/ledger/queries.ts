import { DomainError } from '#kernel';
import {
  type AccountKind,
  accounts,
  batchLines,
  payLines,
  transactions,
  type TrialBalance,
  trialBalance,
} from '#read-models/bonus-ledger';
import { fromCursor, toCursor } from '../../cursor.js';
import { Id, OneOf, Period } from '../../fields.js';
import { type AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { readModelQuery } from '../../read-query.js';

const ACCOUNT_KINDS: readonly AccountKind[] = [
  'world',
  'pool',
  'payable',
  'clearing',
  'paid',
  'receivable',
  'rounding',
];

/** Lines of a batch, or of one person and period. */
export class LedgerLinesQuery extends PageQuery {
  @Id({ optional: true, example: 'batch-2026-01' })
  batchId?: string;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;

  @Period({ optional: true })
  period?: string;
}

export class AccountsQuery extends PageQuery {
  @OneOf(ACCOUNT_KINDS, { optional: true, example: 'payable' })
  kind?: AccountKind;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;

  @Period({ optional: true })
  payPeriod?: string;
}

export class TransactionsQuery extends PageQuery {
  @Id({ optional: true, example: 'payable:am-001:2026-01' })
  account?: string;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;

  @Id({ optional: true, example: 'batch-2026-01' })
  batchId?: string;
}

const LEDGER = ['bonus-ledger'];

/** Without a batch: one person's lines of a period, which are few. */
export const readLines = readModelQuery(
  LEDGER,
  async (sql, params: LedgerLinesQuery): Promise<PageOf<object>> => {
    const { batchId, accountManagerId, period, limit } = params;
    if (batchId !== undefined) {
      const { lines, next } = await batchLines(sql, batchId, pageOf(params));
      return { items: lines, next: wrapped(next) };
    }
    if (accountManagerId === undefined || period === undefined) {
      throw new DomainError(
        'malformed',
        { fields: ['batchId', 'accountManagerId', 'period'] },
        'lines are those of a batchId, or of an accountManagerId and a period',
      );
    }
    const lines = await payLines(sql, accountManagerId, period);
    return { items: lines.slice(0, limit), next: null };
  },
);

export const readAccounts = readModelQuery(
  LEDGER,
  async (sql, params: AccountsQuery): Promise<PageOf<object>> => {
    const page = await accounts(sql, { ...params, ...pageOf(params) });
    return { items: page.accounts, next: wrapped(page.next) };
  },
);

export const readTransactions = readModelQuery(
  LEDGER,
  async (sql, params: TransactionsQuery): Promise<PageOf<object>> => {
    const page = await transactions(sql, { ...params, ...pageOf(params) });
    return { items: page.transactions, next: wrapped(page.next) };
  },
);

export const readTrialBalance = readModelQuery<AnyQuery, TrialBalance>(LEDGER, trialBalance);

/** The ledger's queries call a cursor `after`; here `after` is a position of the log. */
function pageOf({ cursor, limit }: PageQuery) {
  const [after] = cursor === undefined ? [undefined] : fromCursor(cursor, ['string']);
  return { after, limit };
}

const wrapped = (next: string | null): string | null => (next === null ? null : toCursor([next]));
