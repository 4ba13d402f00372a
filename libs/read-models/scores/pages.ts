import type { Sql } from '#projections';
import { type ScoreRecord, toScoreRecord } from './queries.js';

type Filter = { readonly period?: string; readonly accountManagerId?: string };
type Page = {
  readonly after: { readonly accountManagerId: string; readonly period: string } | null;
  readonly limit: number;
};

const paramsOf = (filter: Filter, { after, limit }: Page): readonly unknown[] => [
  filter.period ?? null,
  filter.accountManagerId ?? null,
  after?.accountManagerId ?? '',
  after?.period ?? '',
  limit,
];

/** Current published results by account manager and period, after `after`; by the primary key. */
export async function scorePage(
  sql: Sql,
  filter: Filter,
  page: Page,
): Promise<readonly ScoreRecord[]> {
  const rows = await sql.query<{ body: string }>(
    `select distinct on (account_manager_id, period) account_manager_id, period, body
     from score_result
     where effective_position is not null
       and ($1::text is null or period = $1) and ($2::text is null or account_manager_id = $2)
       and (account_manager_id, period) > ($3, $4)
     order by account_manager_id, period, version desc limit $5`,
    paramsOf(filter, page),
  );
  return rows.map(({ body }) =>
    toScoreRecord(JSON.parse(body) as Parameters<typeof toScoreRecord>[0]),
  );
}

/** What a score would be now, of a period that is not published: `body` as it was worked out. */
export type ProvisionalRecord = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly status: string;
  readonly score: string | null;
  readonly grade: string | null;
  readonly body: Readonly<Record<string, unknown>>;
};

/** Provisional scores by account manager and period, after `after`; by the primary key. */
export async function provisionalPage(
  sql: Sql,
  filter: Filter,
  page: Page,
): Promise<readonly ProvisionalRecord[]> {
  const rows = await sql.query<Omit<ProvisionalRecord, 'body'> & { readonly body: string }>(
    `select account_manager_id as "accountManagerId", period, status, score::text as score, grade,
       body
     from provisional_score
     where ($1::text is null or period = $1) and ($2::text is null or account_manager_id = $2)
       and (account_manager_id, period) > ($3, $4)
     order by account_manager_id, period limit $5`,
    paramsOf(filter, page),
  );
  return rows.map((row) => ({
    ...row,
    body: JSON.parse(row.body) as Readonly<Record<string, unknown>>,
  }));
}
