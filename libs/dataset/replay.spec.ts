import { compareInstants } from '#kernel';
import * as fc from 'fast-check';
import {
  type DatasetFolder,
  datasetFolder,
  historyOf,
  stepsIn,
} from '../../test/support/dataset-folder.js';
import { openReplay } from './replay.js';
import type { ReplayStep } from './replay-types.js';

let folder: DatasetFolder;
beforeEach(async () => {
  folder = await datasetFolder();
});
afterEach(() => folder.remove());

const CYCLES = 'period,openedAt,closedAt,publishedAt,finalisedAt,sealedAt\n';
const CREDITS =
  'creditId,accountManagerId,period,productId,amountMinor,creditedAt,originalCreditId\n';
const METRICS = 'recordId,accountManagerId,period,indicatorId,actual,recordedAt,source\n';
const APPEALS =
  'appealId,accountManagerId,period,filedAt,grounds,disputedRecordIds,reviewerId,decidedAt,outcome,corrections\n';
const COMPLAINTS = 'complaintId,accountManagerId,customerId,raisedAt,upheld,decidedAt,category\n';
const GOALS = 'accountManagerId,period,indicatorId,target\n';
const on = (day: string, time = '00:00:00'): string => `2026-${day}T${time}+08:00`;
const JANUARY = `2026-01,${on('01-01')},${on('02-03')},${on('02-04')},${on('02-16')},${on('02-20')}\n`;
const metric = (id: string, person: string, at: string): string =>
  `${id},${person},2026-01,sales,80,${at},\n`;

async function history(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  await folder.write(files);
  const replay = await openReplay(folder.dir, { tempDir: folder.tempDir });
  expect(replay.refused).toEqual([]);
  const steps = await historyOf(replay);
  await replay.close();
  return steps;
}

