import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { accountManagers, periods, units } from '#read-models/organisation';
import { openTestApi, type TestApi } from '../support/api.js';
import { importFolder } from '../support/system.js';
import { fuzz } from './fuzz.js';

/** `npm run fuzz -- --requests N --seed S` sets these; `npm test` takes a short run. */
const requests = Number(process.env['MERIT_TEST_FUZZ_REQUESTS'] ?? 1_500);
const seed = Number(process.env['MERIT_TEST_FUZZ_SEED'] ?? 20_260_105);
const SETUP_MS = 120_000;
const PER_REQUEST_MS = 60;
const PROGRESS_EVERY = 5_000;

let api: TestApi;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-fuzz-'));
  writeOrganisation(folder, { ...DEMO, people: 9, periods: 3, factsPercent: 20 });
  api = await openTestApi('2026-01-05T09:00:00+08:00');
  await importFolder(api.system, folder);
}, SETUP_MS);
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
}, SETUP_MS);

describe('the API under requests that nobody meant', () => {
  it(
    `answers ${requests} of them (seed ${seed}) without a fault, and takes only what it says`,
    async () => {
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
      const report = await fuzz(api, { requests, seed, names, onProgress });
      if (isLong) process.stderr.write(`${JSON.stringify({ ...report, failures: [] }, null, 2)}\n`);
      expect(report.failures).toEqual([]);
      // A run that is refused everywhere would prove nothing.
      expect(report.byStatus[200] ?? 0).toBeGreaterThan(requests / 20);
      expect(Object.keys(report.doneByOperation).length).toBeGreaterThan(3);
    },
    SETUP_MS + requests * PER_REQUEST_MS,
  );
});
