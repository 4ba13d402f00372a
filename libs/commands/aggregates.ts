import { appeals, recordOf as appealRecordOf } from '#contexts/appeals';
import {
  assessment,
  type AssessmentCommand,
  type AssessmentFacts,
  type AssessmentStreamEvent,
  corrections,
  type CreditsFrozen,
  type FactsFrozen,
} from '#contexts/assessment';
import {
  bonusBatches,
  recordOf as bonusBatchRecordOf,
  settlementRegister,
} from '#contexts/bonus-batches';
import { payrollInbox } from '#contexts/payroll-inbox';
import {
  type AwardGranted,
  type ComplaintDecided,
  complaintDecisions,
  complaints,
  conduct,
  type ConductCommand,
  type ConductEvent,
  type ConductFacts,
  type DecideComplaint,
  type DecideComplaintFacts,
  earnings,
  type EarningsCommand,
  type EarningsFacts,
  recordOf as conductRecordOf,
  type VetoRecorded,
} from '#contexts/conduct';
import { cycles } from '#contexts/cycles';
import {
  type EvaluationCommand,
  type EvaluationEvent,
  type EvaluationFacts,
  evaluations,
  recordOf as evaluationRecordOf,
} from '#contexts/evaluations';
import {
  type FeedbackCallEvent,
  type FeedbackCallFacts,
  feedbackCalls,
  feedbackSamples,
  type RecordFeedbackCall,
  recordOf as feedbackCallRecordOf,
} from '#contexts/feedback-calls';
import {
  type MetricCommand,
  type MetricEvent,
  type MetricFacts,
  metrics,
  recordOf as metricRecordOf,
} from '#contexts/metrics';
import { accountManager, organisation } from '#contexts/people';
import { schemes } from '#contexts/schemes';
import {
  recordOf as workTraceRecordOf,
  type WorkTraceCommand,
  type WorkTraceEvent,
  type WorkTraceFacts,
  workTraces,
} from '#contexts/work-traces';
import type { Decider, RecordReference } from '#kernel';
import type { Aggregate } from './handle.js';

/**
 * A command on an assessment stream with the context that decides it. What the context asks about
 * is looked up right before the decision: a return may depend on the sale just decided.
 */
export type AssessmentStreamCommand =
  | In<'metrics', MetricCommand, MetricFacts>
  | In<'evaluations', EvaluationCommand, EvaluationFacts>
  | In<'feedback-calls', RecordFeedbackCall, FeedbackCallFacts>
  | In<'work-traces', WorkTraceCommand, WorkTraceFacts>
  | In<'conduct', ConductCommand, ConductFacts>
  | In<'earnings', EarningsCommand, EarningsFacts>
  | In<'complaint-decisions', DecideComplaint, DecideComplaintFacts>
  | In<'assessment', AssessmentCommand, AssessmentFacts>;

type In<Context extends string, Command, Facts> = {
  readonly context: Context;
  readonly command: Command;
  readonly facts: () => Facts;
};

const initialStates = () => ({
  metrics: metrics.initialState(),
  evaluations: evaluations.initialState(),
  feedbackCalls: feedbackCalls.initialState(),
  workTraces: workTraces.initialState(),
  conduct: conduct.initialState(),
  earnings: earnings.initialState(),
  complaintDecisions: complaintDecisions.initialState(),
  assessment: assessment.initialState(),
});
type States = ReturnType<typeof initialStates>;

type StreamDecider = Decider<States, AssessmentStreamCommand, AssessmentStreamEvent, void>;

const decideInContext: StreamDecider['decide'] = (request, states) => {
  switch (request.context) {
    case 'metrics':
      return metrics.decide(request.command, states.metrics, request.facts());
    case 'evaluations':
      return evaluations.decide(request.command, states.evaluations, request.facts());
    case 'feedback-calls':
      return feedbackCalls.decide(request.command, states.feedbackCalls, request.facts());
    case 'work-traces':
      return workTraces.decide(request.command, states.workTraces, request.facts());
    case 'conduct':
      return conduct.decide(request.command, states.conduct, request.facts());
    case 'earnings':
      return earnings.decide(request.command, states.earnings, request.facts());
    case 'complaint-decisions':
      return complaintDecisions.decide(request.command, states.complaintDecisions, request.facts());
    case 'assessment':
      return assessment.decide(request.command, states.assessment, request.facts());
  }
};

