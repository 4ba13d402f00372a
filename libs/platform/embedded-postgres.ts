import { rm } from 'node:fs/promises';
import { Client } from 'pg';
import { DomainError } from '#kernel';
import {
  isClusterRunning,
  openCluster,
  pause,
  removeCluster,
  startServer,
  stopServer,
  SUPERUSER,
  type Cluster,
  type ServerSettings,
} from './embedded/cluster.js';
import { readPostmaster } from './embedded/postmaster.js';

/**
 * `own`: the one `start` of a folder; a second is refused with `data-folder-in-use`.
 * `attach`: works beside whoever is there; starts the server when none runs.
 * `own-or-attach`: owns the folder if nobody does.
 */
export type OpenMode = 'own' | 'attach' | 'own-or-attach';

export type OpenEmbeddedOptions = ServerSettings & {
  readonly dataDir: string;
  readonly mode: OpenMode;
  readonly startTimeoutMs?: number; // default 10 min: crash recovery may have 8 GB of log to read
};

export type DatabaseUrls = {
  readonly superuserUrl: string; // for tests and emergencies; the product never uses it
  readonly ownerUrl: string; // migrates
  readonly appUrl: string; // everything else
};

export type EmbeddedServer = DatabaseUrls & {
  readonly dataDir: string;
  readonly isOwner: boolean;
  /** The process that runs `start` on this folder; null when none does. */
  ownerPid(): Promise<number | null>;
  /** Leaves; the last one to leave stops the server. */
  close(): Promise<void>;
};

/**
 * Who uses the server is known to the server itself: each process keeps one connection with
 * session advisory locks on database `postgres`. They end with the process, however it ends, so
 * there is no registration to go stale.
 * - PRESENCE, shared by all. Who leaves gives it up and tries for it exclusively; who gets it was
 *   the last and stops the server while holding it, so that a newcomer in that moment cannot join,
 *   waits for the end and starts anew.
 * - OWNER, exclusive, by `own`.
 * - PREPARE, exclusive, while roles and database are made.
 */
const LOCKS = { presence: 1, owner: 2, prepare: 3 } as const;
const LOCK_SPACE = 0x6d657269; // 'meri'
const START_TIMEOUT_MS = 10 * 60_000;
const STOP_TIMEOUT_MS = 10 * 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const OWNER_NAME = /^merit-owner:(\d+)$/;
export const DATABASE = 'merit';
export const OWNER_ROLE = 'merit_owner';
export const APP_ROLE = 'merit_app';

/**
 * Removes a throw-away data folder with all in it; a server that still runs there is stopped,
 * whoever uses it. Part of the folder can lie elsewhere, so `rm -rf` would leave something behind.
 */
export async function removeDataFolder(dataDir: string): Promise<void> {
  await removeCluster(dataDir, STOP_TIMEOUT_MS);
  await rm(dataDir, { recursive: true, force: true });
}

/**
 * Removes the database of a folder unless its server runs, and leaves what else lies there: what
 * was made in a folder that already held a key file, and could not be finished. False: somebody
 * works with it, and it stays.
 */
export async function removeUnusedDatabase(dataDir: string): Promise<boolean> {
  if (await isClusterRunning(dataDir)) return false;
  await removeCluster(dataDir, STOP_TIMEOUT_MS);
  return true;
}

type Presence = { readonly client: Client; readonly port: number; readonly isOwner: boolean };

