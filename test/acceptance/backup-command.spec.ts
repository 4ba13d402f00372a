import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { removeDataFolder } from '#platform';
import {
  createStoreFolder,
  type Ended,
  startMerit,
  startServing,
  type StoreFolder,
} from '../support/merit.js';

/** Each command is a process of its own, with a server of its own. */
const LIMIT_MS = 120_000;

let folder: string;
let store: StoreFolder;
let file: string;
let targets = 0;

const run = (dataDir: string, ...args: readonly string[]): Promise<Ended> =>
  startMerit([...args, '--data', dataDir], store.env).ended;

/** A data folder to be, with the key-encryption key in it or without. */
async function newTarget(withKey: boolean): Promise<string> {
  const dir = join(folder, `target-${(targets += 1)}`);
  if (!withKey) return dir;
  await mkdir(dir);
  await copyFile(join(store.dataDir, 'key-encryption-key'), join(dir, 'key-encryption-key'));
  return dir;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

beforeAll(async () => {
  // The name is one that the next test run sweeps away, should this one be killed.
  folder = await mkdtemp(join(tmpdir(), 'merit-backup-command-'));
  const dataset = join(folder, 'dataset');
  writeOrganisation(dataset, { ...DEMO, people: 6, periods: 3, factsPercent: 20 });
  store = await createStoreFolder();
  const imported = await run(store.dataDir, 'import', dataset);
  expect(imported.exitCode).toBe(0);
  file = join(folder, 'night.merit');
  const backed = await run(store.dataDir, 'backup', file, '--format', 'json');
  expect(backed).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(backed.stdout)).toMatchObject({
    log: { file },
    keys: { file: `${file}.keys` },
  });
}, LIMIT_MS);

afterAll(async () => {
  for (let n = 1; n <= targets; n += 1) await removeDataFolder(join(folder, `target-${n}`));
  await store?.remove();
  await rm(folder, { recursive: true });
}, LIMIT_MS);

