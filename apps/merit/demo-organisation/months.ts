import { addDays, dayOfWeek, daysOfPeriod } from '#kernel';

const HOLIDAYS = [
  '2025-10-01',
  '2025-10-02',
  '2025-10-03',
  '2025-10-06',
  '2025-10-07',
  '2025-10-08',
  '2026-01-01',
  '2026-01-02',
  '2026-02-16',
  '2026-02-17',
  '2026-02-18',
  '2026-02-19',
  '2026-02-20',
  '2026-02-23',
];
const WORKDAYS = ['2025-10-11', '2026-01-04', '2026-02-14', '2026-02-28'];

/** Days that differ from Monday-to-Friday. */
export const CALENDAR = [
  ...HOLIDAYS.map((date) => ({ date, kind: 'holiday' })),
  ...WORKDAYS.map((date) => ({ date, kind: 'workday' })),
] as const;

export type Month = {
  readonly index: number; // of the organisation's periods, from 0
  readonly period: string;
  readonly firstDay: string;
  readonly lastDay: string;
  readonly workdays: readonly string[]; // up to the last day on which anything is recorded
  readonly recordedOn: readonly string[]; // when figures of the month are reported
  readonly state: 'open' | 'published' | 'sealed';
};

const OFFSET = '+08:00';
const MINUTES_A_DAY = 1_440;

/** A local time; minutes beyond a day belong to the days after it. */
export function instantAt(date: string, minuteOfDay: number, second = 0): string {
  const day = addDays(date, Math.floor(minuteOfDay / MINUTES_A_DAY));
  const minute = minuteOfDay % MINUTES_A_DAY;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day}T${two(Math.floor(minute / 60))}:${two(minute % 60)}:${two(second)}${OFFSET}`;
}

/** Day `day` of the month that is `months` after a period. */
export function dayAfter(period: string, months: number, day: number): string {
  const [year, month] = period.split('-').map(Number) as [number, number];
  const count = year * 12 + month - 1 + months;
  const shifted = `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, '0')}`;
  return `${shifted}-${String(day).padStart(2, '0')}`;
}

function isWorkday(date: string): boolean {
  const exception = CALENDAR.find((day) => day.date === date);
  if (exception) return exception.kind === 'workday';
  return dayOfWeek(date) !== 0 && dayOfWeek(date) !== 6;
}

export type MonthOptions = {
  readonly firstPeriod: string;
  readonly periods: number;
  readonly openPeriods: number; // at the end: facts, but no close
  readonly unsealedPeriods: number; // before those: published, not yet paid
  readonly lastRecordedDay: number; // of the very last month
};

export function monthsOf(options: MonthOptions): readonly Month[] {
  return Array.from({ length: options.periods }, (_, index) => {
    const period = dayAfter(options.firstPeriod, index, 1).slice(0, 7);
    const { firstDay, lastDay } = daysOfPeriod(period);
    const fromEnd = options.periods - index;
    const state =
      fromEnd <= options.openPeriods
        ? 'open'
        : fromEnd <= options.openPeriods + options.unsealedPeriods
          ? 'published'
          : 'sealed';
    const isLast = fromEnd === 1;
    const cut = isLast ? Math.min(options.lastRecordedDay, Number(lastDay.slice(8))) : 31;
    const workdays: string[] = [];
    for (let day = firstDay; day <= lastDay && Number(day.slice(8)) <= cut; day = addDays(day, 1)) {
      if (isWorkday(day)) workdays.push(day);
    }
    const isCut = isLast && workdays.at(-1) !== undefined && cut < Number(lastDay.slice(8));
    const recordedOn = isCut
      ? workdays.slice(-3)
      : [1, 2, 3].map((day) => dayAfter(period, 1, day));
    return { index, period, firstDay, lastDay, workdays, recordedOn, state };
  });
}
