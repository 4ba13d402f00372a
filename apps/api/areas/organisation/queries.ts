import {
  calendarOf,
  type Delegation,
  delegations,
  type Organisation,
  teamPools,
  units,
} from '#read-models/organisation';
import { ORGANISATION_STREAM } from '#contexts/people';
import { compareCodePoints, DomainError } from '#kernel';
import { isWorkday } from '#rules';
import { withETag } from '../../answer-marks.js';
import { fromCursor, toCursor } from '../../cursor.js';
import { DateOn, Id, Period, WholeNumber } from '../../fields.js';
import { AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { type ReadQuery, readQuery, refuseUnlessReached } from '../../read-query.js';

export class CalendarQuery extends AnyQuery {
  @WholeNumber({ least: 1970, most: 9999, query: true }, { example: 2026 })
  year!: number;
}

export class TeamPoolsQuery extends PageQuery {
  @Period()
  period!: string;
}

export class DelegationsQuery extends PageQuery {
  @Id({ optional: true, example: 'approver-1', description: 'Who gave or got the right' })
  actorId?: string;

  @DateOn({ optional: true, example: '2026-07-03', description: 'In force on this day' })
  on?: string;
}

/**
 * A query on what `organisation-main` holds, tagged with that stream's revision. It is read before
 * the organisation: a command against it may find a newer one, never overwrite one unseen.
 */
function readTagged<Of extends AnyQuery, Result extends object>(
  query: (org: Organisation, params: Of) => Result,
): ReadQuery<Of, Result> {
  return readQuery(async ({ store, engine }, params) => {
    const position = await store.head();
    refuseUnlessReached(position, params.after);
    let revision = -1;
    const last = { direction: 'backward', maxCount: 1 } as const;
    for await (const events of store.readStream(ORGANISATION_STREAM, last)) {
      revision = events[0]?.revision ?? revision;
    }
    const org = await engine.organisation.current();
    return withETag({ position, ...query(org, params) }, revision);
  });
}

/** In the order in which they were first defined: parents before what is below them. */
export const readUnits = readTagged((org, page: PageQuery) => pageOf(units(org), page));

/** The year's exceptions, and what they leave of every month. */
export const readCalendar = readTagged((org, { year }: CalendarQuery) => {
  const calendar = calendarOf(org);
  const days: { date: string; kind: 'holiday' | 'workday' }[] = [];
  const months = Array.from({ length: 12 }, (_, at) => ({
    period: `${year}-${String(at + 1).padStart(2, '0')}`,
    workdays: 0,
  }));
  const day = new Date(Date.UTC(year, 0, 1));
  for (; day.getUTCFullYear() === year; day.setUTCDate(day.getUTCDate() + 1)) {
    const date = day.toISOString().slice(0, 10);
    const kind = calendar.get(date);
    if (kind !== undefined) days.push({ date, kind });
    const month = months[day.getUTCMonth()];
    if (month && isWorkday(date, calendar)) month.workdays += 1;
  }
  return { year, days, months };
});

/** Pools as publication shares or shared them, by unit. */
export const readTeamPools = readTagged((org, { period, ...page }: TeamPoolsQuery) => {
  const pools = [...teamPools(org, period)]
    .map(([unitId, amountMinor]) => ({ unitId, amountMinor }))
    .sort((a, b) => compareCodePoints(a.unitId, b.unitId));
  return { period, ...pageOf(pools, page) };
});

export const readDelegations = readTagged(
  (org, { actorId, on, ...page }: DelegationsQuery): PageOf<Delegation> => {
    const found = delegations(org).filter(({ fromActorId, toActorId, fromOn, untilOn }) => {
      const isAbout = actorId === undefined || fromActorId === actorId || toActorId === actorId;
      return isAbout && (on === undefined || (fromOn <= on && on <= untilOn));
    });
    return pageOf(found, page);
  },
);

/** Lists that only grow at their end, or are listed anew: an offset finds its place again. */
function pageOf<Item>(
  all: readonly Item[],
  { cursor, limit }: Pick<PageQuery, 'cursor' | 'limit'>,
): PageOf<Item> {
  const [offset] = cursor === undefined ? [0] : fromCursor(cursor, ['number']);
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new DomainError('malformed', { field: 'cursor' });
  }
  const end = offset + limit;
  return { items: all.slice(offset, end), next: end < all.length ? toCursor([end]) : null };
}
