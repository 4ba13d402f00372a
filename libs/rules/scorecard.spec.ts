import { toFractionText } from '#kernel';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { scoreIndicator } from './indicator-score.js';
import type { Scheme } from './scheme.js';
import { type Scorecard, assemble, scorecard } from './scorecard.js';
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

const linear = { defaultTarget: '100', formula: { type: 'linear', cap: '1000' } } as const;

function indicators(...weights: readonly string[]): Scheme['indicators'] {
  return weights.map((weight, at) =>
    metricIndicator({ id: `i${at}`, weight, missing: 'neutralise', ...linear }),
  );
}

function metrics(...actuals: readonly (string | null)[]): RecordedFacts['metrics'] {
  return actuals.flatMap((actual, at) =>
    actual === null ? [] : [metricOf(actual, { recordId: `M${at}`, indicatorId: `i${at}` })],
  );
}

function cardOf(
  scheme: Partial<Scheme>,
  facts: Partial<RecordedFacts>,
  context: Partial<AssessmentContext> = {},
): Scorecard {
  return scorecard(schemeOf(scheme), contextOf(context), factsOf(facts));
}

/** One indicator whose score is the metric, so that the total is what the test says. */
const total = (score: string, facts: Partial<RecordedFacts> = {}, scheme: Partial<Scheme> = {}) =>
  cardOf({ indicators: indicators('100'), ...scheme }, { metrics: metrics(score), ...facts });

const points = (...list: readonly string[]): RecordedFacts['adjustments'] =>
  list.map((text, at) => ({ recordId: `A${at}`, points: text }));

describe('total', () => {
  it('weighs 115, 80, 85 by 50, 30, 20 to 98.50 (worked example 5)', () => {
    const card = cardOf(
      { indicators: indicators('50', '30', '20') },
      { metrics: metrics('115', '80', '85') },
    );
    expect(card).toMatchObject({ status: 'published', score: '98.50', grade: 'excellent' });
  });

  it('leaves a neutralised weight out: 86.25 (worked example 9)', () => {
    const card = cardOf(
      { indicators: indicators('50', '30', '20') },
      { metrics: metrics('90', '80', null) },
    );
    expect(card.score).toBe('86.25');
  });

  it('rounds once, half away from zero, and grades the rounded total (worked example 7)', () => {
    expect(total('89.9949')).toMatchObject({ score: '89.99', grade: 'competent' });
    expect(total('89.995')).toMatchObject({ score: '90.00', grade: 'excellent' });
  });

  it('computes the total from unrounded indicator scores', () => {
    const card = cardOf(
      {
        indicators: indicators('50', '50').map((indicator) => ({
          ...indicator,
          defaultTarget: '300',
        })) as Scheme['indicators'],
      },
      { metrics: metrics('1', '1') },
    );
    expect(card.total && toFractionText(card.total)).toBe('1/3');
  });

  it('clamps the adjustments first, adds points of appeals outside, clamps the total last', () => {
    const corrections = [{ type: 'adjust', points: '4' }] as const;
    expect(total('80', { adjustments: points('3', '9', '-1') }).score).toBe('85.00');
    expect(total('80', { adjustments: points('-30', '1') }).score).toBe('70.00');
    expect(total('80', { adjustments: points('9'), corrections }).score).toBe('89.00');
    expect(total('200').score).toBe('120.00');
    expect(total('200', {}, { maxScore: '100' }).score).toBe('100.00');
    expect(total('5', { adjustments: points('-10') }).score).toBe('0.00');
    expect(total('130', { adjustments: points('-5') }).score).toBe('120.00');
  });

  it('sums what was deducted before any clamp', () => {
    const card = total('80', { adjustments: points('-30.5', '40', '-0.25') });
    expect(toFractionText(card.deducted)).toBe('123/4');
    expect(toFractionText(card.adjustmentPoints)).toBe('5/1');
  });
});

describe('status', () => {
  it('is not-assessed below the minimum of eligible days, with no indicators', () => {
    const card = cardOf(
      { indicators: indicators('100') },
      { metrics: metrics('90'), adjustments: points('1') },
      { eligibleDays: 9 },
    );
    expect(card).toMatchObject({
      status: 'not-assessed',
      indicators: [],
      score: null,
      grade: null,
    });
    expect(total('90', {}, { minimumEligibleDays: 22 }).status).toBe('published');
    expect(total('90', {}, { minimumEligibleDays: 23 }).status).toBe('not-assessed');
    const ten = contextOf({ eligibleDays: 10 });
    const scheme = schemeOf({ indicators: indicators('100') });
    expect(scorecard(scheme, ten, factsOf({ metrics: metrics('90') })).status).toBe('published');
  });

  it('is incomplete with a blocked indicator; the others keep their figures', () => {
    const [first, second] = indicators('90', '10');
    const scheme = { indicators: [first!, { ...second!, missing: 'block' as const }] };
    const card = cardOf(scheme, { metrics: metrics('90', null) });
    expect(card).toMatchObject({ status: 'incomplete', total: null, score: null, grade: null });
    expect(card.indicators.map(({ how }) => how)).toEqual(['scored', 'blocked']);
  });

  it('is incomplete below the minimum of counted weight, to which zero and carried count', () => {
    const facts = { metrics: metrics('90', null) };
    expect(cardOf({ indicators: indicators('60', '40') }, facts).status).toBe('published');
    expect(cardOf({ indicators: indicators('59.99', '40.01') }, facts).status).toBe('incomplete');
    const [first, second] = indicators('50', '50');
    const zero = { indicators: [first!, { ...second!, missing: 'zero' as const }] };
    expect(cardOf(zero, facts).score).toBe('45.00');
    const carrying = { indicators: [first!, { ...second!, missing: 'carry' as const }] };
    const carry = { i1: { period: '2026-02', resultVersion: 1, score: '70/1' } };
    expect(cardOf(carrying, facts, { carry }).score).toBe('80.00');
    expect(cardOf(carrying, facts).status).toBe('incomplete');
  });

  it('is incomplete when no weight counts, whatever the minimum', () => {
    const scheme = { indicators: indicators('100', '0'), minimumCountedWeight: '0' };
    expect(cardOf(scheme, { metrics: metrics(null, '90') }).status).toBe('incomplete');
    expect(cardOf(scheme, {}).status).toBe('incomplete');
  });
});

