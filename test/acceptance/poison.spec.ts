import type { System } from '../../apps/merit/system.js';
import { DomainError } from '#kernel';
import { bonusLedgerProjection } from '#read-models/bonus-ledger';
import { boardLines } from '#read-models/leaderboards';
import { scoresProjection } from '#read-models/scores';
import { tiersProjection } from '#read-models/tiers';
import { settlementProjection } from '#processes/settlement';
import type { Projection } from '#projections';
import { cycleRow, metricRow, smallHistory, type SmallHistory } from '../support/small-history.js';
import {
  exportsOf,
  importFolder,
  openFurtherSystem,
  openTestSystem,
  type TestSystem,
  verified,
} from '../support/system.js';

const WAIT_MS = 20_000;
const POISONED = 'assessment-AM1-2026-03';

/** A projection whose code cannot take one kind of event of one person's stream. */
function poisoned(projection: Projection, type: string): Projection {
  return {
    ...projection,
    project: async (batch, sql, log) => {
      const cannot = batch.events.some((event) => event.stream === POISONED && event.type === type);
      if (cannot) throw new TypeError(`cannot take ${type}`);
      return projection.project(batch, sql, log);
    },
    ...(projection.fresh ? { fresh: () => poisoned(freshOf(projection), type) } : {}),
  };
}

const freshOf = (projection: Projection): Projection => projection.fresh?.() ?? projection;

const projectionsWith = (name: string, type: string): Projection[] =>
  [scoresProjection(), tiersProjection(), bonusLedgerProjection(), settlementProjection()].map(
    (projection) => (projection.name === name ? poisoned(projection, type) : projection),
  );

describe('an event that a projection cannot take', () => {
  let history: SmallHistory;
  let whole: TestSystem;
  let test: TestSystem;
  let expected: Awaited<ReturnType<typeof exportsOf>>;

  beforeAll(async () => {
    [history, whole] = await Promise.all([smallHistory(['AM1', 'AM2']), openTestSystem()]);
    for (const [month, next] of Object.entries({ '03': '04', '04': '05', '05': '06' })) {
      const period = `2026-${month}`;
      const [closed, published, sealed] = ['02', '03', '10'].map((day) => `2026-${next}-${day}`);
      history.add('cycles', cycleRow(period, { closed, published, sealed }));
      history.add('metrics', metricRow('AM1', period, '60'), metricRow('AM2', period, '80'));
    }
    const corrections = [{ type: 'replace', recordId: 'M-AM1-2026-03', value: '95' }];
    history.add(
      'appeals',
      'appealId=A1 accountManagerId=AM1 period=2026-03 filedAt=2026-04-06T09:00:00+08:00 ' +
        'grounds=wrong disputedRecordIds=M-AM1-2026-03 reviewerId=R1 outcome=upheld ' +
        `decidedAt=2026-04-15T09:00:00+08:00 corrections=${JSON.stringify(corrections)}`,
    );
    await history.write();
    expect((await importFolder(whole.system, history.dir)).refused).toEqual([]);
    expected = await exportsOf(whole.system);
  }, 60_000);

  beforeEach(async () => void (test = await openTestSystem()));
  afterEach(() => test.close());
  afterAll(async () => {
    await whole?.close();
    await history?.remove();
  });

  /** Works with the broken code; the rest of the test is that of the mended. */
  async function withBroken(name: string, type: string, work: (broken: System) => Promise<void>) {
    const broken = await openFurtherSystem(test, projectionsWith(name, type));
    try {
      await work(broken);
    } finally {
      await broken.close();
    }
  }

  const lastPublished = async ({ store }: System): Promise<string[]> => {
    const steps: string[] = [];
    for await (const events of store.readAll({ streamPrefixes: ['cycle-', 'bonus-batch-'] })) {
      for (const { type, stream } of events) {
        if (type === 'cycles.CyclePublished.v1') steps.push(`published ${stream.slice(-7)}`);
        if (type === 'bonus-batches.BatchSealed.v1') steps.push('sealed');
      }
    }
    return steps;
  };

  it.each([
    ['scores', 'metrics.MetricRecorded.v1', 'publication', []],
    ['scores', 'assessment.ResultPublished.v1', 'publication', ['published 2026-03', 'sealed']],
    ['tiers', 'assessment.ResultPublished.v1', 'settlement', ['published 2026-03']],
    [
      'settlement',
      'assessment.ResultCorrected.v1',
      'settlement',
      ['published 2026-03', 'sealed', 'published 2026-04'],
    ],
  ])(
    'in %s (%s) parks its key, lets the others go on and stops the next %s until it is mended',
    async (name, type, _, reached) => {
      await withBroken(name, type, async (broken) => {
        // Nobody projects until publication waits: the poison stands among all that it hangs on.
        await expect(importFolder(broken, history.dir)).rejects.toMatchObject({
          code: 'projection-parked',
          details: { projection: name, key: POISONED },
        });
        expect(await lastPublished(broken)).toEqual(reached);
        broken.keepProjecting();
        const head = await broken.store.head();
        await broken.projections.waitFor([name], head, WAIT_MS);
        const status = await broken.projections.status();
        const parked = status.find(({ projection }) => projection === name);
        expect(parked).toMatchObject({ parkedKeyCount: 1, position: head });
        const findings = await verified(broken);
        expect(findings).toContainEqual(
          expect.objectContaining({
            where: expect.objectContaining({ projection: name, key: POISONED }) as object,
          }),
        );
        const retried = await broken.projections.retryParked(name);
        expect(retried.stillParked).toMatchObject([{ projection: name, key: POISONED }]);
      });
      // Code that is mended changes nothing by itself: somebody has to ask.
      await expect(importFolder(test.system, history.dir)).rejects.toThrow(DomainError);
      const retried = await test.system.projections.retryParked(name);
      expect(retried).toEqual({
        projected: [{ projection: name, key: POISONED }],
        stillParked: [],
      });
      expect((await test.system.projections.verify()).differences).toEqual([]);
      expect((await importFolder(test.system, history.dir)).refused).toEqual([]);
      expect(await exportsOf(test.system)).toEqual(expected);
      const outcome = await test.system.projections.verify();
      expect(outcome).toMatchObject({ differences: [], parkedKeys: [] });
    },
    60_000,
  );

  it('leaves the other people of the projection where the log is', async () => {
    await withBroken('scores', 'metrics.MetricRecorded.v1', async (broken) => {
      await expect(importFolder(broken, history.dir)).rejects.toThrow('projection-parked');
      broken.keepProjecting();
      await broken.projections.waitFor(['scores'], await broken.store.head(), WAIT_MS);
      const { result } = await broken.projections.read(['scores'], (sql) =>
        boardLines(sql, { provisional: true }),
      );
      expect(result).toContainEqual(
        expect.objectContaining({ accountManagerId: 'AM2', unitId: '*', score: '80.00' }),
      );
    });
  }, 60_000);
});
