import type { EvaluationEvent } from './events.js';

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const evaluationFixtures: {
  readonly [Type in EvaluationEvent['type']]: Extract<EvaluationEvent, { type: Type }>['data'];
} = {
  'evaluations.EvaluationSubmitted.v1': {
    evaluationId: 'E0000002',
    indicatorId: 'service-conduct',
    raterId: 'SUP-U01',
    raterGroup: 'supervisor',
    score: '95.27',
    submittedAt: '2026-02-01T18:37:26+08:00',
    comment: '季度表现稳定',
  },
  'evaluations.EvaluationAmended.v1': {
    evaluationId: 'E0000002',
    score: '93.5',
    amendedAt: '2026-02-02T09:00:00+08:00',
    comment: '补充走访记录后调整',
  },
  'evaluations.EvaluationWithdrawn.v1': {
    evaluationId: 'E0000002',
    withdrawnAt: '2026-02-02T10:00:00+08:00',
    reason: '评价对象有误',
  },
};
