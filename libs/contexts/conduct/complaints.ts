import {
  compareInstants,
  type Decider,
  DomainError,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  requireForm,
  requireId,
  requireInstant,
} from '#kernel';
import type { FactsFrozen } from '../assessment/events.js';
import type { ComplaintDecided, ComplaintRaised } from './events.js';

/** `decision`: what a dataset row already says of it; checked now, recorded when it is due. */
export type RaiseComplaint = {
  readonly type: 'conduct.RaiseComplaint';
  readonly data: ComplaintRaised['data'] & {
    readonly decision?: { readonly upheld: boolean; readonly decidedAt: string };
  };
};
export type DecideComplaint = {
  readonly type: 'conduct.DecideComplaint';
  readonly data: ComplaintDecided['data'];
};

export type RaiseComplaintFacts = {
  /** Of the period into which the decision falls; null without a decision or without a cycle. */
  readonly decisionInCohort: boolean | null;
};

/** The command is addressed to the person's stream of the period into which `decidedAt` falls. */
export type DecideComplaintFacts = {
  readonly raisedAt: string | null; // null: nobody raised this complaint about this person
  readonly inCohort: boolean | null; // of that period; null as long as it has no cycle
};

export type ComplaintState = { raised: RecordDigest | null };
export type ComplaintDecisionState = {
  frozen: boolean;
  readonly digestByComplaintId: Map<string, RecordDigest>;
};

/** Refuses a command whose values have no valid form (`malformed`), whatever the history. */
function refuseMalformedComplaint({ type, data }: RaiseComplaint | DecideComplaint): void {
  requireId(data.complaintId, 'complaintId');
  if (type === 'conduct.DecideComplaint') return requireInstant(data.decidedAt, 'decidedAt');
  requireId(data.accountManagerId, 'accountManagerId');
  requireId(data.customerId, 'customerId');
  requireId(data.category, 'category');
  requireInstant(data.raisedAt, 'raisedAt');
  if (!data.decision) return;
  requireInstant(data.decision.decidedAt, 'decidedAt');
  requireForm(compareInstants(data.decision.decidedAt, data.raisedAt) >= 0, 'decidedAt');
}

/** One stream per complaint. A raised complaint belongs to no period yet. */
export const complaints: Decider<
  ComplaintState,
  RaiseComplaint,
  ComplaintRaised,
  RaiseComplaintFacts
> = {
  initialState: () => ({ raised: null }),

  evolve(state, event) {
    if (event.type === 'conduct.ComplaintRaised.v1') state.raised = recordDigest(event.data);
    return state;
  },

  decide(command, state, facts) {
    const { decision: _, ...data } = command.data;
    const { complaintId } = data;
    if (state.raised && isSameRecord(state.raised, recordDigest(data))) return [];
    refuseMalformedComplaint(command);
    if (facts.decisionInCohort === false) throw new DomainError('outside-cohort', { complaintId });
    if (state.raised) throw new DomainError('record-id-reused', { complaintId });
    return [{ type: 'conduct.ComplaintRaised.v1', data }];
  },
};

/**
 * A decision counts in the period into which it falls, whose collection may be closed already:
 * only the freeze of that period refuses it.
 */
export const complaintDecisions: Decider<
  ComplaintDecisionState,
  DecideComplaint,
  ComplaintDecided | FactsFrozen,
  DecideComplaintFacts
> = {
  initialState: () => ({ frozen: false, digestByComplaintId: new Map() }),

  evolve(state, event) {
    switch (event.type) {
      case 'conduct.ComplaintDecided.v1':
        state.digestByComplaintId.set(event.data.complaintId, recordDigest(event.data));
        return state;
      case 'assessment.FactsFrozen.v1':
        state.frozen = true;
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    const { data } = command;
    const { complaintId } = data;
    const earlier = state.digestByComplaintId.get(complaintId);
    if (earlier && isSameRecord(earlier, recordDigest(data))) return [];
    refuseMalformedComplaint(command);
    if (facts.raisedAt === null) throw new DomainError('unknown-complaint', { complaintId });
    requireForm(compareInstants(data.decidedAt, facts.raisedAt) >= 0, 'decidedAt');
    if (facts.inCohort === false) throw new DomainError('outside-cohort', { complaintId });
    if (state.frozen) throw new DomainError('collection-closed', { complaintId });
    if (earlier) throw new DomainError('record-id-reused', { complaintId });
    return [{ type: 'conduct.ComplaintDecided.v1', data }];
  },
};
