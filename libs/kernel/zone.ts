import { dateOfDay, dayNumber, epochMsOf } from './instant.js';

/**
 * Local days in an IANA zone, by the rules of the platform's own zone data (Intl). Offsets change
 * only on quarter hours, so the offset of a quarter hour serves every instant inside it.
 */
const QUARTER_HOUR_MS = 15 * 60_000;
const CACHED_OFFSETS = 100_000;
const DAY_MS = 86_400_000;

type Zone = { readonly format: Intl.DateTimeFormat; readonly offsetMs: Map<number, number> };
const zones = new Map<string, Zone>();

export function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    era: 'short',
  });
  const zone = { format, offsetMs: new Map<number, number>() };
  zones.set(timeZone, zone);
  return zone;
}

function offsetMsAt(timeZone: string, epochMs: number): number {
  const zone = zoneOf(timeZone);
  const quarter = Math.floor(epochMs / QUARTER_HOUR_MS);
  const known = zone.offsetMs.get(quarter);
  if (known !== undefined) return known;
  const at = quarter * QUARTER_HOUR_MS;
  const parts = Object.fromEntries(
    zone.format.formatToParts(at).map(({ type, value }) => [type, value]),
  );
  const local = Date.UTC(
    Number(parts['year']),
    Number(parts['month']) - 1,
    Number(parts['day']),
    Number(parts['hour']),
    Number(parts['minute']),
    Number(parts['second']),
  );
  if (zone.offsetMs.size >= CACHED_OFFSETS) zone.offsetMs.clear();
  zone.offsetMs.set(quarter, local - at);
  return local - at;
}

/** Days from 1970-01-01 to the local day of `timeZone` at an instant (in epoch milliseconds). */
export function localDayNumber(epochMs: number, timeZone: string): number {
  return Math.floor((epochMs + offsetMsAt(timeZone, epochMs)) / DAY_MS);
}

/** The ISO date on the calendar of `timeZone` at an instant. */
export function localDate(instant: string, timeZone: string): string {
  return dateOfDay(localDayNumber(epochMsOf(instant), timeZone));
}

/** What a clock in `timeZone` shows at an instant: `YYYY-MM-DD HH:MM`. */
export function localDateTime(instant: string, timeZone: string): string {
  const epochMs = epochMsOf(instant);
  const local = new Date(epochMs + offsetMsAt(timeZone, epochMs)).toISOString();
  return local.slice(0, 16).replace('T', ' ');
}

/**
 * The first instant that is beyond a local day, as RFC 3339 in UTC. Where a clock change leaves out
 * or repeats midnight it is the first instant of the day after.
 */
export function endOfDay(date: string, timeZone: string): string {
  const next = dayNumber(date) + 1;
  let at = next * DAY_MS;
  at -= offsetMsAt(timeZone, at);
  while (localDayNumber(at, timeZone) < next) at += QUARTER_HOUR_MS;
  while (localDayNumber(at - QUARTER_HOUR_MS, timeZone) >= next) at -= QUARTER_HOUR_MS;
  return new Date(at).toISOString();
}

/** The period `YYYY-MM` into which an instant falls in `timeZone`. */
export function localPeriod(instant: string, timeZone: string): string {
  return localDate(instant, timeZone).slice(0, 7);
}
