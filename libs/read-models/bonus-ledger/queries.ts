import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import type { Sql } from '#projections';
import type { BatchLine } from '#rules';
import type { AccountKind } from './accounts.js';

const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 200;

export type Page = {
  readonly after?: string; // the `next` of the page before
  readonly limit?: number; // default 200, at most 1,000
};

const limitOf = ({ limit = DEFAULT_PAGE }: Page): number =>
  Math.max(1, Math.min(MAX_PAGE, Math.trunc(limit)));

/** A place in the order of positions and lines, as a cursor and back. */
const toCursor = (position: Position, line: number): string => `${position}.${line}`;

/** Error: DomainError `malformed` for a cursor that no page gave. */
function fromCursor(after: string | undefined): readonly [Position, number] {
  if (after === undefined) return ['', 0];
  const found = /^([^.]+)\.(\d{1,9})$/.exec(after);
  if (!found?.[1]) throw new DomainError('malformed', { field: 'after' });
  return [found[1], Number(found[2])];
}

/** dataset-and-cli: the export record `ledger`. */
export type LedgerRecord = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly payPeriod: string;
  readonly kind: BatchLine['kind'];
  readonly of: BatchLine['of'];
  readonly reference: string;
  readonly amountMinor: string;
  readonly cause: string;
};

const RECORD = `l.account_manager_id as "accountManagerId", l.period, l.pay_period as "payPeriod",
  l.kind, l.of_kind as "of", l.reference, l.amount_minor::text as "amountMinor", l.cause`;

/** Lines of batches that are sealed and not rejected, in the order of the export. */
export function ledgerRecords(
  sql: Sql,
  filter: { readonly period?: string; readonly accountManagerId?: string } = {},
): Promise<readonly LedgerRecord[]> {
  return sql.query<LedgerRecord>(
    `select ${RECORD}
     from ledger_line l join ledger_batch b using (batch_id, generation)
     where b.status = 'sealed' and ($1::text is null or l.period = $1)
       and ($2::text is null or l.account_manager_id = $2)
     order by l.account_manager_id, l.period, l.pay_period, l.kind, l.of_kind, l.reference`,
    [filter.period ?? null, filter.accountManagerId ?? null],
  );
}

/** Where a line's money stands: proposed is pending; sealed goes out with its batch. */
export type LineStatus = 'proposed' | 'approved' | 'sealed';

export type PayLine = LedgerRecord & {
  readonly batchId: string;
  readonly status: LineStatus;
  readonly position: Position; // of the event that proposed it
  readonly line: number; // its ordinal there
  readonly eventId: string;
};

const STATUS_OF_LINE = `case b.status when 'open' then 'proposed' when 'prepared' then 'proposed'
  else b.status end as status`;

/** One person's lines for a period, each with its event; by the index `ledger_line_person`. */
export function payLines(
  sql: Sql,
  accountManagerId: string,
  period: string,
): Promise<readonly PayLine[]> {
  return sql.query<PayLine>(
    `select ${RECORD}, l.batch_id as "batchId", ${STATUS_OF_LINE}, l.position, l.line,
       s.event_id as "eventId"
     from ledger_line l
     join ledger_batch b using (batch_id, generation)
     join ledger_source s using (position)
     where l.account_manager_id = $1 and l.period = $2
       and b.status not in ('superseded', 'rejected')
     order by l.pay_period, l.kind, l.of_kind, l.reference`,
    [accountManagerId, period],
  );
}

/** With the event that proposed the line and the line's ordinal there. */
export type BatchLineRecord = LedgerRecord & { readonly position: Position; readonly line: number };

/**
 * A batch's lines in canonical order, a page; of the generation that stands. By the primary key.
 */
