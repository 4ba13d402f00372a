import type { Position } from '#event-store';
import type { Sql } from '#projections';
import { type AsOf, inEffectAsOf } from './as-of.js';
import { type ScoreRecord, toScoreRecord } from './queries.js';

export type PersonPeriodFilter = {
  readonly period: string | null; // null: every period
  readonly accountManagerIds: readonly string[] | null; // null: everybody's
};
export type PersonPeriodRange = {
  readonly after: { readonly accountManagerId: string; readonly period: string } | null;
  readonly limit: number;
};

const paramsOf = (
  { period, accountManagerIds }: PersonPeriodFilter,
  { after, limit }: PersonPeriodRange,
): readonly unknown[] => [
  period,
  accountManagerIds,
  after?.accountManagerId ?? '',
  after?.period ?? '',
  limit,
];

type Result = Parameters<typeof toScoreRecord>[0];

/** Current published results by account manager and period, after `after`; by the primary key. */
export async function scorePage(
  sql: Sql,
  filter: PersonPeriodFilter,
  page: PersonPeriodRange,
): Promise<readonly ScoreRecord[]> {
  const rows = await sql.query<{ body: string }>(
    `select distinct on (account_manager_id, period) account_manager_id, period, body
     from score_result
     where effective_position is not null
       and ($1::text is null or period = $1)
       and ($2::text[] is null or account_manager_id = any($2))
       and (account_manager_id, period) > ($3, $4)
     order by account_manager_id, period, version desc limit $5`,
    paramsOf(filter, page),
  );
  return rows.map(({ body }) => toScoreRecord(JSON.parse(body) as Result));
}

/** A result version in effect, as its event says it. */
export type ResultInEffect = {
  readonly eventId: string;
  readonly position: Position;
  readonly recordedAt: string;
  readonly result: Result;
};

/** As `scorePage`, the versions in effect as known then. */
export async function resultsAsOf(
  sql: Sql,
  filter: PersonPeriodFilter,
  page: PersonPeriodRange,
  asOf: AsOf,
): Promise<readonly ResultInEffect[]> {
  const { sql: inEffect, param } = inEffectAsOf(asOf, '$6');
  const rows = await sql.query<Omit<ResultInEffect, 'result'> & { readonly body: string }>(
    `select distinct on (r.account_manager_id, r.period) r.event_id as "eventId", r.position,
       r.recorded_at as "recordedAt", r.body
     from score_result r join score_cycle c on c.period = r.period
     where ($1::text is null or r.period = $1)
       and ($2::text[] is null or r.account_manager_id = any($2))
       and (r.account_manager_id, r.period) > ($3, $4) and ${inEffect}
     order by r.account_manager_id, r.period, r.version desc limit $5`,
    [...paramsOf(filter, page), param],
  );
  return rows.map(({ body, ...row }) => ({ ...row, result: JSON.parse(body) as Result }));
}

export async function scorePageAsOf(
  sql: Sql,
  filter: PersonPeriodFilter,
  page: PersonPeriodRange,
  asOf: AsOf,
): Promise<readonly ScoreRecord[]> {
  const found = await resultsAsOf(sql, filter, page, asOf);
  return found.map(({ result }) => toScoreRecord(result));
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
  filter: PersonPeriodFilter,
  page: PersonPeriodRange,
): Promise<readonly ProvisionalRecord[]> {
  const rows = await sql.query<Omit<ProvisionalRecord, 'body'> & { readonly body: string }>(
    `select account_manager_id as "accountManagerId", period, status, score::text as score, grade,
       body
     from provisional_score
     where ($1::text is null or period = $1)
       and ($2::text[] is null or account_manager_id = any($2))
       and (account_manager_id, period) > ($3, $4)
     order by account_manager_id, period limit $5`,
    paramsOf(filter, page),
  );
  return rows.map((row) => ({
    ...row,
    body: JSON.parse(row.body) as Readonly<Record<string, unknown>>,
  }));
}
