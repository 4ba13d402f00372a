import * as fc from 'fast-check';
import type { EventStore, RecordedEvent } from '#event-store';
import { assessmentStream, canonicalJson, nameBasedId, toFractionText } from '#kernel';
import { indicatorResults } from '#rules';
import {
  type Act,
  acts,
  PEOPLE,
  PERIODS,
  playHistory,
  type PureScore,
  pureScores,
} from '../../../test/support/random-history.js';
import { renderTable } from '../../platform/table.js';
import { createScoreTracer, renderTrace, type ScoreTrace, traceScore } from './index.js';

const SEED = 20_260_721;
const seed = Number(process.env['FC_SEED'] ?? SEED);
const RUNS = 40;

/** The figures of a score, whichever way it was computed. */
function figuresOf(pure: PureScore | undefined): object | null {
  if (!pure) return null;
  if (pure.stage === 'published') {
    const { status, indicators, total, score, grade, ceilingApplied, rankingKey } = pure.result;
    const { schemeId, schemeVersion, unitPath, eligibleDays, workdays } = pure.result;
    const circumstances = { schemeId, schemeVersion, unitPath, eligibleDays, workdays };
    const figures = { status, indicators, total, score, grade, ceilingApplied, rankingKey };
    const { resultVersion } = pure.result;
    return { stage: 'published', resultVersion, ...circumstances, ...figures };
  }
  const { context, card, key } = pure.score;
  const { schemeId, schemeVersion, unitPath, eligibleDays, workdays } = context;
  const circumstances = { schemeId, schemeVersion, unitPath, eligibleDays, workdays };
  return {
    stage: 'provisional',
    resultVersion: null,
    ...circumstances,
    status: card.status,
    indicators: indicatorResults(card),
    total: card.total === null ? null : toFractionText(card.total),
    score: card.score,
    grade: card.grade,
    ceilingApplied: false,
    rankingKey: key,
  };
}

const textOf = (value: object | null): string => canonicalJson(value);

/** Every rule of a trace, against the log folded anew for every prefix. */
function expectSound(
  trace: ScoreTrace,
  events: readonly RecordedEvent[],
  pureAt: readonly ReadonlyMap<string, PureScore>[],
): void {
  const own = assessmentStream(trace.accountManagerId, trace.period);
  const stepByPosition = new Map(trace.steps.map((step) => [step.position, step]));
  let last: string = textOf(null);
  for (const [at, event] of events.entries()) {
    const step = stepByPosition.get(event.position);
    const pure = textOf(figuresOf(pureAt[at]?.get(own)));
    if (step) {
      expect(step.eventId).toBe(event.id);
      expect(textOf(step.before)).toBe(last);
      expect(textOf(step.after)).toBe(pure);
      expect(step.changes.length > 0).toBe(pure !== last);
    } else {
      // Of the person's own events every one is a step; of others those that change the score.
      expect(event.stream).not.toBe(own);
      expect(pure).toBe(last);
    }
    last = pure;
  }
  expect(textOf(trace.current)).toBe(last);
  expect(stepByPosition.size).toBe(trace.steps.length);
}

const CHANGING = [
  'an earlier correction',
  'assessment.ResultCorrected.v1',
  'conduct.AdjustmentGranted.v1',
  'conduct.ComplaintDecided.v1',
  'conduct.VetoRecorded.v1',
  'cycles.CycleOpened.v1',
  'cycles.CyclePublished.v1',
  'evaluations.EvaluationSubmitted.v1',
  'evaluations.EvaluationWithdrawn.v1',
  'feedback-calls.FeedbackCallCompleted.v1',
  'metrics.GoalSet.v1',
  'metrics.MetricRecorded.v1',
  'people.AbsenceRecorded.v1',
  'people.AccountManagerEnrolled.v1',
  'people.AccountManagerLeft.v1',
  'people.AccountManagerTransferred.v1',
  'people.CalendarDefined.v1',
  'schemes.SchemePublished.v1',
  'schemes.SchemeRetired.v1',
  'work-traces.WorkTraceLogged.v1',
  'work-traces.WorkTraceVoided.v1',
];

/** A cycle opened, some facts, the publication, a correction. */
const PUBLISHED: readonly Act[] = [
  [0, 0, 0, 0],
  [11, 0, 0, 60],
  [17, 0, 0, 5],
  [15, 0, 0, 3],
  [0, 0, 0, 2],
  ...Array.from({ length: 8 }, (): Act => [0, 0, 0, 3]),
  [3, 0, 0, 4],
];

/** The same log, telling what is read of it. */
function watched(store: EventStore): { store: EventStore; read: () => readonly string[] } {
  const streams: string[] = [];
  async function* noting(
    batches: AsyncIterable<readonly RecordedEvent[]>,
  ): AsyncGenerator<readonly RecordedEvent[]> {
    for await (const batch of batches) {
      streams.push(...batch.map(({ stream }) => stream));
      yield batch;
    }
  }
  return {
    store: {
      ...store,
      readAll: (options) => noting(store.readAll(options)),
      readStream: (stream, options) => noting(store.readStream(stream, options)),
      readStreams: (list, options) => noting(store.readStreams(list, options)),
    },
    read: () => streams.splice(0),
  };
}