export async function batchLines(
  sql: Sql,
  batchId: string,
  page: Page = {},
): Promise<{ readonly lines: readonly BatchLineRecord[]; readonly next: string | null }> {
  const limit = limitOf(page);
  const rows = await sql.query<BatchLineRecord>(
    `select ${RECORD}, l.position, l.line
     from ledger_batch b join ledger_line l using (batch_id, generation)
     where b.batch_id = $1 and (l.position, l.line) > ($2, $3::int)
     order by l.position, l.line limit $4`,
    [batchId, ...fromCursor(page.after), limit],
  );
  const last = rows.at(-1);
  const next = rows.length === limit && last ? toCursor(last.position, last.line) : null;
  return { lines: rows, next };
}

/** Units whose team pool a batch pays. By the primary key. */
export async function teamUnits(sql: Sql, batchId: string): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ unit: string }>(
    `select distinct l.reference as unit
     from ledger_batch b join ledger_line l using (batch_id, generation)
     where b.batch_id = $1 and l.kind = 'team'`,
    [batchId],
  );
  return new Set(rows.map(({ unit }) => unit));
}

/** Lines proposed so far of the generation that stands: how far a preparing is. */
export async function proposedCount(sql: Sql, batchId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `select count(*)::int as count
     from ledger_batch b join ledger_line l using (batch_id, generation) where b.batch_id = $1`,
    [batchId],
  );
  return row?.count ?? 0;
}

export type LedgerTotal = {
  readonly period: string;
  readonly kind: BatchLine['kind'];
  readonly lineCount: number;
  readonly amountMinor: string;
};

/** What sealed batches hold for each period (not pay period) and kind. */
export function ledgerTotals(sql: Sql): Promise<readonly LedgerTotal[]> {
  return sql.query<LedgerTotal>(
    `select l.period, l.kind, count(*)::int as "lineCount",
       sum(l.amount_minor)::text as "amountMinor"
     from ledger_line l join ledger_batch b using (batch_id, generation)
     where b.status = 'sealed' group by l.period, l.kind order by l.period, l.kind`,
  );
}

export type LedgerBatch = {
  readonly batchId: string;
  readonly payPeriod: string;
  readonly generation: number;
  readonly status: 'open' | 'prepared' | 'superseded' | 'approved' | 'sealed' | 'rejected';
  readonly unitIds: '*' | readonly string[] | null; // this and what follows: null until prepared
  readonly currency: string | null;
  readonly lineCount: number | null;
  readonly sumMinor: string | null;
  readonly sha256: string | null;
  readonly preparedBy: string | null;
  readonly replacesBatchId: string | null;
  readonly withheld: readonly {
    readonly accountManagerId: string;
    readonly period: string;
    readonly sumMinor: string;
  }[];
  readonly approvedBy: string | null;
  readonly sealedAt: string | null;
  readonly sealedPosition: Position | null;
  readonly acknowledged: boolean;
  readonly rejectionCode: string | null;
  readonly rejectionCodes: readonly string[];
  readonly dueMinor: string; // what the approved or sealed batch pays in all
  readonly settledMinor: string;
  readonly returnedMinor: string; // whether settled before or not
};

type BatchRow = Omit<LedgerBatch, 'unitIds' | 'withheld' | 'rejectionCodes'> & {
  readonly rejectionCodes: string | null;
  readonly unitIds: string | null;
  readonly withheld: string | null;
};

