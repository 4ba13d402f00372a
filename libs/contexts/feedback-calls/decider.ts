import {
  type Decider,
  DomainError,
  isAfter,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  type RecordReference,
  requireForm,
  requireId,
  requireInstant,
  requireOneOf,
  requireOptionalText,
} from '#kernel';
import type { FactsFrozen } from '../assessment/events.js';
import type { FeedbackCallEvent, FeedbackChannel } from './events.js';

export type FeedbackOutcome = 'completed' | 'refused' | 'unreachable';

export const FEEDBACK_CHANNELS: readonly FeedbackChannel[] = ['phone', 'walk'];
export const FEEDBACK_OUTCOMES: readonly FeedbackOutcome[] = [
  'completed',
  'refused',
  'unreachable',
];
const MAX_ANSWERS = 50;

export type RecordFeedbackCall = {
  readonly type: 'feedback-calls.RecordFeedbackCall';
  readonly data: {
    readonly callId: string;
    readonly customerId: string;
    readonly channel: FeedbackChannel;
    readonly outcome: FeedbackOutcome;
    readonly answers?: Readonly<Record<string, number>>; // 1–5 by question; completed calls alone
    readonly calledAt: string;
    readonly comment?: string; // personal
  };
};

/** The command is addressed to the person's stream of the period into which `calledAt` falls. */
export type FeedbackCallFacts = {
  readonly inCohort: boolean; // of that period
  readonly closedAt: string | null; // null until the closing is recorded
};

export type FeedbackCallState = {
  frozen: boolean;
  readonly digestByRecordId: Map<string, RecordDigest>;
};

/** Refuses a command whose values have no valid form (`malformed`), whatever the history. */
function refuseMalformedFeedbackCall({ data }: RecordFeedbackCall): void {
  requireId(data.callId, 'callId');
  requireId(data.customerId, 'customerId');
  requireOneOf(data.channel, FEEDBACK_CHANNELS, 'channel');
  requireOneOf(data.outcome, FEEDBACK_OUTCOMES, 'outcome');
  requireInstant(data.calledAt, 'calledAt');
  requireOptionalText(data.comment, 'comment');
  const answers = Object.entries(data.answers ?? {});
  requireForm(answers.length <= MAX_ANSWERS, 'answers');
  requireForm(data.outcome === 'completed' || answers.length === 0, 'answers');
  for (const [question, answer] of answers) {
    requireId(question, 'answers');
    requireForm(Number.isInteger(answer) && answer >= 1 && answer <= 5, question);
  }
}

function eventOf({ data }: RecordFeedbackCall): FeedbackCallEvent {
  const { outcome, answers, ...contact } = data;
  switch (outcome) {
    case 'completed':
      return {
        type: 'feedback-calls.FeedbackCallCompleted.v1',
        data: { ...contact, answers: answers ?? {} },
      };
    case 'refused':
      return { type: 'feedback-calls.FeedbackCallRefused.v1', data: contact };
    case 'unreachable':
      return { type: 'feedback-calls.FeedbackCallUnreachable.v1', data: contact };
  }
}

/** The outcome is the event's type, and part of what a repeated call must repeat. */
function digestOf({ type, data }: FeedbackCallEvent): RecordDigest {
  return recordDigest({ ...data, type }, 'comment');
}

export const feedbackCalls: Decider<
  FeedbackCallState,
  RecordFeedbackCall,
  FeedbackCallEvent | FactsFrozen,
  FeedbackCallFacts
> = {
  initialState: () => ({ frozen: false, digestByRecordId: new Map() }),

  evolve(state, event) {
    switch (event.type) {
      case 'feedback-calls.FeedbackCallCompleted.v1':
      case 'feedback-calls.FeedbackCallRefused.v1':
      case 'feedback-calls.FeedbackCallUnreachable.v1':
        state.digestByRecordId.set(event.data.callId, digestOf(event));
        return state;
      case 'assessment.FactsFrozen.v1':
        state.frozen = true;
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    const { callId, calledAt } = command.data;
    const earlier = state.digestByRecordId.get(callId);
    if (earlier && isSameRecord(earlier, digestOf(eventOf(command)))) return [];
    refuseMalformedFeedbackCall(command);
    if (!facts.inCohort) throw new DomainError('outside-cohort', { callId });
    const late = facts.closedAt !== null && isAfter(calledAt, facts.closedAt);
    // `frozen` closes the race that `closedAt` leaves open: a call decided before the freeze and
    // appended after it meets a revision conflict, and finds the freeze on its second look.
    if (late || state.frozen) throw new DomainError('collection-closed', { callId });
    if (earlier) throw new DomainError('record-id-reused', { callId });
    return [eventOf(command)];
  },
};

export function recordOf(event: FeedbackCallEvent | FactsFrozen): RecordReference | null {
  if (event.type === 'assessment.FactsFrozen.v1') return null;
  return { kind: 'feedback-call', recordId: event.data.callId, first: true };
}