describe('the history of a dataset', () => {
  it('goes from milestone to milestone, one person at a time, each in time order', async () => {
    expect(
      await history({
        'cycles.csv': CYCLES + JANUARY,
        'metrics.csv':
          METRICS +
          metric('M1', 'B', on('02-01')) +
          metric('M2', 'A', on('02-03', '00:00:01')) +
          metric('M3', 'B', '2026-01-31T15:00:00Z') +
          metric('M4', 'A', on('01-20')),
      }),
    ).toEqual([
      'A: metric@5',
      'B: metric@4 metric@2',
      '* close 2026-01',
      'A: metric@3',
      '* publish 2026-01',
      '* finalise 2026-01',
      '* seal 2026-01',
    ]);
  });

  it('puts inputs before a milestone of their time, and appeals after publishing, before finalising', async () => {
    const appeal = (id: string, filed: string, decided: string): string =>
      `${id},A,2026-01,${filed},,M1,R,${decided},dismissed,\n`;
    expect(
      await history({
        'cycles.csv': CYCLES + JANUARY,
        'metrics.csv':
          METRICS +
          metric('M1', 'A', on('02-03')) +
          metric('M2', 'A', on('02-04')) +
          metric('M3', 'A', on('02-16')),
        'appeals.csv':
          APPEALS + appeal('P1', on('02-04'), on('02-16')) + appeal('P2', on('02-05'), on('02-16')),
      }),
    ).toEqual([
      'A: metric@2',
      '* close 2026-01',
      'A: metric@3',
      '* publish 2026-01',
      'A: appeal@2 appeal@3 metric@4 appeal-decision@2 appeal-decision@3',
      '* finalise 2026-01',
      '* seal 2026-01',
    ]);
  });

  it('lets milestones of one time follow their order: close, publish, finalise, seal', async () => {
    const at = on('02-03');
    const cycles = ['2026-02', '2026-01'].map(
      (period) => `${period},${at},${at},${at},${at},${at}\n`,
    );
    expect(await history({ 'cycles.csv': CYCLES + cycles.join('') })).toEqual([
      '* close 2026-01',
      '* close 2026-02',
      '* publish 2026-01',
      '* publish 2026-02',
      '* finalise 2026-01',
      '* finalise 2026-02',
      '* seal 2026-01',
      '* seal 2026-02',
    ]);
  });

  it('lets a complaint act when it is raised and when it is decided', async () => {
    expect(
      await history({
        'cycles.csv': CYCLES + JANUARY,
        'complaints.csv':
          `${COMPLAINTS}Q1,A,C1,${on('01-20')},true,${on('02-10')},\n` +
          `Q2,A,C1,${on('01-21')},,,delivery\n`,
      }),
    ).toEqual([
      'A: complaint@2 complaint@3',
      '* close 2026-01',
      '* publish 2026-01',
      'A: complaint-decision@2',
      '* finalise 2026-01',
      '* seal 2026-01',
    ]);
  });

  it('begins with the goals, of which the last row of a key holds and names the earlier ones', async () => {
    await folder.write({
      'cycles.csv': CYCLES + JANUARY,
      'goals.csv': `${GOALS}A,2026-01,x,1\nA,2026-01,y,2\nB,2026-01,x,3\nA,2026-01,x,4\nA,2026-01,x,5\n`,
      'metrics.csv': METRICS + metric('M1', 'A', on('01-02')),
    });
    const [first, second] = await stepsIn(await openReplay(folder.dir));
    expect(first).toMatchObject({
      group: {
        rows: [
          { kind: 'goal', indicatorId: 'x', target: '5', line: 6, supersededLines: [2, 5] },
          { kind: 'goal', indicatorId: 'y', target: '2', line: 3, supersededLines: [] },
          { kind: 'metric' },
        ],
      },
    });
    expect(second).toMatchObject({ group: { rows: [{ line: 4, supersededLines: [] }] } });
  });

  it('interleaves people who use one record id in one stretch, and nobody else', async () => {
    expect(
      await history({
        'cycles.csv': CYCLES + JANUARY,
        'metrics.csv':
          METRICS +
          metric('M1', 'A', on('01-05')) +
          metric('M1', 'C', on('01-04')) +
          metric('M2', 'A', on('01-03')) +
          metric('M3', 'B', on('01-02')) +
          metric('M3', 'A', on('02-10')) + // another stretch: its milestones keep the order
          metric('M1', 'C', on('02-10')),
      }),
    ).toEqual([
      'B: metric@5',
      'A+C: metric@4 metric@3 metric@2',
      '* close 2026-01',
      '* publish 2026-01',
      'A: metric@6',
      'C: metric@7',
      '* finalise 2026-01',
      '* seal 2026-01',
    ]);
  });

  it('decides a return after its sale, whoever sold, through chains of people', async () => {
    const credit = (id: string, person: string, at: string, original = ''): string =>
      `${id},${person},2026-01,p,${original ? -1 : 1},${at},${original}\n`;
    expect(
      await history({
        'cycles.csv': CYCLES + JANUARY,
        'sales-credits.csv':
          CREDITS +
          credit('S1', 'C', on('01-05')) +
          credit('S2', 'A', on('01-06'), 'S1') +
          credit('S3', 'C', on('01-07'), 'S4') +
          credit('S4', 'B', on('01-01')) +
          credit('S5', 'D', on('01-01')),
      }),
    ).toEqual([
      'D: sales-credit@6',
      'A+B+C: sales-credit@5 sales-credit@2 sales-credit@3 sales-credit@4',
      '* close 2026-01',
      '* publish 2026-01',
      '* finalise 2026-01',
      '* seal 2026-01',
    ]);
  });

  it('hands out a long group in parts', async () => {
    const rows = Array.from({ length: 2_500 }, (_, at) => metric(`M${at}`, 'A', on('01-05')));
    await folder.write({ 'metrics.csv': METRICS + rows.join('') });
    const steps = await stepsIn(await openReplay(folder.dir));
    expect(
      steps.map(
        (step) => step.type === 'group' && [step.group.rows.length, step.group.isContinued],
      ),
    ).toEqual([
      [1_000, true],
      [1_000, true],
      [500, false],
    ]);
  });

  it('knows the earliest opening and the number of rows before it begins', async () => {
    await folder.write({
      'cycles.csv': `${CYCLES}2026-02,2026-02-01T00:00:00+08:00,,,,\n2026-01,2026-01-01T00:00:00+09:00,,,,\n`,
      'metrics.csv': METRICS + metric('M1', 'A', on('01-05')),
    });
    let rowsRead = 0;
    const onRowsRead = (count: number): void => void (rowsRead += count);
    const replay = await openReplay(folder.dir, { onRowsRead });
    expect(replay.earliestOpenedAt).toBe('2026-01-01T00:00:00+09:00');
    expect([replay.rowCount, rowsRead]).toEqual([1, 1]);
  });
});

