import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import type { System } from '../../apps/merit/system.js';
import type { ImportReport } from '#dataset';
import { createStoreFolder, merit, startMerit, type StoreFolder } from '../support/merit.js';
import { exportsOf, importFolder, openTestSystem, seenTooEarly } from '../support/system.js';

/**
 * By hand: MERIT_TEST_KILLS=1000 npm test -- killed-import, with MERIT_TEST_SEED for another run.
 */
const KILLS = Number(process.env['MERIT_TEST_KILLS'] ?? 5);
const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20261121);
const KILLS_A_ROUND = 5;
const ROUNDS = Math.max(1, Math.ceil(KILLS / KILLS_A_ROUND));
const ROUND_TIMEOUT_MS = 58_000;

/** Where the kills of one round fall: at a line of progress, then at shares of the log. */
const round = fc.record({
  line: fc.integer({ min: 1, max: 6 }),
  shares: fc.array(fc.integer({ min: 1, max: 90 }), {
    minLength: KILLS_A_ROUND - 1,
    maxLength: KILLS_A_ROUND - 1,
  }),
});

const countOf = async ({ store }: System): Promise<number> => (await store.lag('')).events;

describe('an import whose process is killed', () => {
  let folder: string;
  let dataset: string;
  let expected: {
    readonly exports: Awaited<ReturnType<typeof exportsOf>>;
    readonly report: ImportReport;
    readonly eventCount: number;
  };
  let store: StoreFolder;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-killed-'));
    dataset = join(folder, 'dataset');
    writeOrganisation(dataset, { ...DEMO, people: 9, periods: 4, appealEvery: 2 });
    const whole = await openTestSystem();
    try {
      const report = await importFolder(whole.system, dataset);
      const eventCount = await countOf(whole.system);
      expected = { report, eventCount, exports: await exportsOf(whole.system) };
    } finally {
      await whole.close();
    }
  }, 60_000);
  beforeEach(async () => void (store = await createStoreFolder()));
  afterEach(() => store.remove());
  afterAll(() => rm(folder, { recursive: true }));

  const importing = (): readonly string[] =>
    `import ${dataset} --data ${store.dataDir} --format json`.split(' ');

  /** True when the kill came before the end. */
  async function killAtLine(line: number): Promise<boolean> {
    const { child, ended, onLine } = startMerit(importing(), store.env);
    let left = line;
    onLine(() => {
      left -= 1;
      if (left === 0) child.kill('SIGKILL');
    });
    return wasKilled(await ended);
  }

  /** Killed as soon as somebody else sees the log grow beyond `eventCount`. */
  async function killAtEvent(system: System, eventCount: number): Promise<boolean> {
    const seen = await countOf(system);
    const { child, ended } = startMerit(importing(), store.env);
    const watching = new AbortController();
    void ended.finally(() => watching.abort());
    let count = 0;
    const options = { signal: watching.signal, batchSize: 50 };
    for await (const events of system.store.sealedView.subscribe(options)) {
      count += events.length;
      if (count > Math.max(seen, eventCount)) child.kill('SIGKILL');
    }
    return wasKilled(await ended);
  }

  function wasKilled({ signal, exitCode, stderr }: Awaited<ReturnType<typeof merit>>): boolean {
    if (signal === 'SIGKILL') return true;
    if (exitCode !== 0) throw new Error(`the import failed: ${stderr}`);
    return false;
  }

  it.each(fc.sample(round, { seed: SEED, numRuns: ROUNDS }))(
    `ends as one that nobody touched, when it is run again (seed ${SEED}, %j)`,
    async ({ line, shares }) => {
      let kills = Number(await killAtLine(line));
      // The server of the killed process runs on; this process joins it.
      const system = await store.open();
      try {
        for (const share of shares.toSorted((a, b) => a - b)) {
          const killed = await killAtEvent(system, (expected.eventCount * share) / 100);
          kills += Number(killed);
          expect(await seenTooEarly(system)).toEqual([]);
        }
        expect(kills).toBeGreaterThan(0);
        const last = await merit(importing(), store.env);
        expect(JSON.parse(last.stdout)).toMatchObject({ refused: expected.report.refused });
        expect(await countOf(system)).toBe(expected.eventCount);
        expect(await exportsOf(system)).toEqual(expected.exports);
        const again = await merit(importing(), store.env);
        expect(JSON.parse(again.stdout)).toMatchObject({
          accepted: 0,
          refused: expected.report.refused,
        });
        await merit(['verify', '--data', store.dataDir], store.env);
      } finally {
        await system.close();
      }
      expect(await store.leftBehind()).toEqual([]);
    },
    ROUND_TIMEOUT_MS,
  );
});
