import type { Sql } from '#projections';

export type ComplaintCase = {
  readonly complaintId: string;
  readonly accountManagerId: string;
  readonly customerId: string;
  readonly category: string;
  readonly raisedAt: string;
  readonly raisedKey: string;
  readonly decidedAt: string | null;
  readonly upheld: boolean | null;
  readonly period: string | null; // in which the decision counts
};

export type ComplaintFilter = {
  readonly accountManagerId?: string | undefined;
  readonly undecided: boolean;
  readonly notAbout: string; // the caller: nobody sees complaints about himself here
};

/** Complaints, the longest waiting first. */
export function complaintPage(
  sql: Sql,
  { accountManagerId, undecided, notAbout }: ComplaintFilter,
  { after, limit }: { readonly after: readonly [string, string]; readonly limit: number },
): Promise<readonly ComplaintCase[]> {
  const person = accountManagerId === undefined ? '' : 'and account_manager_id = $5';
  return sql.query<ComplaintCase>(
    `select complaint_id as "complaintId", account_manager_id as "accountManagerId",
       customer_id as "customerId", category, raised_at as "raisedAt", raised_key as "raisedKey",
       decided_at as "decidedAt", upheld, period
     from complaint_case
     where (raised_key, complaint_id) > ($1, $2) and account_manager_id <> $3
       ${person} ${undecided ? 'and decided_at is null' : ''}
     order by raised_key, complaint_id limit $4`,
    [...after, notAbout, limit, ...(accountManagerId === undefined ? [] : [accountManagerId])],
  );
}

export type SampleCase = {
  readonly sampleId: string;
  readonly accountManagerId: string;
  readonly period: string;
  readonly customerCount: number | null; // null until the frame is frozen
  readonly size: number | null; // null until the sample is drawn
};

/** Samples of a period, of everybody or one person, by id. */
export function samplePage(
  sql: Sql,
  filter: {
    readonly period: string;
    readonly accountManagerId?: string | undefined;
    readonly notAbout: string;
  },
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly SampleCase[]> {
  const { period, accountManagerId, notAbout } = filter;
  const person = accountManagerId === undefined ? '' : 'and account_manager_id = $5';
  return sql.query<SampleCase>(
    `select sample_id as "sampleId", account_manager_id as "accountManagerId", period,
       customer_count as "customerCount", size
     from feedback_sample
     where period = $1 and sample_id > $2 and account_manager_id <> $3 ${person}
     order by sample_id limit $4`,
    [period, after, notAbout, limit, ...(accountManagerId === undefined ? [] : [accountManagerId])],
  );
}
