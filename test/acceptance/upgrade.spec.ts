import { readdirSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { openSystem } from '../../apps/merit/system.js';
import { allEventSpecs } from '#contexts/registry';
import { readConfiguration } from '#platform';
import { checkBackup, restoreBackup, takeBackup } from '#processes/backup';
import { verifyAll } from '#processes/verification';
import { createTestDatabase, runSql, type TestDatabase } from '../support/database.js';
import { dumpRelease } from '../support/release-dump.js';
import { exportsOf, importFolder, openTestSystem } from '../support/system.js';

const RELEASES = join(import.meta.dirname, '../fixtures/upgrade');
const LIMIT_MS = 120_000;

let folder: string;
const written = process.env['MERIT_WRITE_RELEASE'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-upgrade-'));
  if (written !== undefined) await writeRelease(join(RELEASES, written));
}, LIMIT_MS);
afterAll(() => rm(folder, { recursive: true }));

/** A small history with everything in it that tables can hold, as this code keeps it. */
async function writeRelease(dir: string): Promise<void> {
  const dataset = join(folder, 'dataset');
  const size = { people: 3, periods: 3, factsPercent: 5, appealEvery: 2 };
  writeOrganisation(dataset, { ...DEMO, ...size });
  const one = await openTestSystem();
  try {
    await importFolder(one.system, dataset);
    await one.system.requestKey();
    const { rows } = await one.system.pool.query<{ subject: string }>(
      'SELECT min(subject) AS subject FROM keys.data_keys',
    );
    await runSql(
      one.database.ownerUrl,
      `SELECT keys.destroy_subject('${rows[0]?.subject}');
       INSERT INTO access.record (at, kind, caller_id, roles, account_manager_id, what, code)
       VALUES (now(), 'read', 'auditor-1', '{auditor}', 'AM1', 'score', null)`,
    );
    await mkdir(dir);
    await writeFile(join(dir, 'data.sql'), await dumpRelease(one.database.ownerUrl));
    await copyFile(one.configuration.kekFile, join(dir, 'key-encryption-key'));
    await writeFile(join(dir, 'exports.json'), textOf(await exportsOf(one.system)));
  } finally {
    await one.close();
  }
}

const textOf = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

/** A system on the data that a release left in an empty database. */
async function openedFrom(release: string, database: TestDatabase) {
  await runSql(database.ownerUrl, await readFile(join(RELEASES, release, 'data.sql'), 'utf8'));
  const kekFile = join(folder, `${database.name}-key`);
  await copyFile(join(RELEASES, release, 'key-encryption-key'), kekFile);
  await chmod(kekFile, 0o600); // git keeps no such modes
  const configuration = readConfiguration({
    DATABASE_URL: database.appUrl,
    DATABASE_OWNER_URL: database.ownerUrl,
    MERIT_KEK_FILE: kekFile,
    MERIT_DATA: folder,
  });
  return openSystem(configuration, 'attach');
}

const kept = readdirSync(RELEASES).filter((name) => /^\d/.test(name));
const releases = written === undefined ? kept : [written];

describe.each(releases)('the data of release %s', (release) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase({ migrated: false });
  });
  afterEach(() => database.drop());

  it(
    'is migrated, verifies, and exports what it did then',
    async () => {
      const system = await openedFrom(release, database);
      try {
        const { pool, projections, store } = system;
        const expected = await readFile(join(RELEASES, release, 'exports.json'), 'utf8');
        expect(JSON.parse(textOf(await exportsOf(system)))).toEqual(JSON.parse(expected));
        const log = store.sealedView;
        expect(await verifyAll({ pool, projections, log, specs: allEventSpecs })).toEqual([]);
        const texts: string[] = [];
        for await (const events of store.readAll()) {
          texts.push(...events.map(({ data }) => JSON.stringify(data)));
        }
        expect(texts.filter((text) => text.includes('[erased]')).length).toBeGreaterThan(0);
        expect(texts.filter((text) => /"k":"[^"]+","n":"/.test(text))).toEqual([]); // all open
      } finally {
        await system.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'can be backed up and restored by the code of now',
    async () => {
      const system = await openedFrom(release, database);
      const target = await createTestDatabase();
      try {
        const { pool } = system;
        const file = join(folder, `${database.name}.backup`);
        await takeBackup({ file, pool, keysPool: pool, productVersion: 'now' });
        const key = await readFile(join(RELEASES, release, 'key-encryption-key'), 'utf8');
        const checked = await checkBackup(file, async () => Buffer.from(key.trim(), 'hex'));
        const options = { keysUrl: null, specs: allEventSpecs };
        await restoreBackup(checked, { ...options, ownerUrl: target.ownerUrl });
        const [was, is] = await Promise.all(
          [database, target].map(({ ownerUrl }) => dumpRelease(ownerUrl)),
        );
        const rowsOf = (text = ''): string[] =>
          text.split('\n').filter((line) => /^INSERT INTO (log|keys|access)\./.test(line));
        expect(rowsOf(is)).toEqual(rowsOf(was));
      } finally {
        await target.drop();
        await system.close();
      }
    },
    LIMIT_MS,
  );
});
