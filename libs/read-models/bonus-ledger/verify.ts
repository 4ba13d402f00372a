import type { Sql } from '#projections';

type Check = {
  /** Gives `faults`, how many, and the first as `position`, `subject` and `amount`. */
  readonly text: string;
  readonly says: (fault: Fault) => string;
};

type Fault = {
  readonly position: string | null;
  readonly subject: string;
  readonly amount: string | null;
  readonly faults: string;
};

const first = (faults: string): string =>
  `select position, subject, amount::text as amount, (count(*) over ())::text as faults
   from (${faults}) f order by position, subject limit 1`;

const RUNNING = `
  select account, position, sum(amount) over (partition by account order by position) as balance
  from (
    select account, position, sum(posted_minor) as amount from ledger_entry
    group by account, position
  ) m`;

const CHECKS: readonly Check[] = [
  {
    text: first(`
      select position, line::text as subject,
        case when sum(posted_minor) <> 0 then sum(posted_minor) else sum(pending_minor) end
          as amount
      from ledger_entry group by position, line
      having sum(posted_minor) <> 0 or sum(pending_minor) <> 0`),
    says: (f) => `transaction ${f.subject} of event ${f.position} sums to ${f.amount}`,
  },
  {
    text: first(`
      select position, account as subject, balance as amount from (${RUNNING}) r
      where balance < 0 and account <> 'world' and not starts_with(account, 'receivable:')`),
    says: (f) => `account ${f.subject} stands at ${f.amount} after event ${f.position}`,
  },
  {
    text: first(`
      select b.sealed_position as position, e.account as subject, sum(e.posted_minor) as amount
      from ledger_batch b
      join (select distinct batch_id, generation, account_manager_id as id from ledger_line) p
        using (batch_id, generation)
      join ledger_entry e on e.account = 'payable:' || p.id || ':' || b.pay_period
        and e.position <= b.sealed_position
      group by b.sealed_position, e.account having sum(e.posted_minor) <> 0`),
    says: (f) => `account ${f.subject} is left with ${f.amount} by the sealing at ${f.position}`,
  },
  {
    text: first(`
      select e.position, e.line::text as subject, null::numeric as amount
      from ledger_entry e left join ledger_source s using (position) where s.position is null`),
    says: (f) => `transaction ${f.subject} of event ${f.position} names an event that is not known`,
  },
  {
    text: first(`
      select null::text as position, account as subject,
        coalesce(a.posted_minor, 0) - coalesce(e.posted, 0) as amount
      from ledger_account a
      full join (
        select account, sum(posted_minor) as posted, sum(pending_minor) as pending
        from ledger_entry group by account
      ) e using (account)
      where a.posted_minor is distinct from e.posted
        or a.pending_minor is distinct from e.pending`),
    says: (f) => `account ${f.subject} is not the sum of its entries (posted: off by ${f.amount})`,
  },
  {
    text: first(`
      select b.sealed_position as position, b.batch_id as subject,
        coalesce(l.total, 0) as amount
      from ledger_batch b
      left join (
        select batch_id, generation, count(*) as lines, sum(amount_minor) as total
        from ledger_line group by batch_id, generation
      ) l using (batch_id, generation)
      where b.line_count <> coalesce(l.lines, 0) or b.sum_minor <> coalesce(l.total, 0)`),
    says: (f) => `batch ${f.subject} has lines of ${f.amount} and other control totals`,
  },
];

/**
 * Ledger: at every position of the log the trial balance is zero and no account but `world` and
 * `receivable` is on the wrong side; a payable ends at 0 when its batch is sealed. Also: accounts
 * are what their entries sum to, batches what their lines do. One sentence for each check that
 * fails, which names the first event or account; none when all hold. Reads the whole ledger.
 */
export async function verifyLedger(sql: Sql): Promise<readonly string[]> {
  const sentences: string[] = [];
  for (const { text, says } of CHECKS) {
    const [fault] = await sql.query<Fault>(text);
    if (!fault) continue;
    const more = Number(fault.faults) - 1;
    sentences.push(more > 0 ? `${says(fault)}, and ${more} more` : says(fault));
  }
  return sentences;
}
