import { ERASED } from '#kernel';
import { calendarDays, type Correction } from '#rules';
import { given } from '../../kernel/testing.js';
import type { AppealCommand, AppealFacts, Disputed, RecordAppeal } from './commands.js';
import { appeals, recordOf } from './decider.js';
import type { AppealDecided, AppealEvent, AppealFiled } from './events.js';

const appealId = 'AP1';
const accountManagerId = 'AM00007';
const period = '2026-03';

/**
 * Published on Saturday 4 April; Monday the 6th is a holiday, so working days are 7, 8, 9, 10, 13.
 */
const disputed: Disputed = {
  status: 'published',
  publishedAt: '2026-04-04T09:00:00+08:00',
  finalisedAt: null,
  timezone: 'Asia/Shanghai',
  days: {
    fileWithinWorkingDays: 5,
    acceptWithinWorkingDays: 3,
    decideWithinWorkingDays: 10,
    reviewWithinWorkingDays: 5,
  },
  calendar: calendarDays([
    { date: '2026-04-06', kind: 'holiday' },
    { date: '2026-05-01', kind: 'holiday' },
    { date: '2026-05-09', kind: 'workday' },
  ]),
  supervisorIds: ['SUP-U01', 'SUP-U02'],
  records: new Map([
    ['E1', { kind: 'evaluation', authorIds: ['RATER-1'] }],
    ['M1', { kind: 'metric', authorIds: ['OFFICE-9'] }],
    ['C1', { kind: 'other', authorIds: ['OFFICE-9'] }],
  ]),
};
const facts = (change: Partial<Disputed> = {}): AppealFacts => ({
  disputed: { ...disputed, ...change },
});
const nothingPublished: AppealFacts = { disputed: null };

const filing = {
  appealId,
  accountManagerId,
  period,
  filedAt: '2026-04-08T12:00:00+08:00',
  grounds: '对考核结果有异议',
  disputedRecordIds: ['E1'] as readonly string[],
};
/** The end of a day in Shanghai. */
const endOf = (day: string): string => `${day}T16:00:00.000Z`;
const filed = (change: Partial<AppealFiled['data']> = {}): AppealEvent => {
  const acceptDueOn = change.acceptDueOn ?? '2026-04-13';
  return {
    type: 'appeals.AppealFiled.v1',
    data: { ...filing, acceptDueOn, acceptDueAt: endOf(acceptDueOn), ...change },
  };
};
const file = (change: Partial<typeof filing> = {}, filedBy = accountManagerId): AppealCommand => ({
  type: 'appeals.FileAppeal',
  data: { ...filing, ...change, filedBy },
});

const ACCEPTED_AT = '2026-04-09T10:00:00+08:00';
const accepted = (change: { acceptedAt?: string; decideDueOn?: string } = {}): AppealEvent => ({
  type: 'appeals.AppealAccepted.v1',
  data: {
    appealId,
    accountManagerId,
    acceptedBy: 'OFFICE-1',
    acceptedAt: ACCEPTED_AT,
    decideDueOn: '2026-04-23',
    decideDueAt: endOf(change.decideDueOn ?? '2026-04-23'),
    ...change,
  },
});
const accept = (acceptedAt = ACCEPTED_AT, acceptedBy = 'OFFICE-1'): AppealCommand => ({
  type: 'appeals.AcceptAppeal',
  data: { appealId, acceptedBy, acceptedAt },
});

const refused: AppealEvent = {
  type: 'appeals.AppealFoundInadmissible.v1',
  data: {
    appealId,
    accountManagerId,
    decidedBy: 'OFFICE-1',
    decidedAt: ACCEPTED_AT,
    reason: '未说明',
  },
};
const refuse = (decidedAt = ACCEPTED_AT, decidedBy = 'OFFICE-1'): AppealCommand => ({
  type: 'appeals.FindAppealInadmissible',
  data: { appealId, decidedBy, decidedAt, reason: '未说明' },
});