/** Each context sees its own events and those of `assessment`, which close what it may record. */
const evolveContexts: StreamDecider['evolve'] = (states, event) => {
  const { type } = event;
  if (type.startsWith('metrics.')) metrics.evolve(states.metrics, event as MetricEvent);
  else if (type.startsWith('evaluations.')) {
    evaluations.evolve(states.evaluations, event as EvaluationEvent);
  } else if (type.startsWith('feedback-calls.')) {
    feedbackCalls.evolve(states.feedbackCalls, event as FeedbackCallEvent);
  } else if (type.startsWith('work-traces.')) {
    workTraces.evolve(states.workTraces, event as WorkTraceEvent);
  } else if (type.startsWith('conduct.')) {
    conduct.evolve(states.conduct, event as VetoRecorded);
    earnings.evolve(states.earnings, event as AwardGranted);
    complaintDecisions.evolve(states.complaintDecisions, event as ComplaintDecided);
  } else {
    evolveByAssessment(states, event as FactsFrozen);
  }
  return states;
};

function evolveByAssessment(states: States, event: FactsFrozen): void {
  assessment.evolve(states.assessment, event);
  metrics.evolve(states.metrics, event);
  evaluations.evolve(states.evaluations, event);
  feedbackCalls.evolve(states.feedbackCalls, event);
  workTraces.evolve(states.workTraces, event);
  conduct.evolve(states.conduct, event);
  earnings.evolve(states.earnings, event as unknown as CreditsFrozen);
  complaintDecisions.evolve(states.complaintDecisions, event);
}

function recordOfStreamEvent(event: AssessmentStreamEvent): RecordReference | null {
  const { type } = event;
  if (type.startsWith('metrics.')) return metricRecordOf(event as MetricEvent);
  if (type.startsWith('evaluations.')) return evaluationRecordOf(event as EvaluationEvent);
  if (type.startsWith('feedback-calls.')) return feedbackCallRecordOf(event as FeedbackCallEvent);
  if (type.startsWith('work-traces.')) return workTraceRecordOf(event as WorkTraceEvent);
  if (type.startsWith('conduct.')) return conductRecordOf(event as ConductEvent);
  return null;
}

const noRecord = (): null => null;

/** One person's period: every context that writes the stream, over one fold of it. */
export const assessmentStreamAggregate = {
  name: 'assessment',
  decider: { initialState: initialStates, evolve: evolveContexts, decide: decideInContext },
  recordOf: recordOfStreamEvent,
} satisfies Aggregate<States, AssessmentStreamCommand, AssessmentStreamEvent, void>;

export const cycleAggregate = { name: 'cycle', decider: cycles, recordOf: noRecord };
export const schemeAggregate = { name: 'scheme', decider: schemes, recordOf: noRecord };
export const organisationAggregate = {
  name: 'organisation',
  decider: organisation,
  recordOf: noRecord,
};
export const accountManagerAggregate = {
  name: 'account-manager',
  decider: accountManager,
  recordOf: noRecord,
};
export const complaintAggregate = {
  name: 'complaint',
  decider: complaints,
  recordOf: conductRecordOf,
};
export const feedbackSampleAggregate = {
  name: 'feedback-sample',
  decider: feedbackSamples,
  recordOf: noRecord,
};
export const appealAggregate = { name: 'appeal', decider: appeals, recordOf: appealRecordOf };
export const correctionAggregate = {
  name: 'correction',
  decider: corrections,
  recordOf: noRecord,
};
export const bonusBatchAggregate = {
  name: 'bonus-batch',
  decider: bonusBatches,
  recordOf: bonusBatchRecordOf,
};
export const payrollInboxAggregate = {
  name: 'payroll-inbox',
  decider: payrollInbox,
  recordOf: noRecord,
};
export const settlementRegisterAggregate = {
  name: 'settlement-register',
  decider: settlementRegister,
  recordOf: noRecord,
};
