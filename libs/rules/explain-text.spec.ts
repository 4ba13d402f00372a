import {
  EXPLANATION_WORDS,
  arithmeticClauses,
  explanationText,
  ruleClauses,
  totalClauses,
} from './explain-text.js';
import type { Language } from './explain-words.js';
import { explain } from './explain.js';
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

const LANGUAGES: readonly Language[] = ['zh', 'en'];

const FORMULAS: readonly Formula[] = [
  { type: 'linear', floor: '20', cap: '120' },
  {
    type: 'bands',
    bands: [
      { from: '50', score: '60' },
      { from: '80', score: '90' },
    ],
  },
  {
    type: 'bands',
    on: 'attainment',
    bands: [
      { from: '50', score: '60' },
      { from: '80', score: '90' },
    ],
  },
  { type: 'deduct', per: '2.5' },
  { type: 'inverse', limit: '90', target: '10' },
  { type: 'binary', threshold: '60' },
];
const POLICIES = ['zero', 'neutralise', 'carry', 'block'] as const;

/** Each formula with each source that can have one, and the sources without a formula. */
const indicators: readonly Indicator[] = [
  ...FORMULAS.flatMap((formula) => [
    metricIndicator({ formula, defaultTarget: '70', prorateTarget: true }),
    metricIndicator({ formula }),
    traceIndicator({ formula, defaultTarget: '70', prorateTarget: true }),
    complaintsIndicator({ formula, defaultTarget: '3' }),
  ]),
  evaluationIndicator({ minimumPeers: 3 }),
  feedbackIndicator({ minimumSample: 2 }),
  feedbackIndicator({ shrinkage: { prior: '88', strength: '10' } }),
];

const carry = Object.fromEntries(
  ['sales', 'conduct', 'feedback', 'visits', 'complaints'].map((id) => [
    id,
    { period: '2026-02', resultVersion: 3, score: '250/3' },
  ]),
);
const CONTEXTS: readonly AssessmentContext[] = [
  contextOf(),
  contextOf({ eligibleDays: 13, carry }),
  contextOf({ eligibleDays: 3 }),
];

const FACTS: readonly RecordedFacts[] = [
  factsOf(),
  factsOf({
    goals: new Map([['sales', '75']]),
    metrics: [metricOf('82.5')],
    evaluations: [evaluationOf('self', '95'), evaluationOf('supervisor', '80')],
    calls: [{ recordId: 'F1', answers: { attitude: 5 } }],
    traces: [traceOf()],
    complaints: [{ recordId: 'Q1', upheld: true }],
    adjustments: [{ recordId: 'A1', points: '-22.5' }],
    corrections: [{ type: 'adjust', points: '0.5' }],
  }),
  factsOf({
    metrics: [metricOf('-3')],
    evaluations: [
      ...['80', '81', '84'].map((score, at) => evaluationOf('peer', score, { raterId: `P${at}` })),
      evaluationOf('customer', '88'),
      evaluationOf('supervisor', '77'),
    ],
    calls: [
      { recordId: 'F1', answers: { attitude: 5, satisfaction: 4 } },
      { recordId: 'F2', answers: { satisfaction: 2 } },
      { recordId: 'F3', answers: { attitude: 1, satisfaction: 4 } },
    ],
    traces: Array.from({ length: 61 }, (_, at) => traceOf({ recordId: `T${at}` })),
  }),
];

function textsIn(language: Language): string[] {
  const words = EXPLANATION_WORDS[language];
  const texts: string[] = [...Object.values(words.how), ...Object.values(words.group)];
  for (const one of indicators)
    for (const missing of POLICIES)
      for (const context of CONTEXTS)
        for (const facts of FACTS)
          for (const mode of ['publication', 'correction'] as const) {
            const scheme = schemeOf({ indicators: [{ ...one, missing }] });
            const explained = explain(scheme, context, facts, { mode });
            for (const indicator of explained.indicators) {
              texts.push(explanationText(ruleClauses(indicator, language), language));
              texts.push(explanationText(arithmeticClauses(indicator, language), language));
            }
            texts.push(explanationText(totalClauses(explained.total, language), language));
          }
  return [...new Set(texts)];
}

