import { Fraction } from 'fraction.js';

/** An exact rational number. Floats never enter or leave it. */
export type Rational = Fraction;

const DECIMAL = /^-?\d{1,15}(\.\d{1,30})?$/;
const AMOUNT = /^-?\d{1,20}$/;
const FRACTION = /^-?\d+\/\d+$/;

export const ZERO: Rational = new Fraction(0n, 1n);
export const HUNDRED: Rational = new Fraction(100n, 1n);

/** scoring: decimals travel as strings and match `-?\d{1,15}(\.\d{1,30})?`. */
export function isDecimal(text: string): boolean {
  return DECIMAL.test(text);
}

/** Money in minor units: whole, up to 20 digits. */
export function isAmountMinor(text: string): boolean {
  return AMOUNT.test(text);
}

/**
 * The number that a plain decimal says. The form is checked first, because the library would also
 * read `1/2` and `0.(3)`. Throws TypeError on anything else.
 */
export function decimal(text: string): Rational {
  if (!DECIMAL.test(text)) throw new TypeError(`not a decimal: ${text}`);
  const point = text.indexOf('.');
  if (point < 0) return new Fraction(BigInt(text), 1n);
  const places = text.length - point - 1;
  const digits = text.slice(0, point) + text.slice(point + 1);
  return new Fraction(BigInt(digits), 10n ** BigInt(places));
}

/** The number that a reduced fraction `n/d` in an event says. Throws TypeError on anything else. */
export function fromFractionText(text: string): Rational {
  if (!FRACTION.test(text)) throw new TypeError(`not a fraction: ${text}`);
  const [numerator, denominator] = text.split('/') as [string, string];
  return new Fraction(BigInt(numerator), BigInt(denominator));
}

/** `n/d`, reduced, the sign on the numerator: how exact results stand in events. */
export function toFractionText(value: Rational): string {
  return `${value.s * value.n}/${value.d}`;
}

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareRationals(a: Rational, b: Rational): number {
  const left = a.s * a.n * b.d;
  const right = b.s * b.n * a.d;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/**
 * The exact sum of plain decimals. Digits are summed as whole numbers of a common power of ten:
 * ten times cheaper than adding fractions one by one, which reduces each sum anew.
 */
export function sumDecimals(texts: Iterable<string>): Rational {
  let units = 0n;
  let scale = 0;
  for (const text of texts) {
    if (!DECIMAL.test(text)) throw new TypeError(`not a decimal: ${text}`);
    const point = text.indexOf('.');
    const places = point < 0 ? 0 : text.length - point - 1;
    const digits = BigInt(point < 0 ? text : text.slice(0, point) + text.slice(point + 1));
    if (places > scale) {
      units *= 10n ** BigInt(places - scale);
      scale = places;
    }
    units += places === scale ? digits : digits * 10n ** BigInt(scale - places);
  }
  return new Fraction(units, 10n ** BigInt(scale));
}

/** The plain decimal of a sum of plain decimals, without needless zeros; RangeError otherwise. */
export function toDecimalText(value: Rational): string {
  let places = 0;
  let units = value.n;
  while (units % value.d !== 0n) {
    if (places >= 60) throw new RangeError(`no plain decimal: ${toFractionText(value)}`);
    units *= 10n;
    places += 1;
  }
  const digits = (units / value.d).toString().padStart(places + 1, '0');
  const sign = value.s < 0n && value.n !== 0n ? '-' : '';
  return places === 0
    ? sign + digits
    : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

export function rational(numerator: number | bigint, denominator: number | bigint = 1n): Rational {
  return new Fraction(BigInt(numerator), BigInt(denominator));
}

/** scoring: every published figure is rounded once, half away from zero. */
function roundedUnits(value: Rational, places: number): bigint {
  const scaled = value.n * 10n ** BigInt(places);
  const doubled = (2n * scaled + value.d) / (2n * value.d);
  return value.s < 0n ? -doubled : doubled;
}

/** Rounds half away from zero and writes exactly `places` decimals, e.g. `-0.125` → `-0.13`. */
export function roundToText(value: Rational, places: number): string {
  const units = roundedUnits(value, places);
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
  const sign = units < 0n ? '-' : '';
  if (places === 0) return sign + digits;
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** Rounds half away from zero to whole minor units. */
export function roundToMinor(value: Rational): bigint {
  return roundedUnits(value, 0);
}

export function minimum(a: Rational, b: Rational): Rational {
  return compareRationals(a, b) <= 0 ? a : b;
}

export function maximum(a: Rational, b: Rational): Rational {
  return compareRationals(a, b) >= 0 ? a : b;
}

/** The value held between two bounds, both included. */
export function clamp(value: Rational, floor: Rational, cap: Rational): Rational {
  return minimum(maximum(value, floor), cap);
}
