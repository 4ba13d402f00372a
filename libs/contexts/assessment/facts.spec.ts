import * as fc from 'fast-check';
import { conductFixtures } from '../conduct/fixtures.js';
import { evaluationFixtures } from '../evaluations/fixtures.js';
import { feedbackCallFixtures } from '../feedback-calls/fixtures.js';
import { metricFixtures } from '../metrics/fixtures.js';
import { workTraceFixtures } from '../work-traces/fixtures.js';
import { authorsOf } from './authors.js';
import {
  type AssessmentState,
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  factsAfter,
  initialAssessment,
  kindsOfCorrected,
  recordIsCorrectable,
  recordIsDisputable,
  recordOnFile,
  toFacts,
} from './facts.js';
import type { Correction } from '#rules';
import { assessmentFixtures } from './fixtures.js';

const fixtures = {
  ...metricFixtures,
  ...evaluationFixtures,
  ...feedbackCallFixtures,
  ...workTraceFixtures,
  ...conductFixtures,
  ...assessmentFixtures,
};

type Type = AssessmentStreamEvent['type'];
const example = <T extends Type>(
  type: T,
  changes: Partial<Extract<AssessmentStreamEvent, { type: T }>['data']> = {},
): AssessmentStreamEvent =>
  ({ type, data: { ...fixtures[type], ...changes } }) as AssessmentStreamEvent;

const folded = (events: readonly AssessmentStreamEvent[]): AssessmentState =>
  events.reduce(evolveAssessment, initialAssessment());

const corrected = (
  corrections: Extract<
    AssessmentStreamEvent,
    { type: 'assessment.ResultCorrected.v1' }
  >['data']['corrections'],
) => example('assessment.ResultCorrected.v1', { corrections });

it('folds one example of every fact into what the rules take', () => {
  const state = folded([
    example('metrics.GoalSet.v1'),
    example('metrics.GoalSet.v1', { target: '90' }),
    example('metrics.MetricRecorded.v1'),
    example('evaluations.EvaluationSubmitted.v1'),
    example('feedback-calls.FeedbackCallCompleted.v1'),
    example('feedback-calls.FeedbackCallRefused.v1'),
    example('feedback-calls.FeedbackCallUnreachable.v1'),
    example('work-traces.WorkTraceLogged.v1'),
    example('work-traces.WorkTraceLogged.v1', { traceId: 'T2', customerId: undefined }),
    example('conduct.ComplaintDecided.v1'),
    example('conduct.AdjustmentGranted.v1'),
    example('conduct.VetoRecorded.v1'),
  ]);
  const trace = {
    recordId: 'T0000001',
    type: 'visit',
    customerId: 'C18145',
    occurredAt: '2026-01-09T08:03:34+08:00',
    loggedAt: '2026-01-10T04:03:34+08:00',
    voided: false,
  };
  expect(toFacts(state)).toEqual({
    goals: new Map([['sales-attainment', '90']]),
    metrics: [
      {
        recordId: 'M0000001',
        indicatorId: 'sales-attainment',
        actual: '82.48',
        recordedAt: '2026-02-01T20:17:57+08:00',
      },
    ],
    evaluations: [
      {
        recordId: 'E0000002',
        indicatorId: 'service-conduct',
        raterId: 'SUP-U01',
        raterGroup: 'supervisor',
        score: '95.27',
        submittedAt: '2026-02-01T18:37:26+08:00',
        withdrawn: false,
      },
    ],
    calls: [
      {
        recordId: 'F0000003',
        answers: { attitude: 5, expertise: 4, responsiveness: 4, satisfaction: 5 },
      },
    ],
    traces: [trace, { ...trace, recordId: 'T2', customerId: null }],
    complaints: [{ recordId: 'Q0000001', upheld: true }],
    adjustments: [{ recordId: 'A0000002', points: '-12', grantedBy: 'OFFICE' }],
    vetoes: [{ recordId: 'V0000001', code: 'integrity-breach' }],
    corrections: [],
  });
});

it('amends an evaluation at its old time and place, withdraws it, and voids a trace', () => {
  const state = folded([
    example('evaluations.EvaluationSubmitted.v1'),
    example('evaluations.EvaluationSubmitted.v1', { evaluationId: 'E3' }),
    example('evaluations.EvaluationAmended.v1'),
    example('evaluations.EvaluationWithdrawn.v1', { evaluationId: 'E3' }),
    example('work-traces.WorkTraceLogged.v1'),
    example('work-traces.WorkTraceVoided.v1'),
  ]);
  const [amended, withdrawn] = toFacts(state).evaluations;
  expect(amended).toMatchObject({
    recordId: 'E0000002',
    score: '93.5',
    submittedAt: '2026-02-01T18:37:26+08:00',
    withdrawn: false,
  });
  expect(withdrawn).toMatchObject({ recordId: 'E3', score: '95.27', withdrawn: true });
  expect(toFacts(state).traces[0]?.voided).toBe(true);
});

