import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes the file, for its owner alone, where there is none; `content` is asked for only then. Of
 * two that make it at once, one is first and the other leaves its file.
 */
export async function createSecretFile(
  file: string,
  content: () => string | Promise<string>,
): Promise<void> {
  if ((await stat(file).catch(() => null)) !== null) return;
  await mkdir(path.dirname(file), { recursive: true });
  const text = await content();
  const fresh = `${file}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(text);
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

/** Windows has no such modes: there it is the folder that keeps others out. */
export async function canOthersRead(file: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  return ((await stat(file)).mode & 0o077) !== 0;
}
