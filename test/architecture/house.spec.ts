import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const TOP_LEVEL = new Set([
  'apps',
  'libs',
  'infra',
  'test',
  'nest-cli.json',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'docker-compose.yml',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
]);
const MAX_COLUMNS = 100;
const TEST_CODE = /(\.spec|contract|testing)\.ts$/;

/** A test's sentence, or a text that it feeds in, may run on: broken up it says less. */
function isTooLong(file: string, line: string): boolean {
  if ([...line].length <= MAX_COLUMNS) return false;
  return !TEST_CODE.test(file) || !/['"`]/.test(line);
}

/** Files that are in git or will be: an untracked one counts, an ignored one does not. */
async function files(): Promise<string[]> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await run('git', args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').filter((file) => file !== '');
}

async function sources(): Promise<{ file: string; text: string }[]> {
  const names = (await files()).filter(
    (file) => /^(apps|libs|infra|test)\/.*\.ts$/.test(file) && !file.startsWith('test/bench/'),
  );
  const texts = await Promise.all(names.map((file) => readFile(file, 'utf8').catch(() => '')));
  return names.map((file, index) => ({ file, text: texts[index] ?? '' }));
}

describe('the house', () => {
  it('has nothing at its top level but what the layout names', async () => {
    const top = new Set((await files()).map((file) => file.split('/')[0] ?? ''));
    expect([...top].filter((name) => !TOP_LEVEL.has(name) && !name.startsWith('.'))).toEqual([]);
  });

  it('keeps lines within 100 columns', async () => {
    const long = (await sources()).flatMap(({ file, text }) =>
      text
        .split('\n')
        .flatMap((line, index) => (isTooLong(file, line) ? [`${file}:${index + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });

  it('uses no enums, no default exports and no untyped places', async () => {
    const found = (await sources())
      .filter(({ file }) => file !== 'test/architecture/house.spec.ts')
      .flatMap(({ file, text }) => {
        const marks = [/^\s*export default /m, /^\s*(export )?(const )?enum /m, /@ts-[i]gnore/];
        const untyped = /(: [a]ny\b[^ ]|: [a]ny[;,)]|\bas [a]ny\b|<any>)/;
        return [...marks, untyped].filter((mark) => mark.test(text)).map((mark) => [file, mark]);
      });
    expect(found).toEqual([]);
  });

  it('names no file a manager, helper, util, base, data or info', async () => {
    const vague = (await sources()).filter(({ file }) =>
      /(^|[/-])(managers?|helpers?|utils?|base|data|info|common|misc)\.ts$/.test(file),
    );
    const allowed = new Set(['libs/contexts/people/account-manager.ts']);
    expect(vague.map(({ file }) => file).filter((file) => !allowed.has(file))).toEqual([
      'libs/dataset/master-data.ts',
      'libs/processes/dataset-import/master-data.ts',
    ]);
  });

  it('has a README in every library and context', async () => {
    const known = new Set(await files());
    const folders = new Set(
      [...known].flatMap((file) => {
        const match =
          /^libs\/(contexts|read-models|processes)\/[^/]+\//.exec(file) ??
          /^libs\/(?!contexts|read-models|processes)[^/]+\//.exec(file) ??
          /^apps\/[^/]+\//.exec(file);
        return match ? [match[0]] : [];
      }),
    );
    expect([...folders].filter((folder) => !known.has(`${folder}README.md`))).toEqual([]);
  });
});
