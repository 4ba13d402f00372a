import { canonicalJson } from './canonical-json.js';
import { contentDigest } from './hash.js';

/** What a personal field reads as once its key is destroyed. */
export const ERASED = '[erased]';

/**
 * What a folded state keeps of an accepted record: enough to tell a repeated record from a reused
 * id, and no more. 16 code units of digest instead of the record; lives in memory only.
 */
export type RecordDigest = string;

const CONTENT_LENGTH = 8;
const ERASED_TEXT = '*';

/**
 * Digest of a record. `personalField` is kept apart, because after an erasure it takes no part in
 * telling a repeated record from a reused id (audit: personal data and erasure).
 */
export function recordDigest<Record extends object>(
  record: Record,
  personalField?: keyof Record & string,
): RecordDigest {
  const text = personalField === undefined ? undefined : record[personalField];
  if (personalField === undefined || text === undefined) {
    return contentDigest(canonicalJson(record));
  }
  const content = contentDigest(canonicalJson({ ...record, [personalField]: undefined }));
  return content + (text === ERASED ? ERASED_TEXT : contentDigest(String(text)));
}

/** Do two digests speak of the same content? An erased text on either side is not compared. */
export function isSameRecord(a: RecordDigest, b: RecordDigest): boolean {
  if (a === b) return true;
  if (!isErased(a) && !isErased(b)) return false;
  return a.slice(0, CONTENT_LENGTH) === b.slice(0, CONTENT_LENGTH);
}

function isErased(digest: RecordDigest): boolean {
  return digest.length === CONTENT_LENGTH + 1;
}
