import {
  type Decider,
  DomainError,
  isAfter,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  type RecordReference,
  requireDecimalWithin,
  requireId,
  requireInstant,
  requireOneOf,
  requireOptionalText,
} from '#kernel';
import type { FactsFrozen } from '../assessment/events.js';
import type {
  EvaluationAmended,
  EvaluationEvent,
  EvaluationSubmitted,
  EvaluationWithdrawn,
  RaterGroup,
} from './events.js';

export const RATER_GROUPS: readonly RaterGroup[] = ['self', 'supervisor', 'peer', 'customer'];

export type SubmitEvaluation = {
  readonly type: 'evaluations.SubmitEvaluation';
  readonly data: EvaluationSubmitted['data'];
};
/** `raterId` is who asks: an evaluation is amended and withdrawn by its own rater alone. */
export type AmendEvaluation = {
  readonly type: 'evaluations.AmendEvaluation';
  readonly data: EvaluationAmended['data'] & { readonly raterId: string };
};
export type WithdrawEvaluation = {
  readonly type: 'evaluations.WithdrawEvaluation';
  readonly data: EvaluationWithdrawn['data'] & { readonly raterId: string };
};
export type EvaluationCommand = SubmitEvaluation | AmendEvaluation | WithdrawEvaluation;

export type EvaluationFacts = {
  readonly accountManagerId: string; // the subject
  readonly inCohort: boolean; // the subject, in the period's; false also when it has no cycle
  readonly raterInCohort: boolean;
  readonly knowsIndicator: boolean; // of this source, in the scheme that applies
  readonly closedAt: string | null; // null until the closing is recorded
};

type OnFile = {
  readonly submitted: RecordDigest;
  readonly raterId: string;
  standing: RecordDigest | 'withdrawn'; // score and comment as they stand
};

export type EvaluationState = { frozen: boolean; readonly onFileById: Map<string, OnFile> };

type Refusing = {
  readonly state: Readonly<EvaluationState>;
  readonly facts: EvaluationFacts;
};

/** Refuses a command whose values have no valid form (`malformed`), whatever the history. */
function refuseMalformedEvaluation({ type, data }: EvaluationCommand): void {
  requireId(data.evaluationId, 'evaluationId');
  requireId(data.raterId, 'raterId');
  switch (type) {
    case 'evaluations.SubmitEvaluation':
      requireId(data.indicatorId, 'indicatorId');
      requireOneOf(data.raterGroup, RATER_GROUPS, 'raterGroup');
      requireDecimalWithin(data.score, 'score', 0, 100);
      requireInstant(data.submittedAt, 'submittedAt');
      return requireOptionalText(data.comment, 'comment');
    case 'evaluations.AmendEvaluation':
      requireDecimalWithin(data.score, 'score', 0, 100);
      requireInstant(data.amendedAt, 'amendedAt');
      return requireOptionalText(data.comment, 'comment');
    case 'evaluations.WithdrawEvaluation':
      requireInstant(data.withdrawnAt, 'withdrawnAt');
      return requireOptionalText(data.reason, 'reason');
  }
}

/** scoring: only the subject rates as `self`; a peer is in the cohort and not the subject. */
function refuseRater({ data }: SubmitEvaluation, facts: EvaluationFacts): void {
  const { evaluationId, raterId, raterGroup } = data;
  const isSubject = raterId === facts.accountManagerId;
  const allowed =
    raterGroup === 'self'
      ? isSubject
      : !isSubject && (raterGroup !== 'peer' || facts.raterInCohort);
  if (!allowed) throw new DomainError('rater-not-allowed', { evaluationId, raterGroup });
}

function refuseLate(evaluationId: string, at: string, { state, facts }: Refusing): void {
  const late = facts.closedAt !== null && isAfter(at, facts.closedAt);
  // `frozen` closes the race that `closedAt` leaves open: a fact decided before the freeze and
  // appended after it meets a revision conflict, and finds the freeze on its second look.
  if (late || state.frozen) throw new DomainError('collection-closed', { evaluationId });
}

