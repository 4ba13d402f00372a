import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { createSorter, type Sorter, spillFolder } from './external-sort.js';

const SORTER = join(import.meta.dirname, 'external-sort.ts');
const TYPESCRIPT = join(import.meta.dirname, '../../test/support/register-typescript.mjs');

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'merit-sort-spec-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

async function addAll(sorter: Sorter, lines: readonly string[]): Promise<void> {
  for (const line of lines) if (sorter.add(line)) await sorter.spill();
}

async function allOf(sorter: Sorter): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of sorter.sorted()) lines.push(...batch);
  return lines;
}

describe('sorting more than memory holds', () => {
  it('gives the lines as sorting them in memory would, at every memory limit', async () => {
    const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\t', '客', '😀', '0') }), {
      maxLength: 200,
    });
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 20_000 }), async (all, limitBytes) => {
        const folder = spillFolder(parent);
        const sorter = createSorter(folder, limitBytes);
        await addAll(sorter, all);
        expect(await allOf(sorter)).toEqual([...all].sort());
        await folder.remove();
        expect(await readdir(parent)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('holds no more than its limit, and merges many runs in bounded steps', async () => {
    const folder = spillFolder(parent);
    const sorter = createSorter(folder, 1_000);
    const lines = Array.from({ length: 3_000 }, (_, at) =>
      String((at * 7919) % 3_000).padStart(6, '0'),
    );
    await addAll(sorter, lines);
    expect(sorter.runCount()).toBeGreaterThan(128); // 16 lines of 60 bytes a run
    expect(await allOf(sorter)).toEqual([...lines].sort());
    expect(sorter.runCount()).toBeLessThanOrEqual(64);
    expect(await allOf(sorter)).toEqual([...lines].sort()); // the runs are still there
    await folder.remove();
  });

  it('removes the runs of a process that was killed, and nobody else’s', async () => {
    const spill = `
      import { createSorter, spillFolder } from ${JSON.stringify(SORTER)};
      const sorter = createSorter(spillFolder(${JSON.stringify(parent)}));
      sorter.add('a');
      await sorter.spill();
      console.log('spilled');
      setInterval(() => undefined, 60_000);`;
    const [dead, alive] = await Promise.all(
      [0, 1].map(async () => {
        const args = ['--import', TYPESCRIPT, '--input-type=module', '--eval', spill];
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        await once(child.stdout, 'data');
        return child;
      }),
    );
    try {
      const died = once(dead as ChildProcess, 'exit');
      dead?.kill('SIGKILL');
      await died;
      expect(await readdir(parent)).toHaveLength(2);
      const folder = spillFolder(parent);
      const sorter = createSorter(folder);
      sorter.add('b');
      await sorter.spill();
      const pids = (await readdir(parent)).map((name) => name.split('-').at(-2));
      expect(pids.sort()).toEqual([`${alive?.pid}`, `${process.pid}`].sort());
      await folder.remove();
    } finally {
      alive?.kill('SIGKILL');
    }
  }, 30_000);

  it('needs no file for what fits in memory', async () => {
    const sorter = createSorter(spillFolder(parent));
    await addAll(sorter, ['b', 'a']);
    expect(await allOf(sorter)).toEqual(['a', 'b']);
    expect(await readdir(parent)).toEqual([]);
  });

  it('can be stopped early without keeping a file open', async () => {
    const folder = spillFolder(parent);
    const sorter = createSorter(folder, 200);
    await addAll(
      sorter,
      Array.from({ length: 500 }, (_, at) => String(at)),
    );
    const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const before = await openFiles();
    for await (const batch of sorter.sorted()) if (batch.length > 0) break;
    await folder.remove();
    while ((await openFiles()) > before) await new Promise(setImmediate);
  });
});