const ASSIGNED_AT = '2026-04-09T11:00:00+08:00';
const assigned = (reviewerId = 'REVIEW-1', decideDueOn = '2026-04-23'): AppealEvent => ({
  type: 'appeals.ReviewerAssigned.v1',
  data: {
    appealId,
    accountManagerId,
    reviewerId,
    assignedAt: ASSIGNED_AT,
    decideDueAt: endOf(decideDueOn),
  },
});
const assign = (reviewerId = 'REVIEW-1', assignedBy = 'OFFICE-1'): AppealCommand => ({
  type: 'appeals.AssignReviewer',
  data: { appealId, reviewerId, assignedAt: ASSIGNED_AT, assignedBy },
});

const DECIDED_AT = '2026-04-16T16:00:00+08:00';
const decision = {
  appealId,
  reviewerId: 'REVIEW-1',
  outcome: 'upheld' as AppealDecided['data']['outcome'],
  corrections: [{ type: 'strike', recordId: 'E1' }] as readonly Correction[],
  reasons: '评价记录有误',
  decidedAt: DECIDED_AT,
};
const decided = (change: Partial<AppealDecided['data']> = {}): AppealEvent => ({
  type: 'appeals.AppealDecided.v1',
  data: {
    ...decision,
    accountManagerId,
    period,
    instance: 1,
    reviewDueOn: '2026-04-23',
    ...change,
  },
});
const decide = (change: Partial<typeof decision> = {}): AppealCommand => ({
  type: 'appeals.DecideAppeal',
  data: { ...decision, ...change },
});

const escalated = (step: 'accept' | 'decide', dueOn: string): AppealEvent => ({
  type: 'appeals.AppealEscalated.v1',
  data: { appealId, accountManagerId, step, dueOn },
});
const escalate = (step: 'accept' | 'decide', at: string): AppealCommand => ({
  type: 'appeals.EscalateAppeal',
  data: { appealId, step, at },
});

const REQUESTED_AT = '2026-04-20T09:00:00+08:00';
const reviewRequested: AppealEvent = {
  type: 'appeals.AppealReviewRequested.v1',
  data: {
    appealId,
    accountManagerId,
    requestedAt: REQUESTED_AT,
    grounds: '仍有异议',
    decideDueOn: '2026-05-05',
    decideDueAt: endOf('2026-05-05'),
  },
};
const requestReview = (
  requestedAt = REQUESTED_AT,
  requestedBy = accountManagerId,
): AppealCommand => ({
  type: 'appeals.RequestReview',
  data: { appealId, requestedBy, requestedAt, grounds: '仍有异议' },
});

const withdrawn: AppealEvent = {
  type: 'appeals.AppealWithdrawn.v1',
  data: { appealId, accountManagerId, withdrawnAt: ACCEPTED_AT },
};
const withdraw = (withdrawnAt = ACCEPTED_AT, withdrawnBy = accountManagerId): AppealCommand => ({
  type: 'appeals.WithdrawAppeal',
  data: { appealId, withdrawnBy, withdrawnAt },
});

const underDecision = [filed(), accepted(), assigned()];
const underReview = [...underDecision, decided(), reviewRequested];

describe('filing an appeal', () => {
  it('is recorded with the last day for its acceptance', () =>
    given(appeals, []).when(file(), facts()).thenEvents([filed()]));

  it('is taken once, also after its grounds were erased', () => {
    given(appeals, [filed()]).when(file(), facts()).thenNothing();
    given(appeals, [filed({ grounds: ERASED })])
      .when(file(), facts())
      .thenNothing();
    given(appeals, underReview).when(file(), facts()).thenNothing();
  });

  it.each([
    ['grounds', { grounds: '别的理由' }],
    ['records', { disputedRecordIds: ['M1'] }],
    ['period', { period: '2026-02' }],
  ])('is refused under the same id with other %s', (_, change) =>
    given(appeals, [filed()]).when(file(change), facts()).thenRefused('record-id-reused'),
  );

  it('is refused without grounds, without a disputed record, or with one named twice', () => {
    given(appeals, [])
      .when(file({ grounds: ' ' }), facts())
      .thenRefused('malformed');
    given(appeals, [])
      .when(file({ disputedRecordIds: [] }), facts())
      .thenRefused('malformed');
    given(appeals, [])
      .when(file({ disputedRecordIds: ['E1', 'E1'] }), facts())
      .thenRefused('malformed');
  });

  it('is for the subject alone', () =>
    given(appeals, []).when(file({}, 'AM00008'), facts()).thenRefused('not-appellant'));

  it.each(['incomplete', 'not-assessed'] as const)('is refused against an %s result', (status) =>
    given(appeals, []).when(file(), facts({ status })).thenRefused('no-published-result'),
  );

  it('is refused where nothing is published, or was not yet when it was filed', () => {
    given(appeals, []).when(file(), nothingPublished).thenRefused('no-published-result');
    given(appeals, [])
      .when(file({ filedAt: '2026-04-04T08:59:59+08:00' }), facts())
      .thenRefused('no-published-result');
  });

  it('names records of the subject, of the period, that were accepted', () =>
    given(appeals, [])
      .when(file({ disputedRecordIds: ['E1', 'E2'] }), facts())
      .thenRefused('record-not-disputable'));

  it('keeps its id for one person, like every record', () => {
    expect(recordOf(filed())).toEqual({ kind: 'appeal', recordId: 'AP1', first: true });
    expect(recordOf(accepted())).toBeNull();
  });
});

