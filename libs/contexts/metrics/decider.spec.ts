import { given } from '#kernel/testing';
import { assessmentFixtures } from '../assessment/fixtures.js';
import type { FactsFrozen } from '../assessment/events.js';
import { type MetricFacts, metrics, type RecordMetric, recordOf, type SetGoal } from './decider.js';
import type { MetricRecorded } from './events.js';
import { metricFixtures } from './fixtures.js';

const CLOSED_AT = '2026-04-03T18:00:00+08:00';
const BEFORE = '2026-04-03T17:59:59.999+08:00';
const AFTER = '2026-04-03T10:00:00.000000001Z';

const factsFrozen: FactsFrozen = {
  type: 'assessment.FactsFrozen.v1',
  data: assessmentFixtures['assessment.FactsFrozen.v1'],
};
const data = { ...metricFixtures['metrics.MetricRecorded.v1'], recordedAt: BEFORE };
const recorded: MetricRecorded = { type: 'metrics.MetricRecorded.v1', data };
const open: MetricFacts = { inCohort: true, knowsIndicator: true, closedAt: null };
const closed: MetricFacts = { ...open, closedAt: CLOSED_AT };

const recordMetric = (changes: Partial<RecordMetric['data']> = {}): RecordMetric => ({
  type: 'metrics.RecordMetric',
  data: { ...data, ...changes },
});
const setGoal = (target = '80', indicatorId = 'sales-attainment'): SetGoal => ({
  type: 'metrics.SetGoal',
  data: { indicatorId, target },
});
const goalSet = (target: string) =>
  ({ type: 'metrics.GoalSet.v1', data: { indicatorId: 'sales-attainment', target } }) as const;

describe('recording a metric', () => {
  it('records it while the collection is open', () =>
    given(metrics, []).when(recordMetric(), open).thenEvents([recorded]));

  it('records one of the very instant of closing, also when it arrives later', () =>
    given(metrics, [])
      .when(recordMetric({ recordedAt: CLOSED_AT }), closed)
      .thenEvents([{ ...recorded, data: { ...data, recordedAt: CLOSED_AT } }]));

  it('refuses one that is a nanosecond later than the closing, whatever its offset', () =>
    given(metrics, [])
      .when(recordMetric({ recordedAt: AFTER }), closed)
      .thenRefused('collection-closed'));

  it('refuses a metric that was decided before the freeze and arrives after it', () =>
    given(metrics, [factsFrozen]).when(recordMetric(), open).thenRefused('collection-closed'));

  it('counts a repeated record once, also after the freeze and outside the cohort', () =>
    given(metrics, [recorded, factsFrozen])
      .when(recordMetric(), { inCohort: false, knowsIndicator: false, closedAt: CLOSED_AT })
      .thenNothing());

  it('refuses a record id that comes again with another content', () =>
    given(metrics, [recorded])
      .when(recordMetric({ actual: '82.480' }), open)
      .thenRefused('record-id-reused'));

  it.each([
    ['actual', '1/2'],
    ['actual', '1e3'],
    ['actual', ''],
    ['recordedAt', '2026-04-03T17:59:59'],
    ['recordedAt', '2026-02-30T00:00:00Z'],
    ['recordId', ''],
    ['recordId', 'a\nb'],
    ['indicatorId', 'x'.repeat(201)],
  ])('refuses %s %j as malformed', (field, value) =>
    given(metrics, [])
      .when(recordMetric({ [field]: value }), open)
      .thenRefused('malformed'),
  );
});

it('names the first check that fails, in the order of the report', () => {
  const history = [recorded, factsFrozen];
  const outside: MetricFacts = { inCohort: false, knowsIndicator: false, closedAt: CLOSED_AT };
  const wrong = recordMetric({ actual: 'many', recordedAt: AFTER });
  const late = recordMetric({ actual: '1', recordedAt: AFTER });
  given(metrics, history).when(wrong, outside).thenRefused('malformed');
  given(metrics, history).when(late, outside).thenRefused('unknown-indicator');
  given(metrics, history)
    .when(late, { ...outside, knowsIndicator: true })
    .thenRefused('outside-cohort');
  given(metrics, history).when(late, closed).thenRefused('collection-closed');
  given(metrics, [recorded])
    .when(recordMetric({ actual: '1' }), closed)
    .thenRefused('record-id-reused');
});

describe('setting a goal', () => {
  it('records the goal and its revision', () => {
    given(metrics, [])
      .when(setGoal('80'), closed)
      .thenEvents([goalSet('80')]);
    given(metrics, [goalSet('80')])
      .when(setGoal('90'), closed)
      .thenEvents([goalSet('90')]);
  });

  it('gives nothing for the target that holds, also after the freeze', () =>
    given(metrics, [goalSet('90'), goalSet('80'), factsFrozen])
      .when(setGoal('80'), open)
      .thenNothing());

  it('records a target again that another one had superseded', () =>
    given(metrics, [goalSet('80'), goalSet('90')])
      .when(setGoal('80'), open)
      .thenEvents([goalSet('80')]));

  it('refuses it in the order of the report', () => {
    const outside: MetricFacts = { inCohort: false, knowsIndicator: false, closedAt: null };
    const frozen = given(metrics, [factsFrozen]);
    frozen.when(setGoal('eighty'), outside).thenRefused('malformed');
    frozen.when(setGoal(), outside).thenRefused('unknown-indicator');
    frozen.when(setGoal(), open).thenRefused('collection-closed');
  });

  it('takes the goal of somebody who is not assessed, where it means nothing', () => {
    const outside: MetricFacts = { inCohort: false, knowsIndicator: true, closedAt: null };
    given(metrics, [])
      .when(setGoal('80'), outside)
      .thenEvents([goalSet('80')]);
  });
});

it('claims the id of a metric, and none for a goal', () => {
  expect(recordOf(recorded)).toEqual({ kind: 'metric', recordId: 'M0000001', first: true });
  expect(recordOf(goalSet('80'))).toBeNull();
  expect(recordOf(factsFrozen)).toBeNull();
});
