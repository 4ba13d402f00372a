import type { ResultCorrected, ResultPublished } from '#contexts/assessment';
import type { Position } from '#event-store';
import type { Sql } from '#projections';
import type { EarlierPublished } from '#rules';
import type { PersonPeriod } from './feed.js';

type Result = ResultPublished['data'] | ResultCorrected['data'];

export const personPeriodKey = ({ accountManagerId, period }: PersonPeriod): string =>
  `${period} ${accountManagerId}`;

/**
 * By person and period, the latest earlier published result: as it stands, or as it stood before
 * the position `before` (a publication looks at what was in effect when it started).
 */
export async function earlierResults(
  sql: Sql,
  pairs: readonly PersonPeriod[],
  before?: Position,
): Promise<ReadonlyMap<string, EarlierPublished>> {
  const earlier = new Map<string, EarlierPublished>();
  if (pairs.length === 0) return earlier;
  const rows = await sql.query<{ id: string; period: string; version: number; body: string }>(
    `select k.id, k.period, r.version, r.body
     from unnest($1::text[], $2::text[]) as k(id, period)
     cross join lateral (
       select version, body from score_result
       where account_manager_id = k.id and period < k.period and status = 'published'
         and effective_position is not null
         and ($3::text is null or effective_position < $3)
       order by period desc, version desc limit 1
     ) r`,
    [
      pairs.map(({ accountManagerId }) => accountManagerId),
      pairs.map(({ period }) => period),
      before ?? null,
    ],
  );
  for (const { id, period, version, body } of rows) {
    const { score, status, indicators, period: ofPeriod } = JSON.parse(body) as Result;
    earlier.set(personPeriodKey({ accountManagerId: id, period }), {
      resultVersion: version,
      result: { period: ofPeriod, status, score, indicators },
    });
  }
  return earlier;
}

/** A current result as the export shows it. */
export type ScoreRecord = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly status: string;
  readonly resultVersion: number;
  readonly eligibleDays: number;
  readonly workdays: number;
  readonly indicators: Readonly<Record<string, { score: string | null; how: string }>>;
  readonly score: string | null;
  readonly grade: string | null;
  readonly ceilingApplied: boolean;
};

/** The current results of published periods, by period and account manager. */
export async function scoreRecords(
  sql: Sql,
  filter: { readonly period?: string; readonly accountManagerId?: string } = {},
): Promise<readonly ScoreRecord[]> {
  const rows = await sql.query<{ body: string }>(
    `select body from (
       select distinct on (period, account_manager_id) period, account_manager_id, body
       from score_result
       where effective_position is not null
         and ($1::text is null or period = $1)
         and ($2::text is null or account_manager_id = $2)
       order by period, account_manager_id, version desc
     ) current order by period, account_manager_id`,
    [filter.period ?? null, filter.accountManagerId ?? null],
  );
  return rows.map(({ body }) => toScoreRecord(JSON.parse(body) as Result));
}

export function toScoreRecord(result: Result): ScoreRecord {
  const indicators = Object.fromEntries(
    Object.entries(result.indicators).map(([id, { score, how }]) => [id, { score, how }]),
  );
  return {
    accountManagerId: result.accountManagerId,
    period: result.period,
    schemeId: result.schemeId,
    schemeVersion: result.schemeVersion,
    status: result.status,
    resultVersion: result.resultVersion,
    eligibleDays: result.eligibleDays,
    workdays: result.workdays,
    indicators,
    score: result.score,
    grade: result.grade,
    ceilingApplied: result.ceilingApplied,
  };
}
