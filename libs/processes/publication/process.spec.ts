import { createCommandHandler, createOrganisationReader, type Engine } from '#commands';
import type { EventStore } from '#event-store';
import { type Processes, startProcesses } from '#processes/to-do';
import { scoreRecords } from '#read-models/scores';
import {
  countsByType,
  importFolder,
  openTestSystem,
  type TestSystem,
} from '../../../test/support/system.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../test/support/small-history.js';
import { publicationProcess } from './process.js';
import { publishCycle, type PublishRequest } from './publish.js';

const PERIOD = '2026-03';
const STARTED_AT = '2026-04-03T12:00:00+08:00';
const request: PublishRequest = {
  period: PERIOD,
  publishedAt: STARTED_AT,
  recordedAt: STARTED_AT,
  actor: { id: 'O1', role: 'office' },
  incompleteAcknowledgedBy: null,
  incompleteCount: 0,
};

class PulledPlug extends Error {}

describe('a publication whose process died', () => {
  let test: TestSystem;
  let history: SmallHistory;
  let engine: Engine;
  const running: Processes[] = [];

  beforeEach(async () => {
    [test, history] = await Promise.all([openTestSystem(), smallHistory(['AM1', 'AM2'])]);
    engine = test.system.engine;
    history.add('cycles', cycleRow(PERIOD, { closed: '2026-04-02' }));
    history.add('metrics', metricRow('AM1', PERIOD, '60'), metricRow('AM2', PERIOD, '70'));
    await history.write();
    expect((await importFolder(test.system, history.dir)).refused).toEqual([]);
    test.system.keepProjecting();
  }, 60_000);

  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
    await test.close();
    await history.remove();
  });

  const start = (own: Engine): Processes => {
    const { projections, pool } = test.system;
    const clock = (): Date => new Date('2026-04-04T12:00:00+08:00'); // a day later
    const one = startProcesses(own, [publicationProcess], { clock, projections, pool });
    running.push(one);
    return one;
  };

  function engineOf(append: EventStore['append'] = engine.store.append): Engine {
    const store: EventStore = { ...engine.store, append };
    return {
      ...engine,
      store,
      handler: createCommandHandler(store),
      organisation: createOrganisationReader(engine.log),
    };
  }

  const dyingAfter = (step: string): Engine =>
    engineOf(async (stream, expected, events) => {
      const result = await engine.store.append(stream, expected, events);
      if (events[0]?.type === step) throw new PulledPlug(step);
      return result;
    });

  async function expectDoneOnce(): Promise<void> {
    expect(await countsByType(engine)).toMatchObject({
      'cycles.PublicationStarted.v1': 1,
      'assessment.FactsFrozen.v1': 2,
      'cycles.ResultsComputed.v1': 1,
      'assessment.ResultPublished.v1': 2,
      'cycles.CyclePublished.v1': 1,
    });
    const records = await engine.readModels.at(await engine.log.head(), ['scores'], (sql) =>
      scoreRecords(sql),
    );
    expect(records.map(({ score }) => score)).toEqual(['60.00', '70.00']);
  }

  it.each([
    'cycles.PublicationStarted.v1',
    'assessment.FactsFrozen.v1',
    'cycles.ResultsComputed.v1',
    'assessment.ResultPublished.v1',
  ])(
    'after %s is gone on with by several others, once',
    async (step) => {
      await expect(publishCycle(dyingAfter(step), request)).rejects.toThrow(PulledPlug);
      const others = [start(engineOf()), start(engineOf())];
      await Promise.all(others.map((one) => one.settle()));
      expect(others.flatMap((one) => [...one.troubles()])).toEqual([]);
      await expectDoneOnce();
    },
    60_000,
  );

  it('is gone on with beside one that is not dead, once', async () => {
    await expect(publishCycle(dyingAfter('cycles.PublicationStarted.v1'), request)).rejects.toThrow(
      PulledPlug,
    );
    const other = start(engineOf());
    await Promise.all([other.settle(), publishCycle(engineOf(), request)]);
    await expectDoneOnce();
  }, 60_000);
});
