import { IntersectionType } from '@nestjs/swagger';
import { DomainError } from '#kernel';
import type { Caller } from '#platform';
import type { Sql } from '#projections';
import {
  type BoardId,
  type BoardLine,
  boardPage,
  boardPlace,
  type IndicatorBoardLine,
  indicatorPage,
  indicatorPlace,
} from '#read-models/leaderboards';
import { type AsOf, boardAsOf } from '#read-models/scores';
import { asOfParams, AsOfPoint, malformed, StoredAsOf } from '../../as-of.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, Period, WholeNumber } from '../../fields.js';
import type { PersonPath } from '../../person-queries.js';
import { AnyQuery, DEFAULT_LIMIT, MAX_LIMIT, type PageOf, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, readQuery } from '../../read-query.js';
import { type BoardSight, boardSight, requireBoard, seesEveryBoard } from '../../sight.js';

/** Which board; `*` is the company. */
class WhichBoard extends AnyQuery {
  @Period()
  period!: string;

  @Id({ example: 'retail' })
  schemeId!: string;

  @Id({ optional: true, example: '*', description: '`*`, the default: the company' })
  unitId: string = '*';
}

export class BoardQuery extends WhichBoard {
  @Id({ optional: true, example: 'sales', description: 'By the score of this indicator alone' })
  indicator?: string;

  @AsOfPoint()
  asOf?: string;

  @StoredAsOf()
  storedAsOf?: string;
}

export class BoardPageQuery extends IntersectionType(BoardQuery, PageQuery) {}

export class BoardStreamQuery extends WhichBoard {
  @WholeNumber(
    { least: 1, most: MAX_LIMIT, query: true },
    { optional: true, example: DEFAULT_LIMIT, description: `Places; default ${DEFAULT_LIMIT}` },
  )
  limit: number = DEFAULT_LIMIT;
}

type By = { readonly caller: Caller };
export type Line = BoardLine | IndicatorBoardLine;

const SCORES = ['scores'];

/** A page of a board, as it stands or as a published one stood. */
export const readBoard = readQuery(async (system, params: BoardPageQuery & By) => {
  const { cursor, limit, after, caller } = params;
  const asOf = asOfParams(params);
  const offset = offsetOf(cursor);
  if (after !== undefined) await system.projections.waitFor(SCORES, after, AFTER_WAIT_MS);
  const sight = await sightOf(system, caller, params, asOf);
  const page = { offset, limit };
  const { result: items, position } = await system.projections.read(SCORES, (sql) =>
    asOf === null
      ? linesNow(sql, params, page)
      : boardAsOf(sql, params, params.indicator ?? null, asOf).then((lines) =>
          lines.slice(offset, offset + limit),
        ),
  );
  // The read model may be behind the organisation: its lines say what they are.
  if (sight === 'published' && items[0]?.provisional) {
    throw new DomainError('outside-authority', { period: params.period }, 'not published');
  }
  const next = items.length === limit ? toCursor([offset + limit]) : null;
  return { position, items, next } satisfies PageOf<Line> & { position: string };
});

async function sightOf(
  system: ApiSystem,
  caller: Caller,
  board: BoardId,
  asOf: AsOf | null,
): Promise<BoardSight> {
  if (seesEveryBoard(caller)) return 'all';
  const org = await system.engine.organisation.current();
  const sight = boardSight(org, caller, board.unitId);
  // What was known then is of published boards alone.
  if (asOf === null) requireBoard(org, sight, board);
  return sight;
}

function linesNow(
  sql: Sql,
  params: BoardId & { readonly indicator?: string },
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly Line[]> {
  const { indicator } = params;
  return indicator === undefined
    ? boardPage(sql, params, page)
    : indicatorPage(sql, params, indicator, page);
}

function offsetOf(cursor: string | undefined): number {
  const [offset] = cursor === undefined ? [0] : fromCursor(cursor, ['number']);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw malformed(['cursor'], 'is the cursor of no page');
}

/** One person's line. Account managers find their own on provisional boards, too. */
export const readPlace = readQuery(async (system, params: BoardQuery & PersonPath & By) => {
  const { accountManagerId, after, caller, indicator } = params;
  const asOf = asOfParams(params);
  if (after !== undefined) await system.projections.waitFor(SCORES, after, AFTER_WAIT_MS);
  const isOwn = caller.roles.includes('account-manager') && caller.id === accountManagerId;
  const sight = isOwn ? 'all' : await sightOf(system, caller, params, asOf);
  const { result: line, position } = await system.projections.read(
    SCORES,
    async (sql): Promise<Line | null> => {
      if (asOf !== null) {
        const lines = await boardAsOf(sql, params, indicator ?? null, asOf);
        return lines.find((one) => one.accountManagerId === accountManagerId) ?? null;
      }
      return indicator === undefined
        ? boardPlace(sql, params, accountManagerId)
        : indicatorPlace(sql, params, indicator, accountManagerId);
    },
  );
  if (!line) throw new DomainError('not-on-board', { accountManagerId });
  if (sight === 'published' && line.provisional) {
    throw new DomainError('outside-authority', { accountManagerId }, 'not published');
  }
  return { position, ...line };
});
