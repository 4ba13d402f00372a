import { isDecimal, parseStrictJson } from '#kernel';
import type { Correction } from '#rules';
import { isId } from './columns.js';

const MAX_CORRECTIONS = 200;
const FORM =
  'must be a JSON array of {"type": "strike", "recordId"}, ' +
  '{"type": "replace", "recordId", "value"} or {"type": "adjust", "points"}, ' +
  'value and points being decimals in quotes';

/** The corrections of an appeal row, or what is wrong with them. Empty: none. */
export function parseCorrections(
  text: string,
): { readonly corrections: readonly Correction[] } | { readonly problem: string } {
  if (text === '') return { corrections: [] };
  const json = parseStrictJson(text);
  if ('problem' in json) return { problem: `corrections ${json.problem}` };
  if (!Array.isArray(json.value)) return { problem: `corrections ${FORM}` };
  if (json.value.length > MAX_CORRECTIONS) {
    return { problem: `corrections must be at most ${MAX_CORRECTIONS}` };
  }
  const corrections: Correction[] = [];
  for (const [at, entry] of json.value.entries()) {
    const correction = toCorrection(entry);
    if (correction === null) return { problem: `corrections[${at}]: ${FORM}` };
    corrections.push(correction);
  }
  return { corrections };
}

function toCorrection(entry: unknown): Correction | null {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return null;
  const { type, recordId, value, points } = entry as Record<string, unknown>;
  const hasExactly = (...keys: readonly string[]): boolean =>
    Object.keys(entry).length === keys.length && keys.every((key) => Object.hasOwn(entry, key));
  if (type === 'strike' && hasExactly('type', 'recordId') && isRecordId(recordId)) {
    return { type, recordId };
  }
  if (type === 'replace' && hasExactly('type', 'recordId', 'value')) {
    return isRecordId(recordId) && isDecimalText(value) ? { type, recordId, value } : null;
  }
  if (type === 'adjust' && hasExactly('type', 'points') && isDecimalText(points)) {
    return { type, points };
  }
  return null;
}

function isRecordId(value: unknown): value is string {
  return typeof value === 'string' && isId(value);
}

function isDecimalText(value: unknown): value is string {
  return typeof value === 'string' && isDecimal(value);
}
