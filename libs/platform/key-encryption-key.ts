import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rm, stat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { DomainError } from '#kernel';

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
  if (options.create) await createIfMissing(file);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new DomainError(
      'key-file-missing',
      { file },
      `The key file ${file} cannot be read (${error.code}); MERIT_KEK_FILE names it.`,
    );
  });
  const { mode } = await stat(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
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

async function createIfMissing(file: string): Promise<void> {
  if ((await stat(file).catch(() => null)) !== null) return;
  await mkdir(path.dirname(file), { recursive: true });
  const fresh = `${file}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(32).toString('hex')}\n`);
    await handle.sync();
    // A link refuses to replace the file of another that was quicker.
    await link(fresh, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await handle.close();
    await rm(fresh, { force: true });
  }
}