it('gathers corrections in order of decision, beside the facts that they speak of', () => {
  const state = folded([
    example('metrics.MetricRecorded.v1'),
    example('assessment.FactsFrozen.v1'),
    example('assessment.ResultPublished.v1'),
    corrected([{ type: 'strike', recordId: 'M0000001' }]),
    corrected([{ type: 'adjust', points: '1' }]),
  ]);
  expect(toFacts(state).corrections).toEqual([
    { type: 'strike', recordId: 'M0000001' },
    { type: 'adjust', points: '1' },
  ]);
  expect(toFacts(state).metrics).toHaveLength(1);
  expect(state.results).toHaveLength(3);
  expect(state.frozen?.accountManagerId).toBe('AM00001');
  expect(currentResult(state)).toBe(state.results[2]);
});

it('knows what is struck after all decisions: the latest about a record holds', () => {
  const state = folded([
    corrected([
      { type: 'strike', recordId: 'E1' },
      { type: 'strike', recordId: 'S1' },
    ]),
    corrected([{ type: 'replace', recordId: 'E1', value: '60' }]),
    corrected([
      { type: 'replace', recordId: 'E2', value: '60' },
      { type: 'strike', recordId: 'E2' },
    ]),
  ]);
  expect([...state.struck].sort()).toEqual(['E2', 'S1']);
});

it('keeps credits, returns and awards for settlement, and the latest freeze of them', () => {
  const state = folded([
    example('conduct.SalesCredited.v1'),
    example('conduct.SalesReturned.v1'),
    example('conduct.AwardGranted.v1'),
    example('assessment.CreditsFrozen.v1'),
    example('assessment.CreditsFrozen.v1', { batchId: 'anew' }),
  ]);
  expect(state.credits).toEqual([
    { creditId: 'S0000001', productId: 'standard', amountMinor: '6720852' },
  ]);
  expect(state.returns[0]).toMatchObject({
    creditId: 'S0000003',
    original: { creditId: 'S0000001', accountManagerId: 'AM00001', period: '2026-01' },
  });
  expect(state.awards).toEqual([{ awardId: 'W0000002', amountMinor: '-20000' }]);
  expect(state.creditsFrozen?.batchId).toBe('anew');
});

describe('records that an appeal may name', () => {
  const state = folded([
    example('metrics.MetricRecorded.v1'),
    example('evaluations.EvaluationSubmitted.v1'),
    example('feedback-calls.FeedbackCallCompleted.v1'),
    example('feedback-calls.FeedbackCallRefused.v1'),
    example('work-traces.WorkTraceLogged.v1'),
    example('conduct.ComplaintDecided.v1'),
    example('conduct.AdjustmentGranted.v1'),
    example('conduct.VetoRecorded.v1'),
    example('conduct.SalesCredited.v1'),
    example('conduct.SalesReturned.v1'),
    example('conduct.AwardGranted.v1'),
  ]);

  it.each([
    ['M0000001', 'metric', null, true],
    ['E0000002', 'evaluation', 'SUP-U01', true],
    ['F0000003', 'feedback-call', null, false],
    ['F0000004', 'feedback-call', null, false],
    ['T0000001', 'work-trace', null, false],
    ['Q0000001', 'complaint', null, false],
    ['A0000002', 'adjustment', 'OFFICE', false],
    ['V0000001', 'veto', null, false],
    ['S0000001', 'sales-credit', null, false],
    ['S0000003', 'sales-credit', null, false],
    ['W0000002', 'award', null, false],
  ])('%s is a %s by %s, replaceable: %s', (recordId, kind, authorId, replaceable) => {
    expect(recordOnFile(state, recordId)).toEqual({ kind, authorId });
    expect(recordIsDisputable(state, recordId)).toBe(true);
    expect(recordIsCorrectable(state, { type: 'strike', recordId })).toBe(true);
    expect(recordIsCorrectable(state, { type: 'replace', recordId, value: '1' })).toBe(replaceable);
  });

  it('knows none that was not accepted', () => {
    expect(recordIsDisputable(state, 'M2')).toBe(false);
    expect(recordIsCorrectable(state, { type: 'strike', recordId: 'M2' })).toBe(false);
    expect(recordIsCorrectable(state, { type: 'adjust', points: '1' })).toBe(true);
    expect(
      kindsOfCorrected(state, [
        { type: 'strike', recordId: 'M2' },
        { type: 'strike', recordId: 'Q0000001' },
        { type: 'adjust', points: '1' },
      ]),
    ).toEqual({ Q0000001: 'complaint' });
  });

  it('finds everybody who made or changed a record, and nobody else', () => {
    const by = (id: string, event: AssessmentStreamEvent) => ({
      ...event,
      metadata: { actor: { id, onBehalfOf: 'IMPORTER' } },
    });
    const events = [
      by('SUP-U01', example('evaluations.EvaluationSubmitted.v1')),
      by('DEPUTY', example('evaluations.EvaluationAmended.v1')),
      by('CLERK', example('conduct.AdjustmentGranted.v1')),
      by('AUDITED', example('metrics.MetricRecorded.v1')),
      example('conduct.VetoRecorded.v1'),
    ];
    expect([...authorsOf(events, ['E0000002', 'A0000002', 'V0000001'])].sort()).toEqual([
      'CLERK',
      'DEPUTY',
      'OFFICE',
      'SUP-U01',
    ]);
  });
});

