import { missingInputs } from './missing.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import {
  contextOf,
  evaluationIndicator,
  factsOf,
  feedbackIndicator,
  metricIndicator,
  schemeOf,
} from './testing.js';

describe('what is missing of a scorecard', () => {
  const scheme = schemeOf({
    indicators: [
      metricIndicator({ weight: '40' }),
      evaluationIndicator({ weight: '30', minimumPeers: 2, missing: 'block' }),
      feedbackIndicator({ weight: '30', minimumSample: 2, missing: 'neutralise' }),
    ],
  });
  const missing = (facts: Partial<RecordedFacts>, context: Partial<AssessmentContext> = {}) =>
    missingInputs(scheme, contextOf(context), factsOf(facts));
  const evaluation = (raterGroup: string, raterId: string) => ({
    recordId: `${raterGroup} ${raterId}`,
    indicatorId: 'conduct',
    raterId,
    raterGroup,
    score: '80',
    submittedAt: '2026-03-20T09:00:00+08:00',
    withdrawn: false,
  });
  const metric = {
    recordId: 'M1',
    indicatorId: 'sales',
    actual: '90',
    recordedAt: '2026-03-20T09:00:00+08:00',
  };
  const call = (recordId: string) => ({ recordId, answers: { attitude: 5 } });

  it('names metric, target, every rater group and the calls where there is nothing', () =>
    expect(missing({})).toEqual([
      {
        indicatorId: 'sales',
        policy: 'zero',
        how: 'zero',
        missing: [{ kind: 'no-metric' }, { kind: 'no-target' }],
      },
      {
        indicatorId: 'conduct',
        policy: 'block',
        how: 'blocked',
        missing: [
          { kind: 'no-rater', group: 'self', count: 0, needed: 1 },
          { kind: 'no-rater', group: 'supervisor', count: 0, needed: 1 },
          { kind: 'no-rater', group: 'peer', count: 0, needed: 2 },
          { kind: 'no-rater', group: 'customer', count: 0, needed: 1 },
        ],
      },
      {
        indicatorId: 'feedback',
        policy: 'neutralise',
        how: 'neutralised',
        missing: [{ kind: 'too-few-calls', count: 0, needed: 2 }],
      },
    ]));

  it('names a group that others stand in for, and counts those who were too few', () => {
    const gaps = missing({
      goals: new Map([['sales', '100']]),
      metrics: [metric],
      calls: [call('C1')],
      evaluations: [
        evaluation('self', 'AM1'),
        evaluation('supervisor', 'S1'),
        evaluation('peer', 'AM2'),
        evaluation('customer', 'K1'),
      ],
    });
    expect(gaps).toMatchObject([
      {
        indicatorId: 'conduct',
        how: 'scored',
        missing: [{ kind: 'no-rater', group: 'peer', count: 1, needed: 2 }],
      },
      { indicatorId: 'feedback', missing: [{ kind: 'too-few-calls', count: 1, needed: 2 }] },
    ]);
  });

  it('names nothing of somebody who is not assessed', () =>
    expect(missing({}, { eligibleDays: 3 })).toEqual([]));
});
