import { compareRationals, fromFractionText } from '#kernel';
import type { Sql } from '#projections';
import type { BoardId, BoardLine, IndicatorBoardLine } from '#read-models/leaderboards';
import { compareRankingKeys, competitionRanks, type RankingKey } from '#rules';
import { type AsOf, inEffectAsOf } from './as-of.js';

type Line = BoardLine | IndicatorBoardLine;

type Row = {
  readonly accountManagerId: string;
  readonly key: RankingKey;
  readonly exact: string | null; // of the indicator asked for
  readonly score: string | null;
  readonly how: string | null;
};

/**
 * A published board as it was known then: the results that were in effect, ranked anew. It reads
 * the results of the whole period (70,000 of them: about a second); boards of now do not.
 */
export async function boardAsOf(
  sql: Sql,
  { period, unitId, schemeId }: BoardId,
  indicatorId: string | null,
  asOf: AsOf,
): Promise<readonly Line[]> {
  const { sql: inEffect, param } = inEffectAsOf(asOf, '$2');
  const rows = await sql.query<Row>(
    `select v.account_manager_id as "accountManagerId", b.body -> 'rankingKey' as key,
       b.body #>> array['indicators', $5, 'exact'] as exact,
       b.body #>> array['indicators', $5, 'score'] as score,
       b.body #>> array['indicators', $5, 'how'] as how
     from (
       select distinct on (r.account_manager_id) r.account_manager_id, r.body
       from score_result r join score_cycle c on c.period = r.period
       where r.period = $1 and ${inEffect}
       order by r.account_manager_id, r.version desc
     ) v cross join lateral (select v.body::jsonb as body offset 0) b
     where jsonb_typeof(b.body -> 'rankingKey') = 'object' and b.body ->> 'schemeId' = $3
       and ($4 = '*' or b.body -> 'unitPath' ? $4)`,
    [period, param, schemeId, unitId, indicatorId ?? ''],
  );
  const board = { period, unitId, schemeId };
  return indicatorId === null ? byTotal(board, rows) : byIndicator(board, indicatorId, rows);
}

function byTotal(board: BoardId, rows: readonly Row[]): BoardLine[] {
  const ordered = rows.toSorted((a, b) => compareRankingKeys(a.key, b.key));
  const ranks = competitionRanks(ordered.map(({ key }) => key.score));
  return ordered.map(({ accountManagerId, key }, at) => ({
    ...board,
    place: at + 1,
    rank: ranks[at] ?? at + 1,
    accountManagerId,
    score: key.score,
    provisional: false,
  }));
}

function byIndicator(
  board: BoardId,
  indicatorId: string,
  rows: readonly Row[],
): IndicatorBoardLine[] {
  const scored = rows.flatMap(({ accountManagerId, exact, score, how }) =>
    exact === null || score === null || how === null
      ? []
      : [{ accountManagerId, exact: fromFractionText(exact), score, how }],
  );
  // By the exact score is by the rounded one first.
  scored.sort(
    (a, b) =>
      compareRationals(b.exact, a.exact) || (a.accountManagerId < b.accountManagerId ? -1 : 1),
  );
  const ranks = competitionRanks(scored.map(({ score }) => score));
  return scored.map(({ accountManagerId, score, how }, at) => ({
    ...board,
    place: at + 1,
    rank: ranks[at] ?? at + 1,
    accountManagerId,
    score,
    provisional: false,
    indicatorId,
    how,
  }));
}
