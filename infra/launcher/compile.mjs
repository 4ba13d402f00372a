import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Brings `dist/` up to date with the sources (decision record 0002). Each file is translated on
 * its own by swc, without a type check, and only when its size or time differ from those noted at
 * the last run.
 */
const SOURCE_DIRS = ['apps', 'libs', 'infra'];
const ASSETS = new Set(['.json', '.csv', '.sql', '.html', '.css', '.js', '.svg']);
const STAMP = '.compiled.json';
const LOCK = '.compiling';
const CONCURRENCY = 16;
const POLL_MS = 50;
const LOCK_WAIT_MS = 120_000;
/** A lock whose writer was killed before it wrote its pid. */
const EMPTY_LOCK_MS = 5_000;

const OPTIONS = {
  swcrc: false,
  module: { type: 'es6' },
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  sourceMaps: true,
};

/** Path of an output below dist; null for a file that is no part of the program. */
function outputOf(source) {
  if (/\.(spec|d)\.ts$/.test(source) || source.includes('node_modules')) return null;
  if (source.endsWith('.ts')) return source.replace(/\.ts$/, '.js');
  return ASSETS.has(path.extname(source)) ? source : null;
}

const unlessGone = (fallback) => (error) => {
  if (error.code === 'ENOENT') return fallback;
  throw error;
};

/** Every source with what tells a changed one: `{ 'libs/kernel/hash.ts': 'mtime size' }`. */
async function listSources(root) {
  const listed = await Promise.all(
    SOURCE_DIRS.map(async (dir) => {
      const names = await readdir(path.join(root, dir), { recursive: true }).catch(unlessGone([]));
      return names.map((name) => path.join(dir, name));
    }),
  );
  const files = listed.flat().filter((file) => outputOf(file) !== null);
  const marks = await Promise.all(
    files.map(async (file) => {
      const found = await stat(path.join(root, file)).catch(unlessGone(null));
      return found?.isFile() ? [[file, `${found.mtimeMs} ${found.size}`]] : [];
    }),
  );
  return Object.fromEntries(marks.flat().sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function readStamp(dist) {
  try {
    return JSON.parse(await readFile(path.join(dist, STAMP), 'utf8'));
  } catch {
    return null; // never compiled here, or killed in the middle: everything is done again
  }
}

const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Whole or not at all: another launch may be reading the old file. */
async function replaceFile(file, content) {
  const fresh = `${file}.${process.pid}.new`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(fresh, content);
  await rename(fresh, file);
}

async function compileFile(swc, root, dist, source) {
  const file = path.join(root, source);
  const output = path.join(dist, outputOf(source));
  if (!source.endsWith('.ts')) {
    await replaceFile(output, await readFile(file));
    return;
  }
  const { code, map } = await swc.transform(await readFile(file, 'utf8'), {
    ...OPTIONS,
    filename: file,
    sourceFileName: path.relative(path.dirname(output), file),
  });
  const name = path.basename(output);
  await replaceFile(`${output}.map`, map ?? '{}');
  await replaceFile(output, `${code}\n//# sourceMappingURL=${name}.map\n`);
}

async function inTurns(items, work) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function tryLock(lock) {
  try {
    const handle = await open(lock, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** One launch compiles, the others wait for it; the lock of a killed one does not count. */
async function withLock(dist, work) {
  const lock = path.join(dist, LOCK);
  await mkdir(dist, { recursive: true });
  const startedMs = Date.now();
  while (!(await tryLock(lock))) {
    const waitedMs = Date.now() - startedMs;
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    const isStale = holder > 0 ? !isAlive(holder) : waitedMs > EMPTY_LOCK_MS;
    // Two that remove a stale lock at once compile both; every file is replaced whole, so that
    // costs time alone.
    if (isStale) await rm(lock, { force: true });
    else if (waitedMs > LOCK_WAIT_MS) throw new Error(`process ${holder} is still compiling`);
    else await new Promise((resolve) => void setTimeout(resolve, POLL_MS));
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** The compiler is a development dependency: an installation without it runs what was built. */
async function loadCompiler(dist) {
  try {
    return await import('@swc/core');
  } catch (error) {
    if ((await stat(path.join(dist, 'apps')).catch(() => null)) !== null) return null;
    throw new Error('nothing is compiled yet: run npm install with development dependencies', {
      cause: error,
    });
  }
}

async function compileChanged(swc, root, dist, { stamp, sources, options, say }) {
  const known = stamp?.options === options ? stamp.sources : {};
  const changed = Object.keys(sources).filter((source) => known[source] !== sources[source]);
  const gone = Object.keys(known).filter((source) => sources[source] === undefined);
  say(`compiling ${changed.length} changed files`);
  // While files change the old stamp must not vouch for them.
  await rm(path.join(dist, STAMP), { force: true });
  await inTurns(changed, (source) => compileFile(swc, root, dist, source));
  for (const source of gone) {
    await rm(path.join(dist, outputOf(source)), { force: true });
    await rm(path.join(dist, `${outputOf(source)}.map`), { force: true });
  }
  await replaceFile(path.join(dist, STAMP), JSON.stringify({ options, sources }));
  return changed.length;
}

/** Returns the count of files that were translated or copied. */
export async function compileIfStale(root, say = () => undefined) {
  const dist = path.join(root, 'dist');
  const options = JSON.stringify(OPTIONS);
  const isFresh = (stamp, sources) => stamp?.options === options && isSame(stamp.sources, sources);
  const before = await listSources(root);
  if (isFresh(await readStamp(dist), before)) return 0;
  if (!Object.keys(before).some((source) => source.endsWith('.ts'))) return 0; // dist alone is here
  const swc = await loadCompiler(dist);
  if (swc === null) return 0;
  return withLock(dist, async () => {
    const sources = await listSources(root);
    const stamp = await readStamp(dist);
    if (isFresh(stamp, sources)) return 0;
    return compileChanged(swc, root, dist, { stamp, sources, options, say });
  });
}
