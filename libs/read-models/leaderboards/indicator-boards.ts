import type { Sql } from '#projections';
import type { BoardId, BoardLine } from './queries.js';

/**
 * A line of a board by one indicator: those who stand on the board and have a score in it, by the
 * rounded and then the exact score; `rank` is competition ranking on the rounded one.
 */
export type IndicatorBoardLine = BoardLine & {
  readonly indicatorId: string;
  readonly how: string;
};

type Row = {
  readonly accountManagerId: string;
  readonly score: string;
  readonly exact: string;
  readonly how: string;
  readonly provisional: boolean;
};

/** Up to so many people a board is read person by person, beyond by the index of the order. */
const SMALL_BOARD = 2_000;

const FIGURES = `s.account_manager_id as "accountManagerId", (-s.score)::text as score,
  s.exact::text as exact, s.how, b.provisional`;

/** The board's people are few: from them to their scores. */
const FROM_PEOPLE = `
  from board_entry b join indicator_standing s
    on s.account_manager_id = b.account_manager_id and s.period = b.period
      and s.scheme_id = b.scheme_id and s.indicator_id = $4
  where b.period = $1 and b.unit_id = $2 and b.scheme_id = $3`;

/** The board's people are many: in the order of the index, each one looked up on the board. */
const FROM_SCORES = `
  from indicator_standing s cross join lateral (
    select provisional from board_entry e
    where e.period = s.period and e.unit_id = $2 and e.scheme_id = s.scheme_id
      and e.account_manager_id = s.account_manager_id
    offset 0
  ) b
  where s.period = $1 and s.scheme_id = $3 and s.indicator_id = $4`;

async function rowsOfBoard(sql: Sql, { period, unitId, schemeId }: BoardId): Promise<string> {
  const [row] = await sql.query<{ count: number }>(
    `select coalesce(sum(count), 0)::integer as count from board_score_count
     where period = $1 and unit_id = $2 and scheme_id = $3`,
    [period, unitId, schemeId],
  );
  return (row?.count ?? 0) <= SMALL_BOARD ? FROM_PEOPLE : FROM_SCORES;
}

/** The first `limit` lines of a board by an indicator after `offset`. */
export async function indicatorPage(
  sql: Sql,
  board: BoardId,
  indicatorId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly IndicatorBoardLine[]> {
  const from = await rowsOfBoard(sql, board);
  const params = [board.period, board.unitId, board.schemeId, indicatorId];
  const rows = await sql.query<Row>(
    `select ${FIGURES} ${from}
     order by s.score, s.exact, s.account_manager_id limit $5 offset $6`,
    [...params, page.limit, page.offset],
  );
  const first = rows[0];
  if (!first) return [];
  let rank = page.offset === 0 ? 1 : 1 + (await countAbove(sql, from, params, first.score));
  return rows.map((row, index) => {
    const place = page.offset + index + 1;
    if (index > 0 && rows[index - 1]?.score !== row.score) rank = place;
    return toLine(board, indicatorId, row, { place, rank });
  });
}

/** One person's line of a board by an indicator; null when the person has no place there. */
export async function indicatorPlace(
  sql: Sql,
  board: BoardId,
  indicatorId: string,
  accountManagerId: string,
): Promise<IndicatorBoardLine | null> {
  const params = [board.period, board.unitId, board.schemeId, indicatorId];
  const [own] = await sql.query<Row>(
    `select ${FIGURES} ${FROM_PEOPLE} and b.account_manager_id = $5`,
    [...params, accountManagerId],
  );
  if (!own) return null;
  const from = await rowsOfBoard(sql, board);
  const above = await countAbove(sql, from, params, own.score);
  const [before] = await sql.query<{ count: number }>(
    `select count(*)::integer as count ${from} and s.score = -$5::numeric
       and (s.exact, s.account_manager_id) < ($6::numeric, $7)`,
    [...params, own.score, own.exact, accountManagerId],
  );
  const place = 1 + above + (before?.count ?? 0);
  return toLine(board, indicatorId, own, { place, rank: 1 + above });
}

async function countAbove(
  sql: Sql,
  from: string,
  params: readonly string[],
  score: string,
): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `select count(*)::integer as count ${from} and s.score < -$5::numeric`,
    [...params, score],
  );
  return row?.count ?? 0;
}

function toLine(
  board: BoardId,
  indicatorId: string,
  { accountManagerId, score, how, provisional }: Row,
  at: { readonly place: number; readonly rank: number },
): IndicatorBoardLine {
  const { period, unitId, schemeId } = board;
  return {
    period,
    unitId,
    schemeId,
    ...at,
    accountManagerId,
    score,
    provisional,
    indicatorId,
    how,
  };
}
