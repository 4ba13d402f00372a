import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { openKeys, openSystem, type System } from '../../apps/merit/system.js';
import { allEventSpecs } from '#contexts/registry';
import { createAppPool, readConfiguration, readKeyEncryptionKey } from '#platform';
import { type BackupReport, checkBackup, restoreBackup, takeBackup } from '#processes/backup';
import { verifyAll } from '#processes/verification';
import { createTestDatabase, runSql, type TestDatabase } from '../support/database.js';
import { exportsOf, importFolder, openTestSystem, type TestSystem } from '../support/system.js';

let folder: string;
let dataset: string;
let all: TestSystem;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-backup-'));
  dataset = join(folder, 'dataset');
  const size = { people: 8, periods: 3, factsPercent: 20, appealEvery: 4 };
  writeOrganisation(dataset, { ...DEMO, ...size });
  all = await openTestSystem();
  await importFolder(all.system, dataset);
  await runSql(
    all.database.superuserUrl,
    `INSERT INTO access.record (at, kind, caller_id, roles, account_manager_id, what, code)
     VALUES ('2026-03-01T00:00:00.123456Z', 'read', 'auditor-1', '{auditor,"a,b"}', 'AM1', 'x', null),
            ('2026-03-02T00:00:00Z', 'refusal', '核查', '{}', null, 'GET /x', 'forbidden')`,
  );
}, 120_000);

afterAll(async () => {
  await all?.close();
  await rm(folder, { recursive: true });
}, 60_000);

const newFile = (): string => join(folder, `backup-${(files += 1)}`);

type Backed = BackupReport & { readonly file: string };

async function backUp({ system }: Pick<TestSystem, 'system'>, file = newFile()): Promise<Backed> {
  const { pool } = system;
  const report = await takeBackup({ file, pool, keysPool: pool, productVersion: '0.1.0' });
  return { ...report, file };
}

const keyOf =
  ({ configuration }: TestSystem) =>
  () =>
    readKeyEncryptionKey(configuration.kekFile, { create: false });

async function restoreTo(target: TestDatabase, file: string, of = all): Promise<void> {
  const checked = await checkBackup(file, keyOf(of));
  await restoreBackup(checked, { ownerUrl: target.ownerUrl, keysUrl: null, specs: allEventSpecs });
}

/** Works with a database onto which a backup was restored. */
async function restored<Result>(
  file: string,
  work: (system: System, target: TestDatabase) => Promise<Result>,
  of = all,
): Promise<Result> {
  const target = await createTestDatabase();
  try {
    await restoreTo(target, file, of);
    const system = await openSystem(
      readConfiguration({
        DATABASE_URL: target.appUrl,
        DATABASE_OWNER_URL: target.ownerUrl,
        MERIT_KEK_FILE: of.configuration.kekFile,
        MERIT_DATA: folder,
      }),
      'attach',
    );
    try {
      return await work(system, target);
    } finally {
      await system.close();
    }
  } finally {
    await target.drop();
  }
}

const TABLES = {
  'log.events': 'position',
  'access.record': 'id',
  'keys.data_keys': 'key_id',
  'keys.erased_subjects': 'subject',
  'keys.secrets': 'name',
};

/** Every column of every row as the database itself writes it; of the log up to a position. */
async function rowsIn(url: string, until?: string): Promise<Record<string, unknown>> {
  const tables: Record<string, unknown> = {};
  for (const [table, key] of Object.entries(TABLES)) {
    const some = until !== undefined && table === 'log.events' ? `WHERE position <= ${until}` : '';
    const { rows } = await runSql(
      url,
      `SELECT t::text AS row FROM ${table} t ${some} ORDER BY ${key}`,
    );
    tables[table] = rows.map((row: { row: string }) => row.row);
  }
  return tables;
}

const findingsOf = ({ pool, projections, store }: System) =>
  verifyAll({ pool, projections, log: store.sealedView, specs: allEventSpecs });

