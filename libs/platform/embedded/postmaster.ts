import { execFile } from 'node:child_process';
import { link, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What `postmaster.pid` says of a server that is alive. */
export type Postmaster = {
  readonly pid: number;
  readonly port: number;
  readonly status: 'starting' | 'ready' | 'stopping';
};

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The server of this folder, also one whose parent was killed; null when none is alive. */
export async function readPostmaster(clusterDir: string): Promise<Postmaster | null> {
  const text = await readLock(clusterDir);
  if (text === null) return null;
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!(await isServerOf(pid, clusterDir))) return null;
  const status = lines[7]?.trim() ?? '';
  return {
    pid,
    port: Number(lines[3]),
    status: status === 'ready' || status === 'stopping' ? status : 'starting',
  };
}

const lockFile = (clusterDir: string): string => path.join(clusterDir, 'postmaster.pid');

async function readLock(clusterDir: string): Promise<string | null> {
  try {
    return await readFile(lockFile(clusterDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A pid can belong to somebody else by now; the command line of a server names its folder. */
async function isServerOf(pid: number, clusterDir: string): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isAlive(pid)) return false;
  if (process.platform === 'win32') return true;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() =>
    run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).then(
      ({ stdout }) => stdout,
      () => '',
    ),
  );
  return command.includes(clusterDir);
}

/**
 * PostgreSQL refuses to start while the pid of a dead server's lock file belongs to any process
 * of the same user, as after a restart of a container, where pids begin again. Such a file is
 * moved away. It is looked at again after the move, since another starter may have put a good
 * one there in between; that one is put back. (PostgreSQL's shared memory check stands behind.)
 */
export async function setStaleLockAside(clusterDir: string): Promise<void> {
  const seen = await readLock(clusterDir);
  if (seen === null || (await readPostmaster(clusterDir)) !== null) return;
  const pid = Number(seen.split('\n')[0]);
  if (!isAlive(pid)) return; // PostgreSQL itself sees through this one
  const aside = `${lockFile(clusterDir)}.stale-${process.pid}`;
  try {
    await rename(lockFile(clusterDir), aside);
    if ((await readFile(aside, 'utf8')) !== seen) await link(aside, lockFile(clusterDir));
    await rm(aside, { force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  }
}
