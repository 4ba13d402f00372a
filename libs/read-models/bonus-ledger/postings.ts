import type { BatchLinesProposed, PaymentReturned, PaymentSettled } from '#contexts/bonus-batches';
import type { Position } from '#event-store';
import { insertRows, type Sql, upsertRows } from '#projections';
import { clearingAccount, paidAccount, payableAccount } from './accounts.js';

/** The postings of each event, set-based. Every function appends entries and changes none. */

export type At<Data> = { readonly position: Position; readonly data: Data };

const LINES = {
  columns: {
    batch_id: 'text',
    generation: 'integer',
    position: 'text',
    line: 'integer',
    account_manager_id: 'text',
    period: 'text',
    pay_period: 'text',
    kind: 'text',
    of_kind: 'text',
    reference: 'text',
    unit_id: 'text',
    amount_minor: 'numeric',
    cause: 'text',
  },
  key: ['batch_id', 'generation', 'position', 'line'],
} as const;

const MOVES_OF_LINE = `cross join lateral (values
    ('pool:' || l.unit_id || ':' || l.pay_period, -l.amount_minor),
    ('payable:' || l.account_manager_id || ':' || l.pay_period, l.amount_minor)
  ) as m(account, amount_minor)`;

/** Lines of one generation in canonical order, numbered over its parts. */
const NUMBERED_LINES = `(
    select *, row_number() over (order by position, line) as number from ledger_line
    where batch_id = $2 and generation = $3
  ) l`;

/** Ledger: a line proposed moves pool → payable, pending; one statement for any number of parts. */
export async function propose(
  sql: Sql,
  parts: readonly At<BatchLinesProposed['data']>[],
): Promise<void> {
  const rows = parts.flatMap(({ position, data }) =>
    data.lines.map((line, index) => ({
      batch_id: data.batchId,
      generation: data.generation,
      position,
      line: index + 1,
      account_manager_id: line.accountManagerId,
      period: line.period,
      pay_period: data.payPeriod,
      kind: line.kind,
      of_kind: line.of,
      reference: line.reference,
      unit_id: line.unitId,
      amount_minor: line.amountMinor,
      cause: line.cause,
    })),
  );
  await insertRows(sql, 'ledger_line', LINES, rows);
  await sql.query(
    `insert into ledger_entry (position, line, account, pending_minor, posted_minor)
     select l.position, l.line, m.account, m.amount_minor, 0
     from (select distinct * from unnest($1::text[], $2::int[]) as g(batch_id, generation)) g
     join ledger_line l using (batch_id, generation) ${MOVES_OF_LINE}
     where l.position >= $3 and l.position <= $4`,
    [
      parts.map(({ data }) => data.batchId),
      parts.map(({ data }) => data.generation),
      parts[0]?.position,
      parts.at(-1)?.position,
    ],
  );
}

/** Transactions of one position are numbered on from those that it has already. */
const AFTER_THE_LAST = '(select coalesce(max(line), 0) from ledger_entry where position = $1)';

/**
 * Ledger: pending becomes posted; `world` funds each pool by exactly the proposed sum of its unit.
 * Receivables are carried at the same position: with a negative net the person's payable would be
 * on the wrong side until the sealing. Of net N and receivable R (below 0: owed by the person) the
 * person is paid max(0, N + R), and min(0, N + R) stays.
 */
export async function approve(
  sql: Sql,
  position: Position,
  batchId: string,
  generation: number,
): Promise<void> {
  const params = [position, batchId, generation];
  await sql.query(
    `insert into ledger_entry (position, line, account, pending_minor, posted_minor)
     select $1, l.number, m.account, -m.amount_minor, m.amount_minor
     from ${NUMBERED_LINES} ${MOVES_OF_LINE}`,
    params,
  );
  await sql.query(
    `insert into ledger_entry (position, line, account, pending_minor, posted_minor)
     select $1, ${AFTER_THE_LAST} + f.number, m.account, 0, m.amount_minor
     from (
       select 'pool:' || unit_id || ':' || pay_period as pool, sum(amount_minor) as amount_minor,
         row_number() over (order by unit_id, pay_period) as number
       from ledger_line where batch_id = $2 and generation = $3 group by unit_id, pay_period
     ) f
     cross join lateral (values ('world', -f.amount_minor), (f.pool, f.amount_minor))
       as m(account, amount_minor)
     where f.amount_minor <> 0`,
    params,
  );
  await sql.query(
    `insert into ledger_due (batch_id, account_manager_id, net_minor, carry_minor, due_minor)
     select $1, p.id, p.net, p.carry, p.net + p.carry
     from (
       select n.id, n.net, greatest(-n.net, coalesce(a.posted_minor, 0)) as carry
       from (
         select account_manager_id as id, sum(amount_minor) as net from ledger_line
         where batch_id = $1 and generation = $2 group by account_manager_id
       ) n
       left join ledger_account a on a.account = 'receivable:' || n.id
     ) p`,
    [batchId, generation],
  );
  await sql.query(
    `insert into ledger_entry (position, line, account, pending_minor, posted_minor)
     select $1, ${AFTER_THE_LAST} + c.number, m.account, 0, m.amount_minor
     from (
       select d.account_manager_id as id, d.carry_minor, b.pay_period,
         row_number() over (order by d.account_manager_id) as number
       from ledger_due d
       cross join (
         select pay_period from ledger_line where batch_id = $2 and generation = $3 limit 1
       ) b
       where d.batch_id = $2 and d.carry_minor <> 0
     ) c
     cross join lateral (values
       ('receivable:' || c.id, -c.carry_minor),
       ('payable:' || c.id || ':' || c.pay_period, c.carry_minor)
     ) as m(account, amount_minor)`,
    params,
  );
}