/** Errors: DomainError `data-folder-in-use`, `embedded-server-failed`, and those of the folder. */
export async function openEmbeddedServer(options: OpenEmbeddedOptions): Promise<EmbeddedServer> {
  const cluster = await openCluster(options.dataDir, options);
  const deadlineMs = Date.now() + (options.startTimeoutMs ?? START_TIMEOUT_MS);
  const first = await enter(cluster, options, { wantedPort: null, deadlineMs });
  try {
    await prepare(first.client, cluster);
  } catch (error) {
    await leave(cluster, first.client);
    throw error;
  }
  const keeper = keepPresence(cluster, options, first);
  const { superuser, owner, app } = cluster.credentials;
  const url = (role: string, password: string, database: string): string =>
    `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${first.port}/${database}`;
  return {
    dataDir: cluster.dataDir,
    isOwner: first.isOwner,
    superuserUrl: url(SUPERUSER, superuser, 'postgres'),
    ownerUrl: url(OWNER_ROLE, owner, DATABASE),
    appUrl: url(APP_ROLE, app, DATABASE),
    ownerPid: () => keeper.ownerPid(),
    close: () => keeper.close(),
  };
}

/** Joins the running server, or starts one and joins that; goes round while others come and go. */
async function enter(
  cluster: Cluster,
  options: OpenEmbeddedOptions,
  limits: {
    readonly wantedPort: number | null; // null: whichever is free
    readonly deadlineMs: number;
    readonly signal?: AbortSignal;
  },
): Promise<Presence> {
  const { wantedPort, deadlineMs, signal } = limits;
  const mayGoOn = (): boolean => Date.now() < deadlineMs && signal?.aborted !== true;
  while (mayGoOn()) {
    const running = await readPostmaster(cluster.clusterDir);
    if (running === null) {
      const outcome = await startServer(cluster, wantedPort, options, deadlineMs);
      if (outcome === 'transient') await pause(100);
    } else if (running.status === 'ready') {
      const joined = await join(cluster, running.port, options);
      if (joined !== null) return joined;
      await pause(50);
    } else {
      await pause(50);
    }
  }
  throw new DomainError(
    'embedded-server-failed',
    { step: 'join', dataDir: cluster.dataDir },
    `The embedded PostgreSQL of ${cluster.dataDir} did not become ready in time.`,
  );
}

