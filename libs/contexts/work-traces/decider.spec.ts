import { ERASED } from '#kernel';
import { given } from '#kernel/testing';
import type { FactsFrozen } from '../assessment/events.js';
import { assessmentFixtures } from '../assessment/fixtures.js';
import {
  type LogWorkTrace,
  recordOf,
  type VoidWorkTrace,
  type WorkTraceFacts,
  workTraces,
} from './decider.js';
import type { WorkTraceLogged, WorkTraceVoided } from './events.js';
import { workTraceFixtures } from './fixtures.js';

const CLOSED_AT = '2026-02-03T18:00:00+08:00';
const AFTER = '2026-02-03T18:00:01+08:00';

const factsFrozen: FactsFrozen = {
  type: 'assessment.FactsFrozen.v1',
  data: assessmentFixtures['assessment.FactsFrozen.v1'],
};
const data = workTraceFixtures['work-traces.WorkTraceLogged.v1'];
const logged: WorkTraceLogged = { type: 'work-traces.WorkTraceLogged.v1', data };
const voided: WorkTraceVoided = {
  type: 'work-traces.WorkTraceVoided.v1',
  data: workTraceFixtures['work-traces.WorkTraceVoided.v1'],
};
const open: WorkTraceFacts = { inCohort: true, closedAt: null };
const closed: WorkTraceFacts = { inCohort: true, closedAt: CLOSED_AT };

const log = (changes: Partial<LogWorkTrace['data']> = {}): LogWorkTrace => ({
  type: 'work-traces.LogWorkTrace',
  data: { ...data, ...changes },
});
const voidTrace = (changes: Partial<VoidWorkTrace['data']> = {}): VoidWorkTrace => ({
  type: 'work-traces.VoidWorkTrace',
  data: { ...voided.data, ...changes },
});

describe('logging a trace', () => {
  it('records it, and one without customer and note', () => {
    const bare = { ...data, customerId: undefined, note: undefined };
    given(workTraces, []).when(log(), closed).thenEvents([logged]);
    given(workTraces, [])
      .when(log(bare), closed)
      .thenEvents([{ ...logged, data: bare }]);
  });

  it('keeps one that was logged long after it happened: counting is the rules’ concern', () => {
    const late = { loggedAt: '2026-02-03T17:00:00+08:00' };
    given(workTraces, [])
      .when(log(late), closed)
      .thenEvents([{ ...logged, data: { ...data, ...late } }]);
  });

  it('refuses one that was logged after the closing, whenever it happened', () =>
    given(workTraces, [])
      .when(log({ loggedAt: AFTER }), closed)
      .thenRefused('collection-closed'));

  it('refuses one that was decided before the freeze and arrives after it', () =>
    given(workTraces, [factsFrozen]).when(log(), open).thenRefused('collection-closed'));

  it('counts a repeated one once, also after it was voided and frozen', () =>
    given(workTraces, [logged, voided, factsFrozen]).when(log(), closed).thenNothing());

  it('tells a repeated one by the rest of it once its note is erased', () => {
    const history = given(workTraces, [{ ...logged, data: { ...data, note: ERASED } }]);
    history.when(log(), open).thenNothing();
    history.when(log({ type: 'delivery' }), open).thenRefused('record-id-reused');
  });

  it('names the first check that fails, in the order of the report', () => {
    const history = given(workTraces, [logged]);
    const outside: WorkTraceFacts = { inCohort: false, closedAt: CLOSED_AT };
    history.when(log({ loggedAt: AFTER, type: '' }), outside).thenRefused('malformed');
    history.when(log({ loggedAt: AFTER }), outside).thenRefused('outside-cohort');
    history.when(log({ loggedAt: AFTER }), closed).thenRefused('collection-closed');
    history.when(log({ type: 'delivery' }), closed).thenRefused('record-id-reused');
  });
});

describe('voiding a trace', () => {
  it('records it with its reason, once', () => {
    given(workTraces, [logged]).when(voidTrace(), closed).thenEvents([voided]);
    given(workTraces, [logged, voided, factsFrozen]).when(voidTrace(), closed).thenNothing();
  });

  it('refuses one without a reason as malformed', () =>
    given(workTraces, [logged])
      .when(voidTrace({ reason: ' ' }), open)
      .thenRefused('malformed'));

  it('refuses a trace that was never accepted', () =>
    given(workTraces, []).when(voidTrace(), open).thenRefused('unknown-record'));

  it('refuses after the closing, and after the freeze whatever the time', () => {
    given(workTraces, [logged])
      .when(voidTrace({ voidedAt: AFTER }), closed)
      .thenRefused('collection-closed');
    given(workTraces, [logged, factsFrozen])
      .when(voidTrace(), open)
      .thenRefused('collection-closed');
  });
});

it('claims the id when the trace is logged, and refers to it when it is voided', () => {
  const kind = { kind: 'work-trace', recordId: data.traceId };
  expect(recordOf(logged)).toEqual({ ...kind, first: true });
  expect(recordOf(voided)).toEqual({ ...kind, first: false });
  expect(recordOf(factsFrozen)).toBeNull();
});
