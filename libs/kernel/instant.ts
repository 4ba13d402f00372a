/**
 * Instants are RFC 3339 texts with the offset that was given. They are compared as instants, not
 * as texts: exact also below the millisecond.
 */
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const PERIOD = /^\d{4}-(0[1-9]|1[0-2])$/;
const DATE_LENGTH = 'YYYY-MM-DD'.length;
const DAY_MS = 86_400_000;
const ZERO_DIGIT = 48;
const HYPHEN = 45;
const POINT = 46;
const COLON = 58;
const UPPER_T = 84;
const LOWER_T = 116;
/** Before year 0: small integers stay unboxed, NaN or null would not. */
const NO_DAY = -1_000_000;
const NO_OFFSET = 10_000;

/** Nanoseconds below the millisecond are kept beside the epoch milliseconds. */
export type ExactInstant = { readonly epochMs: number; readonly nanos: number };

/**
 * Parses an instant; null when the text is not one (also for a day or an hour that does not
 * exist). Read character by character: a regular expression and `Date` cost five times as much,
 * and a score trace reads two instants for each of hundreds of facts.
 */
function parseInstant(text: string): ExactInstant | null {
  const length = text.length;
  if (length < 20 || length > 35) return null;
  const day = parseDay(text);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const separator = text.charCodeAt(10);
  if (day === NO_DAY || (separator !== UPPER_T && separator !== LOWER_T)) return null;
  if (text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return null;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return null;
  let at = 19;
  let nanosOfSecond = 0;
  if (text.charCodeAt(at) === POINT) {
    let unit = 100_000_000;
    for (at = 20; at < length && isDigit(text, at); at += 1) {
      if (at >= 29) return null;
      nanosOfSecond += (text.charCodeAt(at) - ZERO_DIGIT) * unit;
      unit /= 10;
    }
    if (at === 20) return null;
  }
  const offsetMinutes = parseOffsetMinutes(text, at);
  if (offsetMinutes === NO_OFFSET) return null;
  return {
    epochMs:
      day * DAY_MS +
      (hour * 3600 + (minute - offsetMinutes) * 60 + second) * 1000 +
      Math.floor(nanosOfSecond / 1_000_000),
    nanos: nanosOfSecond % 1_000_000,
  };
}

function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= ZERO_DIGIT && unit <= ZERO_DIGIT + 9;
}

/** The number that two digits say; -1 where they are not two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO_DIGIT;
  const ones = text.charCodeAt(at + 1) - ZERO_DIGIT;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function parseOffsetMinutes(text: string, at: number): number {
  const sign = text[at];
  if (sign === 'Z' || sign === 'z') return at + 1 === text.length ? 0 : NO_OFFSET;
  if ((sign !== '+' && sign !== '-') || at + 6 !== text.length) return NO_OFFSET;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (text.charCodeAt(at + 3) !== COLON) return NO_OFFSET;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NO_OFFSET;
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/** Days since 1970-01-01 of the date with which a text begins; NO_DAY when there is none. */
function parseDay(text: string): number {
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return NO_DAY;
  if (text.charCodeAt(4) !== HYPHEN || text.charCodeAt(7) !== HYPHEN) return NO_DAY;
  const year = century * 100 + yearOfCentury;
  return day <= daysInMonth(year, month) ? dayOfCivil(year, month, day) : NO_DAY;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar: years are counted from March. */
function dayOfCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468;
}

/** Throws TypeError on a bad text. */
export function exactInstant(text: string): ExactInstant {
  const parsed = parseInstant(text);
  if (!parsed) throw new TypeError(`not an RFC 3339 instant with offset: ${text}`);
  return parsed;
}

export function isInstant(text: string): boolean {
  return parseInstant(text) !== null;
}

/** Negative, zero or positive as `a` is before, at or after `b`. Throws TypeError on a bad text. */
export function compareInstants(a: string, b: string): number {
  const left = exactInstant(a);
  const right = exactInstant(b);
  return left.epochMs - right.epochMs || left.nanos - right.nanos;
}

export function isAfter(a: string, b: string): boolean {
  return compareInstants(a, b) > 0;
}

/** Milliseconds since 1970-01-01T00:00:00Z, cut to the millisecond. */
export function epochMsOf(instant: string): number {
  return exactInstant(instant).epochMs;
}

/** A text that sorts by code point as the instants sort in time: UTC, nine decimals. */
export function instantSortKey(instant: string): string {
  const { epochMs, nanos } = exactInstant(instant);
  return `${new Date(epochMs).toISOString().slice(0, -1)}${String(nanos).padStart(6, '0')}Z`;
}

/** Is the text an ISO date of a day that exists? */
export function isDate(text: string): boolean {
  return DATE.test(text) && parseDay(text) !== NO_DAY;
}

/** Is the text a period, `YYYY-MM`? */
export function isPeriod(text: string): boolean {
  return PERIOD.test(text);
}

/** Days from 1970-01-01 to an ISO date. Throws TypeError on a bad text. */
export function dayNumber(date: string): number {
  const day = date.length === DATE_LENGTH ? parseDay(date) : NO_DAY;
  if (day === NO_DAY) throw new TypeError(`not an ISO date: ${date}`);
  return day;
}

/** The ISO date `day` days from 1970-01-01. */
export function dateOfDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, DATE_LENGTH);
}

/** First and last day of a period, ISO dates, both inside it. */
export function daysOfPeriod(period: string): {
  readonly firstDay: string;
  readonly lastDay: string;
} {
  const last = daysInMonth(Number(period.slice(0, 4)), Number(period.slice(5)));
  return { firstDay: `${period}-01`, lastDay: `${period}-${String(last).padStart(2, '0')}` };
}

/** The day `days` after (before, when negative) an ISO date. */
export function addDays(date: string, days: number): string {
  return dateOfDay(dayNumber(date) + days);
}

/** 0 Sunday … 6 Saturday. */
export function dayOfWeek(date: string): number {
  return weekdayOfDay(dayNumber(date));
}

/** 0 Sunday … 6 Saturday, of the day `day` days from 1970-01-01, a Thursday. */
export function weekdayOfDay(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}
