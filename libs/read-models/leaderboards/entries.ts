import { fromFractionText, type Rational } from '#kernel';
import { type Sql, upsertRows } from '#projections';
import type { RankingKey } from '#rules';

/** What stands on the boards for one person and period: the company's, and each unit's upwards. */
export type Standing = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly schemeId: string;
  readonly unitPath: readonly string[];
  readonly provisional: boolean;
  readonly key: RankingKey;
};

export type PersonPeriod = { readonly accountManagerId: string; readonly period: string };

export const COMPANY = '*';

const ORDER_DECIMALS = 40n;

/**
 * Replaces the standings of the people and periods in `gone` by those in `standings`, and moves
 * the counts by the difference, in a fixed number of statements. The counts are increments, so a
 * person may be in `gone` without having stood anywhere.
 */
export async function replaceStandings(
  sql: Sql,
  gone: readonly PersonPeriod[],
  standings: readonly Standing[],
): Promise<void> {
  if (gone.length > 0) {
    await sql.query(REMOVE, [
      gone.map(({ accountManagerId }) => accountManagerId),
      gone.map(({ period }) => period),
    ]);
  }
  if (standings.length > 0) {
    await upsertRows(sql, 'board_entry', ENTRY_COLUMNS, standings.flatMap(toRows));
    await sql.query(COUNT_UP, [
      standings.map(({ accountManagerId }) => accountManagerId),
      standings.map(({ period }) => period),
    ]);
  }
  if (gone.length > 0) await sql.query('delete from board_score_count where count = 0');
}

const ENTRY_COLUMNS = {
  columns: {
    period: 'text',
    unit_id: 'text',
    scheme_id: 'text',
    account_manager_id: 'text',
    provisional: 'boolean',
    score: 'numeric',
    heaviest: 'numeric',
    feedback: 'numeric',
    deducted: 'numeric',
    earlier_score: 'numeric',
    hash: 'text',
    heaviest_exact: 'text',
    feedback_exact: 'text',
  },
  key: ['period', 'unit_id', 'scheme_id', 'account_manager_id'],
} as const;

const REMOVE = `
  with gone as (
    delete from board_entry b
    using unnest($1::text[], $2::text[]) as k(account_manager_id, period)
    where b.account_manager_id = k.account_manager_id and b.period = k.period
    returning b.period, b.unit_id, b.scheme_id, b.score
  ), fewer as (
    select period, unit_id, scheme_id, score, count(*)::integer as count
    from gone group by period, unit_id, scheme_id, score
  )
  update board_score_count c set count = c.count - fewer.count from fewer
  where c.period = fewer.period and c.unit_id = fewer.unit_id
    and c.scheme_id = fewer.scheme_id and c.score = fewer.score`;

const COUNT_UP = `
  insert into board_score_count (period, unit_id, scheme_id, score, count)
  select b.period, b.unit_id, b.scheme_id, b.score, count(*)::integer
  from unnest($1::text[], $2::text[]) as k(account_manager_id, period)
  join board_entry b using (account_manager_id, period)
  group by b.period, b.unit_id, b.scheme_id, b.score
  on conflict (period, unit_id, scheme_id, score)
  do update set count = board_score_count.count + excluded.count`;

function toRows(standing: Standing): Record<string, unknown>[] {
  const { key } = standing;
  const row = {
    period: standing.period,
    scheme_id: standing.schemeId,
    account_manager_id: standing.accountManagerId,
    provisional: standing.provisional,
    score: negated(key.score),
    heaviest: key.heaviest === null ? null : cut(fromFractionText(key.heaviest).neg()),
    feedback: key.feedback === null ? null : cut(fromFractionText(key.feedback).neg()),
    deducted: key.deducted,
    earlier_score: key.earlierScore === null ? null : negated(key.earlierScore),
    hash: key.hash,
    heaviest_exact: key.heaviest,
    feedback_exact: key.feedback,
  };
  return [COMPANY, ...standing.unitPath].map((unitId) => ({ ...row, unit_id: unitId }));
}

/** A rounded figure with its sign turned, so that one rising index serves the ranking order. */
function negated(figure: string): string {
  if (figure.startsWith('-')) return figure.slice(1);
  return /[1-9]/.test(figure) ? `-${figure}` : figure;
}

/** The first 40 decimals of an exact figure, towards zero. */
function cut(value: Rational): string {
  const units = (value.n * 10n ** ORDER_DECIMALS) / value.d;
  const digits = units.toString().padStart(Number(ORDER_DECIMALS) + 1, '0');
  const point = digits.length - Number(ORDER_DECIMALS);
  const sign = value.s < 0n && units !== 0n ? '-' : '';
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