/** Every batch with its totals and what became of it, by pay period and id. */
export async function batches(
  sql: Sql,
  filter: { readonly batchId?: string; readonly payPeriod?: string } = {},
): Promise<readonly LedgerBatch[]> {
  const rows = await sql.query<BatchRow>(
    `select b.batch_id as "batchId", b.pay_period as "payPeriod", b.generation, b.status,
       b.unit_ids as "unitIds", b.currency, b.line_count as "lineCount",
       b.sum_minor::text as "sumMinor", b.sha256, b.prepared_by as "preparedBy",
       b.replaces_batch_id as "replacesBatchId", b.withheld, b.approved_by as "approvedBy",
       b.sealed_at as "sealedAt", b.sealed_position as "sealedPosition", b.acknowledged,
       b.rejection_code as "rejectionCode", b.rejection_codes as "rejectionCodes",
       coalesce(d.due, 0)::text as "dueMinor",
       coalesce(d.settled, 0)::text as "settledMinor",
       coalesce(d.returned, 0)::text as "returnedMinor"
     from ledger_batch b
     left join lateral (
       select sum(due_minor) as due, sum(settled_minor) as settled,
         sum(returned_minor + returned_unpaid_minor) as returned
       from ledger_due where batch_id = b.batch_id
     ) d on true
     where ($1::text is null or b.batch_id = $1) and ($2::text is null or b.pay_period = $2)
     order by b.pay_period, b.batch_id`,
    [filter.batchId ?? null, filter.payPeriod ?? null],
  );
  return rows.map((row) => ({
    ...row,
    unitIds:
      row.unitIds === null || row.unitIds === '*'
        ? row.unitIds
        : (JSON.parse(row.unitIds) as readonly string[]),
    withheld: JSON.parse(row.withheld ?? '[]') as LedgerBatch['withheld'],
    rejectionCodes: JSON.parse(row.rejectionCodes ?? '[]') as readonly string[],
  }));
}

/** Null for a batch without a line so far. By the primary key. */
export async function batchStatus(
  sql: Sql,
  batchId: string,
): Promise<LedgerBatch['status'] | null> {
  const [row] = await sql.query<Pick<LedgerBatch, 'status'>>(
    'select status from ledger_batch where batch_id = $1',
    [batchId],
  );
  return row?.status ?? null;
}

/** Sealed, and neither accepted nor rejected so far. */
export type AwaitedBatch = {
  readonly batchId: string;
  readonly payPeriod: string;
  readonly sealedAt: string;
};

/** Those sealed before an instant, earliest first, and how many there are. By `status`. */
export async function overdueBatches(
  sql: Sql,
  sealedBefore: Date,
  limit: number,
): Promise<{ readonly count: number; readonly batches: readonly AwaitedBatch[] }> {
  const rows = await sql.query<AwaitedBatch & { readonly total: number }>(
    `select batch_id as "batchId", pay_period as "payPeriod", sealed_at as "sealedAt",
       count(*) over ()::int as total
     from ledger_batch
     where status = 'sealed' and not acknowledged and sealed_at::timestamptz < $1::timestamptz
     order by sealed_at::timestamptz, batch_id limit $2`,
    [sealedBefore.toISOString(), limit],
  );
  const found = rows.map(({ batchId, payPeriod, sealedAt }) => ({ batchId, payPeriod, sealedAt }));
  return { count: rows[0]?.total ?? 0, batches: found };
}

/** Rejected, and no batch that stands was prepared in its place. */
export type DisputedBatch = {
  readonly batchId: string;
  readonly payPeriod: string;
  readonly reasonCodes: readonly string[];
};

/** By `status`; batches are a few hundred a year. */
export async function disputedBatches(
  sql: Sql,
  limit: number,
): Promise<{ readonly count: number; readonly batches: readonly DisputedBatch[] }> {
  const rows = await sql.query<
    Omit<DisputedBatch, 'reasonCodes'> & { readonly codes: string; readonly total: number }
  >(
    `select b.batch_id as "batchId", b.pay_period as "payPeriod", b.rejection_codes as codes,
       count(*) over ()::int as total
     from ledger_batch b
     where b.status = 'rejected' and not exists (
       select from ledger_batch o where o.replaces_batch_id = b.batch_id
         and o.status in ('prepared', 'approved', 'sealed'))
     order by b.pay_period, b.batch_id limit $1`,
    [limit],
  );
  const found = rows.map(({ batchId, payPeriod, codes }) => {
    return { batchId, payPeriod, reasonCodes: JSON.parse(codes) as readonly string[] };
  });
  return { count: rows[0]?.total ?? 0, batches: found };
}