describe('the window for filing', () => {
  const at = (filedAt: string, change: Partial<Disputed> = {}) =>
    given(appeals, []).when(file({ filedAt }), facts(change));

  it('ends with the fifth working day after a Saturday, past a weekend and a holiday', () => {
    at('2026-04-13T23:59:59+08:00').thenEvents([
      filed({ filedAt: '2026-04-13T23:59:59+08:00', acceptDueOn: '2026-04-16' }),
    ]);
    at('2026-04-14T00:00:00+08:00').thenRefused('appeal-window-over');
  });

  it('does not count the publication day, a working day itself', () => {
    const publishedAt = '2026-04-07T00:00:00+08:00';
    const filedAt = '2026-04-14T23:59:59+08:00';
    at(filedAt, { publishedAt }).thenEvents([filed({ filedAt, acceptDueOn: '2026-04-17' })]);
    at('2026-04-15T00:00:00+08:00', { publishedAt }).thenRefused('appeal-window-over');
  });

  it('counts a Saturday that is worked', () => {
    const publishedAt = '2026-05-04T09:00:00+08:00';
    const filedAt = '2026-05-09T20:00:00+08:00';
    at(filedAt, { publishedAt }).thenEvents([filed({ filedAt, acceptDueOn: '2026-05-13' })]);
    at('2026-05-10T00:00:00+08:00', { publishedAt }).thenRefused('appeal-window-over');
  });

  it('is read on the calendar of the scheme, whatever offset was written', () => {
    at('2026-04-13T15:59:59Z').thenEvents([
      filed({ filedAt: '2026-04-13T15:59:59Z', acceptDueOn: '2026-04-16' }),
    ]);
    at('2026-04-13T16:00:00Z').thenRefused('appeal-window-over');
  });

  it('takes the publication day and the day of filing from the zone too', () => {
    // 23:30 on Monday the 6th in New York is Tuesday in Shanghai, and 13:00 there is 01:00.
    const publishedAt = '2026-04-06T23:30:00-04:00';
    const filedAt = '2026-04-14T13:00:00+08:00';
    at(filedAt, { publishedAt }).thenEvents([filed({ filedAt, acceptDueOn: '2026-04-17' })]);
    const change = { publishedAt, timezone: 'America/New_York' };
    at(filedAt, change).thenRefused('appeal-window-over');
  });

  it.each([
    ['forward', '2026-03-03T09:00:00-08:00', '2026-03-10', '2026-03-11', '-07:00', '2026-03-13'],
    ['back', '2026-10-27T09:00:00-07:00', '2026-11-03', '2026-11-04', '-08:00', '2026-11-06'],
  ])('ends at local midnight after clocks went %s', (_, publishedAt, last, next, offset, due) => {
    const change = { publishedAt, timezone: 'America/Los_Angeles' };
    const filedAt = `${last}T23:59:59${offset}`;
    const midnight = new Date(`${due}T23:59:59.999${offset}`).getTime() + 1;
    const acceptDueAt = new Date(midnight).toISOString();
    at(filedAt, change).thenEvents([filed({ filedAt, acceptDueOn: due, acceptDueAt })]);
    at(`${next}T00:00:00${offset}`, change).thenRefused('appeal-window-over');
  });

  it('is over once the cycle is finalised, though days are left', () => {
    const finalisedAt = '2026-04-08T12:00:00+08:00';
    at('2026-04-08T12:00:01+08:00', { finalisedAt }).thenRefused('appeal-window-over');
  });

  it('is still open at the very instant of finalising: appeals come first', () => {
    const finalisedAt = '2026-04-08T04:00:00Z';
    at(filing.filedAt, { finalisedAt }).thenEvents([filed()]);
  });
});

