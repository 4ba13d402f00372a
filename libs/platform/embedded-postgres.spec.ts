import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runSql } from '../../test/support/database.js';
import { createAppPool } from './data-source.js';
import { findBinaries, makeLibraryLinks, serverUser } from './embedded/binaries.js';
import { isAlive, readPostmaster } from './embedded/postmaster.js';
import {
  openEmbeddedServer,
  removeDataFolder,
  removeUnusedDatabase,
  type EmbeddedServer,
  type OpenMode,
} from './embedded-postgres.js';

const SPEED = { durable: false, sharedBuffersBytes: 32 * 1024 ** 2 };
const SUPPORT = path.resolve(import.meta.dirname, '../../test/support');

let dataDir: string;
const opened: EmbeddedServer[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), `merit-test-${process.pid}-embedded-`));
});

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  for (const server of opened.splice(0)) await server.close();
  await removeDataFolder(dataDir);
});

async function open(mode: OpenMode): Promise<EmbeddedServer> {
  const server = await openEmbeddedServer({ dataDir, mode, ...SPEED });
  opened.push(server);
  return server;
}

/** A process of its own with this mode; resolves with the child as soon as `until` is fulfilled. */
async function hold(mode: OpenMode, until: 'open' | 'spawned' = 'open'): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      path.join(SUPPORT, 'register-typescript.mjs'),
      path.join(SUPPORT, 'hold-server.ts'),
      dataDir,
      mode,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.push(child);
  if (until === 'open' && child.stdout) await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const clusterDir = (): string => path.join(dataDir, 'postgres', 'cluster');

async function postmasterPid(): Promise<number | null> {
  const home = await realpath(clusterDir());
  return (await readPostmaster(home))?.pid ?? null;
}

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('waited 30 s in vain');
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
}

const insert = (server: EmbeddedServer, text: string): Promise<unknown> =>
  runSql(
    server.ownerUrl,
    `CREATE TABLE IF NOT EXISTS kept (v text); INSERT INTO kept VALUES ('${text}')`,
  );

async function kept(server: EmbeddedServer): Promise<readonly string[]> {
  const { rows } = await runSql(server.ownerUrl, 'SELECT v FROM kept ORDER BY v');
  return rows.map(({ v }: { v: string }) => v);
}

