import { START, type Position } from '../port.js';

/** A place in the server's log. Both numbers reach 2^63: only BigInt keeps them exact. */
export type LogPosition = { readonly commit: bigint; readonly prepare: bigint };

const DIGITS = 20; // of 2^64 - 1
const POSITION = /^\d{20}\/\d{20}$/;

/** 20 digits of commit and of prepare each, so that texts sort as the places do. */
export function toPosition({ commit, prepare }: LogPosition): Position {
  return `${String(commit).padStart(DIGITS, '0')}/${String(prepare).padStart(DIGITS, '0')}`;
}

const MOST = 2n ** 63n - 1n;

/** Whether the text has the form of a position of such a server, within the log or beyond. */
export function isPosition(text: string): boolean {
  if (!POSITION.test(text)) return false;
  return text.split('/').every((number) => BigInt(number) <= MOST);
}

/** Null: before the first event. Throws TypeError for a position of another store. */
export function fromPosition(position: Position): LogPosition | null {
  if (position === START) return null;
  if (!isPosition(position)) throw new TypeError(`not a position of this log: ${position}`);
  return {
    commit: BigInt(position.slice(0, DIGITS)),
    prepare: BigInt(position.slice(DIGITS + 1)),
  };
}
