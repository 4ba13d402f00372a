import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { canonicalJson } from './canonical-json.js';

/** SHA-256 of the UTF-8 bytes of a text, as 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** Hash of what a value says, the same for every order of its members (RFC 8785, SHA-256). */
export function contentHash(value: object): string {
  return sha256Hex(canonicalJson(value));
}

/** Feeds text piece by piece; `hex` ends it. For hashes over more than fits in memory at once. */
export function sha256Stream(): { update: (text: string) => void; hex: () => string } {
  const state = sha256.create();
  return {
    update: (text) => void state.update(utf8ToBytes(text)),
    hex: () => bytesToHex(state.digest()),
  };
}

/** Namespace of every name-based id of this product; never changed, ids in the log hang on it. */
const NAMESPACE = '6c1f3c0a-6d1b-5f6e-9f0b-3d8a4e6f2b71';
const NAMESPACE_BYTES = Uint8Array.from(
  (NAMESPACE.replaceAll('-', '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)),
);

/** UUIDv5 (RFC 9562) of a name made of parts; the parts are separated so that no two lists collide. */
export function nameBasedId(...parts: readonly (string | number)[]): string {
  const name = utf8ToBytes(JSON.stringify(parts));
  const bytes = sha1(new Uint8Array([...NAMESPACE_BYTES, ...name])).slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytesToHex(bytes);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