describe('the embedded server', () => {
  it('serves three roles on the loopback interface and keeps its passwords to itself', async () => {
    const server = await open('own');
    const settings = await runSql(
      server.superuserUrl,
      `SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) AS all FROM pg_settings
        WHERE name IN ('listen_addresses', 'max_wal_size', 'server_encoding', 'wal_compression')`,
    );
    expect(settings.rows[0]).toEqual({
      all: 'listen_addresses=127.0.0.1 max_wal_size=8192 server_encoding=UTF8 wal_compression=pglz',
    });
    const roles = await runSql(
      server.appUrl,
      `SELECT rolname, rolsuper, rolcreaterole, datcollate FROM pg_roles, pg_database
        WHERE rolname LIKE 'merit%' AND datname = current_database() ORDER BY 1`,
    );
    const powerless = { rolsuper: false, rolcreaterole: false, datcollate: 'C' };
    expect(roles.rows).toEqual([
      { rolname: 'merit_app', ...powerless },
      { rolname: 'merit_owner', ...powerless },
    ]);
    const { mode } = await stat(path.join(dataDir, 'postgres', 'credentials.json'));
    expect((mode & 0o777).toString(8)).toBe('600');
    const stranger = new URL(server.appUrl);
    stranger.password = 'guess';
    await expect(runSql(stranger.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('keeps what was written when it is stopped and started again', async () => {
    const first = await open('own');
    await insert(first, 'before');
    const pid = await postmasterPid();
    await first.close();
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(await kept(await open('own'))).toEqual(['before']);
  });

  it('refuses a second owner by name of the first and lets others work beside it', async () => {
    const owner = await hold('own');
    await expect(open('own')).rejects.toMatchObject({
      code: 'data-folder-in-use',
      details: { dataDir, ownerPid: owner.pid },
    });
    const beside = await open('own-or-attach');
    expect(beside.isOwner).toBe(false);
    expect(await beside.ownerPid()).toBe(owner.pid);
    await kill(owner);
    await waitUntil(async () => (await beside.ownerPid()) === null);
    expect((await open('own')).isOwner).toBe(true);
  });

  it('is not stopped under a command that came while its starter was there', async () => {
    const starter = await open('attach');
    const guest = await open('attach');
    const pid = await postmasterPid();
    await starter.close();
    await insert(guest, 'still here');
    expect(await postmasterPid()).toBe(pid);
    await guest.close();
    expect(isAlive(pid ?? 0)).toBe(false);
  });

  it('is removed alone, and only when nobody works with it', async () => {
    await writeFile(path.join(dataDir, 'of-somebody'), '');
    const server = await open('own');
    expect(await removeUnusedDatabase(dataDir)).toBe(false);
    await insert(server, 'still here');
    await server.close();
    expect(await removeUnusedDatabase(dataDir)).toBe(true);
    expect(await readdir(dataDir)).toEqual(['of-somebody']);
  });

  it('lets many come and go at once, each with a server to work with', async () => {
    const visit = async (name: string): Promise<void> => {
      const server = await openEmbeddedServer({ dataDir, mode: 'attach', ...SPEED });
      await runSql(server.appUrl, `SELECT '${name}'`);
      await server.close();
    };
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(['a', 'b', 'c', 'd'].map(visit));
    }
    expect(await postmasterPid()).toBeNull();
    expect(await readdir(dataDir)).toEqual(['postgres']);
  });
});

describe('after kill -9', () => {
  it('takes over the server that the killed owner left running', async () => {
    const owner = await hold('own');
    const pid = await postmasterPid();
    await kill(owner);
    const server = await open('own');
    expect(await postmasterPid()).toBe(pid);
    await server.close();
    expect(isAlive(pid ?? 0)).toBe(false);
  });

  it('does a half-done initialisation again', async () => {
    const child = await hold('own', 'spawned');
    // initdb is at work once the cluster has its version file.
    await waitUntil(async () => {
      const [fresh] = (await readdir(dataDir)).filter((name) => name.startsWith('postgres.new-'));
      if (fresh === undefined) return false;
      const version = path.join(dataDir, fresh, 'cluster', 'PG_VERSION');
      return stat(version).then(
        () => true,
        () => false,
      );
    });
    await kill(child);
    expect(await readdir(dataDir)).not.toContain('postgres');
    await insert(await open('own'), 'whole');
    expect(await readdir(dataDir)).toEqual(['postgres']);
  });

  it('makes roles and database when the first start was killed before it had made them', async () => {
    const server = await open('own');
    await runSql(server.superuserUrl, 'DROP DATABASE merit; ');
    await runSql(server.superuserUrl, 'DROP ROLE merit_app');
    await server.close();
    await insert(await open('own'), 'mended');
  });

  it('starts a killed server again on the same port, so that pools find it', async () => {
    const server = await open('own');
    await insert(server, 'safe');
    const pool = createAppPool(server.appUrl);
    try {
      await pool.query('SELECT 1');
      const pid = (await postmasterPid()) ?? 0;
      process.kill(pid, 'SIGKILL');
      await waitUntil(async () => ![pid, null].includes(await postmasterPid()));
      await waitUntil(() =>
        pool.query('SELECT 1').then(
          () => true,
          () => false,
        ),
      );
      expect(await server.ownerPid()).toBe(process.pid);
      expect(await kept(server)).toEqual(['safe']);
      await expect(open('own')).rejects.toMatchObject({ code: 'data-folder-in-use' });
    } finally {
      await pool.end();
    }
  });

  it('starts although a stranger has the pid of the dead server', async () => {
    const first = await open('own');
    const pid = (await postmasterPid()) ?? 0;
    const lock = await readFile(path.join(clusterDir(), 'postmaster.pid'), 'utf8');
    await first.close();
    const user = await serverUser();
    const stranger = spawn('sleep', ['600'], { ...user, cwd: '/' });
    children.push(stranger);
    await writeFile(
      path.join(clusterDir(), 'postmaster.pid'),
      lock.replace(String(pid), String(stranger.pid)),
    );
    await insert(await open('own'), 'started');
  });
});

describe('where the server’s user cannot reach', () => {
  it('keeps the database elsewhere when the data folder is closed to that user', async () => {
    await writeFile(path.join(dataDir, 'of-somebody'), ''); // so that it stays closed
    const server = await open('own');
    await insert(server, 'reachable');
    await server.close();
    expect(await kept(await open('own'))).toEqual(['reachable']);
    const isLink = (await lstat(path.join(dataDir, 'postgres'))).isSymbolicLink();
    expect(isLink).toBe((await serverUser()) !== null);
  });

  it('makes the library links that a blocked install script left out', async () => {
    const { postgres } = await findBinaries(await serverUser());
    const packageDir = path.join(dataDir, 'package');
    await mkdir(packageDir);
    await cp(path.resolve(postgres, '../..'), path.join(packageDir, 'native'), {
      recursive: true,
      filter: async (source) => !(await lstat(source)).isSymbolicLink(),
    });
    const version = async (): Promise<number | null> => {
      const child = spawn(path.join(packageDir, 'native/bin/postgres'), ['--version'], {
        stdio: 'ignore',
      });
      await once(child, 'exit');
      return child.exitCode;
    };
    expect(await version()).not.toBe(0);
    await makeLibraryLinks(packageDir);
    await makeLibraryLinks(packageDir);
    expect(await version()).toBe(0);
    await rm(packageDir, { recursive: true });
  });
});
