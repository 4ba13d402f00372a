import type { CallFact } from './facts.js';
import {
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
import { eligibleWorkdays, verdicts } from './verdicts.js';

const visits = schemeOf({
  indicators: [traceIndicator({ countOnce: 'customer-day', defaultTarget: '20' })],
});

describe('the verdict on a recorded fact', () => {
  it('tells why a work trace does not count', () => {
    const context = contextOf({ absences: [{ from: '2026-03-12', to: '2026-03-13' }] });
    const at = (day: string, time: string) => `2026-03-${day}T${time}:00+08:00`;
    const late = { occurredAt: at('10', '11:00'), loggedAt: at('12', '11:01') };
    const facts = factsOf({
      traces: [
        traceOf({ recordId: 'first' }),
        traceOf({ recordId: 'again', occurredAt: at('10', '16:00'), loggedAt: at('10', '16:01') }),
        traceOf({ recordId: 'late', customerId: 'C2', ...late }),
        traceOf({ recordId: 'in-time', customerId: 'C3', ...late, loggedAt: at('12', '11:00') }),
        traceOf({
          recordId: 'away',
          occurredAt: at('12', '09:00'),
          loggedAt: at('12', '09:00'),
        }),
        traceOf({ recordId: 'void', customerId: 'C4', voided: true }),
        traceOf({ recordId: 'call', type: 'phone' }),
        traceOf({ recordId: 'struck', customerId: 'C5' }),
      ],
      corrections: [{ type: 'strike', recordId: 'struck' }],
    });
    expect(Object.fromEntries(verdicts(visits, context, facts).traces)).toEqual({
      first: 'counts',
      again: 'same-customer-day',
      late: 'logged-late',
      'in-time': 'counts',
      away: 'not-present',
      void: 'voided',
      call: 'not-in-scheme',
      struck: 'struck',
    });
  });

  it('lets what a struck record had superseded count again', () => {
    const scheme = schemeOf({ indicators: [metricIndicator()] });
    const metrics = [
      metricOf('90', { recordId: 'old', recordedAt: '2026-03-01T00:00:00Z' }),
      metricOf('10', { recordId: 'new', recordedAt: '2026-03-02T00:00:00Z' }),
      metricOf('10', { recordId: 'other', indicatorId: 'unknown' }),
    ];
    const before = verdicts(scheme, contextOf(), factsOf({ metrics }));
    expect([...before.metrics.values()]).toEqual(['superseded', 'counts', 'not-in-scheme']);
    const corrections = [{ type: 'strike', recordId: 'new' }] as const;
    const after = verdicts(scheme, contextOf(), factsOf({ metrics, corrections }));
    expect([...after.metrics.values()]).toEqual(['counts', 'struck', 'not-in-scheme']);
  });

  it('tells of a rater’s earlier score, a withdrawn one, a group without weight, peers too few', () => {
    const raters = { supervisor: '70', peer: '30' };
    const scheme = schemeOf({ indicators: [evaluationIndicator({ raters, minimumPeers: 2 })] });
    const evaluations = [
      evaluationOf('supervisor', '80', { submittedAt: '2026-03-01T00:00:00Z', recordId: 'early' }),
      evaluationOf('supervisor', '90', { submittedAt: '2026-03-02T00:00:00Z', recordId: 'later' }),
      evaluationOf('supervisor', '95', { recordId: 'gone', raterId: 'R2', withdrawn: true }),
      evaluationOf('customer', '95', { recordId: 'customer' }),
      evaluationOf('peer', '95', { recordId: 'peer', raterId: 'R3' }),
    ];
    const found = verdicts(scheme, contextOf(), factsOf({ evaluations })).evaluations;
    expect(Object.fromEntries(found)).toEqual({
      early: 'superseded',
      later: 'counts',
      gone: 'withdrawn',
      customer: 'not-in-scheme',
      peer: 'too-few-peers',
    });
  });

  it('tells of a call without an answer, and of a sample too small', () => {
    const scheme = schemeOf({ indicators: [feedbackIndicator({ minimumSample: 2 })] });
    const calls: CallFact[] = [
      { recordId: 'one', answers: { attitude: 5 } },
      { recordId: 'none', answers: {} },
    ];
    const few = verdicts(scheme, contextOf(), factsOf({ calls })).calls;
    expect([...few.values()]).toEqual(['too-few-calls', 'no-answer']);
    const more = [...calls, { recordId: 'two', answers: { satisfaction: 1 } }];
    const enough = verdicts(scheme, contextOf(), factsOf({ calls: more })).calls;
    expect([...enough.values()]).toEqual(['counts', 'no-answer', 'counts']);
  });
});

it('lists the workdays in employment and outside absences, with the calendar’s exceptions', () => {
  const context = contextOf({
    joinedOn: '2026-03-26',
    absences: [{ from: '2026-03-27', to: '2026-03-27' }],
    calendar: [
      { date: '2026-03-28', kind: 'workday' },
      { date: '2026-03-30', kind: 'holiday' },
    ],
  });
  expect(eligibleWorkdays(context)).toEqual(['2026-03-26', '2026-03-28', '2026-03-31']);
});
