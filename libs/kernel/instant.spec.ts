import * as fc from 'fast-check';
import {
  addDays,
  compareInstants,
  dateOfDay,
  dayNumber,
  dayOfWeek,
  daysOfPeriod,
  epochMsOf,
  instantSortKey,
  isDate,
  isInstant,
  isPeriod,
} from './instant.js';

const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
beforeAll(() => process.stderr.write(`instant properties: FC_SEED=${seed}\n`));

describe('instants', () => {
  it('are RFC 3339 with an offset, of a time that exists', () => {
    const good = [
      '2026-03-10T10:00:00Z',
      '2026-03-10t10:00:00z',
      '2026-03-10T10:00:00.123456789+08:00',
      '2024-02-29T23:59:59-23:59',
      '0001-01-01T00:00:00Z',
    ];
    const bad = [
      '2026-03-10T10:00:00',
      '2026-03-10 10:00:00Z',
      '2026-03-10T10:00Z',
      '2026-02-29T10:00:00Z',
      '2026-13-01T10:00:00Z',
      '2026-00-10T10:00:00Z',
      '2026-04-31T10:00:00Z',
      '2026-03-10T24:00:00Z',
      '2026-03-10T10:60:00Z',
      '2026-03-10T10:00:60Z',
      '2026-03-10T10:00:00.Z',
      '2026-03-10T10:00:00.1234567890Z',
      '2026-03-10T10:00:00+0800',
      '2026-03-10T10:00:00+24:00',
      '2026-03-10T10:00:00+08:60',
      '2026-03-10T10:00:00Zx',
      '2026-03-10T1a:00:00Z',
      '2026/03/10T10:00:00Z',
      '２026-03-10T10:00:00Z',
      '',
    ];
    expect(good.filter(isInstant)).toEqual(good);
    expect(bad.filter(isInstant)).toEqual([]);
    expect(() => epochMsOf('2026-03-10')).toThrow(TypeError);
  });

  it('agree with Date on every time and offset', () => {
    const offset = fc.tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 * 60 + 59 }));
    const two = (n: number) => String(n).padStart(2, '0');
    fc.assert(
      fc.property(
        fc.date({
          min: new Date('0100-01-01T00:00:00Z'),
          max: new Date('9999-12-31T23:59:59Z'),
          noInvalidDate: true,
        }),
        offset,
        (date, [sign, minutes]) => {
          const zone = `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
          const text = date.toISOString().replace('Z', zone);
          expect(epochMsOf(text)).toBe(new Date(text).getTime());
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it('are compared as instants, below the millisecond too', () => {
    expect(compareInstants('2026-03-10T10:00:00+08:00', '2026-03-10T02:00:00Z')).toBe(0);
    const [a, b] = ['2026-03-10T02:00:00.000000001Z', '2026-03-10T02:00:00Z'];
    expect(compareInstants(a, b)).toBeGreaterThan(0);
    expect(instantSortKey(a) > instantSortKey(b)).toBe(true);
    expect(instantSortKey('2026-03-10T10:00:00.5+08:00')).toBe('2026-03-10T02:00:00.500000000Z');
  });
});

describe('dates', () => {
  it('are days that exist', () => {
    const good = ['2024-02-29', '2000-02-29', '2026-12-31', '0050-01-01'];
    const bad = [
      '2026-02-29',
      '1900-02-29',
      '2026-04-31',
      '2026-1-01',
      '2026-01-01Z',
      '2026-00-01',
    ];
    expect(good.filter(isDate)).toEqual(good);
    expect(bad.filter(isDate)).toEqual([]);
  });

  it('are numbered from 1970-01-01, forth and back', () => {
    expect(dayNumber('1970-01-01')).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: -700_000, max: 2_900_000 }), (day) => {
        expect(dayNumber(dateOfDay(day))).toBe(day);
      }),
      { seed },
    );
    expect(() => dayNumber('2026-02-30')).toThrow(TypeError);
  });

  it('are added and know their weekday', () => {
    expect(addDays('2026-02-28', 1)).toBe('2026-03-01');
    expect(addDays('2026-01-01', -1)).toBe('2025-12-31');
    expect(['2026-03-01', '2026-03-07', '1969-12-31'].map(dayOfWeek)).toEqual([0, 6, 3]);
  });
});

it('periods are months, with their first and last day', () => {
  expect(['2026-01', '2026-12'].every(isPeriod)).toBe(true);
  expect(['2026-13', '2026-00', '2026-1', '2026-01-01'].some(isPeriod)).toBe(false);
  expect(daysOfPeriod('2024-02')).toEqual({ firstDay: '2024-02-01', lastDay: '2024-02-29' });
});