/** Null while the server is going down or coming up. */
async function join(
  cluster: Cluster,
  port: number,
  options: OpenEmbeddedOptions,
): Promise<Presence | null> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: SUPERUSER,
    password: cluster.credentials.superuser,
    database: 'postgres',
    application_name: `merit-attached:${process.pid}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    if (!(await tryLock(client, 'presence', 'shared'))) {
      await client.end();
      return null;
    }
    const isOwner = options.mode !== 'attach' && (await tryLock(client, 'owner', 'exclusive'));
    if (isOwner) await client.query(`SET application_name = 'merit-owner:${process.pid}'`);
    if (options.mode === 'own' && !isOwner) throw await folderInUse(cluster, client);
    return { client, port, isOwner };
  } catch (error) {
    await client.end().catch(() => undefined);
    if (error instanceof DomainError || isRefusal(error)) throw error;
    return null;
  }
}

/** What waiting does not mend: wrong password, damaged catalogue. Classes 28 and XX. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && /^(28|XX)/.test(code) && code.length === 5;
}

async function folderInUse(cluster: Cluster, client: Client): Promise<DomainError> {
  const ownerPid = await findOwnerPid(client);
  return new DomainError(
    'data-folder-in-use',
    { dataDir: cluster.dataDir, ownerPid },
    `${cluster.dataDir} is already served by process ${ownerPid ?? '(just ending)'}. ` +
      'Stop that one first, or give another folder with --data.',
  );
}

async function tryLock(
  client: Client,
  lock: keyof typeof LOCKS,
  kind: 'shared' | 'exclusive',
): Promise<boolean> {
  const name = kind === 'shared' ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock';
  const { rows } = await client.query<{ readonly got: boolean }>(`SELECT ${name}($1, $2) AS got`, [
    LOCK_SPACE,
    LOCKS[lock],
  ]);
  return rows[0]?.got === true;
}

async function findOwnerPid(client: Client): Promise<number | null> {
  const { rows } = await client.query<{ readonly application_name: string }>(
    `SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted
        AND l.classid::bigint = $1 AND l.objid::bigint = $2`,
    [LOCK_SPACE, LOCKS.owner],
  );
  const pid = OWNER_NAME.exec(rows[0]?.application_name ?? '')?.[1];
  return pid === undefined ? null : Number(pid);
}

/** Roles and database; what is there is left alone, so an interrupted first start is finished. */
async function prepare(client: Client, cluster: Cluster): Promise<void> {
  const isPrepared = async (): Promise<boolean> =>
    (await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE])).rowCount === 1;
  if (await isPrepared()) return;
  await client.query('SELECT pg_advisory_lock($1, $2)', [LOCK_SPACE, LOCKS.prepare]);
  try {
    if (await isPrepared()) return;
    // A dry run works on a database of its own.
    await makeRole(client, OWNER_ROLE, cluster.credentials.owner, 'CREATEDB');
    await makeRole(client, APP_ROLE, cluster.credentials.app, 'NOCREATEDB');
    // Last, because its presence says that all is prepared.
    await client.query(`CREATE DATABASE ${DATABASE} OWNER ${OWNER_ROLE} TEMPLATE template0`);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1, $2)', [LOCK_SPACE, LOCKS.prepare]);
  }
}

async function makeRole(
  client: Client,
  role: string,
  password: string,
  createDatabase: 'CREATEDB' | 'NOCREATEDB',
): Promise<void> {
  const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
  if (known.rowCount === 1) return;
  const secret = client.escapeLiteral(password);
  await client.query(
    `CREATE ROLE ${role} LOGIN NOSUPERUSER ${createDatabase} NOCREATEROLE PASSWORD ${secret}`,
  );
}

/** Gives up presence and stops the server if nobody else is there. */
async function leave(cluster: Cluster, client: Client): Promise<void> {
  try {
    await client.query('SELECT pg_advisory_unlock_all()');
    if (await tryLock(client, 'presence', 'exclusive')) {
      await stopServer(cluster.clusterDir, STOP_TIMEOUT_MS);
    }
  } catch {
    // The connection is gone, and with it every lock: whoever is left stops the server.
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Holds presence through crashes of the server: when the connection ends unasked, joins again,
 * starting the server if it is dead, on the same port, so that every pool finds it again.
 */
function keepPresence(
  cluster: Cluster,
  options: OpenEmbeddedOptions,
  first: Presence,
): { ownerPid: () => Promise<number | null>; close: () => Promise<void> } {
  let current: Promise<Presence | null> = Promise.resolve(first);
  let closing: Promise<void> | null = null;
  const closed = new AbortController();

  const watch = (presence: Presence): void => {
    presence.client.once('end', () => {
      if (closing === null) current = rejoin();
    });
  };
  const rejoin = async (): Promise<Presence | null> => {
    options.log?.('lost the embedded PostgreSQL; joining it again');
    const mode = first.isOwner ? 'own' : 'attach';
    for (let waitMs = 100; !closed.signal.aborted; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        const again = await enter(
          cluster,
          { ...options, mode },
          {
            wantedPort: first.port,
            deadlineMs: Date.now() + START_TIMEOUT_MS,
            signal: closed.signal,
          },
        );
        if (again.port !== first.port) {
          options.log?.(
            `the embedded PostgreSQL is now at port ${again.port}: restart this process`,
          );
        }
        watch(again);
        return again;
      } catch (error) {
        if (closed.signal.aborted) break;
        options.log?.(`the embedded PostgreSQL is not there yet: ${String(error)}`);
        await pause(waitMs);
      }
    }
    return null;
  };
  const shut = async (): Promise<void> => {
    closed.abort();
    const presence = await current;
    if (presence !== null) await leave(cluster, presence.client);
  };
  watch(first);
  return {
    ownerPid: async () => {
      const presence = await current;
      return presence === null ? null : findOwnerPid(presence.client);
    },
    close: () => (closing ??= shut()),
  };
}
