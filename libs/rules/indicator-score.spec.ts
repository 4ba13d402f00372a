import { fromFractionText, rational, roundToText } from '#kernel';
import { scoreIndicator } from './indicator-score.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import type { Formula, Indicator } from './scheme.js';
import {
  complaintsIndicator,
  contextOf,
  evaluationIndicator,
  evaluationOf,
  factsOf,
  feedbackIndicator,
  metricIndicator,
  metricOf,
  schemeOf,
  traceIndicator,
  traceOf,
} from './testing.js';

function scoreWith(
  indicator: Indicator,
  facts: Partial<RecordedFacts>,
  context: Partial<AssessmentContext> = {},
): string {
  const scheme = schemeOf({ indicators: [indicator] });
  const scored = scoreIndicator(scheme, contextOf(context), factsOf(facts), indicator.id);
  return scored.exact === null ? scored.how : `${roundToText(scored.exact, 2)} ${scored.how}`;
}

function formulaScore(formula: Formula, actual: string, more: Partial<Indicator> = {}): string {
  const indicator = metricIndicator({ formula, missing: 'neutralise', ...(more as object) });
  return scoreWith(indicator, { metrics: [metricOf(actual)] });
}

describe('formulas', () => {
  it('scores 92 of 80 as 115.00 under linear with cap 120 (worked example 1)', () => {
    const more = { defaultTarget: '80' };
    expect(formulaScore({ type: 'linear', cap: '120' }, '92', more)).toBe('115.00 scored');
    expect(formulaScore({ type: 'linear', cap: '120' }, '100', more)).toBe('120.00 scored');
    expect(formulaScore({ type: 'linear' }, '92', more)).toBe('100.00 scored');
    expect(formulaScore({ type: 'linear', floor: '30' }, '8', more)).toBe('30.00 scored');
    expect(formulaScore({ type: 'linear' }, '-8', more)).toBe('0.00 scored');
  });

  it('takes the last band at or below the value (worked example 2)', () => {
    const bands = [
      { from: '80', score: '80' },
      { from: '90', score: '90' },
    ];
    expect(formulaScore({ type: 'bands', bands }, '89.99')).toBe('80.00 scored');
    expect(formulaScore({ type: 'bands', bands }, '90')).toBe('90.00 scored');
    expect(formulaScore({ type: 'bands', bands }, '79.99')).toBe('80.00 scored');
    const onAttainment: Formula = { type: 'bands', on: 'attainment', bands };
    expect(formulaScore(onAttainment, '45', { defaultTarget: '50' })).toBe('90.00 scored');
    expect(formulaScore(onAttainment, '45', { defaultTarget: '0' })).toBe('neutralised');
    expect(formulaScore(onAttainment, '45')).toBe('neutralised');
  });

  it('deducts 5 for each of 3 cases down to 85 (worked example 3), never below 0', () => {
    expect(formulaScore({ type: 'deduct', per: '5' }, '3')).toBe('85.00 scored');
    expect(formulaScore({ type: 'deduct', per: '5' }, '21')).toBe('0.00 scored');
  });

  it('scores 3 between target 2 and limit 4 as 50.00 (worked example 4)', () => {
    const inverse: Formula = { type: 'inverse', limit: '4', target: '2' };
    expect(formulaScore(inverse, '3')).toBe('50.00 scored');
    expect(formulaScore(inverse, '1')).toBe('100.00 scored');
    expect(formulaScore({ ...inverse, cap: '120' }, '1.5')).toBe('120.00 scored');
    expect(formulaScore(inverse, '5')).toBe('0.00 scored');
    expect(formulaScore({ ...inverse, floor: '-50' }, '5')).toBe('-50.00 scored');
  });

  it('gives 100 at the threshold and 0 below it', () => {
    expect(formulaScore({ type: 'binary', threshold: '80' }, '80')).toBe('100.00 scored');
    expect(formulaScore({ type: 'binary', threshold: '80' }, '79.999')).toBe('0.00 scored');
  });
});

