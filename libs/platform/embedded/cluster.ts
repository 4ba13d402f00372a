import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { DomainError } from '#kernel';
import {
  canEnter,
  findBinaries,
  makeOpenDir,
  serverUser,
  SYSTEM_DIR,
  type Binaries,
  type ServerUser,
} from './binaries.js';
import { isAlive, readPostmaster, setStaleLockAside } from './postmaster.js';

/**
 * One folder's PostgreSQL: `<dataDir>/postgres` holds `cluster/` (PGDATA), `credentials.json`
 * (mode 0600) and `server.log`. It appears in one rename after everything in it is ready, so an
 * initialisation that was killed in the middle leaves only a `postgres.new-…` that is swept away,
 * and of two that initialise at once one wins whole.
 */
export type Cluster = {
  readonly dataDir: string;
  readonly home: string; // real path of <dataDir>/postgres
  readonly clusterDir: string;
  readonly credentials: Credentials;
  readonly user: ServerUser;
  readonly binaries: Binaries;
};

/** Valid for this folder alone; never leave it but in connection strings of this process. */
export type Credentials = {
  readonly superuser: string;
  readonly owner: string;
  readonly app: string;
};

export type ServerSettings = {
  readonly sharedBuffersBytes?: number; // default: a quarter of memory, at most 1 GiB
  readonly durable?: boolean; // default true; false gives up fsync, for throw-away tests alone
  readonly log?: (message: string) => void;
};

const GIB = 1024 ** 3;
export const MAX_WAL_BYTES = 8 * GIB;
const MAX_LOG_BYTES = 8 * 1024 ** 2;
const LOG_TAIL_BYTES = 4096;
export const SUPERUSER = 'postgres';

const notFound = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};

/** Finds the folder's cluster, made first when there is none. */
export async function openCluster(dataDir: string, settings: ServerSettings): Promise<Cluster> {
  const user = await serverUser();
  const binaries = await findBinaries(user);
  const root = path.resolve(dataDir);
  // The server's user enters the folder; what is secret in it has a mode of its own.
  await mkdir(root, { recursive: true, mode: user ? 0o711 : 0o700 });
  const published = path.join(root, 'postgres');
  await sweepHalfDone(root);
  if ((await realpath(published).catch(notFound)) === null) {
    await initialise(root, published, user, binaries, settings);
  }
  const home = await realpath(published);
  const text = await readFile(path.join(home, 'credentials.json'), 'utf8').catch(notFound);
  if (text === null) throw unusable(published, 'it holds no credentials.json');
  const credentials = JSON.parse(text) as Credentials;
  const clusterDir = path.join(home, 'cluster');
  if (!(await canEnter(user, clusterDir))) throw unusable(published, 'its user may not enter it');
  return { dataDir: root, home, clusterDir, credentials, user, binaries };
}

function unusable(dir: string, reason: string): DomainError {
  return new DomainError(
    'data-folder-unusable',
    { dir },
    `The database in ${dir} cannot be used: ${reason}. Restore the folder whole, or give --data.`,
  );
}

const HALF_DONE = /^postgres\.new-(\d+)-[0-9a-f]+$/;

/**
 * Removes what initialisations left whose process is gone. Its initdb may outlive it by a moment
 * and go on writing, hence the retries; what withstands them is left to the next start.
 */
async function sweepHalfDone(root: string): Promise<void> {
  const patiently = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
  for (const name of await readdir(root)) {
    const pid = HALF_DONE.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const home = await realpath(path.join(root, name)).catch(notFound);
    if (home !== null) await rm(home, patiently).catch(() => undefined);
    await rm(path.join(root, name), patiently).catch(() => undefined);
  }
}