describe('acceptance', () => {
  it('sets the last day for the decision', () =>
    given(appeals, [filed()]).when(accept(), facts()).thenEvents([accepted()]));

  it('is taken once, and changes nothing later on', () => {
    given(appeals, [filed(), accepted()]).when(accept(), facts()).thenNothing();
    given(appeals, underReview).when(accept(), facts()).thenNothing();
  });

  it('in time leaves no escalation; a day late it leaves one before itself', () => {
    const inTime = '2026-04-13T23:59:59+08:00';
    given(appeals, [filed()])
      .when(accept(inTime), facts())
      .thenEvents([accepted({ acceptedAt: inTime, decideDueOn: '2026-04-27' })]);
    const late = '2026-04-14T00:00:00+08:00';
    given(appeals, [filed()])
      .when(accept(late), facts())
      .thenEvents([
        escalated('accept', '2026-04-13'),
        accepted({ acceptedAt: late, decideDueOn: '2026-04-28' }),
      ]);
    given(appeals, [filed(), escalated('accept', '2026-04-13')])
      .when(accept(late), facts())
      .thenEvents([accepted({ acceptedAt: late, decideDueOn: '2026-04-28' })]);
  });

  it('is not for the appellant, nor is its refusal', () => {
    given(appeals, [filed()])
      .when(accept(ACCEPTED_AT, accountManagerId), facts())
      .thenRefused('segregation-of-duties');
    given(appeals, [filed()])
      .when(refuse(ACCEPTED_AT, accountManagerId), facts())
      .thenRefused('segregation-of-duties');
  });

  it('may be refused once, before it is given', () => {
    given(appeals, [filed()]).when(refuse(), facts()).thenEvents([refused]);
    given(appeals, [filed(), refused]).when(refuse(), facts()).thenNothing();
    given(appeals, [filed(), accepted()])
      .when(refuse(), facts())
      .thenRefused('appeal-already-accepted');
  });

  it('refused late was escalated first', () =>
    given(appeals, [filed()])
      .when(refuse('2026-04-14T00:00:00+08:00'), facts())
      .thenEvents([
        escalated('accept', '2026-04-13'),
        {
          ...refused,
          data: { ...refused.data, decidedAt: '2026-04-14T00:00:00+08:00' },
        } as AppealEvent,
      ]));

  it('ends with a refusal or a withdrawal', () => {
    given(appeals, [filed(), refused]).when(accept(), facts()).thenRefused('appeal-closed');
    given(appeals, [filed(), withdrawn]).when(accept(), facts()).thenRefused('appeal-closed');
    given(appeals, [filed(), withdrawn]).when(refuse(), facts()).thenRefused('appeal-closed');
  });
});

