import type { ExplanationWords } from './explain-words.js';

const group: ExplanationWords['group'] = {
  self: 'self-evaluation',
  supervisor: 'supervisor evaluation',
  peer: 'peer evaluation',
  customer: 'customer evaluation',
};

const counted = (count: number | string, one: string, many: string): string =>
  `${count} ${String(count) === '1' ? one : many}`;

export const EN: ExplanationWords = {
  separator: '; ',
  source: {
    metric: 'actual',
    'work-trace': 'work traces',
    complaints: 'complaints',
    'feedback-calls': 'feedback calls',
    evaluation: 'evaluation',
  },
  group,
  policy: {
    zero: 'counts 0',
    neutralise: 'left out, with its weight',
    carry: 'an earlier period is carried',
    block: 'no result',
  },
  how: {
    scored: 'scored',
    zero: 'missing, counts 0',
    carried: 'carried from an earlier period',
    neutralised: 'missing, left out',
    blocked: 'missing, no result',
  },
  ruleOf: (formula) => {
    switch (formula.type) {
      case 'linear':
        return 'score by attainment';
      case 'bands': {
        const bands = formula.bands.map(({ from, score }) => `from ${from}: ${score}`).join(', ');
        return `bands of the ${formula.on === 'attainment' ? 'attainment' : 'value'}: ${bands}`;
      }
      case 'deduct':
        return `${formula.per} points off for each 1`;
      case 'inverse':
        return `lower is better: 100 at the target, 0 at the limit ${formula.limit}`;
      case 'binary':
        return `100 from the threshold ${formula.threshold} on, else 0`;
    }
  },
  ruleOfCalls: 'mean of the calls’ scores',
  ruleOfShrunkCalls: 'mean of the calls’ scores, shrunk towards a prior while calls are few',
  ruleOfRaters: 'means of the rater groups, weighted',
  ifMissing: (policy) => `when missing: ${policy}`,
  actual: {
    metric: (figure) => `actual ${figure}`,
    'work-trace': (figure) => counted(figure, 'valid work trace', 'valid work traces'),
    complaints: (figure) => counted(figure, 'upheld complaint', 'upheld complaints'),
    'feedback-calls': (figure) => counted(figure, 'feedback call', 'feedback calls'),
    evaluation: (figure) => counted(figure, 'evaluation', 'evaluations'),
  },
  target: (from, shown, isProrated) => {
    const name = { goal: 'target', default: 'default target', formula: 'target of the formula' };
    return `${name[from]} ${shown}${isProrated ? ' (prorated by eligible days)' : ''}`;
  },
  attainment: (equation) => `attainment ${equation}`,
  bounds: (floor, cap) => `floor ${floor}, cap ${cap}`,
  band: ({ from, score, isBelowAll }) =>
    isBelowAll
      ? `below the first band (${from}), which gives ${score}`
      : `in the band from ${from}, which gives ${score}`,
  atLeastZero: 'at least 0',
  threshold: ({ threshold, isReached }) =>
    isReached ? `threshold ${threshold} reached: 100` : `threshold ${threshold} not reached: 0`,
  calls: (count, sum) => `${counted(count, 'valid call', 'valid calls')}, scores in all ${sum}`,
  mean: (equation) => `mean ${equation}`,
  shrinkage: (prior, strength, equation) =>
    `shrunk towards ${prior} with strength ${strength}: ${equation}`,
  raters: (name, { raterCount, weight }, mean) =>
    `${name}: ${counted(raterCount, 'rater', 'raters')}, mean ${mean}, weight ${weight}`,
  shared: 'the weight of groups without a score goes pro rata to the others, self excepted',
  combined: (equation) => `together ${equation}`,
  lacking: (missing, name) => {
    switch (missing.kind) {
      case 'no-metric':
        return 'no actual recorded';
      case 'no-target':
        return 'no target that can be used';
      case 'too-few-calls':
        return `${counted(missing.count, 'valid call', 'valid calls')}, ${missing.needed} needed`;
      case 'no-rater':
        return missing.needed > 1
          ? `${name}: ${counted(missing.count, 'rater', 'raters')}, ${missing.needed} needed`
          : `no ${name}`;
    }
  },
  scored: (score) => `score ${score}`,
  counts: {
    zero: 'missing: counts 0',
    neutralised: 'missing: left out, with its weight',
    blocked: 'missing: no result',
  },
  carried: (period, resultVersion, score) =>
    `missing: carried from ${period} (result version ${resultVersion}), score ${score}`,
  nothingCarried: 'missing: no earlier score to carry, left out, with its weight',
  weighted: (equation) => `weighted mean ${equation}`,
  points: (points) => `adjustment points ${points}`,
  heldPoints: (recorded, from, to, points) =>
    `adjustment points ${recorded} in all, held between ${from} and ${to}: ${points}`,
  appealPoints: (points) => `points granted by appeals ${points}`,
  sum: (equation) => `sum ${equation}`,
  between: (low, high) => `between ${low} and ${high}`,
  total: (score) => `total ${score}`,
  status: { 'not-assessed': 'not assessed', incomplete: 'incomplete, no result' },
  tooFewDays: (days, needed) => `${days} eligible days, ${needed} needed`,
  tooLittleWeight: (weight, needed) => `counted weight ${weight}, below the minimum of ${needed}`,
};
