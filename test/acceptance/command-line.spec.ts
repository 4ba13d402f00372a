import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import type { ImportReport } from '#dataset';
import { UNCHECKED_BY_PORT } from '#processes/verification';
import { createTestDatabase, withDatabase } from '../support/database.js';
import {
  createStoreFolder,
  type Ended,
  startMerit,
  startServing,
  type StoreFolder,
} from '../support/merit.js';

/** Each command is a process of its own. */
const LIMIT_MS = 58_000;

let folder: string;
let dataset: string;
let store: StoreFolder;
let served: ReturnType<typeof startServing>;

/** Runs a command beside the one that serves the folder. */
const run = (...args: readonly string[]): Promise<Ended> =>
  startMerit([...args, '--data', store.dataDir], store.env).ended;

const reportOf = ({ stdout }: Ended): ImportReport => JSON.parse(stdout) as ImportReport;

async function eventCount(): Promise<number> {
  const system = await store.open();
  try {
    return (await system.store.lag('')).events;
  } finally {
    await system.close();
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-command-line-'));
  dataset = join(folder, 'dataset');
  writeOrganisation(dataset, { ...DEMO, people: 9, periods: 3, factsPercent: 30 });
  store = await createStoreFolder();
  served = startServing(store);
  await served.url;
}, 60_000);

afterAll(async () => {
  served?.child.kill('SIGTERM');
  const ended = await served?.ended;
  await store?.remove();
  await rm(folder, { recursive: true });
  expect(ended?.exitCode).toBe(0);
}, 60_000);

