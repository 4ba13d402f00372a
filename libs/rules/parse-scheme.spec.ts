import { readFileSync } from 'node:fs';
import { parseScheme } from './parse-scheme.js';
import { schemeErrors } from './scheme-schema-check.js';
import type { Indicator } from './scheme.js';
import {
  complaintsIndicator,
  evaluationIndicator,
  feedbackIndicator,
  metricIndicator,
  schemeFile,
  traceIndicator,
} from './testing.js';

const schema: unknown = JSON.parse(
  readFileSync(new URL('./scheme.schema.json', import.meta.url), 'utf8'),
);

const five: readonly Indicator[] = [
  metricIndicator({ weight: '20.5', formula: { type: 'inverse', limit: '4', target: '1.5' } }),
  evaluationIndicator({ weight: '19.5', minimumPeers: 3, minimumRaterWeight: '60' }),
  feedbackIndicator({ weight: '20', shrinkage: { prior: '85', strength: '6' } }),
  traceIndicator({ weight: '20', countOnce: 'customer-day', prorateTarget: true }),
  complaintsIndicator({ weight: '20' }),
];

const full = schemeFile({
  effectiveTo: '2027-12',
  minimumEligibleDays: 10,
  minimumCountedWeight: '60',
  workTraceLateLimitHours: 48,
  maxScore: '120',
  indicators: five,
  ceilings: [
    { grade: 'excellent', sharePercent: '30', minimumCohort: 10, scope: 'company' },
    { grade: 'competent', sharePercent: '100.0', scope: 'unit' },
  ],
  scope: { units: ['U1', 'U2'], positions: ['account-manager', 'senior'] },
});

