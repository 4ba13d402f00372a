import { DomainError } from '#kernel';
import {
  accounts,
  batchLines,
  payLines,
  transactions,
  type TrialBalance,
  trialBalance,
} from '#read-models/bonus-ledger';
import { type BoardLine, boardPage, boardPlace } from '#read-models/leaderboards';
import { employmentOf } from '#read-models/organisation';
import { provisionalPage, scorePage } from '#read-models/scores';
import { tierPage } from '#read-models/tiers';
import { traceScore } from '#read-models/trace';
import { fromCursor, toCursor } from './cursor.js';
import type {
  AccountsQuery,
  AnyQuery,
  BoardPageQuery,
  BoardQuery,
  LedgerLinesQuery,
  PageQuery,
  PersonPath,
  PersonPeriodPageQuery,
  PersonPeriodPath,
  TraceQuery,
  TransactionsQuery,
} from './queries.js';
import { readModelQuery, readQuery } from './read-query.js';

type PageOf<Item> = { readonly items: readonly Item[]; readonly next: string | null };

export const readBoard = readModelQuery(
  ['scores'],
  async (sql, params: BoardPageQuery): Promise<PageOf<BoardLine>> => {
    const { cursor, limit } = params;
    const [offset] = cursor === undefined ? [0] : fromCursor(cursor, ['number']);
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new DomainError('malformed', { field: 'cursor' });
    }
    const items = await boardPage(sql, params, { offset, limit });
    return { items, next: items.length === limit ? toCursor([offset + limit]) : null };
  },
);

export const readPlace = readModelQuery(
  ['scores'],
  async (sql, params: BoardQuery & PersonPath): Promise<BoardLine> => {
    const { accountManagerId } = params;
    const line = await boardPlace(sql, params, accountManagerId);
    if (!line) throw new DomainError('not-on-board', { accountManagerId });
    return line;
  },
);

type PersonPeriod = { readonly accountManagerId: string; readonly period: string };

/** A page of what is kept by person and period, in that order. */
function personPeriodPage<Item extends PersonPeriod>(
  projection: string,
  page: (
    sql: Parameters<typeof scorePage>[0],
    filter: { readonly period?: string; readonly accountManagerId?: string },
    page: { readonly after: PersonPeriod | null; readonly limit: number },
  ) => Promise<readonly Item[]>,
) {
  return readModelQuery(
    [projection],
    async (sql, params: PersonPeriodPageQuery): Promise<PageOf<Item>> => {
      const { cursor, limit } = params;
      const items = await page(sql, params, { after: personPeriodOf(cursor), limit });
      const last = items.at(-1);
      const isLast = items.length < limit || !last;
      return { items, next: isLast ? null : toCursor([last.accountManagerId, last.period]) };
    },
  );
}

function personPeriodOf(cursor: string | undefined): PersonPeriod | null {
  if (cursor === undefined) return null;
  const [accountManagerId, period] = fromCursor(cursor, ['string', 'string']);
  return { accountManagerId, period };
}

export const readScores = personPeriodPage('scores', scorePage);
export const readProvisionalScores = personPeriodPage('scores', provisionalPage);
export const readTiers = personPeriodPage('tiers', tierPage);

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

/** From the log itself, which is never behind what this process has been told of it. */
export const readTrace = readQuery(
  async ({ store, engine, traceLog }, params: TraceQuery & PersonPeriodPath) => {
    const { accountManagerId, period, after, asOf } = params;
    if (after !== undefined && (await store.head()) < after) {
      throw new DomainError('projection-behind', { position: after });
    }
    const org = await engine.organisation.current();
    if (!employmentOf(org, accountManagerId)) {
      throw new DomainError('unknown-account-manager', { accountManagerId });
    }
    const end = asOf === undefined ? undefined : ({ kind: 'recorded', at: asOf } as const);
    const trace = await traceScore(traceLog, accountManagerId, period, end);
    return { position: trace.head, trace };
  },
);

export const readProjections = readQuery(async ({ store, projections }, { after }: AnyQuery) => {
  if (after !== undefined && (await store.head()) < after) {
    throw new DomainError('projection-behind', { position: after });
  }
  const position = await store.head();
  return { position, projections: await projections.status() };
});

export const READ_QUERIES = [
  readBoard,
  readPlace,
  readScores,
  readProvisionalScores,
  readTiers,
  readLines,
  readAccounts,
  readTransactions,
  readTrialBalance,
  readTrace,
  readProjections,
];
