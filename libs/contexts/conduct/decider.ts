import {
  type Decider,
  DomainError,
  isAfter,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  requireDecimal,
  requireId,
  requireInstant,
  requireOptionalText,
} from '#kernel';
import type { FactsFrozen } from '../assessment/events.js';
import type { AdjustmentGranted, VetoRecorded } from './events.js';

export type GrantAdjustment = {
  readonly type: 'conduct.GrantAdjustment';
  readonly data: AdjustmentGranted['data'];
};
export type RecordVeto = {
  readonly type: 'conduct.RecordVeto';
  readonly data: VetoRecorded['data'];
};
export type ConductCommand = GrantAdjustment | RecordVeto;

export type ConductFacts = {
  readonly inCohort: boolean; // of the period; false also when it has no cycle
  readonly knowsVeto: boolean; // the code, in the scheme that applies; any value for adjustments
  readonly closedAt: string | null; // null until the closing is recorded
};

export type ConductState = {
  frozen: boolean;
  readonly digestByAdjustmentId: Map<string, RecordDigest>;
  readonly digestByVetoId: Map<string, RecordDigest>;
};

type FrozenFacts = { readonly state: Readonly<ConductState>; readonly facts: ConductFacts };

/** Refuses a command whose values have no valid form (`malformed`), whatever the history. */
function refuseMalformedConduct({ type, data }: ConductCommand): void {
  requireOptionalText(data.reason, 'reason');
  if (type === 'conduct.RecordVeto') {
    requireId(data.vetoId, 'vetoId');
    requireId(data.code, 'code');
    return requireInstant(data.recordedAt, 'recordedAt');
  }
  requireId(data.adjustmentId, 'adjustmentId');
  requireDecimal(data.points, 'points');
  requireId(data.grantedBy, 'grantedBy');
  requireInstant(data.grantedAt, 'grantedAt');
}

function refuseLate(recordId: string, at: string, { state, facts }: FrozenFacts): void {
  const late = facts.closedAt !== null && isAfter(at, facts.closedAt);
  // `frozen` closes the race that `closedAt` leaves open: a fact decided before the freeze and
  // appended after it meets a revision conflict, and finds the freeze on its second look.
  if (late || state.frozen) throw new DomainError('collection-closed', { recordId });
}

function grantAdjustment(command: GrantAdjustment, known: FrozenFacts): AdjustmentGranted[] {
  const { data } = command;
  const recordId = data.adjustmentId;
  const earlier = known.state.digestByAdjustmentId.get(recordId);
  if (earlier && isSameRecord(earlier, recordDigest(data, 'reason'))) return [];
  refuseMalformedConduct(command);
  if (!known.facts.inCohort) throw new DomainError('outside-cohort', { recordId });
  refuseLate(recordId, data.grantedAt, known);
  if (earlier) throw new DomainError('record-id-reused', { recordId });
  return [{ type: 'conduct.AdjustmentGranted.v1', data }];
}

function recordVeto(command: RecordVeto, known: FrozenFacts): VetoRecorded[] {
  const { data } = command;
  const recordId = data.vetoId;
  const earlier = known.state.digestByVetoId.get(recordId);
  if (earlier && isSameRecord(earlier, recordDigest(data, 'reason'))) return [];
  refuseMalformedConduct(command);
  if (!known.facts.knowsVeto) throw new DomainError('unknown-veto', { code: data.code });
  if (!known.facts.inCohort) throw new DomainError('outside-cohort', { recordId });
  refuseLate(recordId, data.recordedAt, known);
  if (earlier) throw new DomainError('record-id-reused', { recordId });
  return [{ type: 'conduct.VetoRecorded.v1', data }];
}

/** Adjustment points and vetoes: open until the period's collection closes. */
export const conduct: Decider<
  ConductState,
  ConductCommand,
  AdjustmentGranted | VetoRecorded | FactsFrozen,
  ConductFacts
> = {
  initialState: () => ({
    frozen: false,
    digestByAdjustmentId: new Map(),
    digestByVetoId: new Map(),
  }),

  evolve(state, event) {
    switch (event.type) {
      case 'conduct.AdjustmentGranted.v1':
        state.digestByAdjustmentId.set(event.data.adjustmentId, recordDigest(event.data, 'reason'));
        return state;
      case 'conduct.VetoRecorded.v1':
        state.digestByVetoId.set(event.data.vetoId, recordDigest(event.data, 'reason'));
        return state;
      case 'assessment.FactsFrozen.v1':
        state.frozen = true;
        return state;
      default:
        return state;
    }
  },

  decide: (command, state, facts) =>
    command.type === 'conduct.GrantAdjustment'
      ? grantAdjustment(command, { state, facts })
      : recordVeto(command, { state, facts }),
};