describe('the reviewer', () => {
  it('is assigned once', () => {
    given(appeals, [filed(), accepted()]).when(assign(), facts()).thenEvents([assigned()]);
    given(appeals, underDecision).when(assign(), facts()).thenNothing();
  });

  it('may be replaced before the decision', () =>
    given(appeals, underDecision)
      .when(assign('REVIEW-2'), facts())
      .thenEvents([assigned('REVIEW-2')]));

  it.each([
    ['the subject', accountManagerId],
    ['the author of a disputed record', 'RATER-1'],
    ['the supervisor in the period', 'SUP-U01'],
    ['the supervisor now', 'SUP-U02'],
  ])('is not %s', (_, reviewerId) =>
    given(appeals, [filed(), accepted()])
      .when(assign(reviewerId), facts())
      .thenRefused('reviewer-not-independent'),
  );

  it('may be the author of a record that is not disputed', () =>
    given(appeals, [filed(), accepted()])
      .when(assign('OFFICE-9'), facts())
      .thenEvents([assigned('OFFICE-9')]));

  it('of the review is not the earlier decider', () => {
    given(appeals, underReview).when(assign(), facts()).thenRefused('reviewer-not-independent');
    given(appeals, underReview)
      .when(assign('REVIEW-2'), facts())
      .thenEvents([assigned('REVIEW-2', '2026-05-05')]);
  });

  it('is not assigned by the appellant', () =>
    given(appeals, [filed(), accepted()])
      .when(assign('REVIEW-2', accountManagerId), facts())
      .thenRefused('segregation-of-duties'));

  it('is not assigned before acceptance, after the decision, or when the appeal is closed', () => {
    given(appeals, [filed()]).when(assign(), facts()).thenRefused('appeal-not-accepted');
    given(appeals, [...underDecision, decided()])
      .when(assign('REVIEW-2'), facts())
      .thenRefused('appeal-already-decided');
    given(appeals, [filed(), refused]).when(assign(), facts()).thenRefused('appeal-closed');
    given(appeals, [filed(), withdrawn]).when(assign(), facts()).thenRefused('appeal-closed');
  });
});

describe('the decision', () => {
  it('is recorded with its corrections and the last day for asking a review', () =>
    given(appeals, underDecision).when(decide(), facts()).thenEvents([decided()]));

  it('is taken once', () => {
    given(appeals, [...underDecision, decided()])
      .when(decide(), facts())
      .thenNothing();
    given(appeals, underReview).when(decide(), facts()).thenNothing();
    given(appeals, [...underDecision, decided({ reasons: ERASED })])
      .when(decide(), facts())
      .thenNothing();
  });

  it('is not replaced by another', () =>
    given(appeals, [...underDecision, decided()])
      .when(decide({ outcome: 'dismissed', corrections: [] }), facts())
      .thenRefused('appeal-already-decided'));

  it('is made by the assigned reviewer', () => {
    given(appeals, underDecision)
      .when(decide({ reviewerId: 'REVIEW-2' }), facts())
      .thenRefused('reviewer-not-assigned');
    given(appeals, [filed(), accepted()])
      .when(decide(), facts())
      .thenRefused('reviewer-not-assigned');
  });

  it('is not made by a reviewer who became the supervisor since', () =>
    given(appeals, underDecision)
      .when(decide(), facts({ supervisorIds: ['REVIEW-1'] }))
      .thenRefused('reviewer-not-independent'));

  it('comes after acceptance, and not when the appeal is closed', () => {
    given(appeals, [filed()]).when(decide(), facts()).thenRefused('appeal-not-accepted');
    given(appeals, [filed(), refused]).when(decide(), facts()).thenRefused('appeal-closed');
    given(appeals, [...underDecision, withdrawn])
      .when(decide(), facts())
      .thenRefused('appeal-closed');
  });

  it('that comes late is fully effective, and was escalated first', () => {
    const decidedAt = '2026-04-24T09:00:00+08:00';
    given(appeals, underDecision)
      .when(decide({ decidedAt }), facts())
      .thenEvents([
        escalated('decide', '2026-04-23'),
        decided({ decidedAt, reviewDueOn: '2026-05-04' }),
      ]);
  });

  it('goes on after the cycle is finalised', () =>
    given(appeals, underDecision)
      .when(decide(), facts({ finalisedAt: '2026-04-10T18:00:00+08:00' }))
      .thenEvents([decided()]));

  it('is not made before the appeal was filed', () =>
    given(appeals, underDecision)
      .when(decide({ decidedAt: '2026-04-08T11:59:59+08:00' }), facts())
      .thenRefused('malformed'));

  it('dismissed carries no corrections', () => {
    given(appeals, underDecision)
      .when(decide({ outcome: 'dismissed' }), facts())
      .thenRefused('malformed');
    given(appeals, underDecision)
      .when(decide({ outcome: 'dismissed', corrections: [] }), facts())
      .thenEvents([decided({ outcome: 'dismissed', corrections: [] })]);
  });

  it.each<[string, readonly Correction[]]>([
    ['strikes a record that nobody disputed', [{ type: 'strike', recordId: 'M1' }]],
    ['strikes a complaint', [{ type: 'strike', recordId: 'C1' }]],
    ['replaces a metric', [{ type: 'replace', recordId: 'M1', value: '-180.35' }]],
    ['replaces an evaluation', [{ type: 'replace', recordId: 'E1', value: '100' }]],
    ['grants points', [{ type: 'adjust', points: '3' }]],
    ['corrects nothing', []],
  ])('%s', (_, corrections) =>
    given(appeals, underDecision)
      .when(decide({ corrections, outcome: 'partially-upheld' }), facts())
      .thenEvents([decided({ corrections, outcome: 'partially-upheld' })]),
  );

  it.each<[string, readonly Correction[], string]>([
    ['an unknown record', [{ type: 'strike', recordId: 'E2' }], 'record-not-disputable'],
    [
      'the value of a complaint',
      [{ type: 'replace', recordId: 'C1', value: '1' }],
      'record-not-disputable',
    ],
    ['a value that is none', [{ type: 'replace', recordId: 'M1', value: '1/2' }], 'malformed'],
    [
      'an evaluation above 100',
      [{ type: 'replace', recordId: 'E1', value: '100.01' }],
      'malformed',
    ],
    ['points that are none', [{ type: 'adjust', points: 'three' }], 'malformed'],
  ])('is refused to correct %s', (_, corrections, code) =>
    given(appeals, underDecision).when(decide({ corrections }), facts()).thenRefused(code),
  );
});

