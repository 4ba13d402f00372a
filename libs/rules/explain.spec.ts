import { explain } from './explain.js';
import { publish } from './publish.js';
import { scorecard } from './scorecard.js';
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

const scheme = schemeOf({
  indicators: [
    metricIndicator({ weight: '20', defaultTarget: '90', formula: { type: 'linear', cap: '120' } }),
    evaluationIndicator({ weight: '20' }),
    feedbackIndicator({ weight: '20', shrinkage: { prior: '88', strength: '10' } }),
    traceIndicator({ weight: '15' }),
    complaintsIndicator({ weight: '15' }),
    metricIndicator({ id: 'carried', weight: '10', missing: 'carry' }),
  ],
  ceilings: [{ grade: 'excellent', sharePercent: '0', minimumCohort: 1, scope: 'company' }],
});
const carry = { carried: { period: '2026-02', resultVersion: 3, score: '99/1' } };
const context = contextOf({ carry });
const facts = factsOf({
  metrics: [
    metricOf('80', { recordId: 'M1', recordedAt: '2026-04-01T08:00:00+08:00' }),
    metricOf('92', { recordId: 'M2' }),
  ],
  evaluations: [evaluationOf('supervisor', '80'), evaluationOf('customer', '90')],
  calls: [
    { recordId: 'F1', answers: { attitude: 5 } },
    { recordId: 'F2', answers: {} },
  ],
  traces: Array.from({ length: 90 }, (_, at) => traceOf({ recordId: `T${at}` })),
  complaints: [
    { recordId: 'Q1', upheld: false },
    { recordId: 'Q2', upheld: true },
  ],
  adjustments: [{ recordId: 'A1', points: '-2.5' }],
  vetoes: [{ recordId: 'V1', code: 'integrity-breach' }],
});

it('names the records that count, the arithmetic, and what an indicator carries from', () => {
  const { indicators } = explain(scheme, context, facts);
  expect(indicators.map(({ id, how, recordIds }) => [id, how, recordIds.length])).toEqual([
    ['sales', 'scored', 1],
    ['conduct', 'scored', 2],
    ['feedback', 'scored', 1],
    ['visits', 'scored', 90],
    ['complaints', 'scored', 1],
    ['carried', 'carried', 0],
  ]);
  expect(indicators.map(({ work }) => work)).toMatchObject([
    { actual: '92', target: { from: 'default', exact: '90' }, formula: { attainment: '920/9' } },
    { groups: [{ group: 'supervisor', mean: '80', weight: '50' }, { group: 'customer' }] },
    { callCount: 1, sum: '100', mean: '100', shrinkage: { prior: '88', strength: '10' } },
    { actual: '90', formula: { type: 'linear', attainment: '90' } },
    { actual: '1', target: null, formula: { type: 'deduct', per: '25', value: '75' } },
    { actual: null, target: null, formula: null },
  ]);
  expect(indicators[5]?.lacking).toEqual([{ kind: 'no-metric' }, { kind: 'no-target' }]);
  expect(indicators[0]).toMatchObject({ recordIds: ['M2'], exact: '920/9', weight: '20' });
  expect(indicators[5]?.carriedFrom).toEqual({ period: '2026-02', resultVersion: 3 });
});

it('agrees with the scorecard figure by figure', () => {
  const card = scorecard(scheme, context, facts);
  const { indicators, total } = explain(scheme, context, facts);
  expect(total.score).toBe(card.score);
  expect(indicators.map(({ how }) => how)).toEqual(card.indicators.map(({ how }) => how));
  expect(total).toMatchObject({
    countedWeight: '100',
    adjustmentRecordIds: ['A1'],
    adjustmentPoints: '-2.5',
    appealPoints: '0',
  });
});

it('says what would change the grade: distance, veto and ceiling', () => {
  expect(explain(scheme, context, facts).total.score).toBe('87.08');
  expect(explain(scheme, context, facts).grade).toMatchObject({
    byScore: 'competent',
    held: 'basic',
    next: { grade: 'excellent', min: '90', points: '2.92' },
    vetoes: [{ recordId: 'V1', code: 'integrity-breach', capGrade: 'basic' }],
    vetoApplied: true,
    ceilings: [],
  });
  const better = { ...facts, vetoes: [], adjustments: [{ recordId: 'A1', points: '5' }] };
  const member = { scheme, context, card: scorecard(scheme, context, better) };
  const result = publish([member], new Map()).results[0]!;
  expect(explain(scheme, context, better, { result }).grade).toMatchObject({
    byScore: 'excellent',
    held: 'competent',
    next: null,
    vetoApplied: false,
    ceilingApplied: true,
    ceilings: [{ grade: 'excellent', placeCount: 0 }],
  });
});

it('explains people without a score as well', () => {
  const idle = explain(scheme, contextOf({ eligibleDays: 0 }), facts);
  expect(idle).toMatchObject({
    indicators: [],
    total: { score: null, status: 'not-assessed', mean: null, sum: null },
    grade: { byScore: null, held: null, next: null },
  });
});