function submit(command: SubmitEvaluation, refusing: Refusing): EvaluationSubmitted[] {
  const { data } = command;
  const { evaluationId, indicatorId } = data;
  const onFile = refusing.state.onFileById.get(evaluationId);
  if (onFile && isSameRecord(onFile.submitted, recordDigest(data, 'comment'))) return [];
  refuseMalformedEvaluation(command);
  if (!refusing.facts.knowsIndicator) {
    throw new DomainError('unknown-indicator', { evaluationId, indicatorId });
  }
  if (!refusing.facts.inCohort) throw new DomainError('outside-cohort', { evaluationId });
  refuseRater(command, refusing.facts);
  refuseLate(evaluationId, data.submittedAt, refusing);
  if (onFile) throw new DomainError('record-id-reused', { evaluationId });
  return [{ type: 'evaluations.EvaluationSubmitted.v1', data }];
}

function ownOnFile(
  { evaluationId, raterId }: AmendEvaluation['data'] | WithdrawEvaluation['data'],
  { state }: Refusing,
): OnFile {
  const onFile = state.onFileById.get(evaluationId);
  if (!onFile) throw new DomainError('unknown-record', { evaluationId });
  if (onFile.raterId !== raterId) throw new DomainError('rater-not-allowed', { evaluationId });
  return onFile;
}

function amend(command: AmendEvaluation, refusing: Refusing): EvaluationAmended[] {
  refuseMalformedEvaluation(command);
  const { raterId: _, ...data } = command.data;
  const { standing } = ownOnFile(command.data, refusing);
  if (standing !== 'withdrawn' && isSameRecord(standing, standingDigest(data))) return [];
  refuseLate(data.evaluationId, data.amendedAt, refusing);
  if (standing === 'withdrawn') {
    throw new DomainError('evaluation-withdrawn', { evaluationId: data.evaluationId });
  }
  return [{ type: 'evaluations.EvaluationAmended.v1', data }];
}

function withdraw(command: WithdrawEvaluation, refusing: Refusing): EvaluationWithdrawn[] {
  refuseMalformedEvaluation(command);
  const { raterId: _, ...data } = command.data;
  if (ownOnFile(command.data, refusing).standing === 'withdrawn') return [];
  refuseLate(data.evaluationId, data.withdrawnAt, refusing);
  return [{ type: 'evaluations.EvaluationWithdrawn.v1', data }];
}

/** What an amendment would change; its time alone changes nothing. */
function standingDigest({ score, comment }: { score: string; comment?: string }): RecordDigest {
  return recordDigest({ score, comment }, 'comment');
}

export const evaluations: Decider<
  EvaluationState,
  EvaluationCommand,
  EvaluationEvent | FactsFrozen,
  EvaluationFacts
> = {
  initialState: () => ({ frozen: false, onFileById: new Map() }),

  evolve(state, event) {
    switch (event.type) {
      case 'evaluations.EvaluationSubmitted.v1':
        state.onFileById.set(event.data.evaluationId, {
          submitted: recordDigest(event.data, 'comment'),
          raterId: event.data.raterId,
          standing: standingDigest(event.data),
        });
        return state;
      case 'evaluations.EvaluationAmended.v1': {
        const onFile = state.onFileById.get(event.data.evaluationId);
        if (onFile) onFile.standing = standingDigest(event.data);
        return state;
      }
      case 'evaluations.EvaluationWithdrawn.v1': {
        const onFile = state.onFileById.get(event.data.evaluationId);
        if (onFile) onFile.standing = 'withdrawn';
        return state;
      }
      case 'assessment.FactsFrozen.v1':
        state.frozen = true;
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'evaluations.SubmitEvaluation':
        return submit(command, { state, facts });
      case 'evaluations.AmendEvaluation':
        return amend(command, { state, facts });
      case 'evaluations.WithdrawEvaluation':
        return withdraw(command, { state, facts });
    }
  },
};

export function recordOf(event: EvaluationEvent | FactsFrozen): RecordReference | null {
  if (event.type === 'assessment.FactsFrozen.v1') return null;
  return {
    kind: 'evaluation',
    recordId: event.data.evaluationId,
    first: event.type === 'evaluations.EvaluationSubmitted.v1',
  };
}
