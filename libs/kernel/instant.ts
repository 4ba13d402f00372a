/**
 * Instants are RFC 3339 texts with the offset that was given. They are compared as instants, not
 * as texts: exact also below the millisecond.
 */
const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const PERIOD = /^\d{4}-(0[1-9]|1[0-2])$/;

/** Nanoseconds below the millisecond are kept beside the epoch milliseconds. */
type Exact = { readonly epochMs: number; readonly nanos: number };

/** Parses an instant; null when the text is not one (also for a day or an hour that does not exist). */
function parseInstant(text: string): Exact | null {
  const match = INSTANT.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = '', offset = 'Z'] = match;
  if (!isDate(`${year}-${month}-${day}`)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const offsetMinutes = parseOffsetMinutes(offset);
  if (offsetMinutes === null) return null;
  const nanosOfSecond = Number(fraction.padEnd(9, '0'));
  const epochMs =
    Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    ) -
    offsetMinutes * 60_000 +
    Math.floor(nanosOfSecond / 1_000_000);
  return { epochMs, nanos: nanosOfSecond % 1_000_000 };
}

function parseOffsetMinutes(offset: string): number | null {
  if (offset === 'Z' || offset === 'z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(4, 6));
  if (hours > 23 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function exact(text: string): Exact {
  const parsed = parseInstant(text);
  if (!parsed) throw new TypeError(`not an RFC 3339 instant with offset: ${text}`);
  return parsed;
}

export function isInstant(text: string): boolean {
  return parseInstant(text) !== null;
}

/** Negative, zero or positive as `a` is before, at or after `b`. Throws TypeError on a bad text. */
export function compareInstants(a: string, b: string): number {
  const left = exact(a);
  const right = exact(b);
  return left.epochMs - right.epochMs || left.nanos - right.nanos;
}

export function isAfter(a: string, b: string): boolean {
  return compareInstants(a, b) > 0;
}

/** Milliseconds since 1970-01-01T00:00:00Z, cut to the millisecond. */
export function epochMsOf(instant: string): number {
  return exact(instant).epochMs;
}

/** A text that sorts by code point as the instants sort in time: UTC, nine decimals. */
export function instantSortKey(instant: string): string {
  const { epochMs, nanos } = exact(instant);
  return `${new Date(epochMs).toISOString().slice(0, -1)}${String(nanos).padStart(6, '0')}Z`;
}

/** Is the text an ISO date of a day that exists? */
export function isDate(text: string): boolean {
  const match = DATE.exec(text);
  if (!match) return false;
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  return date.getUTCMonth() === Number(match[2]) - 1 && date.getUTCDate() === Number(match[3]);
}

/** Is the text a period, `YYYY-MM`? */
export function isPeriod(text: string): boolean {
  return PERIOD.test(text);
}

/** First and last day of a period, ISO dates, both inside it. */
export function daysOfPeriod(period: string): {
  readonly firstDay: string;
  readonly lastDay: string;
} {
  const [year, month] = period.split('-').map(Number) as [number, number];
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return { firstDay: `${period}-01`, lastDay: `${period}-${String(last).padStart(2, '0')}` };
}

/** The day `days` after (before, when negative) an ISO date. */
export function addDays(date: string, days: number): string {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  return new Date(Date.UTC(year, month - 1, day + days)).toISOString().slice(0, 10);
}

/** 0 Sunday … 6 Saturday. */
export function dayOfWeek(date: string): number {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}
