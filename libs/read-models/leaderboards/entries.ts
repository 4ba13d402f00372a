import { fromFractionText, type Rational } from '#kernel';
import {
  deleteRows,
  rowParameters,
  rowSource,
  type Sql,
  type TableColumns,
  upsertRows,
} from '#projections';
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
 * the counts by the difference, in a fixed number of statements. What stands is read first and rows
 * that stay as they are are not written: of a fact's many rows most do not move, and comparing in
 * the database would hang on what its planner believes of arrays. A person may be in `gone` without
 * having stood anywhere.
 */
export async function replaceStandings(
  sql: Sql,
  gone: readonly PersonPeriod[],
  standings: readonly Standing[],
): Promise<void> {
  const everybody = [...gone, ...standings];
  if (everybody.length === 0) return;
  const stored = await sql.query<{ entry: boolean; row: string }>(STORED, [
    everybody.map(({ accountManagerId }) => accountManagerId),
    everybody.map(({ period }) => period),
  ]);
  const rowsOf = (wanted: boolean): readonly Cell[][] =>
    stored.flatMap(({ entry, row }) => (entry === wanted ? [JSON.parse(row) as Cell[]] : []));
  await writeEntries(sql, movesOf(ENTRY, rowsOf(true), standings.flatMap(toEntries)));
  await writeIndicators(sql, movesOf(INDICATOR, rowsOf(false), standings.flatMap(toIndicators)));
}

type Cell = string | boolean | null;
type Row = Readonly<Record<string, Cell>>;

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

const COUNT: TableColumns = {
  columns: {
    period: 'text',
    unit_id: 'text',
    scheme_id: 'text',
    score: 'numeric',
    count: 'integer',
  },
  key: ['period', 'unit_id', 'scheme_id', 'score'],
};

/** A stored row as JSON, numerics as the texts that they were written with. */
const asJson = ({ columns }: TableColumns): string =>
  `json_build_array(${Object.entries(columns)
    .map(([name, type]) => (type === 'numeric' ? `b.${name}::text` : `b.${name}`))
    .join(', ')})::text`;

/** By the index of the person, whatever the statistics say. */
const storedIn = (table: string, shape: TableColumns): string =>
  `select ${table === 'board_entry'} as entry, ${asJson(shape)} as row
   from people k cross join lateral (
     select * from ${table} t
     where t.account_manager_id = k.account_manager_id and t.period = k.period offset 0
   ) b`;

const STORED = `
  with people as (
    select distinct * from unnest($1::text[], $2::text[]) as k(account_manager_id, period)
  )
  ${storedIn('board_entry', ENTRY)}
  union all
  ${storedIn('indicator_standing', INDICATOR)}`;

type Moves = {
  readonly gone: readonly Row[]; // the keys of those that no fresh row replaces, and their figures
  readonly replaced: readonly Row[]; // as they stood
  readonly written: readonly Row[];
};

/** What has to be done so that the fresh rows stand where the stored ones do. */
function movesOf(
  { columns, key }: TableColumns,
  stored: readonly (readonly Cell[])[],
  fresh: readonly Row[],
): Moves {
  const names = Object.keys(columns);
  const keyOf = (row: Row): string => JSON.stringify(key.map((name) => row[name] ?? null));
  const textOf = (row: Row): string => JSON.stringify(names.map((name) => row[name] ?? null));
  const standing = new Map<string, Row>();
  for (const cells of stored) {
    const row = Object.fromEntries(names.map((name, at) => [name, cells[at] ?? null]));
    standing.set(keyOf(row), row);
  }
  const replaced: Row[] = [];
  const written = fresh.filter((row) => {
    const before = standing.get(keyOf(row));
    standing.delete(keyOf(row));
    if (before && textOf(before) === textOf(row)) return false;
    if (before) replaced.push(before);
    return true;
  });
  return { gone: [...standing.values()], replaced, written };
}

async function writeEntries(sql: Sql, { gone, replaced, written }: Moves): Promise<void> {
  await deleteRows(sql, 'board_entry', ENTRY, gone);
  await upsertRows(sql, 'board_entry', ENTRY, written);
  const counts = new Map<string, { readonly row: Row; count: number }>();
  const count = (rows: readonly Row[], by: 1 | -1): void => {
    for (const row of rows) {
      const key = JSON.stringify([row['period'], row['unit_id'], row['scheme_id'], row['score']]);
      const entry = counts.get(key) ?? { row, count: 0 };
      entry.count += by;
      counts.set(key, entry);
    }
  };
  count(gone, -1);
  count(replaced, -1);
  count(written, 1);
  const moved = [...counts.values()].filter((entry) => entry.count !== 0);
  if (moved.length === 0) return;
  const rows = moved.map((entry) => ({ ...entry.row, count: String(entry.count) }));
  await sql.query(MOVE_COUNTS, rowParameters(COUNT.columns, rows));
  if (moved.some((entry) => entry.count < 0)) {
    await sql.query('delete from board_score_count where count = 0');
  }
}

const MOVE_COUNTS = `
  insert into board_score_count (${Object.keys(COUNT.columns).join(', ')})
  select * from ${rowSource(COUNT.columns, 1)} as moved
  on conflict (${COUNT.key.join(', ')})
  do update set count = board_score_count.count + excluded.count`;

async function writeIndicators(sql: Sql, { gone, written }: Moves): Promise<void> {
  await deleteRows(sql, 'indicator_standing', INDICATOR, gone);
  await upsertRows(sql, 'indicator_standing', INDICATOR, written);
}

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
