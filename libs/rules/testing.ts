import { daysOfPeriod } from '#kernel';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { parseScheme } from './parse-scheme.js';
import type { Indicator, Scheme } from './scheme.js';

/** Builders for tests: the smallest valid scheme, context and facts; a test names what differs. */

const name = { zh: '名称', en: 'Name' };

type Shared = {
  readonly id?: string;
  readonly weight?: string;
  readonly missing?: Indicator['missing'];
};

export function metricIndicator(
  more: Partial<Extract<Indicator, { source: 'metric' }>> & Shared = {},
): Indicator {
  return {
    id: 'sales',
    name,
    family: 'performance',
    weight: '100',
    source: 'metric',
    missing: 'zero',
    formula: { type: 'linear' },
    ...more,
  };
}

export function evaluationIndicator(
  more: Partial<Extract<Indicator, { source: 'evaluation' }>> & Shared = {},
): Indicator {
  return {
    id: 'conduct',
    name,
    family: 'attitude',
    weight: '100',
    source: 'evaluation',
    missing: 'zero',
    raters: { self: '10', supervisor: '50', peer: '15', customer: '25' },
    ...more,
  };
}

export function feedbackIndicator(
  more: Partial<Extract<Indicator, { source: 'feedback-calls' }>> & Shared = {},
): Indicator {
  return {
    id: 'feedback',
    name,
    family: 'customer-voice',
    weight: '100',
    source: 'feedback-calls',
    missing: 'zero',
    questions: { attitude: '1', satisfaction: '2' },
    ...more,
  };
}

export function traceIndicator(
  more: Partial<Extract<Indicator, { source: 'work-trace' }>> & Shared = {},
): Indicator {
  return {
    id: 'visits',
    name,
    family: 'process',
    weight: '100',
    source: 'work-trace',
    missing: 'zero',
    traceTypes: ['visit'],
    formula: { type: 'linear', cap: '1000000' },
    defaultTarget: '100',
    ...more,
  };
}

export function complaintsIndicator(
  more: Partial<Extract<Indicator, { source: 'complaints' }>> & Shared = {},
): Indicator {
  return {
    id: 'complaints',
    name,
    family: 'customer-voice',
    weight: '100',
    source: 'complaints',
    missing: 'zero',
    formula: { type: 'deduct', per: '25' },
    ...more,
  };
}

export const GRADES: Scheme['grades'] = [
  { id: 'excellent', name, min: '90', coefficient: '1.5' },
  { id: 'competent', name, min: '75', coefficient: '1.0' },
  { id: 'basic', name, min: '60', coefficient: '0.6' },
  { id: 'incompetent', name, min: '0', coefficient: '0' },
];

/** A valid scheme, as a file says it; `more` replaces whole top-level fields. */
export function schemeFile(more: Partial<Scheme> = {}): Scheme {
  return {
    schemeId: 'field-service',
    version: 1,
    name,
    currency: 'CNY',
    timezone: 'Asia/Shanghai',
    effectiveFrom: '2026-01',
    scope: { units: '*', positions: ['account-manager'] },
    indicators: [metricIndicator()],
    adjustments: { maxBonus: '5', maxPenalty: '10' },
    vetoes: [
      { code: 'integrity-breach', capGrade: 'basic' },
      { code: 'fraud', capGrade: 'incompetent' },
    ],
    grades: GRADES,
    ceilings: [],
    tiers: {
      ladder: [1, 2, 3],
      initial: 3,
      promote: {
        grade: 'excellent',
        consecutive: 2,
        gates: { '2': ['certificate'], '1': ['certificate', 'coaching'] },
      },
      demote: [
        { grade: 'incompetent', consecutive: 1 },
        { grade: 'basic', consecutive: 2 },
      ],
    },
    bonus: {
      tierBaseMinor: { '1': '300000', '2': '200000', '3': '120000' },
      capPercentOfTierBase: '140',
      commissionPercent: { premium: '1.5', standard: '0.8' },
    },
    appeals: {
      fileWithinWorkingDays: 5,
      acceptWithinWorkingDays: 2,
      decideWithinWorkingDays: 10,
      reviewWithinWorkingDays: 5,
    },
    ...more,
  };
}

/** As `schemeFile`, through `parseScheme`. Throws when the scheme is not valid. */
export function schemeOf(more: Partial<Scheme> = {}): Scheme {
  const parsed = parseScheme(schemeFile(more));
  if (parsed.scheme) return parsed.scheme;
  throw new TypeError(JSON.stringify(parsed.mistakes));
}

export function contextOf(more: Partial<AssessmentContext> = {}): AssessmentContext {
  const period = more.period ?? '2026-03';
  return {
    accountManagerId: 'AM1',
    period,
    schemeId: 'field-service',
    schemeVersion: 1,
    unitPath: ['U1', 'HQ'],
    position: 'account-manager',
    supervisorId: 'SUP1',
    joinedOn: '2024-01-01',
    leftOn: null,
    absences: [],
    ...daysOfPeriod(period),
    calendar: [],
    workdays: 22,
    eligibleDays: 22,
    capabilities: [],
    carry: {},
    earlierResult: null,
    ...more,
  };
}

export function factsOf(more: Partial<RecordedFacts> = {}): RecordedFacts {
  return {
    goals: new Map(),
    metrics: [],
    evaluations: [],
    calls: [],
    traces: [],
    complaints: [],
    adjustments: [],
    vetoes: [],
    corrections: [],
    ...more,
  };
}

/** A metric that is the raw value of `indicatorId`; with a target of 100 also its linear score. */
export function metricOf(
  actual: string,
  more: Partial<RecordedFacts['metrics'][number]> = {},
): RecordedFacts['metrics'][number] {
  return {
    recordId: 'M1',
    indicatorId: 'sales',
    actual,
    recordedAt: '2026-04-01T10:00:00+08:00',
    ...more,
  };
}

export function evaluationOf(
  raterGroup: string,
  score: string,
  more: Partial<RecordedFacts['evaluations'][number]> = {},
): RecordedFacts['evaluations'][number] {
  return {
    recordId: `E-${raterGroup}-${more.raterId ?? 'R1'}`,
    indicatorId: 'conduct',
    raterId: 'R1',
    raterGroup,
    score,
    submittedAt: '2026-04-01T10:00:00+08:00',
    withdrawn: false,
    ...more,
  };
}

export function traceOf(
  more: Partial<RecordedFacts['traces'][number]> = {},
): RecordedFacts['traces'][number] {
  return {
    recordId: 'T1',
    type: 'visit',
    customerId: 'C1',
    occurredAt: '2026-03-10T10:00:00+08:00',
    loggedAt: '2026-03-10T12:00:00+08:00',
    voided: false,
    ...more,
  };
}