describe('targets', () => {
  const linear = metricIndicator({ defaultTarget: '50', missing: 'neutralise' });
  const goals = (target: string) => new Map([['sales', target]]);

  it('prefers the recorded goal to the default', () => {
    expect(scoreWith(linear, { metrics: [metricOf('40')] })).toBe('80.00 scored');
    expect(scoreWith(linear, { metrics: [metricOf('40')], goals: goals('80') })).toBe(
      '50.00 scored',
    );
  });

  it('misses a target that is absent, 0 or negative, also when the goal hides a good default', () => {
    const metrics = [metricOf('40')];
    expect(scoreWith(linear, { metrics, goals: goals('0') })).toBe('neutralised');
    expect(scoreWith(linear, { metrics, goals: goals('-5') })).toBe('neutralised');
    expect(scoreWith(metricIndicator({ missing: 'neutralise' }), { metrics })).toBe('neutralised');
  });

  it('prorates goal and default by eligible days over workdays', () => {
    const half = { eligibleDays: 11, workdays: 22 };
    const prorated = { ...linear, prorateTarget: true } as Indicator;
    const metrics = [metricOf('20')];
    expect(scoreWith(prorated, { metrics }, half)).toBe('80.00 scored');
    expect(scoreWith(prorated, { metrics, goals: goals('80') }, half)).toBe('50.00 scored');
    expect(scoreWith(linear, { metrics }, half)).toBe('40.00 scored');
  });

  it('does not prorate the target of an inverse formula itself', () => {
    const formula: Formula = { type: 'inverse', limit: '4', target: '2' };
    const inverse = metricIndicator({ formula, prorateTarget: true, missing: 'neutralise' });
    const half = { eligibleDays: 11, workdays: 22 };
    expect(scoreWith(inverse, { metrics: [metricOf('3')] }, half)).toBe('50.00 scored');
    expect(scoreWith(inverse, { metrics: [metricOf('3')], goals: goals('2') }, half)).toBe(
      '33.33 scored',
    );
  });

  it('prorates to 0 in a month without workdays, which a linear formula misses', () => {
    const prorated = { ...linear, prorateTarget: true } as Indicator;
    const noDays = { eligibleDays: 0, workdays: 0 };
    expect(scoreWith(prorated, { metrics: [metricOf('20')] }, noDays)).toBe('neutralised');
  });

  it('misses an inverse whose goal is at or above the limit', () => {
    const formula: Formula = { type: 'inverse', limit: '4', target: '2' };
    const inverse = metricIndicator({ formula, missing: 'neutralise' });
    const metrics = [metricOf('3')];
    expect(scoreWith(inverse, { metrics, goals: goals('4') })).toBe('neutralised');
    expect(scoreWith(inverse, { metrics, goals: goals('3.99') })).toBe('100.00 scored');
  });
});

describe('metrics', () => {
  it('takes the latest by time and of equal instants the later recorded', () => {
    const indicator = metricIndicator({ defaultTarget: '100' });
    const metrics = [
      metricOf('50', { recordId: 'M1', recordedAt: '2026-04-01T12:00:00+08:00' }),
      metricOf('60', { recordId: 'M2', recordedAt: '2026-04-01T10:00:00+08:00' }),
      metricOf('70', { recordId: 'M3', recordedAt: '2026-04-01T04:00:00Z' }),
      metricOf('99', { recordId: 'M4', indicatorId: 'other' }),
    ];
    expect(scoreWith(indicator, { metrics })).toBe('70.00 scored');
  });

  it('is missing without a metric', () => {
    expect(scoreWith(metricIndicator({ defaultTarget: '1' }), {})).toBe('0.00 zero');
  });
});

describe('missing policies', () => {
  const carry = {
    sales: { period: '2026-02', resultVersion: 1, score: '250/3' },
    constructor: { period: '2026-02', resultVersion: 1, score: '1/1' },
  };

  it('carries the exact earlier score, or neutralises without one', () => {
    const indicator = metricIndicator({ missing: 'carry' });
    const scheme = schemeOf({ indicators: [indicator] });
    const carried = scoreIndicator(scheme, contextOf({ carry }), factsOf(), 'sales');
    expect(carried.how).toBe('carried');
    expect(carried.exact?.equals(fromFractionText('250/3'))).toBe(true);
    expect(scoreWith(indicator, {})).toBe('neutralised');
    expect(scoreWith(metricIndicator({ id: 'toString', missing: 'carry' }), {})).toBe(
      'neutralised',
    );
  });

  it('does not carry for another policy', () => {
    expect(scoreWith(metricIndicator({ missing: 'neutralise' }), {}, { carry })).toBe(
      'neutralised',
    );
  });

  it('blocks at publication and neutralises in a correction', () => {
    const scheme = schemeOf({ indicators: [metricIndicator({ missing: 'block' })] });
    const how = (mode: 'publication' | 'correction') =>
      scoreIndicator(scheme, contextOf(), factsOf(), 'sales', mode).how;
    expect(how('publication')).toBe('blocked');
    expect(how('correction')).toBe('neutralised');
  });
});