describe('a backup that is restored', () => {
  it('has every row as it was, verifies, and gives the same exports', async () => {
    const { file, position, counts } = await backUp(all);
    const before = await rowsIn(all.database.superuserUrl);
    expect(counts.events).toBe(Number(position));
    expect(counts).toMatchObject({ access: 2, 'erased-subjects': 0 });
    expect(counts['data-keys']).toBeGreaterThan(5);
    await restored(file, async (system, target) => {
      expect(await rowsIn(target.superuserUrl)).toEqual(before);
      expect(await findingsOf(system)).toEqual([]);
      expect(await exportsOf(system)).toEqual(await exportsOf(all.system));
    });
  }, 120_000);

  it('opens every personal text, and goes on: entries of access follow the last one', async () => {
    const { file } = await backUp(all);
    const textsOf = async ({ store }: System): Promise<string[]> => {
      const texts: string[] = [];
      for await (const events of store.readAll()) {
        texts.push(...events.map(({ data }) => JSON.stringify(data)));
      }
      return texts;
    };
    await restored(file, async (system, target) => {
      expect(await textsOf(system)).toEqual(await textsOf(all.system));
      const { rows } = await runSql(
        target.appUrl,
        `INSERT INTO access.record (at, kind, caller_id, roles, what)
         VALUES (now(), 'read', 'x', '{}', 'x') RETURNING id::int`,
      );
      expect(rows).toEqual([{ id: 3 }]);
    });
  }, 120_000);

  it('leaves erased what was erased, and keeps the secret of requests', async () => {
    const one = await openTestSystem();
    try {
      await importFolder(one.system, dataset);
      const keys = await openKeys(one.configuration, one.system.database);
      const secret = await one.system.requestKey();
      const { rows } = await one.system.pool.query<{ subject: string }>(
        'SELECT subject FROM keys.data_keys ORDER BY 1 LIMIT 1',
      );
      const subject = rows[0]?.subject ?? '';
      await keys.destroy(subject);
      await keys.close();
      const { file } = await backUp(one);
      await restored(
        file,
        async (system, target) => {
          const { rows: held } = await runSql(
            target.superuserUrl,
            `SELECT count(*)::int AS keys, count(wrapped)::int AS wrapped,
                    (SELECT count(*)::int FROM keys.erased_subjects) AS erased
               FROM keys.data_keys WHERE subject = '${subject}'`,
          );
          expect(held[0]).toMatchObject({ wrapped: 0, erased: 1 });
          expect(held[0].keys).toBeGreaterThan(0);
          expect(await system.requestKey()).toEqual(secret);
        },
        one,
      );
    } finally {
      await one.close();
    }
  }, 120_000);
});

describe('keys in a database of their own', () => {
  it('are restored there and nowhere else, and backed up from there', async () => {
    const { file } = await backUp(all);
    const [log, keys] = [await createTestDatabase(), await createTestDatabase()];
    const pools = [log, keys].map(({ appUrl }) => createAppPool(appUrl));
    try {
      const checked = await checkBackup(file, keyOf(all));
      const options = { ownerUrl: log.ownerUrl, keysUrl: keys.ownerUrl, specs: allEventSpecs };
      await restoreBackup(checked, options);
      const source = await rowsIn(all.database.superuserUrl);
      expect(await rowsIn(log.superuserUrl)).toEqual({
        ...source,
        'keys.data_keys': [],
        'keys.erased_subjects': [],
        'keys.secrets': [],
      });
      expect(await rowsIn(keys.superuserUrl)).toEqual({
        ...source,
        'log.events': [],
        'access.record': [],
      });
      const [pool, keysPool] = pools;
      if (!pool || !keysPool) throw new Error('no pools');
      const again = newFile();
      await takeBackup({ file: again, pool, keysPool, productVersion: '0.1.0' });
      await restored(again, async (_, target) => {
        expect(await rowsIn(target.superuserUrl)).toEqual(source);
      });
      // A restore that was killed between the two commits left keys alone: the next one says so.
      const empty = await createTestDatabase();
      await expect(
        restoreBackup(checked, { ...options, ownerUrl: empty.ownerUrl }),
      ).rejects.toMatchObject({
        code: 'restore-target-not-empty',
        details: { table: 'keys.data_keys' },
      });
      await empty.drop();
    } finally {
      for (const pool of pools) await pool.end();
      await log.drop();
      await keys.drop();
    }
  }, 120_000);
});