describe('escalation', () => {
  it('comes when the last day is over, once for each step and day', () => {
    given(appeals, [filed()])
      .when(escalate('accept', '2026-04-13T23:59:59+08:00'), facts())
      .thenNothing();
    given(appeals, [filed()])
      .when(escalate('accept', '2026-04-14T00:00:00+08:00'), facts())
      .thenEvents([escalated('accept', '2026-04-13')]);
    given(appeals, [filed(), escalated('accept', '2026-04-13')])
      .when(escalate('accept', '2026-05-14T00:00:00+08:00'), facts())
      .thenNothing();
  });

  it('of the decision is apart from that of the acceptance', () =>
    given(appeals, [filed(), escalated('accept', '2026-04-13'), accepted()])
      .when(escalate('decide', '2026-04-24T00:00:00+08:00'), facts())
      .thenEvents([escalated('decide', '2026-04-23')]));

  it('of the review is apart from that of the first decision', () =>
    given(appeals, [
      ...underDecision,
      escalated('decide', '2026-04-23'),
      decided(),
      reviewRequested,
    ])
      .when(escalate('decide', '2026-05-06T00:00:00+08:00'), facts())
      .thenEvents([escalated('decide', '2026-05-05')]));

  it('finds nothing to do where the step is done, or the appeal is over', () => {
    const late = '2026-12-01T00:00:00+08:00';
    given(appeals, [filed(), accepted()]).when(escalate('accept', late), facts()).thenNothing();
    given(appeals, [...underDecision, decided()])
      .when(escalate('decide', late), facts())
      .thenNothing();
    given(appeals, [filed(), withdrawn]).when(escalate('accept', late), facts()).thenNothing();
    given(appeals, [filed(), refused]).when(escalate('accept', late), facts()).thenNothing();
  });
});

