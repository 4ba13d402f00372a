import { DomainError } from '#kernel';

/** An opaque place in a list: what the last item of a page sorts by. */
export function toCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts), 'utf8').toString('base64url');
}

/** Error: DomainError `malformed` for a cursor that no page gave. */
export function fromCursor<const Kinds extends readonly ('string' | 'number')[]>(
  cursor: string,
  kinds: Kinds,
): { [At in keyof Kinds]: Kinds[At] extends 'string' ? string : number } {
  const parts = parsed(cursor);
  const fits =
    Array.isArray(parts) &&
    parts.length === kinds.length &&
    kinds.every((kind, at) => typeof parts[at] === kind && isSound(parts[at]));
  if (!fits) throw new DomainError('malformed', { field: 'cursor' });
  return parts as { [At in keyof Kinds]: Kinds[At] extends 'string' ? string : number };
}

/** What a page gave, a database takes: nobody else's cursor is. */
function isSound(part: unknown): boolean {
  if (typeof part === 'number') return Number.isSafeInteger(part);
  return typeof part === 'string' && !part.includes('\u0000') && part.isWellFormed();
}

const MAX_CURSOR_LENGTH = 1_000;

function parsed(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_LENGTH) return null;
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