describe('merit restore', () => {
  it(
    'makes a folder that verifies and exports what the first one does',
    async () => {
      const target = await newTarget(true);
      const done = await run(target, 'restore', file);
      expect(done).toMatchObject({ exitCode: 0, signal: null });
      expect(done.stdout).toMatch(/^restored and verified: the log up to position \d+/);
      expect((await run(target, 'verify')).exitCode).toBe(0);
      for (const records of ['scores', 'ledger']) {
        const args = ['export', records, '--format', 'json'];
        const [was, is] = [await run(store.dataDir, ...args), await run(target, ...args)];
        expect(is.stdout).toBe(was.stdout);
        expect(is.stdout.length).toBeGreaterThan(100);
      }
      const again = await run(target, 'restore', file, '--lang', 'zh');
      expect(again).toMatchObject({ exitCode: 1, stdout: '' });
      expect(again.stderr).toContain('restore-target-not-empty: 目标中的');
    },
    LIMIT_MS,
  );

  it(
    'refuses a changed byte and a cut file, and makes no folder for them',
    async () => {
      const bytes = await readFile(file);
      const changed = Buffer.from(bytes);
      changed[Math.floor(bytes.length / 2)] = (changed[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
      for (const [name, some] of [
        ['changed', changed],
        ['cut', bytes.subarray(0, -1)],
      ] as const) {
        const other = join(folder, name);
        await writeFile(other, some);
        await copyFile(`${file}.keys`, `${other}.keys`);
        const target = await newTarget(false);
        const ended = await run(target, 'restore', other);
        expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ended.stderr).toContain('merit: backup-damaged: ');
        expect(await isThere(target)).toBe(false);
      }
    },
    LIMIT_MS,
  );

  it(
    'asks for the key-encryption key first, and makes no folder without it',
    async () => {
      const target = await newTarget(false);
      const ended = await run(target, 'restore', file, '--lang', 'zh');
      expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
      expect(ended.stderr).toContain('key-file-missing: ');
      expect(ended.stderr).toContain('MERIT_KEK_FILE');
      expect(await isThere(target)).toBe(false);
      const other = await newTarget(true);
      const key = join(other, 'key-encryption-key');
      await writeFile(key, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
      const wrong = await run(other, 'restore', file);
      expect(wrong.stderr).toContain('key-encryption-key-wrong: ');
      expect(await readdir(other)).toEqual(['key-encryption-key']);
    },
    LIMIT_MS,
  );
});

describe('a restored folder', () => {
  it(
    'is opened by its own key alone: no new one is made for a lost one',
    async () => {
      const target = await newTarget(true);
      expect((await run(target, 'restore', file)).exitCode).toBe(0);
      await rm(join(target, 'key-encryption-key'));
      const lost = await run(target, 'verify');
      expect(lost).toMatchObject({ exitCode: 1, stdout: '' });
      expect(lost.stderr).toContain('key-file-missing: ');
      expect(await readdir(target)).toEqual(['postgres']);
      const other = join(folder, 'other-key');
      await writeFile(other, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
      const env = { ...store.env, MERIT_KEK_FILE: other };
      const wrong = await startMerit(['verify', '--data', target], env).ended;
      expect(wrong.stderr).toContain('key-encryption-key-wrong: ');
    },
    LIMIT_MS,
  );
});

describe('two restores into one new folder at once', () => {
  it(
    'leave what the first one made, and the second one takes nothing away',
    async () => {
      const target = await newTarget(true);
      const both = await Promise.all([1, 2].map(() => run(target, 'restore', file)));
      expect(both.map(({ exitCode }) => exitCode).toSorted()).toEqual([0, 1]);
      const refused = both.find(({ exitCode }) => exitCode === 1);
      expect(refused?.stderr).toMatch(/data-folder-in-use|restore-target-not-empty/);
      expect((await run(target, 'verify')).exitCode).toBe(0);
    },
    LIMIT_MS,
  );
});

describe('a restore that is ended', () => {
  /** Ends it when it has begun to make a database. */
  async function endedBy(signal: NodeJS.Signals, target: string): Promise<Ended> {
    const restoring = startMerit(['restore', file, '--data', target], store.env);
    restoring.onLine((line) => {
      if (line.includes('preparing a new PostgreSQL database')) restoring.child.kill(signal);
    });
    return restoring.ended;
  }

  it(
    'by a signal leaves the folder as it was',
    async () => {
      const target = await newTarget(true);
      expect(await endedBy('SIGTERM', target)).toMatchObject({ exitCode: 143, stdout: '' });
      expect(await readdir(target)).toEqual(['key-encryption-key']);
    },
    LIMIT_MS,
  );

  it(
    'by a kill can be done again',
    async () => {
      const target = await newTarget(true);
      expect(await endedBy('SIGKILL', target)).toMatchObject({ signal: 'SIGKILL' });
      expect(await run(target, 'restore', file)).toMatchObject({ exitCode: 0 });
      expect((await run(target, 'verify')).exitCode).toBe(0);
    },
    LIMIT_MS,
  );
});

describe('merit backup', () => {
  it(
    'makes no new database of a wrong folder, nor a backup of nothing',
    async () => {
      const nowhere = join(folder, 'no-such-data');
      const other = join(folder, 'of-nothing');
      const ended = await run(nowhere, 'backup', other, '--lang', 'zh');
      expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
      expect(ended.stderr).toContain(`backup-source-missing: ${nowhere} 中没有数据`);
      expect([await isThere(nowhere), await isThere(other)]).toEqual([false, false]);
    },
    LIMIT_MS,
  );

  it(
    'says what to save, and in which order, where the log is elsewhere',
    async () => {
      const env = { ...store.env, EVENT_STORE_URL: 'esdb://127.0.0.1:1?tls=false' };
      const args = ['backup', join(folder, 'elsewhere'), '--data', store.dataDir];
      const ended = await startMerit(args, env).ended;
      expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
      expect(ended.stderr).toMatch(/backup-needs-postgresql: .* 1\. the log, .* 2\. after it /);
      expect(ended.stderr).toContain(store.dataDir);
    },
    LIMIT_MS,
  );

  it(
    'works beside a running start, which a restore does not touch',
    async () => {
      const served = startServing(store);
      try {
        await served.url;
        const other = join(folder, 'beside');
        expect(await run(store.dataDir, 'backup', other)).toMatchObject({ exitCode: 0 });
        expect(await isThere(`${other}.keys`)).toBe(true);
        const refused = await run(store.dataDir, 'restore', other);
        expect(refused.exitCode).toBe(1);
        expect(refused.stderr).toContain('data-folder-in-use');
        const target = await newTarget(true);
        expect(await run(target, 'restore', other)).toMatchObject({ exitCode: 0 });
      } finally {
        served.child.kill('SIGTERM');
      }
      expect((await served.ended).exitCode).toBe(0);
    },
    LIMIT_MS,
  );

  it(
    'replaces no earlier one, and says where it would have to go',
    async () => {
      const ended = await run(store.dataDir, 'backup', file, '--lang', 'zh');
      expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
      expect(ended.stderr).toContain(`backup-file-exists: ${file} 已存在`);
      expect((await run(store.dataDir, 'backup')).exitCode).toBe(2);
    },
    LIMIT_MS,
  );
});
