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

/** Backends, WAL writer, checkpointer and the rest; those that ended are the postmaster's waited. */
export const serverCpuUs = (postmasterPid: number): number | null => {
  if (process.platform !== 'linux') return null;
  const postmaster = timesOf(String(postmasterPid));
  if (postmaster === null) return null;
  let totalUs = postmaster.ownUs + postmaster.waitedUs;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const times = timesOf(pid);
    if (times?.parentPid === postmasterPid) totalUs += times.ownUs;
  }
  return totalUs;
};

export const clientCpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
