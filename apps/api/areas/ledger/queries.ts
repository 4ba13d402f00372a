import { DomainError } from '#kernel';
import type { Caller, Role } from '#platform';
import type { Sql } from '#projections';
import { pendingDifferences, unsettledPeriods } from '#processes/settlement';
import {
  type AccountKind,
  accounts,
  batchLines,
  batches,
  payLines,
  transactions,
  type TrialBalance,
  trialBalance,
} from '#read-models/bonus-ledger';
import { unitsAtOrBelow } from '#read-models/organisation';
import { requireSight, seen } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, OneOf, Period } from '../../fields.js';
import { type AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { type Answer, AFTER_WAIT_MS, readModelQuery, readQuery } from '../../read-query.js';

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
  @Id({ optional: true, example: '2026-03-all' })
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

  @Id({ optional: true, example: '2026-03-all' })
  batchId?: string;
}

export class PendingQuery extends PageQuery {
  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;

  @Id({ optional: true, example: 'north', description: 'Lines that its pools pay, or those below' })
  unitId?: string;

  @Period({ optional: true, description: 'That the money is for' })
  period?: string;
}

const LEDGER = ['bonus-ledger'];
const SETTLEMENT = ['settlement'];

type By = { readonly caller: Caller };

/** Whose books are the caller's work; an account manager reads what is the own. */
const READS_THE_LEDGER: ReadonlySet<Role> = new Set(['office', 'approver', 'auditor']);
const readsTheLedger = ({ roles }: Caller): boolean =>
  roles.some((role) => READS_THE_LEDGER.has(role));

/** Error: DomainError `outside-authority`. */
async function requireOwn(
  system: ApiSystem,
  caller: Caller,
  accountManagerId: string | undefined,
): Promise<void> {
  if (accountManagerId === undefined) {
    if (readsTheLedger(caller)) return;
    throw new DomainError('outside-authority', { fields: ['accountManagerId'] });
  }
  requireSight(await system.engine.organisation.current(), caller, accountManagerId);
  seen(system, caller, accountManagerId, 'ledger');
}

/** A query on the ledger, of one's own person unless the ledger is the caller's work. */
function ledgerQuery<
  Of extends AnyQuery & { readonly accountManagerId?: string },
  Result extends object,
>(query: (sql: Sql, params: Of & By) => Promise<Result>) {
  return readQuery(async (system, params: Of & By): Promise<Answer<Result>> => {
    const { after, caller, accountManagerId } = params;
    await requireOwn(system, caller, accountManagerId);
    if (after !== undefined) await system.projections.waitFor(LEDGER, after, AFTER_WAIT_MS);
    const reading = await system.projections.read(LEDGER, (sql) => query(sql, params));
    return { position: reading.position, ...reading.result };
  });
}

/** Without a batch: one person's lines of a period, which are few. Payroll: of sealed batches. */
export const readLines = ledgerQuery(
  async (sql, params: LedgerLinesQuery & By): Promise<PageOf<object>> => {
    const { batchId, accountManagerId, period, limit } = params;
    if (batchId !== undefined && accountManagerId === undefined) {
      const [batch] = await batches(sql, { batchId });
      if (!batch) throw new DomainError('unknown-batch', { batchId });
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
    const wanted = lines.filter((line) => batchId === undefined || line.batchId === batchId);
    return { items: wanted.slice(0, limit), next: null };
  },
);

export const readAccounts = ledgerQuery(
  async (sql, params: AccountsQuery & By): Promise<PageOf<object>> => {
    const page = await accounts(sql, { ...params, ...pageOf(params) });
    return { items: page.accounts, next: wrapped(page.next) };
  },
);

export const readTransactions = ledgerQuery(
  async (sql, params: TransactionsQuery & By): Promise<PageOf<object>> => {
    const { account, accountManagerId, batchId } = params;
    const given = [account, accountManagerId, batchId].filter((each) => each !== undefined);
    if (given.length > 1) {
      throw new DomainError(
        'malformed',
        { fields: ['account', 'accountManagerId', 'batchId'] },
        'transactions are those of an account, of an accountManagerId or of a batchId',
      );
    }
    const page = await transactions(sql, { ...params, ...pageOf(params) });
    return { items: page.transactions, next: wrapped(page.next) };
  },
);

export const readTrialBalance = readModelQuery<AnyQuery, TrialBalance>(LEDGER, trialBalance);

/**
 * corrections: what is due and in no sealed batch yet. Differences of sealed periods; asked for one
 * person, also the periods that no sealed batch holds, with what is due for them now.
 */
export const readPending = readQuery(async (system, params: PendingQuery & By) => {
  const { after, caller, accountManagerId, period, unitId, cursor, limit } = params;
  await requireOwn(system, caller, accountManagerId);
  if (after !== undefined) await system.projections.waitFor(SETTLEMENT, after, AFTER_WAIT_MS);
  const org = await system.engine.organisation.current();
  const unitIds = unitId === undefined ? undefined : [...unitsAtOrBelow(org, unitId)];
  const from = cursor === undefined ? null : fromCursor(cursor, ['string', 'string']);
  const reading = await system.projections.read(SETTLEMENT, (sql) =>
    pendingDifferences(sql, { accountManagerId, period, unitIds }, { after: from, limit }),
  );
  const { items, isLast } = reading.result;
  const last = items.at(-1);
  const next = isLast || !last ? null : toCursor([last.accountManagerId, last.period]);
  const { position } = reading;
  const unsettled =
    accountManagerId === undefined
      ? []
      : await unsettledPeriods(system.engine, org, accountManagerId, position);
  const wanted = unsettled.filter((each) => period === undefined || each.period === period);
  return { position, items, next, unsettled: wanted };
});

/** The ledger's queries call a cursor `after`; here `after` is a position of the log. */
function pageOf({ cursor, limit }: PageQuery) {
  const [after] = cursor === undefined ? [undefined] : fromCursor(cursor, ['string']);
  return { after, limit };
}

const wrapped = (next: string | null): string | null => (next === null ? null : toCursor([next]));