export type Due = {
  readonly accountManagerId: string;
  readonly netMinor: string; // of the batch's lines
  readonly carryMinor: string; // from the person's receivable; below 0: into it
  readonly dueMinor: string; // what the batch pays, with what earlier payments brought back
  readonly settledMinor: string;
  readonly returnedMinor: string;
};

const DUE = `account_manager_id as "accountManagerId", net_minor::text as "netMinor",
  carry_minor::text as "carryMinor", due_minor::text as "dueMinor",
  settled_minor::text as "settledMinor",
  (returned_minor + returned_unpaid_minor)::text as "returnedMinor"`;

/** What a batch pays to one person; null before its approval and for those who have no line. */
export async function dueOf(
  sql: Sql,
  batchId: string,
  accountManagerId: string,
): Promise<Due | null> {
  const [due] = await sql.query<Due>(
    `select ${DUE} from ledger_due where batch_id = $1 and account_manager_id = $2`,
    [batchId, accountManagerId],
  );
  return due ?? null;
}

/** As `dueOf`, of many people at once; who has no line is not there. By the primary key. */
export async function duesOf(
  sql: Sql,
  batchId: string,
  accountManagerIds: readonly string[],
): Promise<ReadonlyMap<string, Due>> {
  const found = await sql.query<Due>(
    `select ${DUE} from ledger_due
     where batch_id = $1 and account_manager_id = any($2::text[])`,
    [batchId, accountManagerIds],
  );
  return new Map(found.map((due) => [due.accountManagerId, due]));
}

/** The people of an approved or sealed batch, a page by account manager; by the primary key. */
export async function dues(
  sql: Sql,
  batchId: string,
  page: Page = {},
): Promise<{ readonly dues: readonly Due[]; readonly next: string | null }> {
  const limit = limitOf(page);
  const rows = await sql.query<Due>(
    `select ${DUE} from ledger_due where batch_id = $1 and account_manager_id > $2
     order by account_manager_id limit $3`,
    [batchId, page.after ?? '', limit],
  );
  return {
    dues: rows,
    next: rows.length === limit ? (rows.at(-1)?.accountManagerId ?? null) : null,
  };
}

export type Account = {
  readonly account: string;
  readonly kind: AccountKind;
  readonly accountManagerId: string | null;
  readonly payPeriod: string | null;
  readonly pendingMinor: string;
  readonly postedMinor: string;
};

const ACCOUNT = `account, kind, account_manager_id as "accountManagerId",
  pay_period as "payPeriod", pending_minor::text as "pendingMinor",
  posted_minor::text as "postedMinor"`;

/** Accounts that ever had an entry, a page by name. */
export async function accounts(
  sql: Sql,
  filter: Page & {
    readonly kind?: AccountKind;
    readonly accountManagerId?: string;
    readonly payPeriod?: string;
  } = {},
): Promise<{ readonly accounts: readonly Account[]; readonly next: string | null }> {
  const limit = limitOf(filter);
  const rows = await sql.query<Account>(
    `select ${ACCOUNT} from ledger_account
     where account > $1 and ($2::text is null or kind = $2)
       and ($3::text is null or account_manager_id = $3) and ($4::text is null or pay_period = $4)
     order by account limit $5`,
    [
      filter.after ?? '',
      filter.kind ?? null,
      filter.accountManagerId ?? null,
      filter.payPeriod ?? null,
      limit,
    ],
  );
  return { accounts: rows, next: rows.length === limit ? (rows.at(-1)?.account ?? null) : null };
}

export type Transaction = {
  readonly position: Position;
  readonly line: number;
  readonly eventId: string;
  readonly eventType: string;
  readonly batchId: string;
  readonly entries: readonly {
    readonly account: string;
    readonly phase: 'pending' | 'posted';
    readonly amountMinor: string; // positive: into the account
  }[];
};

export type TransactionFilter = Page & {
  /** At most one of these; none: every transaction. */
  readonly account?: string;
  readonly accountManagerId?: string;
  readonly batchId?: string;
};

