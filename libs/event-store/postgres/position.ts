import { START, type Position } from '../port.js';

/** Width of the largest bigint: texts of one width order as their numbers do. */
const DIGITS = 19;

export function toPosition(value: number): Position {
  return value === 0 ? START : String(value).padStart(DIGITS, '0');
}

/** Of a position above 0 as PostgreSQL writes it. */
export function positionOfDigits(digits: string): Position {
  return digits.padStart(DIGITS, '0');
}

const FORM = new RegExp(`^\\d{${DIGITS}}$`);

/** Whether the text has the form of a position above 0 of this store, within the log or beyond. */
export function isPosition(text: string): boolean {
  return FORM.test(text) && Number.isSafeInteger(Number(text)) && Number(text) > 0;
}

/** The number behind a position of this store. Throws TypeError for a position of another one. */
export function fromPosition(position: Position): number {
  if (position === START) return 0;
  if (!isPosition(position)) throw new TypeError(`not a position of this store: ${position}`);
  return Number(position);
}