describe('the command line beside a running start', () => {
  it(
    'refuses a second start on the folder and names the first',
    async () => {
      const { exitCode, stderr, stdout } = await run('start', '--port', '0');
      expect(exitCode).toBe(1);
      expect(stderr).toContain('data-folder-in-use');
      expect(stderr).toContain(String(served.child.pid));
      expect(stdout).toBe('');
    },
    LIMIT_MS,
  );

  it(
    'reports a dry run and writes nothing, then imports what the dry run promised',
    async () => {
      const before = await eventCount();
      const dry = await run('import', dataset, '--dry-run', '--format', 'json');
      expect(dry.exitCode).toBe(0);
      expect(await eventCount()).toBe(before);
      const real = await run('import', dataset, '--format', 'json');
      expect(real.exitCode).toBe(0);
      expect(reportOf(real)).toEqual(reportOf(dry));
      expect(Object.keys(reportOf(real))).toEqual(['accepted', 'repeated', 'refused']);
      expect(Object.keys(reportOf(real).refused[0] ?? {})).toEqual([
        'file',
        'line',
        'code',
        'reason',
      ]);
      expect(reportOf(real).accepted).toBeGreaterThan(300);
      const again = reportOf(await run('import', dataset, '--dry-run', '--format', 'json'));
      expect(again.accepted).toBe(0);
      expect(again.refused).toEqual(reportOf(real).refused);
      const system = await store.open();
      try {
        const left = `SELECT datname FROM pg_database WHERE datname LIKE 'merit_dry%'`;
        expect((await system.pool.query(left)).rows).toEqual([]);
      } finally {
        await system.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'fails a strict import of which anything was refused, and prints the report',
    async () => {
      const strict = await run('import', dataset, '--strict', '--format', 'json');
      expect(strict.exitCode).toBe(1);
      expect(reportOf(strict).refused.length).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  it.each(['scores', 'tiers', 'leaderboards', 'ledger'])(
    'exports %s as JSON on standard output alone, and as CSV with its mark',
    async (name) => {
      const json = await run('export', name, '--format', 'json');
      const records = JSON.parse(json.stdout) as object[];
      expect(records.length).toBeGreaterThan(5);
      const csv = await run('export', name, '--format', 'csv');
      expect(csv.stdout.startsWith(`\uFEFF${Object.keys(records[0] ?? {}).join(',')}\r\n`)).toBe(
        true,
      );
      expect(csv.stdout.trimEnd().split('\r\n')).toHaveLength(records.length + 1);
    },
    LIMIT_MS,
  );

  it(
    'exports one period alone',
    async () => {
      const { stdout } = await run('export', 'scores', '--period', '2025-11', '--format', 'json');
      const records = JSON.parse(stdout) as { period: string }[];
      expect(new Set(records.map(({ period }) => period))).toEqual(new Set(['2025-11']));
    },
    LIMIT_MS,
  );

  it(
    'traces a score, for people and as JSON, also as of an instant',
    async () => {
      const scores = await run('export', 'scores', '--format', 'json');
      const [score] = JSON.parse(scores.stdout) as { accountManagerId: string; period: string }[];
      const whose = [score?.accountManagerId ?? '', score?.period ?? ''] as const;
      const traced = await run('trace', ...whose, '--format', 'json');
      const steps = (JSON.parse(traced.stdout) as { steps: object[] }).steps;
      const instant = `${whose[1]}-15T00:00:00+08:00`;
      const early = await run('trace', ...whose, '--as-of', instant, '--format', 'json');
      const earlySteps = (JSON.parse(early.stdout) as { steps: object[] }).steps;
      expect(earlySteps.length).toBeLessThan(steps.length);
      expect((await run('trace', ...whose, '--lang', 'zh')).stdout).toContain('公示');
    },
    LIMIT_MS,
  );

  it(
    'finds everything as it should be, and rebuilds the same',
    async () => {
      const verified = await run('verify', '--format', 'json');
      // Where the log keeps no leaf hashes, it says so.
      const isElsewhere = store.env['EVENT_STORE_URL'] !== undefined;
      expect([verified.exitCode, JSON.parse(verified.stdout)]).toEqual([
        0,
        { holds: true, findings: [], ...(isElsewhere ? { unchecked: UNCHECKED_BY_PORT } : {}) },
      ]);
      const rebuilt = await run('rebuild', 'tiers', '--format', 'json');
      expect(rebuilt.exitCode).toBe(0);
      expect(JSON.parse(rebuilt.stdout)).toMatchObject({ differences: [] });
    },
    LIMIT_MS,
  );

  it(
    'writes a template that an import takes as it is',
    async () => {
      const dir = join(folder, 'template');
      expect((await run('template', dir)).exitCode).toBe(0);
      const second = await run('template', dir);
      expect([second.exitCode, second.stdout]).toEqual([1, '']);
      const report = reportOf(await run('import', dir, '--dry-run', '--format', 'json'));
      expect(report).toEqual({ accepted: 1, repeated: 0, refused: [] });
    },
    LIMIT_MS,
  );

  it(
    'refuses a file that is not UTF-8 with a word about --encoding, and reads it with it',
    async () => {
      const dir = join(folder, 'gb18030');
      await cp(join(folder, 'template'), dir, { recursive: true });
      await writeFile(join(dir, 'units.csv'), 'unitId,parentUnitId,name\nU1,,one\n');
      const name = Buffer.from([0xd5, 0xc5, 0xc8, 0xfd]); // 张三
      const header = 'accountManagerId,name,unitId,position,supervisorId,joinedOn,leftOn\n';
      const row = [Buffer.from('GB1,'), name, Buffer.from(',U1,account-manager,,2020-01-01,\n')];
      const file = join(dir, 'account-managers.csv');
      await writeFile(file, Buffer.concat([Buffer.from(header), ...row]));
      const dry = ['import', dir, '--dry-run', '--format', 'json'];
      const [refusal] = reportOf(await run(...dry)).refused;
      expect(refusal).toMatchObject({ file: 'account-managers.csv', line: 1, code: 'malformed' });
      expect(refusal?.reason).toContain('--encoding gb18030');
      expect(reportOf(await run(...dry, '--encoding', 'gb18030')).refused).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'issues a token that the API takes, for as long as is asked',
    async () => {
      const asked = ['token', '--role', 'office', '--role', 'auditor', '--subject', 'office-1'];
      const plain = await run(...asked);
      expect([plain.exitCode, plain.stdout.split('.')]).toEqual([0, expect.any(Array)]);
      const authorization = `Bearer ${plain.stdout.trim()}`;
      const response = await fetch(`${await served.url}/v1/units`, { headers: { authorization } });
      expect(response.status).toBe(200);
      const json = await run(...asked, '--valid-hours', '2', '--format', 'json');
      const { token, expiresAt } = JSON.parse(json.stdout) as { token: string; expiresAt: string };
      const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
      const { iat, exp, roles, sub } = JSON.parse(claims) as Record<string, number>;
      expect([roles, sub]).toEqual([['office', 'auditor'], 'office-1']);
      expect(Number(exp) - Number(iat)).toBe(7200);
      expect(Math.floor(Date.parse(expiresAt) / 1000)).toBe(exp);
    },
    LIMIT_MS,
  );

  it(
    'issues none beside an identity provider, and needs all three of its settings',
    async () => {
      const settings = { MERIT_ISSUER: 'https://login.example', MERIT_AUDIENCE: 'merit' };
      const asked = ['token', '--role', 'office', '--subject', 'office-1', '--data', store.dataDir];
      const all = { ...settings, MERIT_JWKS: 'https://login.example/keys' };
      const refused = await startMerit(asked, { ...store.env, ...all }).ended;
      expect([refused.exitCode, refused.stdout]).toEqual([1, '']);
      expect(refused.stderr).toContain('identity-provider-configured');
      const partial = await startMerit(asked, { ...store.env, ...settings }).ended;
      expect([partial.exitCode, partial.stdout]).toEqual([2, '']);
      expect(partial.stderr).toContain('MERIT_JWKS must be given together with');
    },
    LIMIT_MS,
  );

  it.each([
    ['a token of an unknown role', ['token', '--subject', 'x', '--role', 'boss']],
    ['a token of no role', ['token', '--subject', 'x']],
    ['a token of nobody', ['token', '--role', 'office']],
    ['a token without end', ['token', '--subject', 'x', '--role', 'office', '--valid-hours', '0']],
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['export', 'scores', '--frob']],
    ['an unknown kind of record', ['export', 'secrets']],
    ['a missing argument', ['import']],
    ['an impossible period', ['export', 'scores', '--period', '2025-13']],
    ['an impossible date', ['import', '.', '--effective-on', '2025-02-30']],
    ['an instant without its offset', ['trace', 'A', '2025-11', '--as-of', '2025-11-01T00:00:00']],
    ['an unknown encoding', ['import', '.', '--encoding', 'klingon']],
    ['a format that is for exports alone', ['import', '.', '--format', 'csv']],
    ['an unknown projection', ['rebuild', 'secrets']],
    ['an impossible port', ['start', '--port', '99999']],
  ])(
    'answers 2 to %s, on stderr',
    async (_, args) => {
      const { exitCode, stdout, stderr } = await run(...args);
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).not.toBe('');
      expect(stderr).not.toMatch(/^\s+at /m);
    },
    LIMIT_MS,
  );

  it.each([
    ['a directory that is not there', ['import', '/nowhere/at/all'], 'dataset-directory'],
    ['somebody unknown', ['trace', 'NOBODY', '2025-11'], 'unknown-account-manager'],
  ])(
    'answers 1 to %s, in one line with a code',
    async (_, args, code) => {
      const { exitCode, stdout, stderr } = await run(...args);
      expect([exitCode, stdout]).toEqual([1, '']);
      expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(`merit: ${code}`)]);
    },
    LIMIT_MS,
  );

  it(
    'answers 0 to --help, on standard output',
    async () => {
      const { exitCode, stdout } = await startMerit(['--help']).ended;
      expect(exitCode).toBe(0);
      expect(stdout).toContain('import [options] <dir>');
    },
    LIMIT_MS,
  );
});

describe('the command line on a configured server', () => {
  it(
    'says what a dry run needs when its owner may make no database, and drops its own',
    async () => {
      const database = await createTestDatabase();
      const keyFile = join(folder, 'key-encryption-key');
      await writeFile(keyFile, 'ab'.repeat(32), { mode: 0o600 });
      const env = {
        DATABASE_URL: database.appUrl,
        DATABASE_OWNER_URL: database.ownerUrl,
        MERIT_KEK_FILE: keyFile,
        TMPDIR: folder,
      };
      const dry = ['import', dataset, '--dry-run', '--format', 'json'];
      try {
        const allowed = await startMerit(dry, env).ended;
        expect(allowed.exitCode).toBe(0);
        expect(reportOf(allowed).accepted).toBeGreaterThan(300);
        await withoutCreateDatabase(database.superuserUrl, database.ownerUrl, async (ownerUrl) => {
          const refused = await startMerit(dry, { ...env, DATABASE_OWNER_URL: ownerUrl }).ended;
          expect([refused.exitCode, refused.stdout]).toEqual([1, '']);
          expect(refused.stderr).toContain('dry-run-needs-createdb');
          expect(refused.stderr).toContain('ALTER ROLE "merit_plain_owner" CREATEDB;');
        });
      } finally {
        await database.drop();
      }
    },
    LIMIT_MS,
  );
});

/** A login with the owner's rights in the database and without those on the server. */
async function withoutCreateDatabase(
  superuserUrl: string,
  ownerUrl: string,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const url = new URL(withDatabase(ownerUrl, new URL(superuserUrl).pathname.slice(1)));
  url.username = 'merit_plain_owner';
  url.password = 'plain';
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(`DROP ROLE IF EXISTS merit_plain_owner`);
    await client.query(
      `CREATE ROLE merit_plain_owner LOGIN PASSWORD 'plain' IN ROLE merit_owner, merit_app`,
    );
    await work(url.href);
  } finally {
    await client.query(`DROP ROLE IF EXISTS merit_plain_owner`);
    await client.end();
  }
}
