import type { PublishedResult } from '#rules';
import type { AssessmentEvent, CorrectionEvent } from './events.js';

type Event = AssessmentEvent | CorrectionEvent;

const rankingKey = {
  score: '91.80',
  heaviest: '1031/10',
  feedback: '257/3',
  deducted: '0',
  earlierScore: '88.10',
  hash: '3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7',
};

const result: PublishedResult = {
  accountManagerId: 'AM00001',
  period: '2026-03',
  schemeId: 'field-service',
  schemeVersion: 2,
  unitPath: ['U01', 'R1', 'HQ'],
  status: 'published',
  eligibleDays: 21,
  workdays: 23,
  indicators: {
    'sales-attainment': { exact: '1031/10', score: '103.10', how: 'scored' },
    'customer-feedback': { exact: '85/1', score: '85.00', how: 'carried' },
    'market-order': { exact: null, score: null, how: 'neutralised' },
  },
  total: '459/5',
  score: '91.80',
  grade: 'competent',
  ceilingApplied: true,
  rankingKey,
  ceilings: [
    {
      grade: 'excellent',
      inForce: true,
      cohortCount: 47,
      placeCount: 9,
      holderCount: 9,
      lastHolder: { ...rankingKey, score: '92.40', earlierScore: null },
    },
  ],
  teamShare: { unitId: 'U01', amountMinor: '35120' },
};

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const assessmentFixtures: {
  readonly [Type in Event['type']]: Extract<Event, { type: Type }>['data'];
} = {
  'assessment.FactsFrozen.v1': {
    accountManagerId: 'AM00001',
    period: '2026-03',
    schemeId: 'field-service',
    schemeVersion: 2,
    unitPath: ['U01', 'R1', 'HQ'],
    position: 'account-manager',
    supervisorId: 'SUP-U01',
    joinedOn: '2024-03-01',
    leftOn: null,
    absences: [{ from: '2026-03-12', to: '2026-03-13' }],
    firstDay: '2026-03-01',
    lastDay: '2026-03-31',
    calendar: [{ date: '2026-03-28', kind: 'workday' }],
    workdays: 23,
    eligibleDays: 21,
    capabilities: ['service-certificate'],
    carry: { 'customer-feedback': { period: '2026-02', resultVersion: 1, score: '85/1' } },
    earlierResult: { period: '2026-02', resultVersion: 1, score: '88.10' },
    closedAt: '2026-04-03T18:00:00+08:00',
  },
  'assessment.ResultPublished.v1': { ...result, resultVersion: 1 },
  'assessment.ResultCorrected.v1': {
    ...result,
    grade: 'excellent',
    ceilingApplied: false,
    resultVersion: 2,
    citing: { kind: 'appeal', appealId: 'AP0000001' },
    corrections: [
      { type: 'strike', recordId: 'Q0000001' },
      { type: 'replace', recordId: 'E0000034', value: '60.79' },
      { type: 'adjust', points: '1.5' },
    ],
    heldHarmless: false,
    decidedAt: '2026-04-10T12:00:00+08:00',
  },
  'assessment.CreditsFrozen.v1': {
    batchId: '2026-03',
    returns: [{ creditId: 'S0000003', commissionPercent: '0.35', originalStruck: false }],
  },
  'assessment.StatementAcknowledged.v1': {
    resultVersion: 1,
    acknowledgedAt: '2026-04-05T09:00:00+08:00',
  },
  'assessment.StatementObjected.v1': {
    resultVersion: 1,
    grounds: '三月的走访记录未计入',
    objectedAt: '2026-04-05T10:00:00+08:00',
  },
  'assessment.CorrectionProposed.v1': {
    correctionId: 'K0000001',
    accountManagerId: 'AM00001',
    period: '2026-03',
    corrections: [{ type: 'replace', recordId: 'M0000001', value: '84' }],
    reason: '数据迟报',
    proposedBy: 'OFFICE',
    proposedAt: '2026-04-20T09:00:00+08:00',
  },
  'assessment.CorrectionApproved.v1': {
    correctionId: 'K0000001',
    approvedBy: 'OFFICE-2',
    approvedAt: '2026-04-20T11:00:00+08:00',
  },
};
