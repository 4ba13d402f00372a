import { openPostgresEventStore } from '#event-store';
import { assessmentStream, nameBasedId } from '#kernel';
import { createTestDatabase } from '../../../test/support/database.js';
import { playHistory } from '../../../test/support/random-history.js';
import { createScoreTracer } from './index.js';

const FACTS = 500;
const ROUNDS = 9;

/** Half work traces, then calls, evaluations and metrics: the dearest mix for the fold. */
function factAt(n: number): { type: string; data: object } {
  const day = String(1 + (n % 27)).padStart(2, '0');
  const at = `2026-01-${day}T10:00:00+08:00`;
  const recordId = `S${n}`;
  if (n % 2 === 0) {
    const data = { traceId: recordId, type: 'visit', occurredAt: at, loggedAt: at };
    return { type: 'work-traces.WorkTraceLogged.v1', data: { ...data, customerId: `C${n}` } };
  }
  if (n % 4 === 1) {
    const answers = { attitude: 1 + (n % 5), satisfaction: 1 + (n % 3) };
    const contact = { callId: recordId, customerId: `C${n}`, channel: 'phone', calledAt: at };
    return { type: 'feedback-calls.FeedbackCallCompleted.v1', data: { ...contact, answers } };
  }
  if (n % 8 === 3) {
    const rating = { indicatorId: 'conduct', raterId: `R${n}`, raterGroup: 'supervisor' };
    const data = { evaluationId: recordId, ...rating, score: String(n % 101), submittedAt: at };
    return { type: 'evaluations.EvaluationSubmitted.v1', data };
  }
  const data = { recordId, indicatorId: 'sales', actual: `${n}.25`, recordedAt: at };
  return { type: 'metrics.MetricRecorded.v1', data };
}

// Speed is printed and never asserted: a busy machine must not fail a build.
it('traces a period of 500 facts and says how long that takes', async () => {
  const { events } = await playHistory([[0, 0, 0, 0]]);
  const database = await createTestDatabase();
  const store = await openPostgresEventStore({ connectionString: database.appUrl });
  try {
    for (const { stream, id, type, data, metadata } of events) {
      await store.append(stream, 'any', [{ id, type, data, metadata }]);
    }
    const metadata = events[0]!.metadata;
    const facts = Array.from({ length: FACTS }, (_, n) => {
      return { id: nameBasedId('speed', n), ...factAt(n), metadata };
    });
    const stream = assessmentStream('AM1', '2026-01');
    for (let from = 0; from < FACTS; from += 100) {
      await store.append(stream, 'any', facts.slice(from, from + 100));
    }
    const tracer = createScoreTracer(store);
    const tookMs: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const startedMs = performance.now();
      const { steps } = await tracer.trace('AM1', '2026-01');
      tookMs.push(performance.now() - startedMs);
      expect(steps).toHaveLength(FACTS + 1);
    }
    const [first = 0, ...rest] = tookMs;
    const median = rest.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0;
    process.stderr.write(
      `trace of ${FACTS} facts: first ${first.toFixed(1)} ms, median ${median.toFixed(1)} ms\n`,
    );
  } finally {
    await store.close();
    await database.drop();
  }
}, 60_000);
