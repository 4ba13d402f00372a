import { DomainError } from '#kernel';
import { type BoardLine, boardPage, boardPlace } from '#read-models/leaderboards';
import { employmentOf } from '#read-models/organisation';
import { provisionalPage, scorePage } from '#read-models/scores';
import { tierPage } from '#read-models/tiers';
import { traceScore } from '#read-models/trace';
import { fromCursor, toCursor } from '../../cursor.js';
import { AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { Id, Instant, Period } from '../../fields.js';
import { readModelQuery, readQuery } from '../../read-query.js';

export class BoardQuery extends AnyQuery {
  @Period()
  period!: string;

  @Id({ example: 'retail' })
  schemeId!: string;

  @Id({ optional: true, example: '*', description: '`*`, the default: the company' })
  unitId: string = '*';
}

export class BoardPageQuery extends PageQuery {
  @Period()
  period!: string;

  @Id({ example: 'retail' })
  schemeId!: string;

  @Id({ optional: true, example: '*', description: '`*`, the default: the company' })
  unitId: string = '*';
}

export class PersonPeriodPageQuery extends PageQuery {
  @Period({ optional: true })
  period?: string;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;
}

export class TraceQuery extends AnyQuery {
  @Instant({ optional: true, description: 'As recorded then' })
  asOf?: string;
}

export class PersonPath {
  @Id({ example: 'am-001' })
  accountManagerId!: string;
}

export class PersonPeriodPath extends PersonPath {
  @Period()
  period!: string;
}

export const readBoard = readModelQuery(
  ['scores'],
  async (sql, params: BoardPageQuery): Promise<PageOf<BoardLine>> => {
    const { cursor, limit } = params;
    const [offset] = cursor === undefined ? [0] : fromCursor(cursor, ['number']);
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new DomainError('malformed', { field: 'cursor' });
    }
    const items = await boardPage(sql, params, { offset, limit });
    return { items, next: items.length === limit ? toCursor([offset + limit]) : null };
  },
);

export const readPlace = readModelQuery(
  ['scores'],
  async (sql, params: BoardQuery & PersonPath): Promise<BoardLine> => {
    const { accountManagerId } = params;
    const line = await boardPlace(sql, params, accountManagerId);
    if (!line) throw new DomainError('not-on-board', { accountManagerId });
    return line;
  },
);

type PersonPeriod = { readonly accountManagerId: string; readonly period: string };

/** A page of what is kept by person and period, in that order. */
function personPeriodPage<Item extends PersonPeriod>(
  projection: string,
  page: (
    sql: Parameters<typeof scorePage>[0],
    filter: { readonly period?: string; readonly accountManagerId?: string },
    page: { readonly after: PersonPeriod | null; readonly limit: number },
  ) => Promise<readonly Item[]>,
) {
  return readModelQuery(
    [projection],
    async (sql, params: PersonPeriodPageQuery): Promise<PageOf<Item>> => {
      const { cursor, limit } = params;
      const items = await page(sql, params, { after: personPeriodOf(cursor), limit });
      const last = items.at(-1);
      const isLast = items.length < limit || !last;
      return { items, next: isLast ? null : toCursor([last.accountManagerId, last.period]) };
    },
  );
}

function personPeriodOf(cursor: string | undefined): PersonPeriod | null {
  if (cursor === undefined) return null;
  const [accountManagerId, period] = fromCursor(cursor, ['string', 'string']);
  return { accountManagerId, period };
}

export const readScores = personPeriodPage('scores', scorePage);
export const readProvisionalScores = personPeriodPage('scores', provisionalPage);
export const readTiers = personPeriodPage('tiers', tierPage);

/** From the log itself, which is never behind what this process has been told of it. */
export const readTrace = readQuery(
  async ({ store, engine, traceLog }, params: TraceQuery & PersonPeriodPath) => {
    const { accountManagerId, period, after, asOf } = params;
    if (after !== undefined && (await store.head()) < after) {
      throw new DomainError('projection-behind', { position: after });
    }
    const org = await engine.organisation.current();
    if (!employmentOf(org, accountManagerId)) {
      throw new DomainError('unknown-account-manager', { accountManagerId });
    }
    const end = asOf === undefined ? undefined : ({ kind: 'recorded', at: asOf } as const);
    const trace = await traceScore(traceLog, accountManagerId, period, end);
    return { position: trace.head, trace };
  },
);
