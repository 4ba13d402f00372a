import type { Grade, Indicator, Scheme } from '#rules';
import { dayAfter } from './months.js';
import { branchId, PILOT_BRANCH, POSITIONS } from './people.js';

/** From these periods on (counted from 0) the pilot and the second version hold. */
const PILOT_FROM = 1;
const SECOND_VERSION_FROM = 2;

const depositGrowth = (weight: string): Indicator => ({
  id: 'deposit-growth',
  name: { zh: '日均存款达成率', en: 'Average deposits against goal' },
  family: 'business',
  weight,
  source: 'metric',
  formula: { type: 'linear', floor: '0', cap: '120' },
  prorateTarget: true,
  missing: 'block',
});
const loanQuality = (weight: string): Indicator => ({
  id: 'overdue-loans',
  name: { zh: '贷款逾期率', en: 'Overdue loans (%)' },
  family: 'risk',
  weight,
  source: 'metric',
  formula: { type: 'inverse', limit: '3.5', target: '0.8', floor: '0', cap: '100' },
  missing: 'carry',
});
const crossSelling = (weight: string): Indicator => ({
  id: 'cross-selling',
  name: { zh: '交叉销售户数', en: 'Customers with a second product' },
  family: 'business',
  weight,
  source: 'metric',
  formula: {
    type: 'bands',
    bands: [
      { from: '0', score: '45' },
      { from: '2', score: '65' },
      { from: '4', score: '80' },
      { from: '7', score: '92' },
      { from: '10', score: '100' },
    ],
  },
  missing: 'neutralise',
});
const greenLending = (weight: string): Indicator => ({
  id: 'green-lending',
  name: { zh: '绿色信贷投放', en: 'Green lending' },
  family: 'business',
  weight,
  source: 'metric',
  formula: { type: 'linear', cap: '110' },
  defaultTarget: '30',
  prorateTarget: true,
  missing: 'neutralise',
});
const complianceTest = (weight: string): Indicator => ({
  id: 'compliance-test',
  name: { zh: '合规测试', en: 'Compliance test' },
  family: 'risk',
  weight,
  source: 'metric',
  formula: { type: 'binary', threshold: '85' },
  missing: 'carry',
});
const teamwork = (weight: string): Indicator => ({
  id: 'teamwork',
  name: { zh: '协同与履职', en: 'Teamwork and conduct' },
  family: 'conduct',
  weight,
  source: 'evaluation',
  raters: { self: '5', supervisor: '55', peer: '25', customer: '15' },
  minimumPeers: 2,
  minimumRaterWeight: '70',
  missing: 'block',
});
const clientVoice = (weight: string): Indicator => ({
  id: 'client-voice',
  name: { zh: '客户之声', en: 'Voice of the client' },
  family: 'client',
  weight,
  source: 'feedback-calls',
  questions: { attitude: '1', expertise: '2', responsiveness: '2', satisfaction: '3' },
  shrinkage: { prior: '82', strength: '6' },
  missing: 'neutralise',
});
const clientVisits = (weight: string): Indicator => ({
  id: 'client-visits',
  name: { zh: '客户走访', en: 'Client visits' },
  family: 'client',
  weight,
  source: 'work-trace',
  traceTypes: ['visit', 'site-inspection'],
  countOnce: 'customer-day',
  defaultTarget: '19',
  prorateTarget: true,
  formula: { type: 'linear', floor: '20', cap: '110' },
  missing: 'zero',
});
const complaints = (weight: string): Indicator => ({
  id: 'complaints',
  name: { zh: '有责投诉', en: 'Upheld complaints' },
  family: 'client',
  weight,
  source: 'complaints',
  formula: { type: 'deduct', per: '20' },
  missing: 'zero',
});

const GRADES: readonly Grade[] = [
  { id: 'excellent', name: { zh: '优秀', en: 'Excellent' }, min: '88', coefficient: '1.4' },
  { id: 'competent', name: { zh: '称职', en: 'Competent' }, min: '76', coefficient: '1.0' },
  {
    id: 'basically-competent',
    name: { zh: '基本称职', en: 'Basically competent' },
    min: '64',
    coefficient: '0.7',
  },
  { id: 'incompetent', name: { zh: '不称职', en: 'Incompetent' }, min: '0', coefficient: '0' },
];

