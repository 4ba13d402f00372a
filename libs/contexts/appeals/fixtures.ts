import type { AppealEvent } from './events.js';

const appealId = 'AP0000001';
const accountManagerId = 'AM00007';

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const appealFixtures: {
  readonly [Type in AppealEvent['type']]: Extract<AppealEvent, { type: Type }>['data'];
} = {
  'appeals.AppealFiled.v1': {
    appealId,
    accountManagerId,
    period: '2026-03',
    filedAt: '2026-04-05T12:00:00+08:00',
    grounds: '对考核结果有异议',
    disputedRecordIds: ['E0000034', 'M0000121'],
    acceptDueOn: '2026-04-09',
    acceptDueAt: '2026-04-09T16:00:00.000Z',
  },
  'appeals.AppealAccepted.v1': {
    appealId,
    accountManagerId,
    acceptedBy: 'OFFICE-1',
    acceptedAt: '2026-04-07T10:00:00+08:00',
    decideDueOn: '2026-04-21',
    decideDueAt: '2026-04-21T16:00:00.000Z',
  },
  'appeals.AppealFoundInadmissible.v1': {
    appealId,
    accountManagerId,
    decidedBy: 'OFFICE-1',
    decidedAt: '2026-04-07T10:00:00+08:00',
    reason: '未说明争议记录',
  },
  'appeals.ReviewerAssigned.v1': {
    appealId,
    accountManagerId,
    reviewerId: 'REVIEW-1',
    assignedAt: '2026-04-07T11:00:00+08:00',
    decideDueAt: '2026-04-21T16:00:00.000Z',
  },
  'appeals.AppealDecided.v1': {
    appealId,
    accountManagerId,
    period: '2026-03',
    reviewerId: 'REVIEW-1',
    outcome: 'partially-upheld',
    corrections: [
      { type: 'strike', recordId: 'E0000034' },
      { type: 'replace', recordId: 'M0000121', value: '180.35' },
      { type: 'adjust', points: '3' },
    ],
    reasons: '评价记录有误',
    decidedAt: '2026-04-16T16:00:00+08:00',
    instance: 1,
    reviewDueOn: '2026-04-23',
  },
  'appeals.AppealEscalated.v1': { appealId, accountManagerId, step: 'decide', dueOn: '2026-04-21' },
  'appeals.AppealReviewRequested.v1': {
    appealId,
    accountManagerId,
    requestedAt: '2026-04-20T09:00:00+08:00',
    grounds: '仍有异议',
    decideDueOn: '2026-05-06',
    decideDueAt: '2026-05-06T16:00:00.000Z',
  },
  'appeals.AppealWithdrawn.v1': {
    appealId,
    accountManagerId,
    withdrawnAt: '2026-04-08T09:00:00+08:00',
  },
};
