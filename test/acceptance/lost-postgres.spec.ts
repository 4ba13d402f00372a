import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Client } from 'pg';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import type { System } from '../../apps/merit/system.js';
import { StoreUnavailable } from '#event-store';
import { createStoreFolder, merit, startMerit, type StoreFolder } from '../support/merit.js';
import { exportsOf, importFolder, openTestSystem } from '../support/system.js';

const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20261121);

const countOf = async ({ store }: System): Promise<number> => (await store.lag('')).events;

/** How PostgreSQL goes while an import works with it. */
const WAYS = ['every connection is cut', 'a server process is killed', 'the server is killed'];

describe('an import whose PostgreSQL goes away', () => {
  let folder: string;
  let dataset: string;
  let expected: {
    readonly exports: Awaited<ReturnType<typeof exportsOf>>;
    readonly eventCount: number;
  };
  let store: StoreFolder;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-lost-'));
    dataset = join(folder, 'dataset');
    writeOrganisation(dataset, { ...DEMO, people: 9, periods: 4, appealEvery: 2 });
    const whole = await openTestSystem();
    try {
      await importFolder(whole.system, dataset);
      const eventCount = await countOf(whole.system);
      expected = { eventCount, exports: await exportsOf(whole.system) };
    } finally {
      await whole.close();
    }
  }, 60_000);
  beforeEach(async () => void (store = await createStoreFolder()));
  afterEach(() => store.remove());
  afterAll(() => rm(folder, { recursive: true }));

  const importing = (): readonly string[] =>
    `import ${dataset} --data ${store.dataDir} --format json`.split(' ');

  /** Resolves when somebody else sees the log this long. */
  async function reached({ store: log }: System, eventCount: number): Promise<void> {
    let count = 0;
    for await (const events of log.sealedView.subscribe({ batchSize: 50 })) {
      count += events.length;
      if (count >= eventCount) return;
    }
  }

  async function takeAway(way: string, { database }: System): Promise<void> {
    if (way === 'the server is killed') {
      const home = await realpath(join(store.dataDir, 'postgres', 'cluster'));
      const [pid] = (await readFile(join(home, 'postmaster.pid'), 'utf8')).split('\n');
      process.kill(Number(pid), 'SIGKILL');
      return;
    }
    const client = new Client({ connectionString: database.appUrl });
    client.on('error', () => undefined);
    await client.connect();
    const others = `from pg_stat_activity where pid <> pg_backend_pid() and datname = 'merit'`;
    if (way === 'every connection is cut') {
      await client.query(`select pg_terminate_backend(pid) ${others}`);
    } else {
      const { rows } = await client.query<{ pid: number }>(`select pid ${others} limit 1`);
      for (const { pid } of rows) process.kill(pid, 'SIGKILL');
    }
    await client.end().catch(() => undefined);
  }

  it.each(
    WAYS.map((way, index) => {
      const share = fc.integer({ min: 10, max: 80 });
      return [way, fc.sample(share, { seed: SEED + index, numRuns: 1 })[0] ?? 50] as const;
    }),
  )(
    `when %s (seed ${SEED}) goes on or ends with one line, and the next run completes it`,
    async (way, share) => {
      // A process that is there all the time, as a server is: it gets over the loss by itself.
      const system = await store.open();
      try {
        const { child, ended } = startMerit(importing(), store.env);
        const due = Math.floor((expected.eventCount * share) / 100);
        await Promise.race([reached(system, due), ended]);
        await takeAway(way, system);
        const { exitCode, signal, stderr } = await ended.finally(() => child.kill('SIGKILL'));
        expect(signal).toBeNull();
        if (exitCode !== 0) {
          const lines = stderr.split('\n').filter((line) => line.startsWith('merit: '));
          expect(lines).toHaveLength(1);
          expect(stderr).not.toMatch(/\(unexpected|^\s+at /m);
        }
        await merit(importing(), store.env);
        expect(await countOf(system)).toBe(expected.eventCount);
        expect(await exportsOf(system)).toEqual(expected.exports);
        expect((await system.projections.verify()).differences).toEqual([]);
      } finally {
        await system.close();
      }
    },
    58_000,
  );

  it('tells who reads in that moment that the store is not there, and the next reader nothing', async () => {
    const { system, close } = await openTestSystem();
    try {
      const cut = system.projections.read(['scores'], (sql) =>
        sql.query('select pg_terminate_backend(pg_backend_pid())'),
      );
      await expect(cut).rejects.toThrow(StoreUnavailable);
      const { result } = await system.projections.read(['scores'], (sql) =>
        sql.query('select 1 as one'),
      );
      expect(result).toEqual([{ one: 1 }]);
    } finally {
      await close();
    }
  }, 30_000);
});