describe('sorting a history', () => {
  const day = fc
    .integer({ min: 1, max: 40 })
    .map((n) => new Date(Date.UTC(2026, 0, n)).toISOString());
  const row = fc.record({
    id: fc.constantFrom('R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8'),
    person: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    at: day,
    original: fc.option(fc.constantFrom('R1', 'R2', 'R3'), { nil: null }),
  });

  /** Rows of the steps with the milestones before them. */
  const flat = (
    steps: readonly ReplayStep[],
  ): { stretch: number; line: number; group: string }[] => {
    let stretch = 0;
    return steps.flatMap((step) => {
      if (step.type === 'milestone') stretch += 1;
      if (step.type === 'milestone') return [];
      const group = step.group.accountManagerIds.join('+');
      return step.group.rows.map(({ line }) => ({ stretch, line, group }));
    });
  };

  it('gives what sorting in memory would, at every memory limit, and leaves no file', async () => {
    const limit = fc.integer({ min: 100, max: 3_000 });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 60 }), limit, async (rows, memoryLimitBytes) => {
        const lines = rows.map(
          ({ id, person, at, original }) =>
            `${id},${person},2026-01,p,${original ? -1 : 1},${at},${original ?? ''}\n`,
        );
        await folder.write({
          'cycles.csv': CYCLES + JANUARY,
          'sales-credits.csv': CREDITS + lines.join(''),
        });
        const { tempDir } = folder;
        const replay = await openReplay(folder.dir, { tempDir, memoryLimitBytes });
        const got = flat(await stepsIn(replay));
        expect(flat(await stepsIn(replay))).toEqual(got); // and again
        await replay.close();
        expect(await folder.spilledFiles()).toEqual([]);

        const ends = [on('02-03'), on('02-04'), on('02-16'), on('02-20')];
        const placed = rows.map((value, at) => ({
          ...value,
          line: at + 2,
          stretch: ends.filter((end) => compareInstants(value.at, end) > 0).length,
        }));
        // Each row once, in its own stretch.
        expect(got.map(({ line, stretch }) => `${line}/${stretch}`).sort()).toEqual(
          placed.map(({ line, stretch }) => `${line}/${stretch}`).sort(),
        );
        const placeOf = new Map(got.map(({ line }, place) => [line, place]));
        const groupOf = new Map(got.map(({ line, group }) => [line, group]));
        for (const a of placed) {
          for (const b of placed) {
            if (a.stretch !== b.stretch || a === b) continue;
            const isLinked =
              a.person === b.person ||
              a.id === b.id ||
              a.original === b.id ||
              a.original === b.original;
            if (!isLinked || (a.person !== b.person && a.original === null && a.id !== b.id))
              continue;
            expect(groupOf.get(a.line)).toBe(groupOf.get(b.line));
            const isBefore = compareInstants(a.at, b.at) || a.line - b.line;
            expect(Math.sign((placeOf.get(a.line) ?? 0) - (placeOf.get(b.line) ?? 0))).toBe(
              Math.sign(isBefore),
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('leaves no file where it stops half way', async () => {
    const rows = Array.from({ length: 300 }, (_, at) =>
      metric(`M${at % 200}`, `A${at}`, on('01-05')),
    );
    await folder.write({ 'metrics.csv': METRICS + rows.join('') });
    const { tempDir } = folder;
    const replay = await openReplay(folder.dir, { tempDir, memoryLimitBytes: 5_000 });
    for await (const step of replay.steps()) if (step.type === 'group') break;
    await replay.close();
    expect(await folder.spilledFiles()).toEqual([]);
  });
});
