import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DomainError } from '#kernel';
import { canOthersRead, createSecretFile } from './secret-file.js';

const KEY = /^[0-9a-f]{64}$/i;

/**
 * The 32 bytes that wrap every person's key. The file holds 64 hexadecimal digits and is readable
 * by its owner alone. `create` makes a missing one (the embedded profile); of two that make it at
 * once both get the same. Errors: DomainError `key-file-missing`, `key-file-open`,
 * `key-file-malformed`.
 */
export async function readKeyEncryptionKey(
  file: string,
  options: { readonly create: boolean },
): Promise<Uint8Array> {
  if (options.create) {
    await createSecretFile(file, () => `${randomBytes(32).toString('hex')}\n`);
  }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new DomainError(
      'key-file-missing',
      { file },
      `The key file ${file} cannot be read (${error.code}); MERIT_KEK_FILE names it.`,
    );
  });
  if (await canOthersRead(file)) {
    throw new DomainError(
      'key-file-open',
      { file },
      `The key file ${file} can be read by others than its owner: chmod 600 ${file}`,
    );
  }
  if (!KEY.test(text.trim())) {
    throw new DomainError(
      'key-file-malformed',
      { file },
      `The key file ${file} must hold 64 hexadecimal digits; make one with: openssl rand -hex 32`,
    );
  }
  return Uint8Array.from(Buffer.from(text.trim(), 'hex'));
}
