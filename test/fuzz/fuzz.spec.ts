import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { accountManagers, periods, units } from '#read-models/organisation';
import { openTestApi, type TestApi } from '../support/api.js';
import { importFolder } from '../support/system.js';
import { fuzz, type FuzzReport } from './fuzz.js';

/** `npm run fuzz -- --requests N --seed S` sets these; `npm test` takes a short run. */
const requests = Number(process.env['MERIT_TEST_FUZZ_REQUESTS'] ?? 1_500);
const seed = Number(process.env['MERIT_TEST_FUZZ_SEED'] ?? 20_260_105);
/** Then a fresh organisation: after many more, everybody has left and every scheme is retired. */
const ROUND = 20_000;
const SETUP_MS = 120_000;
const PER_REQUEST_MS = 60;
const PROGRESS_EVERY = 4_000;

const rounds = Array.from({ length: Math.ceil(requests / ROUND) }, (_, at) => ({
  count: Math.min(ROUND, requests - at * ROUND),
  seedOfRound: seed + at,
}));

/** An imported organisation of three periods, the last of them open. */
async function withOrganisation(work: (api: TestApi) => Promise<FuzzReport>): Promise<FuzzReport> {
  const folder = await mkdtemp(join(tmpdir(), 'merit-fuzz-'));
  writeOrganisation(folder, { ...DEMO, people: 9, periods: 3, factsPercent: 20 });
  const api = await openTestApi('2026-01-05T09:00:00+08:00');
  try {
    await importFolder(api.system, folder);
    return await work(api);
  } finally {
    await api.close();
    await rm(folder, { recursive: true });
  }
}

async function run(api: TestApi, count: number, seedOfRound: number): Promise<FuzzReport> {
  const org = await api.system.engine.organisation.current();
  const names = {
    accountManagerId: [...accountManagers(org)],
    unitId: [...units(org).map(({ unitId }) => unitId), '*'],
    period: [...periods(org)],
  };
  const isLong = requests > PROGRESS_EVERY;
  const onProgress = (done: number): void => {
    if (isLong && done % PROGRESS_EVERY === 0) process.stderr.write(`${done} requests\n`);
  };
  const report = await fuzz(api, { requests: count, seed: seedOfRound, names, onProgress });
  if (isLong) process.stderr.write(`${JSON.stringify(report, null, 2)}\n`);
  return report;
}

describe('the API under requests that nobody meant', () => {
  it.each(rounds)(
    'answers $count of them (seed $seedOfRound) without a fault, and takes only what it says',
    async ({ count, seedOfRound }) => {
      const report = await withOrganisation((api) => run(api, count, seedOfRound));
      expect(report.failures).toEqual([]);
      // A run that is refused everywhere would prove nothing.
      expect(report.byStatus[200] ?? 0).toBeGreaterThan(count / 20);
      expect(Object.keys(report.doneByOperation).length).toBeGreaterThan(3);
    },
    SETUP_MS + Math.min(ROUND, requests) * PER_REQUEST_MS,
  );
});
