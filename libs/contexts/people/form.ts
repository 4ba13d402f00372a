import { isDate, requireForm } from '#kernel';

/** An ISO date of a day that exists; else `malformed`. */
export function requireDate(text: string, field: string): void {
  requireForm(isDate(text), field);
}
