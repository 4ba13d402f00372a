import * as fc from 'fast-check';
import {
  clamp,
  compareRationals,
  decimal,
  fromFractionText,
  isAmountMinor,
  isDecimal,
  rational,
  roundToMinor,
  roundToText,
  sumDecimals,
  toDecimalText,
  toFractionText,
} from './decimal.js';

const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
beforeAll(() => process.stderr.write(`decimal properties: FC_SEED=${seed}\n`));

describe('reading', () => {
  it('takes plain decimals alone, whatever else the library would read', () => {
    const good = ['0', '-0', '12.50', '999999999999999', '-0.000000000000000000000000000001'];
    const bad = ['', '.5', '5.', '+5', '1e3', '1/2', '0.(3)', '1_000', ' 1', '1\n', '0x1', '1,5'];
    expect(good.filter(isDecimal)).toEqual(good);
    expect(bad.filter(isDecimal)).toEqual([]);
    expect(isDecimal('1'.repeat(16))).toBe(false);
    expect(isDecimal(`0.${'1'.repeat(31)}`)).toBe(false);
    for (const text of bad) expect(() => decimal(text)).toThrow(TypeError);
  });

  it('takes amounts that are whole, up to 20 digits', () => {
    expect(['0', '-5', '9'.repeat(20)].every(isAmountMinor)).toBe(true);
    expect(['1.0', '9'.repeat(21), '', '+1'].some(isAmountMinor)).toBe(false);
  });

  it('is exact', () => {
    expect(toFractionText(decimal('-12.50'))).toBe('-25/2');
    expect(toFractionText(decimal('0.1').add(decimal('0.2')))).toBe('3/10');
    expect(toFractionText(fromFractionText('-25/2'))).toBe('-25/2');
    expect(() => fromFractionText('1.5')).toThrow(TypeError);
  });
});

describe('rounding', () => {
  it('goes half away from zero, once', () => {
    const cases = [
      ['89.9949', '89.99'],
      ['89.995', '90.00'],
      ['-89.995', '-90.00'],
      ['0.005', '0.01'],
      ['-0.005', '-0.01'],
      ['-0.0049', '0.00'],
      ['0', '0.00'],
    ] as const;
    for (const [text, rounded] of cases) expect(roundToText(decimal(text), 2)).toBe(rounded);
    expect([roundToMinor(decimal('2.5')), roundToMinor(decimal('-2.5'))]).toEqual([3n, -3n]);
    expect(roundToText(decimal('2.5'), 0)).toBe('3');
    expect(roundToText(rational(1, 3), 4)).toBe('0.3333');
  });

  it('writes plain decimals without needless zeros, and refuses endless ones', () => {
    expect(['12.50', '-0.030', '100', '-0'].map((text) => toDecimalText(decimal(text)))).toEqual([
      '12.5',
      '-0.03',
      '100',
      '0',
    ]);
    expect(() => toDecimalText(rational(1, 3))).toThrow(RangeError);
  });
});

describe('arithmetic', () => {
  const text = fc
    .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 12 }))
    .map(([units, places]) => toDecimalText(rational(units, 10n ** BigInt(places))))
    .filter(isDecimal);

  it('sums decimals as fractions do', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 10 }), (texts) => {
        const expected = texts.reduce((sum, one) => sum.add(decimal(one)), rational(0));
        expect(sumDecimals(texts).equals(expected)).toBe(true);
      }),
      { seed },
    );
    expect(() => sumDecimals(['1', '1/2'])).toThrow(TypeError);
  });

  it('compares and clamps', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const difference = decimal(a).sub(decimal(b));
        const sign = difference.n === 0n ? 0 : Number(difference.s);
        expect(compareRationals(decimal(a), decimal(b))).toBe(sign);
      }),
      { seed },
    );
    const [low, high] = [decimal('-1'), decimal('2')];
    expect(['-5', '0.5', '5'].map((t) => toDecimalText(clamp(decimal(t), low, high)))).toEqual([
      '-1',
      '0.5',
      '2',
    ]);
  });
});
