import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CRUISER = join(process.cwd(), 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const CONFIG = join(process.cwd(), '.dependency-cruiser.mjs');

type Report = {
  summary: { totalCruised: number; violations: { rule: { name: string }; from: string }[] };
};

async function cruise(cwd: string, folders: readonly string[]): Promise<Report['summary']> {
  const args = [CRUISER, '--config', CONFIG, '--output-type', 'json', ...folders];
  const options = { cwd, maxBuffer: 256 * 1024 * 1024 };
  // The command exits with the number of violations; the report says which.
  const { stdout } = await run(process.execPath, args, options).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  return (JSON.parse(stdout) as Report).summary;
}

describe('the layering of the repository', () => {
  it('holds in every file', async () => {
    const { violations, totalCruised } = await cruise(process.cwd(), ['apps', 'libs', 'infra']);
    expect(violations.map(({ rule, from }) => `${rule.name}: ${from}`)).toEqual([]);
    expect(totalCruised).toBeGreaterThan(100);
  }, 60_000);

  it('is broken by a context that knows another context, the log and the platform', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'merit-layering-'));
    try {
      await mkdir(join(folder, 'libs/contexts/metrics'), { recursive: true });
      await mkdir(join(folder, 'libs/contexts/people'), { recursive: true });
      await mkdir(join(folder, 'libs/event-store'), { recursive: true });
      await writeFile(join(folder, 'tsconfig.json'), '{}');
      await writeFile(join(folder, 'libs/contexts/people/index.ts'), 'export const a = 1;\n');
      await writeFile(join(folder, 'libs/event-store/index.ts'), 'export const b = 1;\n');
      await writeFile(
        join(folder, 'libs/contexts/metrics/index.ts'),
        "import { readFile } from 'node:fs';\nimport { a } from '../people/index.js';\n" +
          "import { b } from '../../event-store/index.js';\nexport const c = [readFile, a, b];\n",
      );
      const { violations } = await cruise(folder, ['libs']);
      expect(violations.map(({ rule }) => rule.name)).toEqual(
        expect.arrayContaining([
          'pure-core-without-node',
          'contexts-keep-apart',
          'contexts-know-kernel-and-rules',
        ]),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  it('is broken by a payroll consumer that knows more than the contracts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'merit-layering-'));
    try {
      await mkdir(join(folder, 'apps/payroll-consumer'), { recursive: true });
      await mkdir(join(folder, 'libs/rules'), { recursive: true });
      await writeFile(join(folder, 'tsconfig.json'), '{}');
      await writeFile(join(folder, 'libs/rules/index.ts'), 'export const a = 1;\n');
      await writeFile(
        join(folder, 'apps/payroll-consumer/main.ts'),
        "import { a } from '../../libs/rules/index.js';\nexport const b = a;\n",
      );
      const { violations } = await cruise(folder, ['apps', 'libs']);
      expect(violations.map(({ rule }) => rule.name)).toEqual([
        'payroll-consumer-knows-contracts-alone',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);
});
