import {
  calendarOf,
  type Delegation,
  delegations,
  teamPools,
  type Unit,
  units,
} from '#read-models/organisation';
import { compareCodePoints } from '#kernel';
import { isWorkday } from '#rules';
import { fromCursor, toCursor } from '../../cursor.js';
import { DateOn, Id, Period, WholeNumber } from '../../fields.js';
import { AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { readOrganisation } from '../../read-query.js';

export class CalendarQuery extends AnyQuery {
  @WholeNumber({ least: 1970, most: 9999, query: true }, { example: 2026 })
  year!: number;
}

export class TeamPoolsQuery extends AnyQuery {
  @Period()
  period!: string;
}

export class DelegationsQuery extends PageQuery {
  @Id({ optional: true, example: 'approver-1', description: 'Who gave or got the right' })
  actorId?: string;

  @DateOn({ optional: true, example: '2026-07-03', description: 'In force on this day' })
  on?: string;
}

export const readUnits = readOrganisation<AnyQuery, { readonly items: readonly Unit[] }>((org) => ({
  items: units(org),
}));

/** The year's exceptions, and what they leave of every month. */
export const readCalendar = readOrganisation((org, { year }: CalendarQuery) => {
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
export const readTeamPools = readOrganisation((org, { period }: TeamPoolsQuery) => ({
  period,
  items: [...teamPools(org, period)]
    .map(([unitId, amountMinor]) => ({ unitId, amountMinor }))
    .sort((a, b) => compareCodePoints(a.unitId, b.unitId)),
}));

export const readDelegations = readOrganisation(
  (org, { actorId, on, cursor, limit }: DelegationsQuery): PageOf<Delegation> => {
    const found = delegations(org).filter(({ fromActorId, toActorId, fromOn, untilOn }) => {
      const isAbout = actorId === undefined || fromActorId === actorId || toActorId === actorId;
      return isAbout && (on === undefined || (fromOn <= on && on <= untilOn));
    });
    const [offset] = cursor === undefined ? [0] : fromCursor(cursor, ['number']);
    const items = found.slice(offset, offset + limit);
    return { items, next: offset + limit < found.length ? toCursor([offset + limit]) : null };
  },
);