/** Takes back what a generation has pending that was never approved. */
export async function reversePending(
  sql: Sql,
  position: Position,
  batchId: string,
  generation: number,
): Promise<void> {
  await sql.query(
    `insert into ledger_entry (position, line, account, pending_minor, posted_minor)
     select $1, l.number, m.account, -m.amount_minor, 0 from ${NUMBERED_LINES} ${MOVES_OF_LINE}`,
    [position, batchId, generation],
  );
}

/** Takes back what was posted at a position; what was pending there is not pending again. */
export async function reversePosted(
  sql: Sql,
  position: Position,
  reversedPosition: Position,
): Promise<void> {
  await sql.query(
    `insert into ledger_entry (position, line, account, pending_minor, posted_minor)
     select $1, ${AFTER_THE_LAST} + line, account, 0, -posted_minor from ledger_entry
     where position = $2 and posted_minor <> 0`,
    [position, reversedPosition],
  );
}

export async function forgetDues(sql: Sql, batchId: string): Promise<void> {
  await sql.query('delete from ledger_due where batch_id = $1', [batchId]);
}

/**
 * Ledger: payable → clearing, for the batch's people all that is payable to them: also what
 * payments of earlier batches brought back. What another batch has approved and not yet sealed is
 * left to that batch.
 */
export async function seal(
  sql: Sql,
  position: Position,
  batchId: string,
  otherApproved: readonly { readonly batchId: string; readonly payPeriod: string }[],
): Promise<void> {
  await sql.query(
    `insert into ledger_entry (position, line, account, pending_minor, posted_minor)
     select $1, s.number, m.account, 0, m.amount_minor
     from (
       select a.account, a.posted_minor - coalesce(o.reserved, 0) as amount_minor,
         row_number() over (order by a.account) as number
       from ledger_due d
       join ledger_account a on a.account_manager_id = d.account_manager_id
       left join (
         select 'payable:' || d.account_manager_id || ':' || b.pay_period as account,
           sum(d.net_minor + d.carry_minor) as reserved
         from unnest($3::text[], $4::text[]) as b(batch_id, pay_period)
         join ledger_due d using (batch_id) group by 1
       ) o on o.account = a.account
       where d.batch_id = $2 and a.kind = 'payable'
         and a.posted_minor > coalesce(o.reserved, 0)
     ) s
     cross join lateral (values
       (s.account, -s.amount_minor), ('clearing:' || $2, s.amount_minor)
     ) as m(account, amount_minor)`,
    [
      position,
      batchId,
      otherApproved.map((other) => other.batchId),
      otherApproved.map((other) => other.payPeriod),
    ],
  );
  await sql.query(
    `update ledger_due d set due_minor = s.due_minor
     from (
       select a.account_manager_id, -sum(e.posted_minor) as due_minor
       from ledger_entry e join ledger_account a using (account)
       where e.position = $1 and a.kind = 'payable' group by a.account_manager_id
     ) s
     where d.batch_id = $2 and d.account_manager_id = s.account_manager_id
       and d.due_minor <> s.due_minor`,
    [position, batchId],
  );
}

export type Payment = At<PaymentSettled['data'] | PaymentReturned['data']> & {
  readonly isReturn: boolean;
  readonly payPeriod: string;
};

type Paid = { settled: bigint; returned: bigint; returnedUnpaid: bigint };