type EntryRow = Omit<Transaction, 'entries'> & {
  readonly account: string;
  readonly pending: string;
  readonly posted: string;
};

/** Transactions in the order of the log, a page. */
export async function transactions(
  sql: Sql,
  filter: TransactionFilter = {},
): Promise<{ readonly transactions: readonly Transaction[]; readonly next: string | null }> {
  const limit = limitOf(filter);
  const { condition, value } = conditionOf(filter);
  const rows = await sql.query<EntryRow>(transactionsText(condition), [
    ...fromCursor(filter.after),
    limit,
    ...value,
  ]);
  const found: (Omit<Transaction, 'entries'> & { entries: Transaction['entries'][number][] })[] =
    [];
  for (const { account, pending, posted, ...of } of rows) {
    let last = found.at(-1);
    if (last?.position !== of.position || last.line !== of.line) {
      last = { ...of, entries: [] };
      found.push(last);
    }
    if (pending !== '0') last.entries.push({ account, phase: 'pending', amountMinor: pending });
    if (posted !== '0') last.entries.push({ account, phase: 'posted', amountMinor: posted });
  }
  const last = found.at(-1);
  const next = found.length === limit && last ? toCursor(last.position, last.line) : null;
  return { transactions: found, next };
}

function conditionOf({ account, accountManagerId, batchId }: TransactionFilter): {
  readonly condition: string;
  readonly value: readonly string[];
} {
  if (account !== undefined) return { condition: 'account = $4', value: [account] };
  if (accountManagerId !== undefined) {
    const own = 'select account from ledger_account where account_manager_id = $4';
    return { condition: `account = any (array(${own}))`, value: [accountManagerId] };
  }
  if (batchId !== undefined) {
    const own = 'select position from ledger_source where batch_id = $4 and position >= $1';
    return { condition: `position in (${own})`, value: [batchId] };
  }
  return { condition: 'true', value: [] };
}

/** The entries of the first $3 transactions after ($1, $2). */
export const transactionsText = (condition: string): string => `
  select e.position, e.line, s.event_id as "eventId", s.event_type as "eventType",
    s.batch_id as "batchId", e.account, e.pending_minor::text as pending,
    e.posted_minor::text as posted
  from (
    select distinct position, line from ledger_entry
    where (position, line) > ($1, $2::int) and ${condition}
    order by position, line limit $3
  ) t
  join ledger_entry e using (position, line)
  join ledger_source s using (position)
  order by e.position, e.line, e.posted_minor, e.pending_minor, e.account`;

export type TrialBalance = {
  readonly pendingMinor: string; // 0, or the ledger is wrong
  readonly postedMinor: string; // likewise
  readonly byKind: readonly {
    readonly kind: AccountKind;
    readonly accountCount: number;
    readonly pendingMinor: string;
    readonly postedMinor: string;
  }[];
  /** At most 100 that are posted below 0 and are neither `world` nor a receivable. */
  readonly wrongSide: readonly Account[];
};

export async function trialBalance(sql: Sql): Promise<TrialBalance> {
  const byKind = await sql.query<TrialBalance['byKind'][number]>(
    `select kind, count(*)::int as "accountCount", sum(pending_minor)::text as "pendingMinor",
       sum(posted_minor)::text as "postedMinor"
     from ledger_account group by kind order by kind`,
  );
  const wrongSide = await sql.query<Account>(
    `select ${ACCOUNT} from ledger_account
     where posted_minor < 0 and kind not in ('world', 'receivable') order by account limit 100`,
  );
  const sumOf = (amounts: readonly string[]): string =>
    String(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n));
  return {
    pendingMinor: sumOf(byKind.map(({ pendingMinor }) => pendingMinor)),
    postedMinor: sumOf(byKind.map(({ postedMinor }) => postedMinor)),
    byKind,
    wrongSide,
  };
}
