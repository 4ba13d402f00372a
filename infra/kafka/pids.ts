import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** How the process was called; empty when there is none. A pid alone may belong to another. */
export async function commandLineOf(pid: number): Promise<string> {
  if (!isAlive(pid)) return '';
  const told = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => null);
  return told?.stdout.trim() ?? '';
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Resolves once the condition holds; false when it did not within the time. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
  pollMs = 50,
): Promise<boolean> {
  const endMs = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > endMs) return false;
    await new Promise((resolve) => void setTimeout(resolve, pollMs));
  }
  return true;
}