describe('the one review', () => {
  const afterDecision = [...underDecision, decided()];

  it('is asked by the appellant within its working days', () => {
    given(appeals, afterDecision).when(requestReview(), facts()).thenEvents([reviewRequested]);
    given(appeals, afterDecision)
      .when(requestReview('2026-04-24T00:00:00+08:00'), facts())
      .thenRefused('review-window-over');
    given(appeals, afterDecision)
      .when(requestReview(REQUESTED_AT, 'SUP-U01'), facts())
      .thenRefused('not-appellant');
  });

  it('is asked on the last day', () =>
    given(appeals, afterDecision)
      .when(requestReview('2026-04-23T23:59:59+08:00'), facts())
      .thenEvents([
        {
          type: 'appeals.AppealReviewRequested.v1',
          data: {
            appealId,
            accountManagerId,
            requestedAt: '2026-04-23T23:59:59+08:00',
            grounds: '仍有异议',
            decideDueOn: '2026-05-08',
            decideDueAt: endOf('2026-05-08'),
          },
        },
      ]));

  it('is asked once', () => {
    given(appeals, underReview).when(requestReview(), facts()).thenNothing();
    given(appeals, underReview)
      .when(requestReview('2026-04-21T09:00:00+08:00'), facts())
      .thenRefused('review-already-requested');
  });

  it('is decided by another reviewer and ends the appeal', () => {
    const second = { reviewerId: 'REVIEW-2', decidedAt: '2026-04-28T16:00:00+08:00' };
    const events = [...underReview, assigned('REVIEW-2')];
    const last = decided({ ...second, instance: 2, reviewDueOn: '2026-04-28' });
    given(appeals, events).when(decide(second), facts()).thenEvents([last]);
    given(appeals, [...events, last])
      .when(decide(second), facts())
      .thenNothing();
    given(appeals, [...events, last])
      .when(requestReview('2026-04-28T17:00:00+08:00'), facts())
      .thenRefused('review-already-requested');
    given(appeals, [...events, last])
      .when(assign('REVIEW-3'), facts())
      .thenRefused('appeal-already-decided');
  });

  it('is not decided by the reviewer of the first decision, who is no longer assigned', () =>
    given(appeals, underReview)
      .when(decide({ outcome: 'dismissed', corrections: [] }), facts())
      .thenRefused('reviewer-not-assigned'));

  it('needs a decision', () => {
    given(appeals, underDecision).when(requestReview(), facts()).thenRefused('appeal-not-decided');
    given(appeals, [filed(), refused]).when(requestReview(), facts()).thenRefused('appeal-closed');
  });
});

describe('withdrawing', () => {
  it('is open to the appellant any time before the decision', () => {
    given(appeals, [filed()]).when(withdraw(), facts()).thenEvents([withdrawn]);
    given(appeals, underDecision).when(withdraw(), facts()).thenEvents([withdrawn]);
    given(appeals, [filed(), withdrawn]).when(withdraw(), facts()).thenNothing();
  });

  it('late leaves on record that the step was overdue', () => {
    const withdrawnAt = '2026-04-24T00:00:00+08:00';
    given(appeals, underDecision)
      .when(withdraw(withdrawnAt), facts())
      .thenEvents([
        escalated('decide', '2026-04-23'),
        { ...withdrawn, data: { ...withdrawn.data, withdrawnAt } } as AppealEvent,
      ]);
  });

  it('is not open to others, nor after the decision, nor under review', () => {
    given(appeals, [filed()])
      .when(withdraw(ACCEPTED_AT, 'OFFICE-1'), facts())
      .thenRefused('not-appellant');
    given(appeals, [...underDecision, decided()])
      .when(withdraw('2026-04-17T09:00:00+08:00'), facts())
      .thenRefused('appeal-already-decided');
    given(appeals, underReview)
      .when(withdraw('2026-04-21T09:00:00+08:00'), facts())
      .thenRefused('appeal-already-decided');
    given(appeals, [filed(), refused]).when(withdraw(), facts()).thenRefused('appeal-closed');
  });
});

it.each([
  ['accepted', accept()],
  ['refused', refuse()],
  ['assigned', assign()],
  ['decided', decide()],
  ['escalated', escalate('accept', ACCEPTED_AT)],
  ['reviewed', requestReview()],
  ['withdrawn', withdraw()],
])('an appeal that nobody filed is not %s', (_, command) =>
  given(appeals, []).when(command, facts()).thenRefused('unknown-appeal'),
);

