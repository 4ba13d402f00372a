import { fromFractionText, type Rational } from '#kernel';
import { rowParameters, rowSource, type Sql, type TableColumns } from '#projections';
import type { IndicatorResult, RankingKey } from '#rules';

/** What stands on the boards for one person and period: the company's, and each unit's upwards. */
export type Standing = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly schemeId: string;
  readonly unitPath: readonly string[];
  readonly provisional: boolean;
  readonly key: RankingKey;
  readonly indicators: Readonly<Record<string, IndicatorResult>>;
};

export type PersonPeriod = { readonly accountManagerId: string; readonly period: string };

export const COMPANY = '*';

const ORDER_DECIMALS = 40n;

/**
 * Replaces the standings of the people and periods in `gone` by those in `standings`, and moves
 * the counts by the difference, in a fixed number of statements. Rows that stay as they are are
 * not written: of a fact's many rows most do not move. The counts are increments, so a person may
 * be in `gone` without having stood anywhere.
 */
export async function replaceStandings(
  sql: Sql,
  gone: readonly PersonPeriod[],
  standings: readonly Standing[],
): Promise<void> {
  const everybody = [...gone, ...standings];
  if (everybody.length === 0) return;
  const people = [
    everybody.map(({ accountManagerId }) => accountManagerId),
    everybody.map(({ period }) => period),
  ];
  const entries = rowParameters(ENTRY.columns, standings.flatMap(toEntries));
  await sql.query(REMOVE_ENTRIES, [...people, ...entries]);
  if (standings.length > 0) await sql.query(ADD_ENTRIES, entries);
  await sql.query('delete from board_score_count where count = 0');
  const indicators = rowParameters(INDICATOR.columns, standings.flatMap(toIndicators));
  await sql.query(REMOVE_INDICATORS, [...people, ...indicators]);
  if (standings.length > 0) await sql.query(ADD_INDICATORS, indicators);
}

type Row = Readonly<Record<string, string | boolean | null>>;
const ENTRY: TableColumns = {
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
};

const INDICATOR: TableColumns = {
  columns: {
    account_manager_id: 'text',
    period: 'text',
    scheme_id: 'text',
    indicator_id: 'text',
    score: 'numeric',
    exact: 'numeric',
    how: 'text',
    provisional: 'boolean',
  },
  key: ['account_manager_id', 'period', 'scheme_id', 'indicator_id'],
};

/** That a stored row `b` is a fresh one already. Its key by `=`, which alone can be hashed. */
const stays = ({ columns, key }: TableColumns): string =>
  Object.keys(columns)
    .map((name) => `fresh.${name} ${key.includes(name) ? '=' : 'is not distinct from'} b.${name}`)
    .join(' and ');

const names = ({ columns }: TableColumns): string => Object.keys(columns).join(', ');

const REMOVE_ENTRIES = `
  with gone as (
    delete from board_entry b
    using unnest($1::text[], $2::text[]) as k(account_manager_id, period)
    where b.account_manager_id = k.account_manager_id and b.period = k.period
      and not exists (select from ${rowSource(ENTRY.columns, 3)} as fresh where ${stays(ENTRY)})
    returning b.period, b.unit_id, b.scheme_id, b.score
  ), fewer as (
    select period, unit_id, scheme_id, score, count(*)::integer as count
    from gone group by period, unit_id, scheme_id, score
  )
  update board_score_count c set count = c.count - fewer.count from fewer
  where c.period = fewer.period and c.unit_id = fewer.unit_id
    and c.scheme_id = fewer.scheme_id and c.score = fewer.score`;

const ADD_ENTRIES = `
  with added as (
    insert into board_entry (${names(ENTRY)})
    select * from ${rowSource(ENTRY.columns, 1)} as fresh
    on conflict (period, unit_id, scheme_id, account_manager_id) do nothing
    returning period, unit_id, scheme_id, score
  )
  insert into board_score_count (period, unit_id, scheme_id, score, count)
  select period, unit_id, scheme_id, score, count(*)::integer from added
  group by period, unit_id, scheme_id, score
  on conflict (period, unit_id, scheme_id, score)
  do update set count = board_score_count.count + excluded.count`;

const REMOVE_INDICATORS = `
  delete from indicator_standing b
  using unnest($1::text[], $2::text[]) as k(account_manager_id, period)
  where b.account_manager_id = k.account_manager_id and b.period = k.period
    and not exists (
      select from ${rowSource(INDICATOR.columns, 3)} as fresh where ${stays(INDICATOR)}
    )`;

const ADD_INDICATORS = `
  insert into indicator_standing (${names(INDICATOR)})
  select * from ${rowSource(INDICATOR.columns, 1)} as fresh
  on conflict (account_manager_id, period, scheme_id, indicator_id) do nothing`;

function toEntries(standing: Standing): Row[] {
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

function toIndicators(standing: Standing): Row[] {
  const { accountManagerId, period, schemeId, indicators, provisional } = standing;
  return Object.entries(indicators).flatMap(([indicatorId, { exact, score, how }]) =>
    exact === null || score === null
      ? []
      : [
          {
            account_manager_id: accountManagerId,
            period,
            scheme_id: schemeId,
            indicator_id: indicatorId,
            score: negated(score),
            exact: cut(fromFractionText(exact).neg()),
            how,
            provisional,
          },
        ],
  );
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