const COMMON = {
  currency: 'CNY',
  timezone: 'Asia/Shanghai',
  minimumEligibleDays: 8,
  minimumCountedWeight: '70',
  maxScore: '115',
  adjustments: { maxBonus: '4', maxPenalty: '12' },
  vetoes: [
    { code: 'compliance-breach', capGrade: 'basically-competent' },
    { code: 'money-laundering-negligence', capGrade: 'incompetent' },
  ],
  grades: GRADES,
  tiers: {
    ladder: [1, 2, 3, 4],
    initial: 3,
    promote: {
      grade: 'excellent',
      consecutive: 2,
      gates: { '2': ['credit-licence'], '1': ['credit-licence', 'mentor'] },
    },
    demote: [
      { grade: 'incompetent', consecutive: 1 },
      { grade: 'basically-competent', consecutive: 2 },
    ],
  },
  bonus: {
    tierBaseMinor: { '1': '880000', '2': '620000', '3': '430000', '4': '280000' },
    capPercentOfTierBase: '150',
    notAssessedCoefficient: '0.8',
    commissionPercent: {
      'working-capital-loan': '0.35',
      'trade-finance': '0.6',
      'cash-management': '1.15',
    },
  },
  appeals: {
    fileWithinWorkingDays: 7,
    acceptWithinWorkingDays: 3,
    decideWithinWorkingDays: 15,
    reviewWithinWorkingDays: 5,
  },
} as const;

/** The bank's own scheme, its second version, and the pilot of one branch. */
export function schemesOf(firstPeriod: string): readonly Scheme[] {
  const periodAt = (index: number): string => dayAfter(firstPeriod, index, 1).slice(0, 7);
  const name = { zh: '对公客户经理考核办法', en: 'Assessment of corporate relationship managers' };
  const scope = { units: '*', positions: POSITIONS } as const;
  const first: Scheme = {
    ...COMMON,
    schemeId: 'corporate-rm',
    version: 1,
    name,
    scope,
    effectiveFrom: periodAt(0),
    indicators: [
      depositGrowth('25'),
      loanQuality('15'),
      crossSelling('10'),
      complianceTest('10'),
      teamwork('15'),
      clientVoice('10'),
      clientVisits('10'),
      complaints('5'),
    ],
    ceilings: [{ grade: 'excellent', sharePercent: '25', minimumCohort: 10, scope: 'company' }],
  };
  const second: Scheme = {
    ...first,
    version: 2,
    effectiveFrom: periodAt(SECOND_VERSION_FROM),
    workTraceLateLimitHours: 24,
    indicators: [
      depositGrowth('20'),
      loanQuality('15'),
      crossSelling('10'),
      greenLending('7.5'),
      complianceTest('10'),
      teamwork('15'),
      clientVoice('10'),
      clientVisits('7.5'),
      complaints('5'),
    ],
    ceilings: [
      { grade: 'excellent', sharePercent: '20', minimumCohort: 10, scope: 'company' },
      { grade: 'competent', sharePercent: '60', minimumCohort: 20, scope: 'company' },
    ],
  };
  const pilot: Scheme = {
    ...first,
    schemeId: 'corporate-rm-client-first',
    name: { zh: '客户优先试点办法', en: 'Client-first pilot' },
    scope: { units: [branchId(PILOT_BRANCH)], positions: POSITIONS },
    effectiveFrom: periodAt(PILOT_FROM),
    indicators: [
      depositGrowth('15'),
      loanQuality('10'),
      greenLending('10'),
      complianceTest('10'),
      teamwork('15'),
      clientVoice('25'),
      clientVisits('10'),
      complaints('5'),
    ],
    ceilings: [{ grade: 'excellent', sharePercent: '40', minimumCohort: 5, scope: 'unit' }],
  };
  return [first, second, pilot];
}

/** What is measured in a period, by the scheme that holds for the branch. */
export function hasIndicator(indicatorId: string, branch: number, periodIndex: number): boolean {
  const isPilot = branch === PILOT_BRANCH && periodIndex >= PILOT_FROM;
  if (indicatorId === 'green-lending') return isPilot || periodIndex >= SECOND_VERSION_FROM;
  if (indicatorId === 'cross-selling') return !isPilot;
  return true;
}