describe('a row of the history', () => {
  const row = (change: Partial<RecordAppeal['data']> = {}): AppealCommand => ({
    type: 'appeals.RecordAppeal',
    data: {
      ...filing,
      acceptedBy: 'IMPORT',
      reviewerId: 'REVIEW-1',
      outcome: 'upheld',
      corrections: decision.corrections,
      ...change,
    },
  });
  const takenUp: AppealEvent = {
    type: 'appeals.AppealAccepted.v1',
    data: {
      appealId,
      accountManagerId,
      acceptedBy: 'IMPORT',
      acceptedAt: filing.filedAt,
      decideDueOn: '2026-04-22',
      decideDueAt: endOf('2026-04-22'),
    },
  };
  const given1: AppealEvent = {
    type: 'appeals.ReviewerAssigned.v1',
    data: { appealId, accountManagerId, reviewerId: 'REVIEW-1', assignedAt: filing.filedAt },
  };

  it('implies acceptance and assignment when it is filed', () =>
    given(appeals, []).when(row(), facts()).thenEvents([filed(), takenUp, given1]));

  it('was not taken up where it was found inadmissible', () =>
    given(appeals, [])
      .when(row({ outcome: 'inadmissible', corrections: [] }), facts())
      .thenEvents([filed()]));

  it('may still be undecided, and without a reviewer', () =>
    given(appeals, [])
      .when(row({ outcome: null, corrections: [], reviewerId: null }), facts())
      .thenEvents([filed(), takenUp]));

  it('is taken once, at whatever stage it is', () => {
    const events = [filed(), takenUp, given1];
    given(appeals, events).when(row(), facts()).thenNothing();
    given(appeals, [...events, decided()])
      .when(row(), facts())
      .thenNothing();
  });

  it('may say more than an earlier row did', () =>
    given(appeals, [filed(), takenUp]).when(row(), facts()).thenEvents([given1]));

  it('may not say otherwise than an earlier row did', () => {
    const events = [filed(), takenUp, given1, decided()];
    given(appeals, events)
      .when(row({ outcome: 'dismissed', corrections: [] }), facts())
      .thenRefused('record-id-reused');
    given(appeals, events)
      .when(row({ reviewerId: 'REVIEW-2' }), facts())
      .thenRefused('record-id-reused');
    given(appeals, events)
      .when(row({ corrections: [{ type: 'adjust', points: '1' }] }), facts())
      .thenRefused('record-id-reused');
    given(appeals, [filed(), takenUp, given1])
      .when(row({ reviewerId: 'REVIEW-2' }), facts())
      .thenRefused('record-id-reused');
    given(appeals, [filed()])
      .when(row({ grounds: '别的' }), facts())
      .thenRefused('record-id-reused');
  });

  it.each(['upheld', 'inadmissible', 'withdrawn', null] as const)(
    'needs a published result, whatever its outcome (%s)',
    (outcome) =>
      given(appeals, [])
        .when(row({ outcome, corrections: [] }), nothingPublished)
        .thenRefused('no-published-result'),
  );

  it('is refused by the first check that fails: result, window, reviewer, records', () => {
    const late = '2026-05-20T09:00:00+08:00';
    const wrong = { reviewerId: 'RATER-1', disputedRecordIds: ['E1', 'E2'] };
    given(appeals, [])
      .when(row({ ...wrong, filedAt: late }), facts({ status: 'incomplete' }))
      .thenRefused('no-published-result');
    given(appeals, [])
      .when(row({ ...wrong, filedAt: late }), facts())
      .thenRefused('appeal-window-over');
    given(appeals, []).when(row(wrong), facts()).thenRefused('reviewer-not-independent');
    given(appeals, [])
      .when(row({ ...wrong, reviewerId: 'REVIEW-1' }), facts())
      .thenRefused('record-not-disputable');
  });

  it('is checked whole when it is filed, its later corrections too', () => {
    given(appeals, [])
      .when(row({ corrections: [{ type: 'strike', recordId: 'E2' }] }), facts())
      .thenRefused('record-not-disputable');
    given(appeals, [])
      .when(row({ corrections: [{ type: 'replace', recordId: 'C1', value: '1' }] }), facts())
      .thenRefused('record-not-disputable');
  });

  it('is malformed with corrections that its outcome cannot have, or decided by nobody', () => {
    for (const outcome of ['dismissed', 'inadmissible', 'withdrawn', null] as const) {
      given(appeals, []).when(row({ outcome }), facts()).thenRefused('malformed');
    }
    given(appeals, [])
      .when(row({ reviewerId: null }), facts())
      .thenRefused('malformed');
  });
});
