import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DatasetRow, openReplay, type Replay } from '#dataset';
import { DEMO } from './organisation.js';
import { writeOrganisation } from './write-organisation.js';

const BUNDLED = join(process.cwd(), 'apps/merit/demo-organisation/dataset');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-demo-spec-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function filesOf(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir, { recursive: true })).filter((name) => name.includes('.'));
  const files = names
    .sort()
    .map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(files));
}

async function rowsOf(replay: Replay): Promise<DatasetRow[]> {
  const rows: DatasetRow[] = [];
  for await (const step of replay.steps()) if (step.type === 'group') rows.push(...step.group.rows);
  return rows;
}

describe('the bundled organisation', () => {
  it('is what its generator writes', async () => {
    writeOrganisation(join(folder, 'demo'), DEMO);
    expect(await filesOf(join(folder, 'demo'))).toEqual(await filesOf(BUNDLED));
  });

  it('reads without a mistake but the one that it shows', async () => {
    const replay = await openReplay(BUNDLED);
    expect(replay.refused).toEqual([
      {
        file: 'adjustments.csv',
        line: expect.any(Number),
        code: 'malformed',
        reason: expect.stringContaining('points "+1" must be a plain decimal'),
      },
    ]);
    expect(replay.masterData.accountManagers).toHaveLength(46);
    expect(replay.schemes.map(({ scheme }) => `${scheme.schemeId} ${scheme.version}`)).toEqual([
      'corporate-rm-client-first 1',
      'corporate-rm 1',
      'corporate-rm 2',
    ]);
  });

  it('has an appeal of every outcome, one upheld after the payout and some undecided', async () => {
    const replay = await openReplay(BUNDLED);
    const rows = await rowsOf(replay);
    const outcomes = rows.flatMap((row) => (row.kind === 'appeal' ? [row.outcome] : []));
    for (const outcome of [
      'upheld',
      'partially-upheld',
      'dismissed',
      'inadmissible',
      'withdrawn',
    ]) {
      expect(outcomes).toContain(outcome);
    }
    expect(outcomes).toContain(null);
    const sealedAt = new Map(
      replay.masterData.cycles.map((cycle) => [cycle.period, cycle.sealedAt ?? '9999']),
    );
    const afterPayout = rows.filter(
      (row) => row.kind === 'appeal-decision' && row.decidedAt > (sealedAt.get(row.period) ?? ''),
    );
    expect(afterPayout.length).toBeGreaterThanOrEqual(2);
  });

  it('ends in a month that is still open', async () => {
    const { masterData } = await openReplay(BUNDLED);
    expect(
      masterData.cycles.map(({ closedAt, sealedAt }) => [closedAt !== null, sealedAt !== null]),
    ).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [true, false],
      [false, false],
    ]);
  });
});

describe('an organisation of another size', () => {
  it('reads without a mistake, and nothing but its size is other', async () => {
    const options = { ...DEMO, people: 150, periods: 3, openPeriods: 0, hasOddities: false };
    const rowCount = writeOrganisation(join(folder, 'larger'), options);
    const replay = await openReplay(join(folder, 'larger'), {
      memoryLimitBytes: 200_000,
      tempDir: folder,
    });
    expect(replay.refused).toEqual([]);
    expect(replay.masterData.accountManagers).toHaveLength(150);
    expect((await rowsOf(replay)).length).toBe(replay.rowCount);
    expect(replay.rowCount).toBeGreaterThan(0.9 * rowCount);
    await replay.close();
  });
});
