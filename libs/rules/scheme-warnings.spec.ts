import { schemeWarnings } from './scheme-warnings.js';
import type { Formula, Scheme } from './scheme.js';
import {
  complaintsIndicator,
  evaluationIndicator,
  GRADES,
  metricIndicator,
  schemeOf,
} from './testing.js';

const found = (more: Partial<Scheme>, ...unitIds: string[]): string[] =>
  schemeWarnings(schemeOf(more), (unitId) => unitIds.includes(unitId)).map(
    ({ path, code }) => `${path} ${code}`,
  );
const bands = (...pairs: [string, string][]): Formula => ({
  type: 'bands',
  bands: pairs.map(([from, score]) => ({ from, score })),
});
const measured = (formula: Formula) => ({ indicators: [metricIndicator({ formula })] });
const [excellent, ...others] = GRADES;

it('says nothing of a scheme that means what it says', () => {
  expect(found({})).toEqual([]);
  expect(
    found({ indicators: [metricIndicator({ formula: bands(['0', '50'], ['80', '90']) })] }),
  ).toEqual([]);
});

it('names units of the scope that nobody defined', () => {
  const scope = { units: ['U1', 'U9'], positions: ['account-manager'] };
  expect(found({ scope }, 'U1')).toEqual(['/scope/units/1 unknown-unit']);
});

it('names bands that leave a gap below the first and bands without effect', () => {
  expect(found(measured(bands(['60', '60'], ['80', '60.0'], ['90', '100'])))).toEqual([
    '/indicators/0/formula/bands/0/from gap-below-first-band',
    '/indicators/0/formula/bands/1/score band-without-effect',
  ]);
});

it.each([
  ['above the highest total', { maxScore: '100' }, '101', true],
  ['at the highest total', { maxScore: '100' }, '100', false],
  ['above what indicators and points can give', { maxScore: '120' }, '105.01', true],
  ['at what indicators and points can give', { maxScore: '120' }, '105', false],
  [
    'reached by an indicator with a cap above 100',
    { indicators: [metricIndicator({ formula: { type: 'linear', cap: '110' } })] },
    '115',
    false,
  ],
] as const)('knows a grade %s', (_, more, min, isUnreachable) => {
  const grades = [{ ...excellent!, min }, ...others];
  const expected = isUnreachable ? ['/grades/0/min unreachable-grade'] : [];
  expect(found({ ...more, grades } as Partial<Scheme>)).toEqual(expected);
});

it('names rules that change nothing or contradict each other', () => {
  expect(
    found({
      vetoes: [{ code: 'late', capGrade: 'excellent' }],
      ceilings: [
        { grade: 'excellent', sharePercent: '20', scope: 'unit' },
        { grade: 'excellent', sharePercent: '30', scope: 'unit' },
        { grade: 'excellent', sharePercent: '30', scope: 'company' },
      ],
      tiers: {
        ladder: [1, 2, 3],
        initial: 3,
        promote: { grade: 'competent', consecutive: 2 },
        demote: [
          { grade: 'competent', consecutive: 1 },
          { grade: 'basic', consecutive: 1 },
        ],
      },
    }),
  ).toEqual([
    '/vetoes/0/capGrade veto-without-effect',
    '/ceilings/1 ceiling-repeated',
    '/tiers/demote/0/grade demotes-what-promotes',
  ]);
});

it('names evaluations that never count and targets that nobody asks for', () => {
  expect(
    found({
      indicators: [
        evaluationIndicator({ weight: '50', raters: { self: '100', peer: '0' } }),
        complaintsIndicator({ weight: '50', defaultTarget: '3' }),
      ],
    }),
  ).toEqual([
    '/indicators/0/raters only-self-rated',
    '/indicators/1/defaultTarget target-without-effect',
  ]);
});