describe('complaints', () => {
  it('counts upheld ones, and none is a value', () => {
    const complaints = [
      { recordId: 'Q1', upheld: true },
      { recordId: 'Q2', upheld: false },
    ];
    const indicator = complaintsIndicator({ missing: 'block' });
    expect(scoreWith(indicator, { complaints })).toBe('75.00 scored');
    expect(scoreWith(indicator, {})).toBe('100.00 scored');
  });
});

describe('feedback calls', () => {
  const calls = (...answers: Record<string, number>[]) =>
    answers.map((answer, at) => ({ recordId: `F${at}`, answers: answer }));

  it('weighs the questions answered, and means over calls', () => {
    const indicator = feedbackIndicator();
    const facts = { calls: calls({ attitude: 5, satisfaction: 2 }, { attitude: 3 }) };
    // (1·100 + 2·25)/3 = 50; 50 → 50
    expect(scoreWith(indicator, facts)).toBe('50.00 scored');
    expect(
      scoreWith(indicator, { calls: calls({ attitude: 5, satisfaction: 1 }, { satisfaction: 4 }) }),
    ).toBe('54.17 scored');
  });

  it('does not count a call without an answer, nor an answer to a question of another scheme', () => {
    const indicator = feedbackIndicator({ minimumSample: 2, missing: 'neutralise' });
    const facts = { calls: calls({ attitude: 5 }, {}, { humour: 5 }) };
    expect(scoreWith(indicator, facts)).toBe('neutralised');
  });

  it('does not count an answer to a question of weight 0', () => {
    const indicator = feedbackIndicator({ questions: { attitude: '0', satisfaction: '2' } });
    const facts = { calls: calls({ attitude: 5 }, { attitude: 1, satisfaction: 3 }) };
    expect(scoreWith(indicator, facts)).toBe('50.00 scored');
  });

  it('misses below the minimum sample and scores at it', () => {
    const indicator = feedbackIndicator({ minimumSample: 2, missing: 'neutralise' });
    expect(scoreWith(indicator, { calls: calls({ attitude: 5 }) })).toBe('neutralised');
    expect(scoreWith(indicator, { calls: calls({ attitude: 5 }, { attitude: 4 }) })).toBe(
      '87.50 scored',
    );
  });

  it('shrinks a mean of 80 over 5 calls to 85.33 (worked example 8), misses without a call', () => {
    const shrinkage = { prior: '88', strength: '10' };
    const indicator = feedbackIndicator({ shrinkage, questions: { attitude: '1' } });
    const answers = [5, 4, 4, 4, 4].map((attitude) => ({ attitude }));
    expect(scoreWith(indicator, { calls: calls(...answers) })).toBe('85.33 scored');
    expect(scoreWith(indicator, {})).toBe('0.00 zero');
    // One call is enough with shrinkage: (100 + 880)/11
    expect(scoreWith(indicator, { calls: calls({ attitude: 5 }) })).toBe('89.09 scored');
  });

  it('is exact for weights with many decimals', () => {
    const questions = { a: '0.1', b: '0.2', c: '0.0000000000000000000000000003' };
    const scheme = schemeOf({ indicators: [feedbackIndicator({ questions })] });
    const facts = factsOf({ calls: calls({ a: 2, b: 3 }, { a: 4, c: 5 }) });
    const { exact } = scoreIndicator(scheme, contextOf(), facts, 'feedback');
    const first = rational(125, 3);
    const c = rational(3, 10n ** 28n);
    const second = rational(75, 10)
      .add(c.mul(rational(100)))
      .div(rational(1, 10).add(c));
    expect(exact?.equals(first.add(second).div(rational(2)))).toBe(true);
  });
});

