import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { periods } from '#read-models/organisation';
import { scoreRecords } from '#read-models/scores';
import { createScoreTracer, type ScoreTrace } from '#read-models/trace';
import { importFolder, openTestSystem, type TestSystem } from '../support/system.js';

let folder: string;
let all: TestSystem;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-trace-'));
  const dataset = join(folder, 'dataset');
  writeOrganisation(dataset, { ...DEMO, people: 12, factsPercent: 30, appealEvery: 4 });
  all = await openTestSystem();
  await importFolder(all.system, dataset);
}, 120_000);

afterAll(async () => {
  await all?.close();
  await rm(folder, { recursive: true });
});

/** What the export shows of a traced score. */
function recordOf({ accountManagerId, period, current }: ScoreTrace) {
  if (!current) return null;
  const { schemeId, schemeVersion, status, resultVersion, eligibleDays, workdays } = current;
  const { score, grade, ceilingApplied } = current;
  const indicators = Object.fromEntries(
    Object.entries(current.indicators).map(([id, one]) => [id, { score: one.score, how: one.how }]),
  );
  const whose = { accountManagerId, period, schemeId, schemeVersion, status, resultVersion };
  return { ...whose, eligibleDays, workdays, indicators, score, grade, ceilingApplied };
}

describe('score traces of an imported organisation', () => {
  it('end with the published results as the export shows them', async () => {
    const { engine, store } = all.system;
    const head = await store.head();
    const records = await engine.readModels.at(head, ['scores'], (sql) => scoreRecords(sql));
    const tracer = createScoreTracer(store.sealedView);
    let corrected = 0;
    for (const record of records) {
      const trace = await tracer.trace(record.accountManagerId, record.period);
      expect(recordOf(trace)).toEqual(record);
      for (const [at, step] of trace.steps.entries()) {
        expect(step.before).toBe(trace.steps[at - 1]?.after ?? null);
      }
      if (record.resultVersion > 1) corrected += 1;
    }
    expect(records.length).toBeGreaterThan(40);
    expect(corrected).toBeGreaterThan(0);
  }, 60_000);

  it('end with the provisional scores of the open period', async () => {
    const { engine, store } = all.system;
    const org = await engine.organisation.current();
    const open = periods(org).at(-1) as string;
    const rows = await engine.readModels.at(await store.head(), ['scores'], (sql) =>
      sql.query<{ id: string; status: string; score: string | null; grade: string | null }>(
        `select account_manager_id as id, status, score::text as score, grade
         from provisional_score where period = $1 order by 1`,
        [open],
      ),
    );
    expect(rows.length).toBeGreaterThan(5);
    const tracer = createScoreTracer(store.sealedView);
    for (const { id, ...row } of rows) {
      const { current } = await tracer.trace(id, open);
      const { status, score, grade, stage } = current ?? {};
      expect({ status, score, grade, stage }).toEqual({ ...row, stage: 'provisional' });
    }
  }, 60_000);
});
