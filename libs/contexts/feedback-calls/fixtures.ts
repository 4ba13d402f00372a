import type { FeedbackCallEvent, FeedbackSampleEvent } from './events.js';

type Event = FeedbackCallEvent | FeedbackSampleEvent;

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const feedbackCallFixtures: {
  readonly [Type in Event['type']]: Extract<Event, { type: Type }>['data'];
} = {
  'feedback-calls.FeedbackCallCompleted.v1': {
    callId: 'F0000003',
    customerId: 'C00463',
    channel: 'phone',
    answers: { attitude: 5, expertise: 4, responsiveness: 4, satisfaction: 5 },
    calledAt: '2026-01-27T09:11:40+08:00',
    comment: '希望增加紧俏品牌货源',
  },
  'feedback-calls.FeedbackCallRefused.v1': {
    callId: 'F0000004',
    customerId: 'C85130',
    channel: 'walk',
    calledAt: '2026-01-19T15:19:43+08:00',
    comment: '店主不在',
  },
  'feedback-calls.FeedbackCallUnreachable.v1': {
    callId: 'F0000005',
    customerId: 'C52322',
    channel: 'phone',
    calledAt: '2026-01-20T10:00:00+08:00',
    comment: '无人接听',
  },
  'feedback-calls.SampleSeedCommitted.v1': {
    sampleId: 'AM00001-2026-01',
    accountManagerId: 'AM00001',
    period: '2026-01',
    seedSha256: 'b57d79af3a791ba0762614977f544fbe1ff6ff0251fc5e35f17e5aa440105cff',
    committedAt: '2026-01-05T09:00:00+08:00',
  },
  'feedback-calls.SampleFramePart.v1': {
    sampleId: 'AM00001-2026-01',
    part: 1,
    customerIds: ['C00463', 'C85130'],
  },
  'feedback-calls.SampleFrameFrozen.v1': {
    sampleId: 'AM00001-2026-01',
    count: 2,
    sha256: '478743562aa17aea193463c09029775fc121df7a96870ba945e6d1ad4fe68663',
    frozenAt: '2026-01-06T09:00:00+08:00',
  },
  'feedback-calls.SampleDrawn.v1': {
    sampleId: 'AM00001-2026-01',
    seed: 'mei-hua-2026-01',
    size: 1,
    drawnAt: '2026-01-07T09:00:00+08:00',
  },
};
