import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { openSystem, type System } from '../../apps/merit/system.js';
import { allEventSpecs } from '#contexts/registry';
import { readConfiguration } from '#platform';
import { checkBackup, migrationNames, restoreBackup, takeBackup } from '#processes/backup';
import { verifyAll } from '#processes/verification';
import { createTestDatabase, runSql, type TestDatabase } from '../support/database.js';
import { dumpReadModels, dumpRelease } from '../support/release-dump.js';
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
    const exported = await exportsOf(one.system);
    await projectAll(one.system);
    const { rows } = await one.system.pool.query<{ subject: string }>(
      'SELECT min(subject) AS subject FROM keys.data_keys',
    );
    await runSql(
      one.database.ownerUrl,
      `SELECT keys.destroy_subject('${rows[0]?.subject}');
       INSERT INTO access.record (at, kind, caller_id, roles, account_manager_id, what, code)
       VALUES (now(), 'read', 'auditor-1', '{auditor}', 'AM1', 'score', null);
       INSERT INTO projection.runner (owner, expires_at) VALUES ('killed-1', now());
       INSERT INTO projection.lease (projection, owner) VALUES ('scores', 'killed-1')`,
    );
    await mkdir(dir);
    const { ownerUrl, superuserUrl } = one.database;
    await writeFile(join(dir, 'data.sql'), await dumpRelease(ownerUrl));
    await writeFile(join(dir, 'read-models.sql'), await dumpReadModels(superuserUrl));
    await copyFile(one.configuration.kekFile, join(dir, 'key-encryption-key'));
    await writeFile(join(dir, 'exports.json'), textOf(exported));
    const { pool } = one.system;
    const file = join(folder, 'release.backup');
    await takeBackup({ file, pool, keysPool: pool, productVersion: basename(dir) });
    for (const kind of ['', '.keys']) {
      const lines = gunzipSync(await readFile(`${file}${kind}`))
        .toString('utf8')
        .split('\n');
      // Without its seal, which the spec makes anew: git keeps text better than gzip.
      await writeFile(join(dir, `backup${kind}.jsonl`), `${lines.slice(0, -2).join('\n')}\n`);
    }
  } finally {
    await one.close();
  }
}

async function projectAll({ projections, store }: System): Promise<void> {
  const names = (await projections.status()).map(({ projection }) => projection);
  const runner = projections.start();
  await projections.waitFor(names, await store.head(), LIMIT_MS);
  await runner.stop();
}

const textOf = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

/** A system on the data that a release left in an empty database. */
async function openedFrom(release: string, database: TestDatabase) {
  const textIn = (name: string) => readFile(join(RELEASES, release, name), 'utf8');
  await runSql(database.ownerUrl, await textIn('data.sql'));
  const readModels = await textIn('read-models.sql').catch(() => null);
  if (readModels !== null) await runSql(database.appUrl, readModels);
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

/** A backup that a release wrote, whose lines are kept as text, as the files that they were. */
async function writtenBackup(release: string): Promise<string> {
  const file = join(folder, `${release}.backup`);
  for (const kind of ['', '.keys']) {
    const content = gzipSync(await readFile(join(RELEASES, release, `backup${kind}.jsonl`)));
    const sha256 = createHash('sha256').update(content).digest('hex');
    const seal = gzipSync(`${JSON.stringify({ kind: 'seal', sha256 })}\n`, { level: 0 });
    seal.set([0, 0xff], 8); // no hint of speed, no system in particular
    await writeFile(`${file}${kind}`, Buffer.concat([content, seal]));
  }
  return file;
}

const kept = readdirSync(RELEASES).filter((name) => /^\d/.test(name));
const releases = written === undefined ? kept : [written];

const keptRows = (text = ''): string[] =>
  text.split('\n').filter((line) => /^INSERT INTO (log|keys|access)\./.test(line));

describe('the releases that are kept', () => {
  it('have one at least that lacks a migration of now, so that something is migrated', async () => {
    const newest = migrationNames().at(-1) ?? '';
    const texts = await Promise.all(
      kept.map((release) => readFile(join(RELEASES, release, 'data.sql'), 'utf8')),
    );
    expect(texts.filter((text) => !text.includes(`'${newest}'`)).length).toBeGreaterThan(0);
  });
});

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
    'is taken as it stands, and goes on',
    async () => {
      const system = await openedFrom(release, database);
      try {
        const names = await runSql(database.ownerUrl, 'SELECT name FROM platform.migrations');
        expect(names.rows.map(({ name }) => name)).toEqual(migrationNames());
        // What a killed process of that release held is not waited for.
        await projectAll(system);
        const before = await system.store.head();
        const dataset = join(folder, `${database.name}-later`);
        writeOrganisation(dataset, { ...DEMO, people: 3, periods: 4, factsPercent: 5 });
        const { accepted } = await importFolder(system, dataset);
        expect(accepted).toBeGreaterThan(0);
        expect((await system.store.head()) > before).toBe(true);
        await projectAll(system);
        const { pool, projections, store } = system;
        const log = store.sealedView;
        expect(await verifyAll({ pool, projections, log, specs: allEventSpecs })).toEqual([]);
      } finally {
        await system.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'is restored from the backup that was written of it',
    async () => {
      const file = await writtenBackup(release);
      const key = await readFile(join(RELEASES, release, 'key-encryption-key'), 'utf8');
      const checked = await checkBackup(file, async () => Buffer.from(key.trim(), 'hex'));
      const system = await openedFrom(release, database);
      const target = await createTestDatabase();
      try {
        const options = { ownerUrl: target.ownerUrl, keysUrl: null, specs: allEventSpecs };
        await restoreBackup(checked, options);
        const [was, is] = await Promise.all(
          [database, target].map(({ ownerUrl }) => dumpRelease(ownerUrl)),
        );
        expect(keptRows(is)).toEqual(keptRows(was));
      } finally {
        await target.drop();
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
        expect(keptRows(is)).toEqual(keptRows(was));
        expect(keptRows(is).length).toBeGreaterThan(100);
      } finally {
        await target.drop();
        await system.close();
      }
    },
    LIMIT_MS,
  );
});
