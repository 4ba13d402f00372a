import { open, readFile, rm } from 'node:fs/promises';

export type Lock = { readonly release: () => Promise<void> };

/**
 * One process at a time; the lock of a killed process does not count. It guards against a second
 * start by mistake, not against two that find the same dead lock in the same millisecond.
 */
export async function lock(file: string): Promise<Lock> {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    if (holder > 0 && isAlive(holder)) break;
    await rm(file, { force: true });
  }
  throw new Error(`${file}: another process works on this folder`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
