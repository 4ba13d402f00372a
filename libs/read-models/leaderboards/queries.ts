import type { Sql } from '#projections';
import { compareRankingKeys, type RankingKey } from '#rules';

/** One line of a board. `place` follows the ranking order, `rank` is competition ranking. */
export type BoardLine = {
  readonly period: string;
  readonly unitId: string;
  readonly schemeId: string;
  readonly place: number;
  readonly rank: number;
  readonly accountManagerId: string;
  readonly score: string;
  readonly provisional: boolean;
};

export type BoardId = {
  readonly period: string;
  readonly unitId: string; // `*`: the company
  readonly schemeId: string;
};

type Row = {
  period: string;
  unit_id: string;
  scheme_id: string;
  account_manager_id: string;
  provisional: boolean;
  score: string;
  deducted: string;
  earlier_score: string | null;
  hash: string;
  heaviest_exact: string | null;
  feedback_exact: string | null;
};

const FIGURES = `period, unit_id, scheme_id, account_manager_id, provisional,
  (-score)::text as score, deducted::text, (-earlier_score)::text as earlier_score, hash,
  heaviest_exact, feedback_exact`;

/** Qualified: an output column of the same name, a text, would sort before the table's own. */
const ORDER = 'b.score, b.heaviest, b.feedback, b.deducted, b.earlier_score, b.hash';

/** Every line of the boards, sorted by period, unit, scheme and place. */
export async function boardLines(
  sql: Sql,
  filter: { readonly period?: string; readonly provisional: boolean },
): Promise<readonly BoardLine[]> {
  const rows = await sql.query<Row>(
    `select ${FIGURES} from board_entry b
     where provisional = $1 and ($2::text is null or period = $2)
     order by period, unit_id, scheme_id, ${ORDER}`,
    [filter.provisional, filter.period ?? null],
  );
  const lines: BoardLine[] = [];
  for (let from = 0; from < rows.length;) {
    const first = rows[from] as Row;
    let to = from;
    while (to < rows.length && sameBoard(rows[to] as Row, first)) to += 1;
    lines.push(...toLines(rows.slice(from, to), { place: 1, rank: 1 }));
    from = to;
  }
  return lines;
}

/** The first `limit` lines of a board after `offset`, by the index of the ranking order. */
export async function boardPage(
  sql: Sql,
  board: BoardId,
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly BoardLine[]> {
  const rows = await sql.query<Row>(
    `select ${FIGURES} from board_entry b
     where period = $1 and unit_id = $2 and scheme_id = $3 order by ${ORDER} limit $4 offset $5`,
    [board.period, board.unitId, board.schemeId, page.limit, page.offset],
  );
  const first = rows[0];
  if (!first) return [];
  const rank = page.offset === 0 ? 1 : await rankOf(sql, board, first.score);
  return toLines(rows, { place: page.offset + 1, rank });
}

/** One person's line of a board; null when the person is not on it. */
export async function boardPlace(
  sql: Sql,
  board: BoardId,
  accountManagerId: string,
): Promise<BoardLine | null> {
  const lines = await boardPlaces(sql, board, [accountManagerId]);
  return lines.get(accountManagerId) ?? null;
}

/** Their lines of a board, in three statements; who is not on it lacks. */
export async function boardPlaces(
  sql: Sql,
  board: BoardId,
  accountManagerIds: readonly string[],
): Promise<ReadonlyMap<string, BoardLine>> {
  const lines = new Map<string, BoardLine>();
  if (accountManagerIds.length === 0) return lines;
  const params = [board.period, board.unitId, board.schemeId];
  const ranks = await sql.query<{ score: string; rank: string }>(
    `select (-c.score)::text as score, 1 + (
       select coalesce(sum(a.count), 0) from board_score_count a
       where a.period = $1 and a.unit_id = $2 and a.scheme_id = $3 and a.score < c.score
     )::bigint as rank
     from (
       select distinct score from board_entry
       where period = $1 and unit_id = $2 and scheme_id = $3
         and account_manager_id = any($4::text[])
     ) c`,
    [...params, accountManagerIds],
  );
  if (ranks.length === 0) return lines;
  const equals = await sql.query<Row>(
    `select ${FIGURES} from board_entry b where period = $1 and unit_id = $2 and scheme_id = $3
     and b.score = any($4::numeric[]) order by ${ORDER}`,
    // Stored negated. As an array it is a condition of the index, as a subquery it was not.
    [...params, ranks.map(({ score }) => `-${score}`)],
  );
  const rowsByScore = new Map<string, Row[]>(ranks.map(({ score }) => [score, []]));
  for (const row of equals) rowsByScore.get(row.score)?.push(row);
  const wanted = new Set(accountManagerIds);
  for (const { score, rank } of ranks) {
    const start = { place: Number(rank), rank: Number(rank) };
    for (const line of toLines(rowsByScore.get(score) ?? [], start)) {
      if (wanted.has(line.accountManagerId)) lines.set(line.accountManagerId, line);
    }
  }
  return lines;
}

async function rankOf(sql: Sql, board: BoardId, score: string): Promise<number> {
  const [row] = await sql.query<{ above: string }>(
    `select coalesce(sum(count), 0)::text as above from board_score_count
     where period = $1 and unit_id = $2 and scheme_id = $3 and score < -$4::numeric`,
    [board.period, board.unitId, board.schemeId, score],
  );
  return 1 + Number(row?.above ?? 0);
}

function sameBoard(a: Row, b: Row): boolean {
  return a.period === b.period && a.unit_id === b.unit_id && a.scheme_id === b.scheme_id;
}

/**
 * Rows of one board in the database's order; exact figures that tie in 40 decimals are compared.
 */
function toLines(
  rows: readonly Row[],
  start: { readonly place: number; readonly rank: number },
): BoardLine[] {
  const ordered = rows
    .map((row) => ({ row, key: toKey(row) }))
    .sort((a, b) => compareRankingKeys(a.key, b.key, { withHash: true }));
  let rank = start.rank;
  return ordered.map(({ row }, index) => {
    const previous = ordered[index - 1]?.row;
    if (previous && previous.score !== row.score) rank = start.place + index;
    return {
      period: row.period,
      unitId: row.unit_id,
      schemeId: row.scheme_id,
      place: start.place + index,
      rank,
      accountManagerId: row.account_manager_id,
      score: row.score,
      provisional: row.provisional,
    };
  });
}

function toKey(row: Row): RankingKey {
  return {
    score: row.score,
    heaviest: row.heaviest_exact,
    feedback: row.feedback_exact,
    deducted: row.deducted,
    earlierScore: row.earlier_score,
    hash: row.hash,
  };
}