it.each(LANGUAGES)('speaks one language at a time, whatever there is to say: %s', (language) => {
  const foreign = language === 'zh' ? /[a-z]/i : /[\u3000-\u9fff\uff00-\uffef]/;
  const texts = textsIn(language);
  expect(texts.length).toBeGreaterThan(150);
  expect(texts.filter((text) => foreign.test(text))).toEqual([]);
  expect(texts.filter((text) => /undefined|NaN|\[object|^$|\s\s|\d+\/\d+/.test(text))).toEqual([]);
});

/** The value of a calculation as it is written, in floating point: for a check alone. */
function valueOf(calculation: string): number {
  const source = calculation.replaceAll('×', '*').replaceAll('−', '-');
  const tokens = source.match(/\d+(\.\d+)?|[-+*/()]/g) ?? [];
  let at = 0;
  const factor = (): number => {
    const token = tokens[at++];
    if (token === '-') return -factor();
    if (token !== '(') return Number(token);
    const inner = sum();
    at += 1;
    return inner;
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === '*' || tokens[at] === '/') {
      value = tokens[at++] === '*' ? value * factor() : value / factor();
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') {
      value = tokens[at++] === '+' ? value + product() : value - product();
    }
    return value;
  };
  return sum();
}

it('writes an equality only where it holds, and an ≈ within what is shown', () => {
  const equations = textsIn('en').flatMap((text) =>
    Array.from(text.matchAll(/([-\d(][-\d.+×/−() ]*) ([=≈]) (-?[\d.]+)/g), (match) =>
      match.slice(1),
    ),
  );
  expect(equations.length).toBeGreaterThan(100);
  expect(new Set(equations.map(([, sign]) => sign))).toEqual(new Set(['=', '≈']));
  for (const [calculation = '', sign, result] of equations) {
    const tolerance = sign === '=' ? 1e-9 : 0.0101;
    expect({
      calculation,
      off: Math.abs(valueOf(calculation) - Number(result)) < tolerance,
    }).toEqual({
      calculation,
      off: true,
    });
  }
});

it('says how a figure came about in the words of the office', () => {
  const scheme = schemeOf({
    indicators: [
      metricIndicator({ weight: '40', defaultTarget: '19', prorateTarget: true }),
      evaluationIndicator({ weight: '35' }),
      feedbackIndicator({ weight: '15', shrinkage: { prior: '88', strength: '10' } }),
      metricIndicator({ id: 'carried', weight: '10', missing: 'carry' }),
    ],
  });
  const carried = { carried: { period: '2026-02', resultVersion: 3, score: '99/1' } };
  const facts = factsOf({
    metrics: [metricOf('9')],
    evaluations: [evaluationOf('self', '95'), evaluationOf('supervisor', '80')],
    calls: [{ recordId: 'F1', answers: { attitude: 5 } }],
    adjustments: [{ recordId: 'A1', points: '-2.5' }],
  });
  const { indicators: all, total } = explain(
    scheme,
    contextOf({ eligibleDays: 15, carry: carried }),
    facts,
  );
  const text = (at: number, language: Language) =>
    explanationText(arithmeticClauses(all[at]!, language), language);
  expect(text(0, 'zh')).toBe(
    '实际值 9；默认目标值 19 × 15 / 22 ≈ 12.95（按应考核天数折算）；' +
      '达成率 100 × 9 / (19 × 15 / 22) ≈ 69.47；保底 0，封顶 100；得分 69.47',
  );
  expect(text(0, 'en')).toBe(
    'actual 9; default target 19 × 15 / 22 ≈ 12.95 (prorated by eligible days); ' +
      'attainment 100 × 9 / (19 × 15 / 22) ≈ 69.47; floor 0, cap 100; score 69.47',
  );
  expect(text(1, 'zh')).toBe(
    '自评 1 份，平均 95，权重 10；上级评价 1 份，平均 80，权重 50；缺同事互评；缺客户评价；' +
      '缺分评价组的权重按比例归入其余各组（自评除外）；' +
      '合成 (10 × 95 + 90 × (50 × 80) / 50) / 100 = 81.5；得分 81.50',
  );
  expect(text(2, 'zh')).toBe(
    '有效回访 1 次，得分合计 100；按先验值 88、强度 10 收缩：' +
      '(100 + 10 × 88) / (1 + 10) ≈ 89.09；得分 89.09',
  );
  expect(text(3, 'en')).toBe(
    'no actual recorded; no target that can be used; ' +
      'missing: carried from 2026-02 (result version 3), score 99.00',
  );
  expect(explanationText(totalClauses(total, 'zh'), 'zh')).toBe(
    '加权平均 (40 × 69.47 + 35 × 81.5 + 15 × 89.09 + 10 × 99) / 100 ≈ 79.58；加减分 -2.5；' +
      '申诉加减分 0；合计 79.58 + (-2.5) + 0 ≈ 77.08；限于 0 至 120；总分 77.08',
  );
});
