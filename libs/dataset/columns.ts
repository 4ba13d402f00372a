import {
  decimal,
  HUNDRED,
  isAmountMinor,
  isDate,
  isDecimal,
  isInstant,
  isPeriod,
  ZERO,
} from '#kernel';

/** One column of a table: whether a value must be there, and what a value must look like. */
export type Column = {
  readonly isRequired: boolean;
  readonly isPersonal: boolean; // its values are not repeated in reports
  readonly mustBe: (value: string) => string | null; // null: good
};

const MAX_ID_LENGTH = 128;
const MAX_TEXT_LENGTH = 8_000; // a sealed text with its event stays below the 64 KiB of an event
const MAX_QUOTED_LENGTH = 40;
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const YEAR = /^(19|2\d)\d\d/;

function column(mustBe: Column['mustBe'], options: Partial<Column> = {}): Column {
  return { isRequired: true, isPersonal: false, mustBe, ...options };
}

export function optional(wrapped: Column): Column {
  return { ...wrapped, isRequired: false };
}

export function isId(value: string): boolean {
  return (
    value.length > 0 &&
    value.length <= MAX_ID_LENGTH &&
    value.trim() === value &&
    !CONTROL.test(value)
  );
}

const ID_FORM =
  `must be an id of at most ${MAX_ID_LENGTH} characters, ` +
  'without control characters or blanks around it';

export const id = column((value) => (isId(value) ? null : ID_FORM));

export const unitId = column((value) => {
  if (value === '*') return 'must not be *, which stands for the whole company';
  return isId(value) ? null : ID_FORM;
});

/** appeals: a cause lists appeal ids with `;` between. */
export const appealId = column((value) =>
  isId(value) && !value.includes(';') ? null : `${ID_FORM}, and without ;`,
);

/** A word of the organisation's own: a position, a trace type, a code. */
export const word = id;

/** Free text about a person. */
export const text: Column = column(
  (value) =>
    value.length <= MAX_TEXT_LENGTH && !value.includes('\u0000')
      ? null
      : `must be a text of at most ${MAX_TEXT_LENGTH} characters, without NUL characters`,
  { isRequired: false, isPersonal: true },
);

export const unitName: Column = { ...text, isPersonal: false };

export const date = column((value) =>
  isDate(value) && YEAR.test(value) ? null : 'must be a day that exists, such as 2026-01-31',
);

export const instant = column((value) =>
  YEAR.test(value) && isInstant(value)
    ? null
    : 'must be an instant with its offset, such as 2026-01-31T17:30:00+08:00',
);

export const period = column((value) =>
  isPeriod(value) && YEAR.test(value) ? null : 'must be a month, such as 2026-01',
);

export const plainDecimal = column((value) =>
  isDecimal(value) ? null : 'must be a plain decimal, such as 92.5 (at most 15.30 digits)',
);

export const amountMinor = column((value) =>
  isAmountMinor(value) ? null : 'must be a whole number of minor units (fen) of at most 20 digits',
);

export const poolAmountMinor = column((value) =>
  isAmountMinor(value) && BigInt(value) >= 0n
    ? null
    : 'must be a whole number of minor units (fen), 0 or above, of at most 20 digits',
);

export const score = column((value) =>
  isScore(value) ? null : 'must be a plain decimal from 0 to 100',
);

export const answer = optional(
  column((value) => (/^[1-5]$/.test(value) ? null : 'must be a whole number from 1 to 5')),
);

export function oneOf(...allowed: readonly string[]): Column {
  return column((value) =>
    allowed.includes(value) ? null : `must be one of ${allowed.join(', ')}`,
  );
}

function isScore(value: string): boolean {
  if (!isDecimal(value)) return false;
  const exact = decimal(value);
  return exact.compare(ZERO) >= 0 && exact.compare(HUNDRED) <= 0;
}

/** A value in a reason: short, on one line. */
export function quoted(value: string): string {
  const short = value.length <= MAX_QUOTED_LENGTH ? value : `${value.slice(0, MAX_QUOTED_LENGTH)}…`;
  return JSON.stringify(short.toWellFormed());
}

/** What is wrong with one value, in words that name the column; null for a good one. */
export function problemOf(name: string, { isRequired, isPersonal, mustBe }: Column, value: string) {
  if (value === '') return isRequired ? `${name} is missing` : null;
  const problem = mustBe(value);
  if (problem === null) return null;
  return isPersonal ? `${name} ${problem}` : `${name} ${quoted(value)} ${problem}`;
}
