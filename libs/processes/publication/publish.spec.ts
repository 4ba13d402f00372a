import {
  assessmentStreamAggregate,
  createCommandHandler,
  createOrganisationReader,
  type Engine,
  type Outcome,
} from '#commands';
import type { EventStore, RecordedEvent } from '#event-store';
import { assessmentStream, nameBasedId } from '#kernel';
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
import { publishCycle, type PublishRequest } from './publish.js';

const PERIOD = '2026-03';
const PUBLISHED_AT = '2026-04-03T12:00:00+08:00';
const office = { id: 'O1', role: 'office' };
const request: PublishRequest = {
  period: PERIOD,
  publishedAt: PUBLISHED_AT,
  recordedAt: PUBLISHED_AT,
  actor: office,
  incompleteAcknowledgedBy: null,
  incompleteCount: 0,
};

class PulledPlug extends Error {}

describe('a publication', () => {
  let test: TestSystem;
  let history: SmallHistory;
  let engine: Engine;

  beforeEach(async () => {
    [test, history] = await Promise.all([openTestSystem(), smallHistory(['AM1', 'AM2'])]);
    engine = test.system.engine;
    history.add('cycles', cycleRow(PERIOD, { closed: '2026-04-02' }));
    history.add('metrics', metricRow('AM1', PERIOD, '60'), metricRow('AM2', PERIOD, '70'));
    await history.write();
    expect((await importFolder(test.system, history.dir)).refused).toEqual([]);
  }, 60_000);

  afterEach(async () => {
    await test.close();
    await history.remove();
  });

  /** Another process records a later value, in time: what closes it is the freeze alone. */
  async function recordBeside(accountManagerId: string, actual: string): Promise<Outcome> {
    const stream = assessmentStream(accountManagerId, PERIOD);
    const recordId = `late ${accountManagerId} ${actual}`;
    const recordedAt = '2026-03-31T18:00:00+08:00';
    const [outcome] = await createCommandHandler(engine.store).decideAll(
      assessmentStreamAggregate,
      stream,
      [
        {
          command: {
            context: 'metrics',
            command: {
              type: 'metrics.RecordMetric',
              data: { recordId, indicatorId: 'sales', actual, recordedAt },
            },
            facts: () => ({ inCohort: true, knowsIndicator: true, closedAt: null }),
          },
          facts: () => undefined,
          envelope: {
            commandId: nameBasedId('test', recordId),
            actor: office,
            occurredAt: recordedAt,
            recordedAt,
          },
        },
      ],
    );
    if (!outcome) throw new Error('no outcome');
    return outcome;
  }

  /** The engine of another process, with something done around each of its appends. */
  function engineWith(
    around: Partial<Record<'before' | 'after', (type: string) => unknown>>,
  ): Engine {
    const store: EventStore = {
      ...engine.store,
      async append(stream, expected, events) {
        const type = events[0]?.type ?? '';
        await around.before?.(`${type} ${stream}`);
        const result = await engine.store.append(stream, expected, events);
        await around.after?.(`${type} ${stream}`);
        return result;
      },
    };
    return {
      ...engine,
      store,
      handler: createCommandHandler(store),
      organisation: createOrganisationReader(engine.log),
    };
  }

  const dyingAfter = (step: string): Engine =>
    engineWith({
      after: (one) => {
        if (one.startsWith(step)) throw new PulledPlug(step);
      },
    });

  async function scores(): Promise<Record<string, string | null>> {
    const records = await engine.readModels.at(await engine.log.head(), ['scores'], (sql) =>
      scoreRecords(sql),
    );
    return Object.fromEntries(
      records.map(({ accountManagerId, score }) => [accountManagerId, score]),
    );
  }

  it('counts a fact that arrives between its start and the freeze', async () => {
    const raced: Outcome[] = [];
    const racing = engineWith({
      before: async (step) => {
        if (step !== `assessment.FactsFrozen.v1 ${assessmentStream('AM1', PERIOD)}`) return;
        if (raced.length === 0) raced.push(await recordBeside('AM1', '80'));
      },
    });
    await publishCycle(racing, request);
    expect(raced.map(({ kind }) => kind)).toEqual(['accepted']);
    expect(await scores()).toEqual({ AM1: '80.00', AM2: '70.00' });
  }, 60_000);

  it('refuses a fact that arrives after the freeze, however early its own time is', async () => {
    const raced: Outcome[] = [];
    const racing = engineWith({
      after: async (step) => {
        if (step !== `assessment.FactsFrozen.v1 ${assessmentStream('AM1', PERIOD)}`) return;
        raced.push(await recordBeside('AM1', '80'));
      },
    });
    await publishCycle(racing, request);
    expect(raced).toMatchObject([{ kind: 'refused', error: { code: 'collection-closed' } }]);
    expect(await scores()).toEqual({ AM1: '60.00', AM2: '70.00' });
  }, 60_000);

  it.each([
    'cycles.PublicationStarted.v1',
    'assessment.FactsFrozen.v1',
    'cycles.ResultsComputed.v1',
    'assessment.ResultPublished.v1',
    'cycles.CyclePublished.v1',
  ])(
    'interrupted after %s shows nothing early, and is resumed to the same results',
    async (step) => {
      await expect(publishCycle(dyingAfter(step), request)).rejects.toThrow(PulledPlug);
      const isOver = step === 'cycles.CyclePublished.v1';
      expect(await scores()).toEqual(isOver ? { AM1: '60.00', AM2: '70.00' } : {});
      await publishCycle(engine, { ...request, publishedAt: PUBLISHED_AT });
      expect(await scores()).toEqual({ AM1: '60.00', AM2: '70.00' });
      expect(await countsByType(engine)).toMatchObject({
        'cycles.PublicationStarted.v1': 1,
        'assessment.FactsFrozen.v1': 2,
        'cycles.ResultsComputed.v1': 1,
        'assessment.ResultPublished.v1': 2,
        'cycles.CyclePublished.v1': 1,
      });
    },
    60_000,
  );

  it('stops when a resumption computes other results than were committed to', async () => {
    await expect(publishCycle(dyingAfter('cycles.ResultsComputed.v1'), request)).rejects.toThrow(
      PulledPlug,
    );
    const before = await countsByType(engine);
    // As if the code or the stored facts had been changed in between.
    const altered = ({ data, ...event }: RecordedEvent): RecordedEvent => ({
      ...event,
      data: event.type === 'metrics.MetricRecorded.v1' ? { ...data, actual: '99' } : data,
    });
    const otherwise: Engine = {
      ...engineWith({}),
      log: {
        ...engine.log,
        async *readStreams(streams, options) {
          for await (const read of engine.log.readStreams(streams, options)) {
            yield read.map(altered);
          }
        },
      },
    };
    await expect(publishCycle(otherwise, request)).rejects.toMatchObject({
      code: 'results-differ',
    });
    expect(await countsByType(engine)).toEqual(before);
    await publishCycle(engine, request);
    expect(await scores()).toEqual({ AM1: '60.00', AM2: '70.00' });
  }, 60_000);

  it('done by two at once is done once', async () => {
    const reports = await Promise.all([
      publishCycle(engineWith({}), request),
      publishCycle(engineWith({}), request),
    ]);
    expect(reports.map(({ resultCount }) => resultCount)).toEqual([2, 2]);
    expect(await countsByType(engine)).toMatchObject({
      'assessment.FactsFrozen.v1': 2,
      'assessment.ResultPublished.v1': 2,
      'cycles.CyclePublished.v1': 1,
    });
  }, 60_000);
});
