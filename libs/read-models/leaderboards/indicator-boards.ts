import type { Sql } from '#projections';
import { COMPANY } from './entries.js';
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
  s.exact::text as exact, s.how, s.provisional`;

/** Everybody who has a row stands on the company's board of the scheme. */
const OF_COMPANY = `
  from indicator_standing s where s.period = $1 and s.scheme_id = $3 and s.indicator_id = $4
    and $2 = '*'`;

/** A board of few people: from them to their scores. */
const OF_FEW = `
  from board_entry b cross join lateral (
    select * from indicator_standing i
    where i.account_manager_id = b.account_manager_id and i.period = b.period
      and i.scheme_id = b.scheme_id and i.indicator_id = $4
    offset 0
  ) s
  where b.period = $1 and b.unit_id = $2 and b.scheme_id = $3`;

/** A page of a board of many: in the order of the index, until the page is full. */
const OF_MANY = `
  from indicator_standing s cross join lateral (
    select from board_entry e
    where e.period = s.period and e.unit_id = $2 and e.scheme_id = s.scheme_id
      and e.account_manager_id = s.account_manager_id
    offset 0
  ) b
  where s.period = $1 and s.scheme_id = $3 and s.indicator_id = $4`;

/** All of a board of many, to be counted: both sides are read once. */
const COUNT_OF_MANY = `
  from indicator_standing s join board_entry b
    on b.period = s.period and b.unit_id = $2 and b.scheme_id = s.scheme_id
      and b.account_manager_id = s.account_manager_id
  where s.period = $1 and s.scheme_id = $3 and s.indicator_id = $4`;

type Sources = { readonly page: string; readonly count: string };

async function sourcesOf(sql: Sql, { period, unitId, schemeId }: BoardId): Promise<Sources> {
  if (unitId === COMPANY) return { page: OF_COMPANY, count: OF_COMPANY };
  const [row] = await sql.query<{ count: number }>(
    `select coalesce(sum(count), 0)::integer as count from board_score_count
     where period = $1 and unit_id = $2 and scheme_id = $3`,
    [period, unitId, schemeId],
  );
  const isSmall = (row?.count ?? 0) <= SMALL_BOARD;
  return isSmall ? { page: OF_FEW, count: OF_FEW } : { page: OF_MANY, count: COUNT_OF_MANY };
}

/** The first `limit` lines of a board by an indicator after `offset`. */
export async function indicatorPage(
  sql: Sql,
  board: BoardId,
  indicatorId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly IndicatorBoardLine[]> {
  const { page: from, count } = await sourcesOf(sql, board);
  const params = [board.period, board.unitId, board.schemeId, indicatorId];
  const rows = await sql.query<Row>(
    `select ${FIGURES} ${from}
     order by s.score, s.exact, s.account_manager_id limit $5 offset $6`,
    [...params, page.limit, page.offset],
  );
  const first = rows[0];
  if (!first) return [];
  let rank = page.offset === 0 ? 1 : 1 + (await countAbove(sql, count, params, first.score));
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
  const [own] = await sql.query<Row>(`select ${FIGURES} ${OF_FEW} and b.account_manager_id = $5`, [
    ...params,
    accountManagerId,
  ]);
  if (!own) return null;
  const { count: from } = await sourcesOf(sql, board);
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