describe('a backup taken while the system runs', () => {
  it('is the log at one position, and what came later can be recorded on it again', async () => {
    const one = await openTestSystem();
    try {
      const state = { running: true };
      const importing = importFolder(one.system, dataset).finally(() => {
        state.running = false;
      });
      const taken: Backed[] = [];
      while (state.running) taken.push(await backUp(one));
      await importing;
      const { events: head } = await one.system.store.lag('');
      const inTheMiddle = taken.filter(
        ({ position }) => Number(position) > 0 && Number(position) < head,
      );
      expect(inTheMiddle.length).toBeGreaterThan(0);
      const middle = inTheMiddle[Math.floor(inTheMiddle.length / 2)];
      const { file, position } = middle ?? { file: '', position: '' };
      await restored(
        file,
        async (system, target) => {
          const { 'log.events': events } = await rowsIn(target.superuserUrl);
          const source = await rowsIn(one.database.superuserUrl, position);
          expect(events).toEqual(source['log.events']);
          expect(await findingsOf(system)).toEqual([]);
          await importFolder(system, dataset);
          expect(await exportsOf(system)).toEqual(await exportsOf(one.system));
        },
        one,
      );
    } finally {
      await one.close();
    }
  }, 180_000);
});

describe('a restore that is refused', () => {
  it('names the key-encryption key that wraps the keys when another is given', async () => {
    const { file } = await backUp(all);
    await expect(checkBackup(file, async () => new Uint8Array(32))).rejects.toMatchObject({
      code: 'key-encryption-key-wrong',
      details: { wrappedBy: [expect.stringMatching(/^[0-9a-f]{16}$/)] },
    });
  });

  it('takes no keys of another backup, and no backup without its keys', async () => {
    const [one, other] = [await backUp(all), await backUp(all)];
    await rm(`${one.file}.keys`);
    await expect(checkBackup(one.file, keyOf(all))).rejects.toMatchObject({
      code: 'backup-unreadable',
    });
    await writeFile(`${one.file}.keys`, await readFile(`${other.file}.keys`));
    await expect(checkBackup(one.file, keyOf(all))).rejects.toMatchObject({
      code: 'backup-keys-other',
    });
  });

  it('finds any changed byte and any cut of either file, before it makes anything', async () => {
    const { file } = await backUp(all);
    const kinds = ['', '.keys'];
    const bytes = await Promise.all(kinds.map((kind) => readFile(`${file}${kind}`)));
    const key = await keyOf(all)();
    const place = fc.record({
      which: fc.nat({ max: 1 }),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      by: fc.integer({ min: 0, max: 255 }), // 0: cut there
    });
    await fc.assert(
      fc.asyncProperty(place, async ({ which, at, by }) => {
        const whole = bytes[which] ?? Buffer.alloc(0);
        const index = Math.floor(at * whole.length);
        const changed = Buffer.from(by === 0 ? whole.subarray(0, index) : whole);
        if (by !== 0) changed[index] = (changed[index] ?? 0) ^ by;
        const other = newFile();
        for (const [n, kind] of kinds.entries()) {
          await writeFile(`${other}${kind}`, n === which ? changed : (bytes[n] ?? ''));
        }
        await expect(checkBackup(other, async () => key)).rejects.toMatchObject({
          code: 'backup-damaged',
        });
        for (const kind of kinds) await rm(`${other}${kind}`);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('takes no file that was exchanged for another after it was checked', async () => {
    const [one, other] = [await backUp(all), await backUp(all)];
    const checked = await checkBackup(one.file, keyOf(all));
    const target = await createTestDatabase();
    try {
      const options = { ownerUrl: target.ownerUrl, keysUrl: null, specs: allEventSpecs };
      for (const kind of ['', '.keys']) {
        const was = await readFile(`${one.file}${kind}`);
        await writeFile(`${one.file}${kind}`, await readFile(`${other.file}${kind}`));
        await expect(restoreBackup(checked, options)).rejects.toMatchObject({
          code: 'backup-keys-other',
        });
        await writeFile(`${one.file}${kind}`, was);
      }
      expect(Object.values(await rowsIn(target.superuserUrl)).flat()).toEqual([]);
    } finally {
      await target.drop();
    }
  }, 60_000);

  it('touches no database that holds anything', async () => {
    const { file } = await backUp(all);
    const before = await rowsIn(all.database.superuserUrl);
    await expect(restoreTo(all.database, file)).rejects.toMatchObject({
      code: 'restore-target-not-empty',
    });
    expect(await rowsIn(all.database.superuserUrl)).toEqual(before);
  });

  it('leaves an empty database empty when it fails in the middle, and can be repeated', async () => {
    const { file } = await backUp(all);
    const target = await createTestDatabase();
    try {
      const checked = await checkBackup(file, keyOf(all));
      const options = { ownerUrl: target.ownerUrl, keysUrl: null, specs: allEventSpecs };
      const fail = (done: number): void => {
        if (done > 0) throw new Error('stopped');
      };
      await expect(restoreBackup(checked, { ...options, onProgress: fail })).rejects.toThrow(
        'stopped',
      );
      expect(Object.values(await rowsIn(target.superuserUrl)).flat()).toEqual([]);
      // An event type that this version does not know.
      const specs = allEventSpecs.filter(({ type }) => type !== 'cycles.CycleOpened.v1');
      await expect(restoreBackup(checked, { ...options, specs })).rejects.toMatchObject({
        code: 'backup-format-newer',
      });
      expect(Object.values(await rowsIn(target.superuserUrl)).flat()).toEqual([]);
      await restoreBackup(checked, options);
      expect(await rowsIn(target.superuserUrl)).toEqual(await rowsIn(all.database.superuserUrl));
    } finally {
      await target.drop();
    }
  }, 120_000);
});

describe('a backup that is refused', () => {
  it('takes no name that is taken, and leaves no file behind', async () => {
    const { file } = await backUp(all);
    await expect(backUp(all, file)).rejects.toMatchObject({ code: 'backup-file-exists' });
    const other = newFile();
    await writeFile(`${other}.keys`, 'of somebody else');
    await expect(backUp(all, other)).rejects.toMatchObject({ code: 'backup-file-exists' });
    const names = await readdir(folder);
    expect(names.filter((name) => name.includes('.new-'))).toEqual([]);
    expect(names).not.toContain(other.slice(folder.length + 1));
  });

  it('names the event that no longer is what was written', async () => {
    const one = await openTestSystem();
    try {
      await importFolder(one.system, dataset);
      await runSql(
        one.database.superuserUrl,
        `ALTER TABLE log.events DISABLE TRIGGER ALL;
         UPDATE log.events SET stored_at = stored_at + interval '1 microsecond' WHERE position = 7`,
      );
      const file = newFile();
      await expect(backUp(one, file)).rejects.toMatchObject({
        code: 'backup-source-damaged',
        message: expect.stringContaining('event 7 '),
      });
      const names = await readdir(folder);
      expect(names.filter((name) => join(folder, name).startsWith(file))).toEqual([]);
    } finally {
      await one.close();
    }
  }, 120_000);
});
