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

/**
 * MurmurHash3 (x86, 128 bits) over the UTF-16 code units of a text, as 8 code units. For
 * comparing texts in memory, never for what is stored, shown or trusted: a record id's content in
 * a folded state. Costs 0.4 µs for 150 characters where SHA-256 costs 4 µs; an import of 23 M rows
 * asks for one a row.
 */
export function contentDigest(text: string): string {
  let a = 0x9747b28c;
  let b = 0x85ebca6b;
  let c = 0xc2b2ae35;
  let d = 0x27d4eb2f;
  for (let at = 0; at < text.length; at += 8) {
    a = Math.imul(rotate(a ^ mixed(text, at, 0x239b961b, 0xab0e9789, 15), 19) + b, 5) + 0x561ccd1b;
    b = Math.imul(rotate(b ^ mixed(text, at + 2, 0xab0e9789, 0x38b34ae5, 16), 17) + c, 5);
    b += 0x0bcaa747;
    c = Math.imul(rotate(c ^ mixed(text, at + 4, 0x38b34ae5, 0xa1e38b93, 17), 15) + d, 5);
    c += 0x96cd1c35;
    d = Math.imul(rotate(d ^ mixed(text, at + 6, 0xa1e38b93, 0x239b961b, 18), 13) + a, 5);
    d += 0x32ac3b17;
  }
  return spread(a ^ text.length, b ^ text.length, c ^ text.length, d ^ text.length);
}

function rotate(lane: number, bits: number): number {
  return (lane << bits) | (lane >>> (32 - bits));
}

/** Two code units, zeros beyond the end: the length that is mixed in last tells them apart. */
function mixed(text: string, at: number, first: number, second: number, bits: number): number {
  const word = at < text.length ? text.charCodeAt(at) | ((text.charCodeAt(at + 1) || 0) << 16) : 0;
  return Math.imul(rotate(Math.imul(word, first), bits), second);
}

function spread(a: number, b: number, c: number, d: number): string {
  const sum = (a + b + c + d) | 0;
  const second = finished(b + sum);
  const third = finished(c + sum);
  const fourth = finished(d + sum);
  const first = (finished(sum) + second + third + fourth) | 0;
  return String.fromCharCode(
    first & 0xffff,
    first >>> 16,
    second & 0xffff,
    second >>> 16,
    third & 0xffff,
    third >>> 16,
    fourth & 0xffff,
    fourth >>> 16,
  );
}

function finished(lane: number): number {
  let mixedLane = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  mixedLane = Math.imul(mixedLane ^ (mixedLane >>> 13), 0xc2b2ae35);
  return mixedLane ^ (mixedLane >>> 16);
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

const NAMESPACE_STATE = sha1.create().update(NAMESPACE_BYTES);

/**
 * UUIDv5 (RFC 9562) of a name made of parts; the parts are separated so that no two lists collide.
 */
export function nameBasedId(...parts: readonly (string | number)[]): string {
  // The namespace's state is copied and not its bytes: a third less time, and an import asks
  // for three ids a row.
  const name = utf8ToBytes(JSON.stringify(parts));
  const bytes = NAMESPACE_STATE.clone().update(name).digest();
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  let id = '';
  for (let at = 0; at < 16; at += 1) {
    if (at === 4 || at === 6 || at === 8 || at === 10) id += '-';
    id += HEX_OF_BYTE[bytes[at] ?? 0];
  }
  return id;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
