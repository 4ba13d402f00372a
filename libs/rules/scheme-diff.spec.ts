import { schemeDiff } from './scheme-diff.js';
import type { Scheme } from './scheme.js';
import {
  evaluationIndicator,
  GRADES,
  metricIndicator,
  schemeOf,
  traceIndicator,
} from './testing.js';

const base = schemeOf({
  indicators: [
    metricIndicator({ weight: '60', name: { zh: '销量', en: 'Sales' } }),
    traceIndicator({ weight: '40' }),
  ],
});
const changes = (more: Partial<Scheme>): string[] =>
  schemeDiff(base, { ...base, ...more }).map(
    ({ kind, path, from, to }) => `${kind} ${path} ${JSON.stringify(from)} ${JSON.stringify(to)}`,
  );

it('finds no difference between a version and itself, or one with its defaults spelt out', () => {
  expect(changes({})).toEqual([]);
  expect(
    changes({
      maxScore: '120.0',
      minimumEligibleDays: 10,
      minimumCountedWeight: '60',
      workTraceLateLimitHours: 48,
      indicators: [
        metricIndicator({
          weight: '60.00',
          name: { zh: '销量', en: 'Sales' },
          prorateTarget: false,
          formula: { type: 'linear', floor: '0', cap: '100' },
        }),
        traceIndicator({ weight: '40' }),
      ],
    }),
  ).toEqual([]);
});

it('tells indicators added, removed and changed by their ids, in readable words', () => {
  const sales = metricIndicator({ weight: '70', name: { zh: '销量', en: 'Sales' } });
  const conduct = evaluationIndicator({ weight: '30' });
  const found = schemeDiff(base, { ...base, indicators: [conduct, sales] });
  expect(found.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'changed /indicators/sales/weight',
    'removed /indicators/visits',
    'added /indicators/conduct',
  ]);
  expect(found[0]).toMatchObject({
    part: 'indicators',
    from: '60',
    to: '70',
    label: { zh: '指标 › 销量 › 权重', en: 'indicators › Sales › weight' },
  });
  expect(found[1]).toMatchObject({ to: null, from: { id: 'visits' } });
  expect(found[2]).toMatchObject({ from: null, to: { id: 'conduct' } });
});

it('does not take another order for a difference', () => {
  expect(changes({ indicators: base.indicators.toReversed() })).toEqual([]);
});

it('tells what differs in every part', () => {
  const [excellent, ...rest] = GRADES;
  expect(
    changes({
      effectiveFrom: '2026-04',
      effectiveTo: '2026-12',
      scope: { units: ['U1'], positions: ['account-manager', 'senior'] },
      adjustments: { maxBonus: '5', maxPenalty: '8' },
      vetoes: [{ code: 'fraud', capGrade: 'incompetent' }],
      grades: [{ ...excellent!, min: '92' }, ...rest],
      ceilings: [{ grade: 'excellent', sharePercent: '20', scope: 'company' }],
      tiers: { ...base.tiers, promote: { grade: 'excellent', consecutive: 3, gates: {} } },
      bonus: { ...base.bonus, commissionPercent: { premium: '2', standard: '0.80' } },
      appeals: { ...base.appeals, fileWithinWorkingDays: 7 },
    }),
  ).toEqual([
    'changed /effectiveFrom "2026-01" "2026-04"',
    'added /effectiveTo null "2026-12"',
    'changed /scope/units "*" ["U1"]',
    'added /scope/positions/senior null "senior"',
    'changed /adjustments/maxPenalty "10" "8"',
    'removed /vetoes/integrity-breach {"code":"integrity-breach","capGrade":"basic"} null',
    'changed /grades/excellent/min "90" "92"',
    'added /ceilings/excellent company null ' +
      '{"minimumCohort":10,"grade":"excellent","sharePercent":"20","scope":"company"}',
    'removed /tiers/promote/gates/1 ["certificate","coaching"] null',
    'removed /tiers/promote/gates/2 ["certificate"] null',
    'changed /tiers/promote/consecutive 2 3',
    'changed /bonus/commissionPercent/premium "1.5" "2"',
    'changed /appeals/fileWithinWorkingDays 5 7',
  ]);
});
