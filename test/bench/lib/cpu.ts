/** CPU spent by the client's process and by the whole server, in microseconds. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

const US_PER_TICK = 10_000; // USER_HZ is 100 on every Linux that Node runs on

type ProcessTimes = {
  readonly parentPid: number;
  readonly ownUs: number;
  readonly waitedUs: number;
};

const timesOf = (pid: string): ProcessTimes | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold spaces.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parentPid, user, system] = [fields[1] ?? 0, fields[11] ?? 0, fields[12] ?? 0];
    const waited = (fields[13] ?? 0) + (fields[14] ?? 0);
    return { parentPid, ownUs: (user + system) * US_PER_TICK, waitedUs: waited * US_PER_TICK };
  } catch {
    return null; // it ended meanwhile: its time is then among its parent's waited time
  }
};

const childrenUs = (parentPid: number): number =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(timesOf)
    .reduce((sum, times) => sum + (times?.parentPid === parentPid ? times.ownUs : 0), 0);

const SCANS = 20;

/** Backends, WAL writer, checkpointer and the rest; those that ended are the postmaster's waited. */
export const serverCpuUs = (postmasterPid: number | null): number | null => {
  if (postmasterPid === null || process.platform !== 'linux') return null;
  // A backend that ends during the scan is found in neither place: then the scan does not count.
  for (let scan = 0; scan < SCANS; scan += 1) {
    const before = timesOf(String(postmasterPid));
    const livingUs = childrenUs(postmasterPid);
    const after = timesOf(String(postmasterPid));
    if (before === null || after === null) return null;
    if (before.waitedUs === after.waitedUs) return after.ownUs + after.waitedUs + livingUs;
  }
  return null;
};

export const clientCpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
