import {
  endOfDay,
  isTimeZone,
  localDate,
  localDateTime,
  localDayNumber,
  localPeriod,
} from './zone.js';

it('knows IANA time zones', () => {
  expect(['Asia/Shanghai', 'UTC', 'America/New_York'].every(isTimeZone)).toBe(true);
  expect(['Asia/Nowhere', '', 'nine'].some(isTimeZone)).toBe(false);
});

it('reads the local day, across midnight and changes of offset', () => {
  expect(localDate('2026-02-28T15:59:59.999Z', 'Asia/Shanghai')).toBe('2026-02-28');
  expect(localDate('2026-02-28T16:00:00Z', 'Asia/Shanghai')).toBe('2026-03-01');
  expect(localPeriod('2026-02-28T16:00:00Z', 'Asia/Shanghai')).toBe('2026-03');
  // Clocks go forward in New York on 8 March 2026, back on 1 November.
  expect(localDate('2026-03-08T04:59:59Z', 'America/New_York')).toBe('2026-03-07');
  expect(localDate('2026-03-09T03:59:59Z', 'America/New_York')).toBe('2026-03-08');
  expect(localDate('2026-11-02T04:59:59Z', 'America/New_York')).toBe('2026-11-01');
  expect(localDate('2026-11-02T05:00:00Z', 'America/New_York')).toBe('2026-11-02');
  expect(localDate('2026-03-10T18:15:00Z', 'Asia/Kathmandu')).toBe('2026-03-11');
});

it('tells the time by a clock on the wall', () => {
  expect(localDateTime('2025-12-03T04:50:59.9Z', 'Asia/Shanghai')).toBe('2025-12-03 12:50');
  expect(localDateTime('2025-12-31T23:30:00+08:00', 'America/New_York')).toBe('2025-12-31 10:30');
});

it('counts local days from 1970-01-01', () => {
  expect(localDayNumber(0, 'UTC')).toBe(0);
  expect(localDayNumber(-1, 'UTC')).toBe(-1);
  expect(localDayNumber(0, 'America/New_York')).toBe(-1);
});

it('ends a day at the first instant of the next, across changes of offset', () => {
  expect(endOfDay('2026-02-28', 'Asia/Shanghai')).toBe('2026-02-28T16:00:00.000Z');
  expect(endOfDay('2026-03-07', 'America/New_York')).toBe('2026-03-08T05:00:00.000Z');
  expect(endOfDay('2026-03-08', 'America/New_York')).toBe('2026-03-09T04:00:00.000Z');
  expect(endOfDay('2026-11-01', 'America/New_York')).toBe('2026-11-02T05:00:00.000Z');
  expect(endOfDay('2026-03-10', 'Asia/Kathmandu')).toBe('2026-03-10T18:15:00.000Z');
  // Samoa left out 30 December 2011; Beirut goes forward at midnight: its day begins at one.
  expect(endOfDay('2011-12-29', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z');
  expect(endOfDay('2026-03-28', 'Asia/Beirut')).toBe('2026-03-28T22:00:00.000Z');
});