describe('a score trace', () => {
  it('ends each step with the score of the log up to its event, and skips no change', async () => {
    const changing = new Set<string>();
    await fc.assert(
      fc.asyncProperty(acts(160), async (list) => {
        const { store, events } = await playHistory(list);
        const pureAt = events.map((_, at) => pureScores(events.slice(0, at + 1)));
        const tracer = createScoreTracer(store);
        for (const accountManagerId of PEOPLE) {
          for (const period of PERIODS) {
            const trace = await tracer.trace(accountManagerId, period);
            expectSound(trace, events, pureAt);
            for (const step of trace.steps.filter(({ changes }) => changes.length > 0)) {
              const isEarlier = step.stream < assessmentStream(accountManagerId, period);
              const isResult = step.type === 'assessment.ResultCorrected.v1';
              changing.add(isResult && isEarlier ? 'an earlier correction' : step.type);
            }
          }
        }
      }),
      { numRuns: RUNS, seed, endOnFailure: true },
    );
    // The histories are rich enough to fail for each of these; another seed may miss one.
    if (seed === SEED) expect(CHANGING.filter((type) => !changing.has(type))).toEqual([]);
  }, 60_000);

  it('with a position or an instant is the trace of what was there by then', async () => {
    await fc.assert(
      fc.asyncProperty(acts(60), fc.nat(999), async (list, cut) => {
        const { store, events } = await playHistory(list);
        const kept = events.slice(0, 1 + (cut % events.length));
        const { position, metadata } = kept.at(-1) as RecordedEvent;
        const pure = pureScores(kept);
        for (const accountManagerId of PEOPLE) {
          for (const period of PERIODS) {
            const end = { kind: 'position', position } as const;
            const trace = await traceScore(store, accountManagerId, period, end);
            const expected = pure.get(assessmentStream(accountManagerId, period));
            expect(textOf(trace.current)).toBe(textOf(figuresOf(expected)));
            // In these histories the instant of recording rises with the position.
            const at = { kind: 'recorded', at: metadata.recordedAt } as const;
            const byInstant = await traceScore(store, accountManagerId, period, at);
            expect(byInstant.steps).toEqual(trace.steps);
            const before = { kind: 'stored', at: '1969-12-31T23:59:59Z' } as const;
            const nothing = await traceScore(store, accountManagerId, period, before);
            expect(nothing.steps).toEqual([]);
          }
        }
      }),
      { numRuns: RUNS, seed, endOnFailure: true },
    );
  }, 60_000);

  it('reads of people the one alone, and shared streams once', async () => {
    const { store } = await playHistory(PUBLISHED);
    const log = watched(store);
    const tracer = createScoreTracer(log.store);
    await tracer.trace('AM1', '2026-03');
    const first = log.read();
    expect(first).toContain('cycle-2026-01');
    const ofOthers = (stream: string): boolean => /-AM[2-9]/.test(stream);
    expect(first.filter(ofOthers)).toEqual([]);
    await tracer.trace('AM2', '2026-03');
    expect(log.read().filter((stream) => !stream.includes('AM2'))).toEqual([]);
  });

  it('goes back to the latest earlier result with a score, however far that is', async () => {
    const { store, events } = await playHistory([]);
    const metadata = events[0]!.metadata;
    let count = 0;
    const add = (stream: string, type: string, data: object) => {
      count += 1;
      const id = nameBasedId('far back', count);
      return store.append(stream, 'any', [{ id, type, data, metadata }]);
    };
    const periods = Array.from(
      { length: 10 },
      (_, at) => `2025-${String(at + 1).padStart(2, '0')}`,
    );
    for (const period of [...periods, '2026-01']) {
      const days = { firstDay: `${period}-01`, lastDay: `${period}-28` };
      await add(`cycle-${period}`, 'cycles.CycleOpened.v1', { period, ...days, openedAt: 'x' });
    }
    for (const period of periods) {
      // Away since the second month: results without a score, which nobody is ranked by.
      const status = period === periods[0] ? 'published' : 'not-assessed';
      const score = status === 'published' ? '91.50' : null;
      const indicators = score ? { sales: { how: 'scored', exact: '183/2', score } } : {};
      const result = { period, status, score, resultVersion: 1, indicators };
      await add(`assessment-AM1-${period}`, 'assessment.ResultPublished.v1', result);
      await add(`cycle-${period}`, 'cycles.CyclePublished.v1', { period, publishedAt: 'x' });
    }
    const { current } = await traceScore(store, 'AM1', '2026-01');
    expect(current?.indicators['sales']?.how).toBe('carried');
    expect(current?.rankingKey?.earlierScore).toBe('91.50');
  });

  it('can be read by people in both languages', async () => {
    const { store } = await playHistory(PUBLISHED);
    const trace = await traceScore(store, 'AM1', '2026-01');
    expect(trace.current?.resultVersion).toBe(2);
    for (const language of ['zh', 'en'] as const) {
      const { columns, rows } = renderTrace(trace, language);
      expect(columns).toHaveLength(8);
      expect(rows.every((row) => row.length === columns.length)).toBe(true);
      expect(rows.length).toBeGreaterThanOrEqual(trace.steps.length);
      // Every type that can stand in a trace has a name.
      expect(rows.filter(([, event]) => event?.endsWith('.v1'))).toEqual([]);
      const table = renderTable(
        columns.map((title) => ({ title })),
        rows,
      );
      expect(table).toContain(language === 'zh' ? '公示' : 'cycle published');
    }
  });
});