describe('evaluations', () => {
  const three = [
    evaluationOf('self', '95', { raterId: 'AM1' }),
    evaluationOf('supervisor', '80', { raterId: 'SUP1' }),
    evaluationOf('customer', '88', { raterId: 'C1' }),
  ];

  it('shares the missing peers’ weight among the others: 83.90 (worked example 6)', () => {
    expect(scoreWith(evaluationIndicator(), { evaluations: three })).toBe('83.90 scored');
  });

  it('gives a missing self’s weight to the others as well', () => {
    // supervisor 50 and customer 25 carry 100: (50·80 + 25·88)/75
    expect(scoreWith(evaluationIndicator(), { evaluations: three.slice(1) })).toBe('82.67 scored');
  });

  it('means the raters of a group, the latest not-withdrawn score of each', () => {
    const at = (submittedAt: string) => ({ submittedAt, raterId: 'SUP1' });
    const evaluations = [
      evaluationOf('supervisor', '60', at('2026-04-01T10:00:00+08:00')),
      evaluationOf('supervisor', '90', at('2026-04-02T10:00:00+08:00')),
      evaluationOf('supervisor', '70', at('2026-04-01T12:00:00+08:00')),
      evaluationOf('supervisor', '80', { raterId: 'SUP2' }),
    ];
    const indicator = evaluationIndicator({ raters: { supervisor: '100' } });
    expect(scoreWith(indicator, { evaluations })).toBe('85.00 scored');
    const withdrawn = evaluations.map((e) => (e.score === '90' ? { ...e, withdrawn: true } : e));
    expect(scoreWith(indicator, { evaluations: withdrawn })).toBe('75.00 scored');
  });

  it('takes the later recorded of equal times', () => {
    const evaluations = [evaluationOf('supervisor', '60'), evaluationOf('supervisor', '90')];
    const indicator = evaluationIndicator({ raters: { supervisor: '100' } });
    expect(scoreWith(indicator, { evaluations })).toBe('90.00 scored');
  });

  it('counts a rater in each of two groups', () => {
    const raters = { supervisor: '50', customer: '50' };
    const evaluations = [evaluationOf('supervisor', '60'), evaluationOf('customer', '80')];
    expect(scoreWith(evaluationIndicator({ raters }), { evaluations })).toBe('70.00 scored');
  });

  it('treats fewer than minimumPeers as no peers', () => {
    const peers = ['P1', 'P2'].map((raterId) => evaluationOf('peer', '0', { raterId }));
    const evaluations = [...three, ...peers];
    const indicator = evaluationIndicator({ minimumPeers: 3 });
    expect(scoreWith(indicator, { evaluations })).toBe('83.90 scored');
    const enough = evaluationIndicator({ minimumPeers: 2 });
    expect(scoreWith(enough, { evaluations })).toBe('71.50 scored');
  });

  it('ignores groups that the indicator does not weigh, or weighs 0', () => {
    const evaluations = [...three, evaluationOf('auditor', '0'), evaluationOf('peer', '0')];
    const raters = { self: '10', supervisor: '50', peer: '0', customer: '40' };
    // 9.5 + 40 + 35.2
    expect(scoreWith(evaluationIndicator({ raters }), { evaluations })).toBe('84.70 scored');
  });

  it('is missing below minimumRaterWeight of original weights, self included', () => {
    const missing = 'neutralise';
    const two = [evaluationOf('self', '95'), evaluationOf('supervisor', '80')];
    expect(scoreWith(evaluationIndicator({ missing }), { evaluations: two })).toBe('81.50 scored');
    const strict = evaluationIndicator({ missing, minimumRaterWeight: '60.01' });
    expect(scoreWith(strict, { evaluations: two })).toBe('neutralised');
  });

  it('is missing when a supervisor is weighed and none counts', () => {
    const raters = { supervisor: '10', customer: '90' };
    const indicator = evaluationIndicator({ raters, missing: 'neutralise' });
    const evaluations = [evaluationOf('customer', '88')];
    expect(scoreWith(indicator, { evaluations })).toBe('neutralised');
    const unweighed = evaluationIndicator({ raters: { customer: '100' } });
    expect(scoreWith(unweighed, { evaluations })).toBe('88.00 scored');
  });

  it('is missing when only self is present, whatever its weight', () => {
    const raters = { self: '90', customer: '10' };
    const indicator = evaluationIndicator({ raters, missing: 'neutralise' });
    expect(scoreWith(indicator, { evaluations: [evaluationOf('self', '95')] })).toBe('neutralised');
    const lax = evaluationIndicator({ raters, missing: 'neutralise', minimumRaterWeight: '0' });
    expect(scoreWith(lax, {})).toBe('neutralised');
  });
});