/** The file with the value at a pointer replaced, or taken out for `undefined`. */
function changed(file: object, pointer: string, value: unknown): object {
  const copy: object = structuredClone(file);
  const keys = pointer.split('/').slice(1);
  let at = copy as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = keys.at(-1)!;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

const mistakesIn = (file: unknown): string[] =>
  (parseScheme(file).mistakes ?? []).map(({ path, code }) => `${path} ${code}`);

describe('a valid scheme', () => {
  it.each([
    ['the smallest', schemeFile()],
    ['one with every field', full],
    [
      'one without vetoes, ceilings, gates and demotion',
      {
        ...schemeFile({ vetoes: [], ceilings: [] }),
        tiers: {
          ladder: [1],
          initial: 1,
          promote: { grade: 'excellent', consecutive: 1 },
          demote: [],
        },
        bonus: { tierBaseMinor: { '1': '0' }, commissionPercent: {} },
      },
    ],
    [
      'one whose weights need exact sums',
      schemeFile({
        indicators: ['33.3', '33.3', '33.4'].map((weight, at) =>
          metricIndicator({ id: `i${at}`, weight }),
        ),
      }),
    ],
    [
      'one with a weight of 0',
      schemeFile({
        indicators: ['100', '0'].map((weight, at) => metricIndicator({ id: `i${at}`, weight })),
      }),
    ],
    [
      'one with formulas of every kind',
      schemeFile({
        indicators: (
          [
            { type: 'linear', floor: '-5', cap: '150' },
            {
              type: 'bands',
              on: 'attainment',
              bands: [
                { from: '-1', score: '0' },
                { from: '0', score: '100' },
              ],
            },
            { type: 'bands', bands: [{ from: '0', score: '50' }] },
            { type: 'deduct', per: '0.5' },
            { type: 'binary', threshold: '-2' },
          ] as const
        ).map((formula, at) => metricIndicator({ id: `i${at}`, weight: '20', formula })),
      }),
    ],
  ])('is accepted as it stands, by the schema too: %s', (_, file) => {
    expect(mistakesIn(file)).toEqual([]);
    expect(parseScheme(file).scheme).toBe(file);
    expect(schemeErrors(schema, file)).toEqual([]);
  });
});

/** What a JSON Schema can say: the schema refuses these as well. */
const ILL_FORMED: readonly (readonly [string, unknown, string])[] = [
  ['/extra', 1, '/extra unknown-field'],
  ['/indicators/0/traceTypes', ['visit'], '/indicators/0/traceTypes unknown-field'],
  ['/indicators/1/formula', { type: 'linear' }, '/indicators/1/formula unknown-field'],
  ['/indicators/0/formula/bands', [], '/indicators/0/formula/bands unknown-field'],
  ['/currency', undefined, '/currency missing-field'],
  ['/indicators/0/formula', undefined, '/indicators/0/formula missing-field'],
  ['/indicators/0/formula/type', undefined, '/indicators/0/formula/type missing-field'],
  ['/indicators/1/raters', undefined, '/indicators/1/raters missing-field'],
  ['/indicators/2/questions', undefined, '/indicators/2/questions missing-field'],
  ['/indicators/3/traceTypes', undefined, '/indicators/3/traceTypes missing-field'],
  ['/name/zh', '', '/name/zh not-a-text'],
  ['/name/en', 5, '/name/en wrong-type'],
  ['/schemeId', '', '/schemeId not-an-id'],
  ['/schemeId', 'a\nb', '/schemeId not-an-id'],
  ['/version', '1', '/version wrong-type'],
  ['/version', 0, '/version out-of-range'],
  ['/version', 1.5, '/version out-of-range'],
  ['/currency', 'Yuan', '/currency not-a-currency'],
  ['/timezone', '+08:00', '/timezone not-a-timezone'],
  ['/effectiveFrom', '2026-13', '/effectiveFrom not-a-period'],
  ['/effectiveTo', '2026-1', '/effectiveTo not-a-period'],
  ['/scope/units', 'U1', '/scope/units wrong-type'],
  ['/scope/units', [], '/scope/units too-few'],
  ['/scope/positions', [], '/scope/positions too-few'],
  ['/scope/positions/1', 'account-manager', '/scope/positions/1 duplicate'],
  ['/minimumEligibleDays', -1, '/minimumEligibleDays out-of-range'],
  ['/minimumEligibleDays', '10', '/minimumEligibleDays wrong-type'],
  ['/minimumCountedWeight', '100.01', '/minimumCountedWeight out-of-range'],
  ['/minimumCountedWeight', 60, '/minimumCountedWeight wrong-type'],
  ['/workTraceLateLimitHours', 0.5, '/workTraceLateLimitHours out-of-range'],
  ['/maxScore', '0.0', '/maxScore out-of-range'],
  ['/maxScore', '-120', '/maxScore out-of-range'],
  ['/maxScore', '1e2', '/maxScore not-a-decimal'],
  ['/indicators/0/id', 7, '/indicators/0/id wrong-type'],
  ['/indicators/0/source', 'guess', '/indicators/0/source unknown-value'],
  ['/indicators/0/missing', 'ignore', '/indicators/0/missing unknown-value'],
  ['/indicators/0/formula/type', 'cubic', '/indicators/0/formula/type unknown-value'],
  ['/indicators/0/formula/floor', '1/2', '/indicators/0/formula/floor not-a-decimal'],
  ['/indicators/0/formula/cap', '0.(3)', '/indicators/0/formula/cap not-a-decimal'],
  ['/indicators/0/defaultTarget', '.5', '/indicators/0/defaultTarget not-a-decimal'],
  ['/indicators/0/prorateTarget', 'yes', '/indicators/0/prorateTarget wrong-type'],
  ['/indicators/3/countOnce', 'day', '/indicators/3/countOnce unknown-value'],
  ['/indicators/3/traceTypes', [], '/indicators/3/traceTypes too-few'],
  ['/indicators/4/formula/per', '-5', '/indicators/4/formula/per out-of-range'],
  ['/indicators/2/questions', {}, '/indicators/2/questions too-few'],
  ['/indicators/2/questions/attitude', '-1', '/indicators/2/questions/attitude out-of-range'],
  ['/indicators/2/minimumSample', 5, '/indicators/2/shrinkage sample-and-shrinkage'],
  ['/indicators/2/shrinkage/strength', '-1', '/indicators/2/shrinkage/strength out-of-range'],
  ['/indicators/2/shrinkage/prior', '101', '/indicators/2/shrinkage/prior out-of-range'],
  ['/indicators/1/minimumPeers', 1.5, '/indicators/1/minimumPeers out-of-range'],
  ['/indicators/1/minimumRaterWeight', '-1', '/indicators/1/minimumRaterWeight out-of-range'],
  ['/adjustments/maxBonus', '-1', '/adjustments/maxBonus out-of-range'],
  ['/adjustments/maxPenalty', null, '/adjustments/maxPenalty wrong-type'],
  ['/grades/0/coefficient', '-1', '/grades/0/coefficient out-of-range'],
  ['/ceilings/0/sharePercent', '101', '/ceilings/0/sharePercent out-of-range'],
  ['/ceilings/0/scope', 'team', '/ceilings/0/scope unknown-value'],
  ['/tiers/promote/consecutive', 0, '/tiers/promote/consecutive out-of-range'],
  ['/tiers/demote/0/consecutive', '2', '/tiers/demote/0/consecutive wrong-type'],
  ['/tiers/promote/gates/2', 'certificate', '/tiers/promote/gates/2 wrong-type'],
  ['/bonus/tierBaseMinor/1', '10.5', '/bonus/tierBaseMinor/1 not-an-amount'],
  ['/bonus/tierBaseMinor/1', '-10', '/bonus/tierBaseMinor/1 out-of-range'],
  ['/bonus/commissionPercent/premium', 1.5, '/bonus/commissionPercent/premium wrong-type'],
  ['/bonus/capPercentOfTierBase', '-1', '/bonus/capPercentOfTierBase out-of-range'],
  ['/appeals/fileWithinWorkingDays', -1, '/appeals/fileWithinWorkingDays out-of-range'],
  ['/appeals', [], '/appeals wrong-type'],
];

/** What only the rules across fields can say. */
const INCONSISTENT: readonly (readonly [string, unknown, string])[] = [
  ['/timezone', 'Asia/Nowhere', '/timezone not-a-timezone'],
  ['/effectiveTo', '2025-12', '/effectiveTo ends-before-it-begins'],
  ['/indicators/0/weight', '20.4', '/indicators weights-do-not-sum'],
  ['/indicators/1/raters/self', '11', '/indicators/1/raters weights-do-not-sum'],
  ['/indicators/1/id', 'sales', '/indicators/1/id duplicate'],
  ['/indicators/0/formula/target', '4', '/indicators/0/formula/target target-not-below-limit'],
  ['/indicators/0/defaultTarget', '4.0', '/indicators/0/defaultTarget target-not-below-limit'],
  ['/indicators/0/formula/floor', '100.1', '/indicators/0/formula floor-above-cap'],
  ['/indicators/2/questions', { attitude: '0' }, '/indicators/2/questions no-weight'],
  ['/grades/1/min', '90', '/grades/1/min not-falling'],
  ['/grades/3/min', '1', '/grades/3/min last-not-zero'],
  ['/vetoes/0/capGrade', 'dreadful', '/vetoes/0/capGrade unknown-grade'],
  ['/vetoes/1/code', 'integrity-breach', '/vetoes/1/code duplicate'],
  ['/ceilings/0/grade', 'dreadful', '/ceilings/0/grade unknown-grade'],
  ['/ceilings/0/grade', 'incompetent', '/ceilings/0/grade ceiling-on-lowest-grade'],
  ['/tiers/ladder', [1, 3], '/tiers/ladder not-a-ladder'],
  ['/tiers/ladder', [3, 2, 1], '/tiers/ladder not-a-ladder'],
  ['/tiers/initial', 4, '/tiers/initial unknown-tier'],
  ['/tiers/promote/grade', 'dreadful', '/tiers/promote/grade unknown-grade'],
  ['/tiers/promote/gates/4', [], '/tiers/promote/gates/4 unknown-tier'],
  ['/tiers/demote/1/grade', 'dreadful', '/tiers/demote/1/grade unknown-grade'],
  ['/bonus/tierBaseMinor/2', undefined, '/bonus/tierBaseMinor/2 missing-field'],
  ['/bonus/tierBaseMinor/4', '1', '/bonus/tierBaseMinor/4 unknown-tier'],
];

describe('a mistaken scheme', () => {
  it.each(ILL_FORMED)('is refused by name, by the schema too: %s = %j', (path, value, mistake) => {
    const file = changed(full, path, value);
    expect(mistakesIn(file)).toContain(mistake);
    expect(parseScheme(file).scheme).toBeUndefined();
    expect(schemeErrors(schema, file)).not.toEqual([]);
  });

  it.each(INCONSISTENT)('is refused by name: %s = %j', (path, value, mistake) => {
    expect(mistakesIn(changed(full, path, value))).toEqual([mistake]);
  });

  it('refuses bands that do not rise and weights that are negative', () => {
    const bands = [
      { from: '80', score: '80' },
      { from: '80.0', score: '90' },
    ];
    const indicators = [metricIndicator({ formula: { type: 'bands', bands } })];
    expect(mistakesIn(schemeFile({ indicators }))).toEqual([
      '/indicators/0/formula/bands/1/from not-rising',
    ]);
    const negative = ['110', '-10'].map((weight, at) => metricIndicator({ id: `i${at}`, weight }));
    expect(mistakesIn(schemeFile({ indicators: negative }))).toEqual([
      '/indicators/0/weight out-of-range',
      '/indicators/1/weight out-of-range',
    ]);
  });

  it('refuses a grade named twice, and what then names a grade that is gone', () => {
    expect(mistakesIn(changed(full, '/grades/1/id', 'excellent'))).toEqual([
      '/grades/1/id duplicate',
      '/ceilings/1/grade unknown-grade',
    ]);
  });

  it('names every mistake at once', () => {
    const twice = changed(changed(full, '/currency', 'x'), '/appeals/extra', 1);
    expect(mistakesIn(changed(twice, '/version', null))).toEqual([
      '/version wrong-type',
      '/currency not-a-currency',
      '/appeals/extra unknown-field',
    ]);
  });

  it('escapes names in paths as RFC 6901 does', () => {
    expect(mistakesIn(changed(full, '/bonus', { ...full.bonus, 'a/b~c': 1 }))).toEqual([
      '/bonus/a~1b~0c unknown-field',
    ]);
  });

  it('refuses what is no object at all, and a member that only looks inherited', () => {
    for (const value of [null, undefined, 5, 'scheme', []]) {
      expect(mistakesIn(value)).toEqual([' wrong-type']);
    }
    const text = JSON.stringify(full).replace('{', '{"__proto__":{"currency":"CNY"},');
    expect(mistakesIn(JSON.parse(text))).toEqual(['/__proto__ unknown-field']);
    const { currency: _, ...rest } = full;
    expect(mistakesIn(Object.assign(Object.create({ currency: 'CNY' }) as object, rest))).toContain(
      '/currency missing-field',
    );
  });
});
