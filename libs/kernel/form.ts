import { decimal, isAmountMinor, isDecimal } from './decimal.js';
import { DomainError } from './domain-error.js';
import { isInstant, isPeriod } from './instant.js';

/** Limits of texts in commands, in UTF-16 code units. A sealed text stays well below 64 KiB. */
export const MAX_ID_LENGTH = 200;
export const MAX_TEXT_LENGTH = 10_000;

/**
 * The forms of values in commands. Deciders ask them too, since imports and processes do not pass
 * the edge's validation. Each refuses with `malformed` and names the field, never its value: it
 * may be personal.
 */
export function requireForm(holds: boolean, field: string): void {
  if (!holds) throw new DomainError('malformed', { field });
}

/** An id or a code: not empty, not long, nothing that breaks a line or a stream's name. */
export function requireId(text: string, field: string): void {
  requireForm(
    text.length > 0 && text.length <= MAX_ID_LENGTH && !hasControl(text) && text.isWellFormed(),
    field,
  );
}

export function requireOptionalId(text: string | undefined, field: string): void {
  if (text !== undefined) requireId(text, field);
}

/** A free text: comment, note, reason, grounds. */
export function requireText(text: string, field: string): void {
  requireForm(
    text.trim().length > 0 && text.length <= MAX_TEXT_LENGTH && text.isWellFormed(),
    field,
  );
}

export function requireOptionalText(text: string | undefined, field: string): void {
  if (text === undefined) return;
  requireForm(text.length <= MAX_TEXT_LENGTH && text.isWellFormed(), field);
}

export function requireInstant(text: string, field: string): void {
  requireForm(isInstant(text), field);
}

export function requirePeriod(text: string, field: string): void {
  requireForm(isPeriod(text), field);
}

export function requireDecimal(text: string, field: string): void {
  requireForm(isDecimal(text), field);
}

/** A decimal between two whole numbers, both included. */
export function requireDecimalWithin(
  text: string,
  field: string,
  lowest: number,
  highest: number,
): void {
  requireForm(isDecimal(text), field);
  const value = decimal(text);
  requireForm(value.compare(lowest) >= 0 && value.compare(highest) <= 0, field);
}

/** Money in whole minor units. */
export function requireAmountMinor(text: string, field: string): void {
  requireForm(isAmountMinor(text), field);
}

export function requireOneOf(value: string, allowed: readonly string[], field: string): void {
  requireForm(allowed.includes(value), field);
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}
