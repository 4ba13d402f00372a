import {
  type Decider,
  DomainError,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  requireDecimal,
  requireDecimalWithin,
  requireForm,
  requireId,
  requireInstant,
  requirePeriod,
  requireText,
} from '#kernel';
import type { Correction } from '#rules';
import type { CorrectionApproved, CorrectionEvent, CorrectionProposed } from './events.js';
import type { RecordOnFile } from './facts.js';

const MAX_CORRECTIONS = 200;

export type ProposeCorrection = {
  readonly type: 'assessment.ProposeCorrection';
  readonly data: CorrectionProposed['data'];
};
/** `onBehalfOf`: whose approval was delegated to the approver, if it was. */
export type ApproveCorrection = {
  readonly type: 'assessment.ApproveCorrection';
  readonly data: CorrectionApproved['data'] & { readonly onBehalfOf?: string };
};
export type CorrectionCommand = ProposeCorrection | ApproveCorrection;

export type CorrectionFacts = {
  readonly hasResult: boolean; // published, of whatever status: an incomplete one can be completed
  readonly kindByRecordId: Readonly<Record<string, RecordOnFile['kind']>>; // of accepted records
};

export type CorrectionState = {
  proposal: {
    readonly digest: RecordDigest;
    readonly accountManagerId: string;
    readonly proposedBy: string;
  } | null;
  approvedBy: string | null;
};

function refuseMalformedProposal(data: CorrectionProposed['data']): void {
  requireId(data.correctionId, 'correctionId');
  requireId(data.accountManagerId, 'accountManagerId');
  requirePeriod(data.period, 'period');
  requireText(data.reason, 'reason');
  requireId(data.proposedBy, 'proposedBy');
  requireInstant(data.proposedAt, 'proposedAt');
  const count = data.corrections.length;
  requireForm(count > 0 && count <= MAX_CORRECTIONS, 'corrections');
  for (const correction of data.corrections) {
    if (correction.type === 'adjust') requireDecimal(correction.points, 'points');
    else requireId(correction.recordId, 'recordId');
    if (correction.type === 'replace') requireDecimal(correction.value, 'value');
  }
}

/**
 * appeals: accepted records of the person's period alone; `replace` for metrics and evaluations.
 */
function refuseUncorrectable(correction: Correction, { kindByRecordId }: CorrectionFacts): void {
  if (correction.type === 'adjust') return;
  const { recordId } = correction;
  const kind = Object.hasOwn(kindByRecordId, recordId) ? kindByRecordId[recordId] : undefined;
  const correctable =
    correction.type === 'strike' ? kind !== undefined : kind === 'metric' || kind === 'evaluation';
  if (!correctable) throw new DomainError('record-not-disputable', { recordId });
  if (correction.type === 'replace' && kind === 'evaluation') {
    requireDecimalWithin(correction.value, 'value', 0, 100);
  }
}

function propose(
  { data }: ProposeCorrection,
  state: Readonly<CorrectionState>,
  facts: CorrectionFacts,
): CorrectionProposed[] {
  const { correctionId, accountManagerId } = data;
  if (state.proposal && isSameRecord(state.proposal.digest, recordDigest(data, 'reason'))) {
    return [];
  }
  refuseMalformedProposal(data);
  if (data.proposedBy === accountManagerId) {
    throw new DomainError('segregation-of-duties', { correctionId });
  }
  if (!facts.hasResult) throw new DomainError('no-published-result', { correctionId });
  for (const correction of data.corrections) refuseUncorrectable(correction, facts);
  if (state.proposal) throw new DomainError('record-id-reused', { correctionId });
  return [{ type: 'assessment.CorrectionProposed.v1', data }];
}

/** The approver is another person than the proposer, also by delegation, and not the subject. */
function approve(
  command: ApproveCorrection,
  { proposal, approvedBy }: Readonly<CorrectionState>,
): CorrectionApproved[] {
  const { onBehalfOf, ...data } = command.data;
  const { correctionId } = data;
  if (!proposal) throw new DomainError('unknown-correction', { correctionId });
  if (approvedBy === data.approvedBy) return [];
  requireId(data.approvedBy, 'approvedBy');
  requireInstant(data.approvedAt, 'approvedAt');
  const barred = [proposal.proposedBy, proposal.accountManagerId];
  if (barred.includes(data.approvedBy) || (onBehalfOf && barred.includes(onBehalfOf))) {
    throw new DomainError('segregation-of-duties', { correctionId });
  }
  if (approvedBy !== null) throw new DomainError('correction-approved-already', { correctionId });
  return [{ type: 'assessment.CorrectionApproved.v1', data }];
}

/** One stream per correction by the assessment office outside an appeal. */
export const corrections: Decider<
  CorrectionState,
  CorrectionCommand,
  CorrectionEvent,
  CorrectionFacts
> = {
  initialState: () => ({ proposal: null, approvedBy: null }),

  evolve(state, event) {
    switch (event.type) {
      case 'assessment.CorrectionProposed.v1': {
        const { accountManagerId, proposedBy } = event.data;
        const digest = recordDigest(event.data, 'reason');
        state.proposal = { digest, accountManagerId, proposedBy };
        return state;
      }
      case 'assessment.CorrectionApproved.v1':
        state.approvedBy = event.data.approvedBy;
        return state;
      default:
        return state;
    }
  },

  decide: (command, state, facts) =>
    command.type === 'assessment.ProposeCorrection'
      ? propose(command, state, facts)
      : approve(command, state),
};