const PAID = {
  columns: {
    batch_id: 'text',
    account_manager_id: 'text',
    settled_minor: 'numeric',
    returned_minor: 'numeric',
    returned_unpaid_minor: 'numeric',
  },
  key: ['batch_id', 'account_manager_id'],
} as const;

const ENTRIES = {
  columns: {
    position: 'text',
    line: 'integer',
    account: 'text',
    pending_minor: 'numeric',
    posted_minor: 'numeric',
  },
  key: ['position', 'line', 'account'],
} as const;

/**
 * Ledger: settled, clearing → paid; returned, paid → payable if it was settled, else clearing →
 * payable. A return comes whole out of one of them, as the batch's decider has it.
 */
export async function pay(sql: Sql, payments: readonly Payment[]): Promise<void> {
  const known = await readPaid(sql, payments);
  const entries: Record<string, unknown>[] = [];
  for (const { position, data, isReturn, payPeriod } of payments) {
    const { batchId, accountManagerId } = data;
    const amount = BigInt(data.amountMinor);
    const paid = known.get(keyOf(batchId, accountManagerId));
    if (!paid) throw new Error(`${position}: payment of ${batchId} was not read`);
    let from = clearingAccount(batchId);
    let to = paidAccount(payPeriod);
    if (isReturn) {
      to = payableAccount(accountManagerId, payPeriod);
      if (amount <= paid.settled - paid.returned) {
        from = paidAccount(payPeriod);
        paid.returned += amount;
      } else paid.returnedUnpaid += amount;
    } else paid.settled += amount;
    const entry = { position, line: 1, pending_minor: '0' };
    entries.push(
      { ...entry, account: from, posted_minor: -amount },
      { ...entry, account: to, posted_minor: amount },
    );
  }
  await insertRows(sql, 'ledger_entry', ENTRIES, entries);
  const rows = [...known].map(([key, { settled, returned, returnedUnpaid }]) => {
    const [batch_id, account_manager_id] = JSON.parse(key) as [string, string];
    return {
      batch_id,
      account_manager_id,
      settled_minor: settled,
      returned_minor: returned,
      returned_unpaid_minor: returnedUnpaid,
    };
  });
  await upsertRows(sql, 'ledger_due', PAID, rows);
}

const keyOf = (batchId: string, accountManagerId: string): string =>
  JSON.stringify([batchId, accountManagerId]);

async function readPaid(sql: Sql, payments: readonly Payment[]): Promise<Map<string, Paid>> {
  const known = new Map<string, Paid>();
  for (const { data } of payments) {
    const nothing = { settled: 0n, returned: 0n, returnedUnpaid: 0n };
    known.set(keyOf(data.batchId, data.accountManagerId), nothing);
  }
  const rows = await sql.query<{
    batch_id: string;
    id: string;
    settled: string;
    returned: string;
    returned_unpaid: string;
  }>(
    `select d.batch_id, d.account_manager_id as id, d.settled_minor::text as settled,
       d.returned_minor::text as returned, d.returned_unpaid_minor::text as returned_unpaid
     from (select distinct * from unnest($1::text[], $2::text[])
       as k(batch_id, account_manager_id)) k
     join ledger_due d using (batch_id, account_manager_id)`,
    [payments.map(({ data }) => data.batchId), payments.map(({ data }) => data.accountManagerId)],
  );
  for (const row of rows) {
    known.set(keyOf(row.batch_id, row.id), {
      settled: BigInt(row.settled),
      returned: BigInt(row.returned),
      returnedUnpaid: BigInt(row.returned_unpaid),
    });
  }
  return known;
}

/** Adds the entries between two positions, both included, to their accounts. */
export async function addToAccounts(sql: Sql, first: Position, last: Position): Promise<void> {
  await sql.query(ADD_TO_ACCOUNTS, [first, last]);
}

// The prefix of an account's name says its kind; a pay period is its last seven characters.
const ADD_TO_ACCOUNTS = `
  insert into ledger_account
    (account, kind, account_manager_id, pay_period, pending_minor, posted_minor)
  select account, kind,
    case kind
      when 'payable' then substr(account, 9, length(account) - 16)
      when 'receivable' then substr(account, 12)
    end,
    case when kind in ('pool', 'payable', 'paid') then right(account, 7) end,
    pending_minor, posted_minor
  from (
    select account, split_part(account, ':', 1) as kind,
      sum(pending_minor) as pending_minor, sum(posted_minor) as posted_minor
    from ledger_entry where position >= $1 and position <= $2 group by account
  ) e
  on conflict (account) do update set
    pending_minor = ledger_account.pending_minor + excluded.pending_minor,
    posted_minor = ledger_account.posted_minor + excluded.posted_minor`;