async function initialise(
  root: string,
  published: string,
  user: ServerUser,
  binaries: Binaries,
  settings: ServerSettings,
): Promise<void> {
  settings.log?.(`preparing a new PostgreSQL database in ${published}`);
  const fresh = path.join(root, `postgres.new-${process.pid}-${randomBytes(4).toString('hex')}`);
  const home = await makeHome(root, fresh, user, settings);
  try {
    await fillHome(home, user, binaries, settings);
    await publish(fresh, published);
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The folder itself; or, where the server's user cannot enter the data folder (root's home is
 * closed to all others), a link to one below the system's state folder.
 */
async function makeHome(
  root: string,
  fresh: string,
  user: ServerUser,
  settings: ServerSettings,
): Promise<string> {
  if ((await canEnter(user, root)) || (await openEmptyFolder(user, root))) {
    await mkdir(fresh);
    await chmod(fresh, user ? 0o711 : 0o700);
    return fresh;
  }
  const home = path.join(SYSTEM_DIR, `data-${randomBytes(8).toString('hex')}`);
  try {
    await makeOpenDir(SYSTEM_DIR);
    await symlink(home, fresh);
    await mkdir(home);
    await chmod(home, 0o711);
  } catch (error) {
    throw new DomainError(
      'data-folder-unreachable',
      { dataDir: root },
      `PostgreSQL does not run as root, and its user may not enter ${root}; ` +
        `a place in ${SYSTEM_DIR} could not be made either (${String(error)}). ` +
        'Give --data a folder that other users may enter, such as /srv/merit.',
    );
  }
  settings.log?.(`${root} is closed to PostgreSQL's user: the database itself is in ${home}`);
  return home;
}

/**
 * A folder of our own with nothing in it, such as mkdtemp makes: its user may pass through it from
 * now on. What comes into it has modes of its own; a folder in use is left as it is.
 */
async function openEmptyFolder(user: ServerUser, root: string): Promise<boolean> {
  const { uid, mode } = await stat(root);
  if (uid !== process.getuid?.() || (await readdir(root)).length > 0) return false;
  if (!(await canEnter(user, path.dirname(root)))) return false;
  await chmod(root, (mode & 0o777) | 0o011);
  return canEnter(user, root);
}

async function fillHome(
  home: string,
  user: ServerUser,
  binaries: Binaries,
  settings: ServerSettings,
): Promise<void> {
  const secret = (): string => randomBytes(24).toString('base64url');
  const credentials: Credentials = { superuser: secret(), owner: secret(), app: secret() };
  const clusterDir = path.join(home, 'cluster');
  const passwordFile = path.join(home, 'initial-password');
  await writeSecret(path.join(home, 'credentials.json'), `${JSON.stringify(credentials)}\n`);
  await writeSecret(passwordFile, `${credentials.superuser}\n`);
  await mkdir(clusterDir);
  await chmod(clusterDir, 0o700);
  if (user) {
    await chown(clusterDir, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const flags = [
    `--pgdata=${clusterDir}`,
    '--encoding=UTF8',
    '--locale=C',
    '--auth=scram-sha-256',
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--no-instructions',
    ...(settings.durable === false ? ['--no-sync'] : []),
  ];
  const { code, output } = await runToEnd(binaries.initdb, flags, user);
  await rm(passwordFile, { force: true });
  if (code === 0) return;
  throw new DomainError(
    'embedded-server-failed',
    { step: 'initdb', exitCode: code },
    `PostgreSQL's initdb failed: ${output.trim()}`,
  );
}

async function writeSecret(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true });
}

/** Makes the new folder visible in one step; drops it when another process was first. */
async function publish(fresh: string, published: string): Promise<void> {
  const linked = await readlink(fresh).catch(() => null);
  try {
    // rename would replace another's link without a word, symlink refuses; a full folder is
    // refused by both.
    if (linked === null) await rename(fresh, published);
    else await symlink(linked, published);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR'].includes(code)) throw error;
    await rm(await realpath(fresh), { recursive: true, force: true });
  }
  await rm(fresh, { recursive: true, force: true });
  const folder = await open(path.dirname(published), 'r');
  // Some file systems refuse to sync a folder; the name is then as durable as they make it.
  await folder.sync().catch(() => undefined);
  await folder.close();
}

function runToEnd(
  command: string,
  args: readonly string[],
  user: ServerUser,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...user,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-LOG_TAIL_BYTES);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** A quarter of the memory that this process may use, at most 1 GiB. */
export function defaultSharedBuffersBytes(): number {
  const limit = process.constrainedMemory() ?? 0;
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.max(32 * 1024 ** 2, Math.min(GIB, Math.floor(memory / 4)));
}

function serverFlags(port: number, settings: ServerSettings): readonly string[] {
  const sharedBuffersKib = Math.floor(
    (settings.sharedBuffersBytes ?? defaultSharedBuffersBytes()) / 1024,
  );
  const parameters: Readonly<Record<string, string | number>> = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_buffers: `${sharedBuffersKib}kB`,
    // With the defaults inserts fall to a third after some millions of rows.
    max_wal_size: `${MAX_WAL_BYTES / GIB}GB`,
    wal_compression: 'on',
    max_connections: 100,
    max_worker_processes: Math.max(8, availableParallelism()),
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Errors go to the client that caused them: their text and their rows can name people.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    ...(settings.durable === false
      ? { fsync: 'off', full_page_writes: 'off' } // a kill loses nothing, a power cut may
      : {}),
  };
  return Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** A port of the loopback interface that nobody holds. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = probe.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** What became of an attempt: `transient` is worth another one. */
export type StartOutcome = 'started' | 'transient';

const TRANSIENT = /lock file|shared memory block|could not bind|[Aa]ddress already in use/;

/**
 * Spawns the server and waits until it answers or has ended. It is a session of its own, so that
 * a Ctrl-C meant for us leaves it to be stopped in order.
 */
export async function startServer(
  cluster: Cluster,
  wantedPort: number | null,
  settings: ServerSettings,
  deadlineMs: number,
): Promise<StartOutcome> {
  await setStaleLockAside(cluster.clusterDir);
  const port = wantedPort ?? (await freePort());
  const logFile = path.join(cluster.home, 'server.log');
  const logged = await stat(logFile).catch(notFound);
  if (logged !== null && logged.size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`);
  const log = await open(logFile, 'a+', 0o600);
  try {
    const from = (await log.stat()).size;
    const child = spawn(
      cluster.binaries.postgres,
      ['-D', cluster.clusterDir, ...serverFlags(port, settings)],
      {
        ...cluster.user,
        cwd: '/',
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      },
    );
    const state = { ended: false };
    child.on('error', () => (state.ended = true));
    child.on('exit', () => (state.ended = true));
    child.unref();
    while (!state.ended && Date.now() < deadlineMs) {
      const running = await readPostmaster(cluster.clusterDir);
      if (running?.pid === child.pid && running?.status === 'ready') return 'started';
      await pause(20);
    }
    const tail = await logTail(log, from);
    if (TRANSIENT.test(tail)) return 'transient';
    throw new DomainError(
      'embedded-server-failed',
      { step: 'start', logFile },
      state.ended
        ? `The embedded PostgreSQL ended at its start: ${tail.trim() || 'it said nothing'}`
        : `The embedded PostgreSQL did not become ready in time; see ${logFile}`,
    );
  } finally {
    await log.close();
  }
}

async function logTail(log: Awaited<ReturnType<typeof open>>, from: number): Promise<string> {
  const { size } = await log.stat();
  const start = Math.max(from, size - LOG_TAIL_BYTES);
  const { buffer, bytesRead } = await log.read({
    buffer: Buffer.alloc(LOG_TAIL_BYTES),
    position: start,
  });
  return buffer.subarray(0, bytesRead).toString('utf8');
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, ms));

/**
 * Fast shutdown (a checkpoint, then the end); returns when the process is gone. After `limitMs`
 * the server is left to finish alone: it has its order and takes nobody new.
 */
export async function stopServer(clusterDir: string, limitMs: number): Promise<boolean> {
  const running = await readPostmaster(clusterDir);
  if (!running) return true;
  try {
    process.kill(running.pid, 'SIGINT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  const deadlineMs = Date.now() + limitMs;
  while (isAlive(running.pid) && Date.now() < deadlineMs) await pause(10);
  return !isAlive(running.pid);
}

/** Whether the folder has a database with a server that is alive. */
export async function isClusterRunning(dataDir: string): Promise<boolean> {
  const published = path.join(path.resolve(dataDir), 'postgres');
  const home = await realpath(published).catch(notFound);
  return home !== null && (await readPostmaster(path.join(home, 'cluster'))) !== null;
}

/** Stops the folder's server, whoever uses it, and removes the database. For throw-away folders. */
export async function removeCluster(dataDir: string, limitMs: number): Promise<void> {
  const published = path.join(path.resolve(dataDir), 'postgres');
  const home = await realpath(published).catch(notFound);
  if (home !== null) {
    await stopServer(path.join(home, 'cluster'), limitMs);
    await rm(home, { recursive: true, force: true }); // can lie elsewhere, behind a link
  }
  await rm(published, { recursive: true, force: true });
}