it('gives the same facts in any order of records, but for the order of its lists', () => {
  const records = [
    ...Array.from({ length: 4 }, (_, index) =>
      example('metrics.MetricRecorded.v1', {
        recordId: `M${index}`,
        recordedAt: `2026-02-01T20:17:0${index}+08:00`,
      }),
    ),
    ...Array.from({ length: 3 }, (_, index) =>
      example('evaluations.EvaluationSubmitted.v1', { evaluationId: `E${index}` }),
    ),
    ...Array.from({ length: 3 }, (_, index) =>
      example('work-traces.WorkTraceLogged.v1', { traceId: `T${index}` }),
    ),
    example('feedback-calls.FeedbackCallCompleted.v1'),
    example('conduct.ComplaintDecided.v1'),
    example('conduct.AdjustmentGranted.v1'),
    example('conduct.VetoRecorded.v1'),
  ];
  const changes = [
    example('evaluations.EvaluationAmended.v1', { evaluationId: 'E1' }),
    example('evaluations.EvaluationWithdrawn.v1', { evaluationId: 'E2' }),
    example('work-traces.WorkTraceVoided.v1', { traceId: 'T0' }),
  ];
  const sorted = (events: readonly AssessmentStreamEvent[]) => {
    const facts = toFacts(folded(events));
    const byId = (a: { recordId: string }, b: { recordId: string }) =>
      a.recordId < b.recordId ? -1 : 1;
    return {
      metrics: [...facts.metrics].sort(byId),
      evaluations: [...facts.evaluations].sort(byId),
      traces: [...facts.traces].sort(byId),
      others: [facts.calls, facts.complaints, facts.adjustments, facts.vetoes],
    };
  };
  const expected = sorted([...records, ...changes]);
  const orders = fc.tuple(
    fc.shuffledSubarray(records, { minLength: records.length }),
    fc.shuffledSubarray(changes, { minLength: changes.length }),
  );
  fc.assert(
    fc.property(orders, ([first, then]) => {
      expect(sorted([...first, ...then])).toEqual(expected);
    }),
    { seed: 20_260_331, numRuns: 50 },
  );
});

describe('a decision whose resolution came late', () => {
  const recordId = 'M0000001';
  const strike = { type: 'strike', recordId } as const;
  const replace = { type: 'replace', recordId, value: '90' } as const;
  const [earlier, later] = ['2026-04-16T16:00:00+08:00', '2026-04-17T09:00:00Z'];
  const decided = (decidedAt: string, corrections: readonly Correction[]) =>
    example('assessment.ResultCorrected.v1', { decidedAt, corrections });

  it('does not overrule the one that was taken after it', () => {
    const inOrder = folded([decided(earlier, [strike]), decided(later, [replace])]);
    const late = folded([decided(later, [replace]), decided(earlier, [strike])]);
    expect(late.corrections).toEqual([strike, replace]);
    expect(late.corrections).toEqual(inOrder.corrections);
    expect([...late.struck]).toEqual([...inOrder.struck]);
    expect([...late.struck]).toEqual([]);
  });

  it('is computed in its own place', () => {
    const state = folded([decided(later, [replace])]);
    const facts = factsAfter(state, { decidedAt: earlier, corrections: [strike] });
    expect(facts.corrections).toEqual([strike, replace]);
    expect(state.corrections).toEqual([replace]);
  });

  it('of the same instant stands where the log has it', () =>
    expect(folded([decided(later, [replace]), decided(later, [strike])]).corrections).toEqual([
      replace,
      strike,
    ]));
});
