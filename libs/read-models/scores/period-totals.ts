import type { PublishedResult } from '#rules';
import type { Sql } from '#projections';

/** How many people of a unit an indicator stands how with. */
export type IndicatorCount = {
  readonly unitId: string; // their own
  readonly schemeId: string;
  readonly indicatorId: string;
  readonly how: string;
  readonly count: number;
};

/** Of a period that is not published its provisional rows, else its results as published. */
const BODIES = `
  select body::jsonb as body, status, grade, score from provisional_score where period = $1
  union all
  select body::jsonb, status, grade, score from score_result
  where period = $1 and version = 1 and effective_position is not null`;

/** Of everybody in the period, by unit, scheme and indicator. */
export async function indicatorCounts(
  sql: Sql,
  period: string,
): Promise<readonly IndicatorCount[]> {
  return sql.query<IndicatorCount>(
    `select b.body->'unitPath'->>0 as "unitId", b.body->>'schemeId' as "schemeId",
       i.key as "indicatorId", i.value->>'how' as how, count(*)::int as count
     from (${BODIES}) b cross join lateral jsonb_each(b.body->'indicators') i
     group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
    [period],
  );
}

/** How many people of a unit and a scheme version stand where. */
export type GradeCount = {
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly unitId: string;
  readonly status: string;
  readonly grade: string | null; // as it would be, or is, held
  readonly count: number;
};

export async function gradeCounts(sql: Sql, period: string): Promise<readonly GradeCount[]> {
  return sql.query<GradeCount>(
    `select b.body->>'schemeId' as "schemeId", (b.body->>'schemeVersion')::int as "schemeVersion",
       b.body->'unitPath'->>0 as "unitId", b.status, b.grade, count(*)::int as count
     from (${BODIES}) b group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`,
    [period],
  );
}

/** What the ceilings did at publication, once for each scheme version and unit. */
export type CeilingOutcomes = {
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly unitId: string;
  readonly ceilings: PublishedResult['ceilings'];
};

export async function ceilingOutcomes(
  sql: Sql,
  period: string,
): Promise<readonly CeilingOutcomes[]> {
  return sql.query<CeilingOutcomes>(
    `select distinct on (1, 2, 3) r.body->>'schemeId' as "schemeId",
       (r.body->>'schemeVersion')::int as "schemeVersion", r.body->'unitPath'->>0 as "unitId",
       r.body->'ceilings' as ceilings
     from (select body::jsonb as body from score_result
           where period = $1 and version = 1 and effective_position is not null) r
     order by 1, 2, 3`,
    [period],
  );
}

/** Units whose team pool somebody of the period shares. */
export async function unitsWithTeamShare(sql: Sql, period: string): Promise<readonly string[]> {
  const rows = await sql.query<{ id: string }>(
    `select distinct r.body->'teamShare'->>'unitId' as id
     from (select body::jsonb as body from score_result
           where period = $1 and version = 1 and effective_position is not null) r
     where r.body->'teamShare'->>'unitId' is not null`,
    [period],
  );
  return rows.map(({ id }) => id);
}

/** Results recorded so far, seen or not: how far a publication has come. */
export async function recordedResultCount(sql: Sql, period: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'select count(*)::int as count from score_result where period = $1 and version = 1',
    [period],
  );
  return row?.count ?? 0;
}
