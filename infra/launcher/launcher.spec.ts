import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const COMPILE = path.resolve(import.meta.dirname, 'compile.mjs');

describe('the launcher', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'merit-launch-'));
    await source('package.json', '{ "type": "module" }');
    await source('libs/words/index.ts', `export const word: string = 'first';\n`);
    await source('apps/merit/main.ts', `export { word } from '../../libs/words/index.js';\n`);
  });
  afterEach(() => rm(root, { recursive: true }));

  async function source(name: string, text: string): Promise<void> {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** A launch in a process of its own; the count of files that it translated. */
  async function launch(): Promise<number> {
    const script = `import { compileIfStale } from ${JSON.stringify(COMPILE)};
      console.log(await compileIfStale(${JSON.stringify(root)}));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
    return Number(stdout);
  }

  async function wordOf(): Promise<string> {
    const main = path.join(root, 'dist/apps/merit/main.js');
    const script = `console.log((await import(${JSON.stringify(main)})).word)`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
    return stdout.trim();
  }

  it('compiles only what changed since the last time', async () => {
    expect(await launch()).toBe(2);
    expect(await launch()).toBe(0);
    await source('libs/words/index.ts', `export const word = 'second';\n`);
    expect(await launch()).toBe(1);
    expect(await wordOf()).toBe('second');
  });

  it('leaves tests out, takes data along and drops what is gone', async () => {
    await source('libs/words/index.spec.ts', '');
    await source('apps/merit/demo/units.csv', 'unitId\n');
    await launch();
    const compiled = async () => (await readdir(path.join(root, 'dist/libs/words'))).sort();
    expect(await compiled()).toEqual(['index.js', 'index.js.map']);
    const copy = path.join(root, 'dist/apps/merit/demo/units.csv');
    expect(await readFile(copy, 'utf8')).toBe('unitId\n');
    await rm(path.join(root, 'libs/words/index.ts'));
    await launch();
    expect(await compiled()).toEqual([]);
  });

  it('compiles once when several are launched together', async () => {
    const counts = await Promise.all([launch(), launch(), launch()]);
    expect(counts.sort()).toEqual([0, 0, 2]);
    expect(await wordOf()).toBe('first');
  });

  it('does not wait for a launch that was killed while it compiled', async () => {
    const gone = execFile(process.execPath, ['--version']);
    await new Promise((resolve) => void gone.once('exit', resolve));
    await source('dist/.compiling', String(gone.pid));
    expect(await launch()).toBe(2);
  });

  it('compiles anew after a launch that failed on a broken source', async () => {
    await source('libs/words/index.ts', 'export const word = ;');
    await expect(launch()).rejects.toThrow('Expression expected');
    await source('libs/words/index.ts', `export const word = 'mended';\n`);
    await launch();
    expect(await wordOf()).toBe('mended');
  });
});
