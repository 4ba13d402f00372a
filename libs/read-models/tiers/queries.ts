import type { Sql } from '#projections';
import type { PersonPeriodFilter, PersonPeriodRange } from '#read-models/scores';

/** Where a person stood in a period and what the period's result made of it. */
export type TierRecord = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly tier: number;
  readonly nextTier: number;
  readonly movement: string;
  readonly streak: number; // promotion streak after the period
  readonly promotionWithheld: readonly string[];
  readonly improvementPlanRequired: boolean;
};

type Row = {
  id: string;
  period: string;
  tier: number;
  next_tier: number;
  movement: string;
  streak: number;
  promotion_withheld: string;
  improvement_plan_required: boolean;
};

/** Published periods with everybody of their cohort, by period and account manager. */
export async function tierRecords(
  sql: Sql,
  filter: { readonly period?: string; readonly accountManagerId?: string } = {},
): Promise<readonly TierRecord[]> {
  const rows = await sql.query<Row>(
    `select account_manager_id as id, period, tier, next_tier, movement, streak,
       promotion_withheld, improvement_plan_required
     from tier_period
     where tier is not null and ($1::text is null or period = $1)
       and ($2::text is null or account_manager_id = $2)
     order by period, account_manager_id`,
    [filter.period ?? null, filter.accountManagerId ?? null],
  );
  return rows.map(toRecord);
}

/** Tier records by account manager and period, after `after`; by the primary key. */
export async function tierPage(
  sql: Sql,
  filter: PersonPeriodFilter,
  page: PersonPeriodRange,
): Promise<readonly TierRecord[]> {
  const rows = await sql.query<Row>(
    `select account_manager_id as id, period, tier, next_tier, movement, streak,
       promotion_withheld, improvement_plan_required
     from tier_period
     where tier is not null and ($1::text is null or period = $1)
       and ($2::text[] is null or account_manager_id = any($2))
       and (account_manager_id, period) > ($3, $4)
     order by account_manager_id, period limit $5`,
    [
      filter.period,
      filter.accountManagerIds,
      page.after?.accountManagerId ?? '',
      page.after?.period ?? '',
      page.limit,
    ],
  );
  return rows.map(toRecord);
}

function toRecord(row: Row): TierRecord {
  return {
    accountManagerId: row.id,
    period: row.period,
    tier: row.tier,
    nextTier: row.next_tier,
    movement: row.movement,
    streak: row.streak,
    promotionWithheld: JSON.parse(row.promotion_withheld) as string[],
    improvementPlanRequired: row.improvement_plan_required,
  };
}

/** The tier in force in a period, by account manager; people whose period is not published lack. */
export async function tiersInForce(
  sql: Sql,
  period: string,
  accountManagerIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.query<{ id: string; tier: number }>(
    `select account_manager_id as id, tier from tier_period
     where period = $1 and account_manager_id = any($2::text[]) and tier is not null`,
    [period, accountManagerIds],
  );
  return new Map(rows.map(({ id, tier }) => [id, tier]));
}