describe('vetoes', () => {
  const vetoes = (...codes: readonly string[]) =>
    codes.map((code, at) => ({ recordId: `V${at}`, code }));

  it('caps the grade, the lowest of several, and never raises it', () => {
    expect(total('95', { vetoes: vetoes('integrity-breach') }).grade).toBe('basic');
    expect(total('95', { vetoes: vetoes('integrity-breach', 'fraud') }).grade).toBe('incompetent');
    expect(total('95', { vetoes: vetoes('fraud', 'integrity-breach') }).grade).toBe('incompetent');
    expect(total('10', { vetoes: vetoes('integrity-breach') }).grade).toBe('incompetent');
    expect(total('95', { vetoes: vetoes('unknown') }).grade).toBe('excellent');
  });

  it('leaves the score alone', () => {
    expect(total('95', { vetoes: vetoes('fraud') }).score).toBe('95.00');
  });
});

describe('corrections', () => {
  const recordedAt = '2026-04-01T10:00:00+08:00';
  const later = '2026-04-02T10:00:00+08:00';
  const two = [
    metricOf('70', { recordId: 'M1', indicatorId: 'i0', recordedAt }),
    metricOf('80', { recordId: 'M2', indicatorId: 'i0', recordedAt: later }),
  ];
  const strike = (recordId: string) => ({ type: 'strike', recordId }) as const;
  const replace = (recordId: string, value: string) =>
    ({ type: 'replace', recordId, value }) as const;
  const score = (...corrections: RecordedFacts['corrections']) =>
    total('0', { metrics: two, corrections }).score;

  it('lets what a struck record had superseded count again', () => {
    expect(score()).toBe('80.00');
    expect(score(strike('M2'))).toBe('70.00');
    expect(score(strike('M1'))).toBe('80.00');
  });

  it('gives a replaced record its new value at its old time', () => {
    expect(score(replace('M2', '95'))).toBe('95.00');
    expect(score(replace('M1', '95'))).toBe('80.00');
  });

  it('lets the latest of several decisions about one record hold', () => {
    expect(score(replace('M2', '95'), strike('M2'))).toBe('70.00');
    expect(score(strike('M2'), replace('M2', '95'))).toBe('95.00');
    expect(score(replace('M2', '95'), replace('M2', '96'))).toBe('96.00');
  });

  it('strikes calls, traces, complaints and evaluations', () => {
    const scheme = schemeOf({
      indicators: [
        feedbackIndicator({ weight: '25' }),
        traceIndicator({ weight: '25' }),
        complaintsIndicator({ weight: '25' }),
        evaluationIndicator({ weight: '25', raters: { supervisor: '100' } }),
      ],
    });
    const all = factsOf({
      calls: [
        { recordId: 'F1', answers: { attitude: 5 } },
        { recordId: 'F2', answers: { attitude: 1 } },
      ],
      traces: [traceOf(), traceOf({ recordId: 'T2' })],
      complaints: [{ recordId: 'Q1', upheld: true }],
      evaluations: [
        evaluationOf('supervisor', '80', { recordId: 'E1', raterId: 'A' }),
        evaluationOf('supervisor', '60', { recordId: 'E2', raterId: 'B' }),
      ],
    });
    const scores = (corrections: RecordedFacts['corrections']) =>
      scorecard(scheme, contextOf(), { ...all, corrections }).indicators.map(({ exact }) =>
        Number(exact?.n),
      );
    expect(scores([])).toEqual([50, 2, 75, 70]);
    expect(scores(['F2', 'T2', 'Q1', 'E2'].map(strike))).toEqual([100, 1, 100, 80]);
  });

  it('strikes adjustments and vetoes, and sums points', () => {
    const facts = {
      metrics: two,
      adjustments: points('-5'),
      vetoes: [{ recordId: 'V0', code: 'fraud' }],
    };
    const card = total('0', {
      ...facts,
      corrections: [
        strike('A0'),
        strike('V0'),
        { type: 'adjust', points: '3' },
        { type: 'adjust', points: '-0.5' },
      ],
    });
    expect(card).toMatchObject({ score: '82.50', grade: 'competent' });
    expect(toFractionText(card.deducted)).toBe('0/1');
  });
});

describe('assemble', () => {
  it('makes the same scorecard from indicator scores in any order', () => {
    const scheme = schemeOf({ indicators: indicators('50', '30', '20') });
    const context = contextOf();
    const facts = factsOf({ metrics: metrics('115', '80', '85'), adjustments: points('-2') });
    const scores = ['i2', 'i0', 'i1'].map((id) => scoreIndicator(scheme, context, facts, id));
    expect(assemble(scheme, context, facts, scores)).toEqual(scorecard(scheme, context, facts));
  });
});
