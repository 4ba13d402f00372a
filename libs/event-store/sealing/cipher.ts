import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  randomBytes,
  type CipherKey,
  type KeyObject,
} from 'node:crypto';
import type { DataKey } from './key-store.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A personal text as the log holds it: key id with version, nonce, ciphertext and tag (base64). */
export type SealedText = { readonly k: string; readonly n: string; readonly c: string };

/** Where a text stands. It is bound into the ciphertext: moved elsewhere, it does not open. */
export type TextPlace = {
  readonly eventId: string;
  readonly type: string;
  readonly field: string;
  readonly subject: string;
};

export function isSealedText(value: unknown): value is SealedText {
  if (typeof value !== 'object' || value === null) return false;
  const { k, n, c } = value as Partial<SealedText>;
  return typeof k === 'string' && typeof n === 'string' && typeof c === 'string';
}

/**
 * audit: the nonce comes from the text and its place, so that a repeated append has the same
 * bytes. Another text in the same place has another nonce.
 */
export function sealText(text: string, place: TextPlace, key: DataKey): SealedText {
  if (!text.isWellFormed()) throw new TypeError('no canonical JSON for a lone surrogate');
  const nonce = createHmac('sha256', key.nonceKey)
    .update(JSON.stringify([place.eventId, place.field, text]))
    .digest()
    .subarray(0, NONCE_BYTES);
  const sealed = encrypt(key.cipherKey, nonce, Buffer.from(text), associated(place, key));
  return { k: key.id, n: nonce.toString('base64'), c: sealed.toString('base64') };
}

/** Throws when the text was changed, or moved to another event, field or subject. */
export function openText(sealed: SealedText, place: TextPlace, key: DataKey): string {
  const nonce = Buffer.from(sealed.n, 'base64');
  const bytes = Buffer.from(sealed.c, 'base64');
  try {
    return decrypt(key.cipherKey, nonce, bytes, associated(place, key)).toString('utf8');
  } catch (error) {
    const { eventId, field } = place;
    throw new Error(`event ${eventId}: field ${field} does not open`, { cause: error });
  }
}

function associated({ eventId, type, field, subject }: TextPlace, key: DataKey): Buffer {
  return Buffer.from(JSON.stringify([eventId, type, field, subject, key.version]));
}

/** A key-encryption key and the name by which wrapped keys tell theirs. */
export type WrappingKey = { readonly id: string; readonly key: KeyObject };

export function wrappingKey(bytes: Uint8Array): WrappingKey {
  if (bytes.length !== 32) throw new TypeError('a key-encryption key has 32 bytes');
  const digest = createHash('sha256')
    .update('merit key-encryption key')
    .update(bytes)
    .digest('hex');
  return { id: digest.slice(0, 16), key: createSecretKey(bytes) };
}

/** Nonce, ciphertext, tag. `label` binds the key to its id. */
export function wrapKey(bytes: Uint8Array, label: string, wrapping: WrappingKey): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  return Buffer.concat([nonce, encrypt(wrapping.key, nonce, bytes, Buffer.from(label))]);
}

export function unwrapKey(wrapped: Buffer, label: string, wrapping: WrappingKey): Buffer {
  const nonce = wrapped.subarray(0, NONCE_BYTES);
  return decrypt(wrapping.key, nonce, wrapped.subarray(NONCE_BYTES), Buffer.from(label));
}

function encrypt(key: CipherKey, nonce: Uint8Array, text: Uint8Array, aad: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: CipherKey, nonce: Uint8Array, bytes: Buffer, aad: Uint8Array): Buffer {
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]);
}
