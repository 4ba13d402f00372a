import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { runMaven } from './java.js';
import { isAlive } from './pids.js';
import { sourceFile } from './project.js';
import { KafkaTrouble } from './trouble.js';

const POLL_MS = 100;
/** Longer than any download of 45 MB that is still going on. */
const LOCK_WAIT_MS = 600_000;
/** A lock whose writer was killed before it wrote its pid. */
const EMPTY_LOCK_MS = 5_000;

/**
 * The folder with Kafka's jars: one for each content of pom.xml, outside the work tree so that a
 * fresh clone finds them. It is fetched under another name and renamed when whole, so a folder
 * of that name is complete, whatever was cut off or ran beside it.
 */
export async function kafkaJars(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const pom = sourceFile('pom.xml');
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex');
  const cache = path.join(env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'merit-ledger');
  const jars = path.join(cache, `kafka-${hash.slice(0, 12)}`);
  if (await exists(jars)) return jars;
  await mkdir(cache, { recursive: true });
  // Maven's own cache is not made for two at once that download the same.
  await withLock(path.join(cache, 'kafka.lock'), async () => {
    if (await exists(jars)) return;
    await sweep(cache);
    const fresh = await mkdtemp(path.join(cache, 'kafka-new-'));
    await runMaven(['-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${fresh}`], env);
    if ((await readdir(fresh)).every((name) => !name.startsWith('kafka-server-'))) {
      throw new KafkaTrouble(`Maven ended well and ${fresh} has no Kafka in it`);
    }
    await rename(fresh, jars);
  });
  return jars;
}

const exists = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    () => true,
    () => false,
  );

/** Under the lock nobody else fetches: what lies there was cut off. */
async function sweep(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name.startsWith('kafka-new-')) await rm(path.join(cache, name), { recursive: true });
  }
}

async function tryLock(lock: string): Promise<boolean> {
  try {
    const handle = await open(lock, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** One fetches, the others wait for it; the lock of a killed one does not count. */
async function withLock(lock: string, work: () => Promise<void>): Promise<void> {
  const startedMs = Date.now();
  while (!(await tryLock(lock))) {
    const waitedMs = Date.now() - startedMs;
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    const isStale = holder > 0 ? !isAlive(holder) : waitedMs > EMPTY_LOCK_MS;
    if (isStale) await rm(lock, { force: true });
    else if (waitedMs > LOCK_WAIT_MS) {
      throw new KafkaTrouble(`process ${holder} is still getting Kafka's jars (${lock})`);
    } else await new Promise((resolve) => void setTimeout(resolve, POLL_MS));
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}
