import { dateOfDay, dayNumber, weekdayOfDay } from '#kernel';

/** A day that differs from Monday-to-Friday. */
export type CalendarDay = { readonly date: string; readonly kind: 'holiday' | 'workday' };

/** The calendar's exceptions by date; of several entries for one date the last holds. */
export type CalendarDays = ReadonlyMap<string, CalendarDay['kind']>;

/** One person's employment and absences against a span of days, all ends included. */
export type Employment = {
  readonly firstDay: string;
  readonly lastDay: string;
  readonly joinedOn: string;
  readonly leftOn: string | null;
  readonly absences: readonly { readonly from: string; readonly to: string }[];
};

const SATURDAY = 6;
const SUNDAY = 0;
/** No deadline of a scheme is longer (see `parseScheme`); a calendar full of holidays must end. */
const MAX_SEARCHED_DAYS = 100_000;

export function calendarDays(days: Iterable<CalendarDay>): CalendarDays {
  const byDate = new Map<string, CalendarDay['kind']>();
  for (const { date, kind } of days) byDate.set(date, kind);
  return byDate;
}

function isWorkdayNumber(day: number, calendar: CalendarDays): boolean {
  if (calendar.size > 0) {
    const exception = calendar.get(dateOfDay(day));
    if (exception) return exception === 'workday';
  }
  const weekday = weekdayOfDay(day);
  return weekday !== SATURDAY && weekday !== SUNDAY;
}

/** scoring: workdays are Monday to Friday, with the calendar's exceptions. */
export function isWorkday(date: string, calendar: CalendarDays): boolean {
  return isWorkdayNumber(dayNumber(date), calendar);
}

/** Workdays from `firstDay` to `lastDay`, both included. */
export function workdayCount(firstDay: string, lastDay: string, calendar: CalendarDays): number {
  const last = dayNumber(lastDay);
  let count = 0;
  for (let day = dayNumber(firstDay); day <= last; day += 1) {
    if (isWorkdayNumber(day, calendar)) count += 1;
  }
  return count;
}

/** scoring: the workdays in employment and outside absences; overlapping absences count once. */
export function eligibleDayCount(employment: Employment, calendar: CalendarDays): number {
  const present = presentDays(employment);
  let count = 0;
  for (let day = present.first; day <= present.last; day += 1) {
    if (!present.absent(day) && isWorkdayNumber(day, calendar)) count += 1;
  }
  return count;
}

/** The days of the span in employment, as day numbers, and which of them lie in an absence. */
export function presentDays(employment: Employment): {
  readonly first: number;
  readonly last: number;
  readonly absent: (day: number) => boolean;
} {
  const first = Math.max(dayNumber(employment.firstDay), dayNumber(employment.joinedOn));
  const lastOfSpan = dayNumber(employment.lastDay);
  const last =
    employment.leftOn === null ? lastOfSpan : Math.min(lastOfSpan, dayNumber(employment.leftOn));
  const absences = employment.absences.map(({ from, to }) => ({
    from: dayNumber(from),
    to: dayNumber(to),
  }));
  return {
    first,
    last,
    absent: (day) => absences.some(({ from, to }) => from <= day && day <= to),
  };
}

/** The `count`-th working day after a date; the date itself for 0. */
export function addWorkingDays(date: string, count: number, calendar: CalendarDays): string {
  const start = dayNumber(date);
  let left = count;
  for (let day = start; day < start + MAX_SEARCHED_DAYS; day += 1) {
    if (day > start && isWorkdayNumber(day, calendar)) left -= 1;
    if (left <= 0) return dateOfDay(day);
  }
  throw new RangeError(`no ${count} working days within ${MAX_SEARCHED_DAYS} days after ${date}`);
}