describe('work traces', () => {
  const count = (
    traces: RecordedFacts['traces'],
    context: Partial<AssessmentContext> = {},
    more: Parameters<typeof traceIndicator>[0] = {},
  ): string => scoreWith(traceIndicator(more), { traces }, context);

  it('counts valid traces of the types named, 0 as a value', () => {
    const traces = [
      traceOf(),
      traceOf({ recordId: 'T2', voided: true }),
      traceOf({ recordId: 'T3', type: 'training' }),
      traceOf({ recordId: 'T4' }),
    ];
    expect(count(traces)).toBe('2.00 scored');
    expect(count([])).toBe('0.00 scored');
  });

  it('counts what was logged exactly 48 hours later, to the nanosecond', () => {
    const trace = (loggedAt: string) => [
      traceOf({ occurredAt: '2026-03-10T10:00:00.5+08:00', loggedAt }),
    ];
    expect(count(trace('2026-03-12T10:00:00.5+08:00'))).toBe('1.00 scored');
    expect(count(trace('2026-03-12T02:00:00.500000001Z'))).toBe('0.00 scored');
    expect(count(trace('2026-03-12T10:00:00.501+08:00'))).toBe('0.00 scored');
  });

  it('takes another late limit from the scheme', () => {
    const traces = [traceOf({ loggedAt: '2026-03-10T14:00:00+08:00' })];
    const scheme = (hours: number) =>
      schemeOf({ indicators: [traceIndicator()], workTraceLateLimitHours: hours });
    const of = (hours: number) =>
      scoreIndicator(scheme(hours), contextOf(), factsOf({ traces }), 'visits').exact?.n;
    expect([of(4), of(3), of(0)]).toEqual([1n, 0n, 0n]);
  });

  it('reads days in the zone of the scheme', () => {
    const at = (occurredAt: string) => [traceOf({ occurredAt, loggedAt: occurredAt })];
    expect(count(at('2026-02-28T16:00:00Z'))).toBe('1.00 scored');
    expect(count(at('2026-02-28T15:59:59.999Z'))).toBe('0.00 scored');
    expect(count(at('2026-03-31T15:59:59.999Z'))).toBe('1.00 scored');
    expect(count(at('2026-03-31T16:00:00Z'))).toBe('0.00 scored');
  });

  it('does not count days outside employment or inside an absence, ends included', () => {
    const on = (date: string) => [
      traceOf({ occurredAt: `${date}T09:00:00+08:00`, loggedAt: `${date}T09:00:00+08:00` }),
    ];
    const employed = { joinedOn: '2026-03-05', leftOn: '2026-03-20' };
    expect(['04', '05', '20', '21'].map((day) => count(on(`2026-03-${day}`), employed))).toEqual([
      '0.00 scored',
      '1.00 scored',
      '1.00 scored',
      '0.00 scored',
    ]);
    const absent = { absences: [{ from: '2026-03-09', to: '2026-03-10' }] };
    expect(['08', '09', '10', '11'].map((day) => count(on(`2026-03-${day}`), absent))).toEqual([
      '1.00 scored',
      '0.00 scored',
      '0.00 scored',
      '1.00 scored',
    ]);
  });

  it('counts a customer once a local day; traces without a customer each count', () => {
    const traces = [
      traceOf({ recordId: 'T1', occurredAt: '2026-03-10T23:30:00+08:00' }),
      traceOf({ recordId: 'T2', occurredAt: '2026-03-10T15:00:00Z' }),
      traceOf({
        recordId: 'T3',
        occurredAt: '2026-03-10T16:00:00Z',
        loggedAt: '2026-03-10T17:00:00Z',
      }),
      traceOf({ recordId: 'T4', customerId: 'C2' }),
      traceOf({ recordId: 'T5', customerId: null }),
      traceOf({ recordId: 'T6', customerId: null }),
    ];
    expect(count(traces, {}, { countOnce: 'customer-day' })).toBe('5.00 scored');
    expect(count(traces)).toBe('6.00 scored');
  });

  it('lets a late or voided trace not stand in the way of a valid one that day', () => {
    const traces = [
      traceOf({ recordId: 'T1', voided: true }),
      traceOf({ recordId: 'T2', loggedAt: '2026-03-20T10:00:00+08:00' }),
      traceOf({ recordId: 'T3' }),
    ];
    expect(count(traces, {}, { countOnce: 'customer-day' })).toBe('1.00 scored');
  });
});
