import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

/** Whose text, and for what: each pair has a data key of its own. */
export type KeyOwner = { readonly subject: string; readonly purpose: string };

export type DataKey = {
  /** Random, with the version behind the point: it says nothing of the subject. */
  readonly id: string;
  readonly version: number;
  readonly cipherKey: KeyObject; // AES-256
  readonly nonceKey: KeyObject;
};

/**
 * Data keys, kept apart from the log and its backups, wrapped by a key-encryption key that is in
 * neither. An adapter's promises:
 * - Of many that ask for the key of an owner at once, also in several processes, all get one key.
 * - Once `destroy` has returned, no key of that subject is made any more, and this process hands
 *   none out; other processes forget theirs when they hear of it (moments; a minute at the worst).
 *   An append that races it seals with a key that is gone for every reader.
 */
export interface KeyStore {
  /** Keys in the order of their owners, made on first use; null for a subject that was erased. */
  keysOf(owners: readonly KeyOwner[]): Promise<readonly (DataKey | null)[]>;

  /** Keys in the order of their ids; null for one that was destroyed or that nobody knows. */
  keysById(ids: readonly string[]): Promise<readonly (DataKey | null)[]>;

  /** Destroys every key of a subject, for good. Repeating it does nothing. */
  destroy(subject: string): Promise<void>;

  /**
   * A secret of the system itself: 32 random bytes, made when it is first asked for, the same for
   * every process and for ever, whatever the key-encryption key.
   */
  secret(name: string): Promise<Uint8Array>;

  /**
   * Wraps every key and secret anew, and new ones from now on; gives the number of keys.
   * Restartable.
   */
  rotate(keyEncryptionKey: Uint8Array): Promise<number>;

  close(): Promise<void>;
}

export const FIRST_KEY_VERSION = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 16;

export function newKeyId(): string {
  return `${randomBytes(KEY_ID_BYTES).toString('base64url')}.${FIRST_KEY_VERSION}`;
}

export function newKeyBytes(): Buffer {
  return randomBytes(KEY_BYTES);
}

export function dataKey(id: string, bytes: Uint8Array): DataKey {
  if (bytes.length !== KEY_BYTES) throw new TypeError(`a data key has ${KEY_BYTES} bytes`);
  const nonceKey = createHmac('sha256', bytes).update('merit nonce key').digest();
  return {
    id,
    version: Number(id.slice(id.lastIndexOf('.') + 1)),
    cipherKey: createSecretKey(bytes),
    nonceKey: createSecretKey(nonceKey),
  };
}
