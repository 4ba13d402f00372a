import {
  type Decider,
  DomainError,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  requireInstant,
  requireText,
} from '#kernel';
import type {
  AssessmentEvent,
  CreditsFrozen,
  FactsFrozen,
  ResultCorrected,
  ResultPublished,
  StatementAcknowledged,
  StatementObjected,
} from './events.js';

export type FreezeFacts = {
  readonly type: 'assessment.FreezeFacts';
  readonly data: FactsFrozen['data'];
};
export type PublishResult = {
  readonly type: 'assessment.PublishResult';
  readonly data: Omit<ResultPublished['data'], 'resultVersion'>;
};
/** `previousVersion`: the version from which the new result was computed. */
export type CorrectResult = {
  readonly type: 'assessment.CorrectResult';
  readonly data: Omit<ResultCorrected['data'], 'resultVersion'> & {
    readonly previousVersion: number;
  };
};
export type FreezeCredits = {
  readonly type: 'assessment.FreezeCredits';
  readonly data: CreditsFrozen['data'];
};
export type AcknowledgeStatement = {
  readonly type: 'assessment.AcknowledgeStatement';
  readonly data: StatementAcknowledged['data'];
};
export type ObjectToStatement = {
  readonly type: 'assessment.ObjectToStatement';
  readonly data: StatementObjected['data'];
};
export type AssessmentCommand =
  | FreezeFacts
  | PublishResult
  | CorrectResult
  | FreezeCredits
  | AcknowledgeStatement
  | ObjectToStatement;

export type AssessmentFacts = {
  /** Is `CyclePublished` of the period recorded? Results take effect together there. */
  readonly cyclePublished: boolean;
};

export type AssessmentDecisionState = {
  frozen: boolean;
  resultVersion: number; // 0: none yet
  published: RecordDigest | null;
  readonly citations: Set<string>;
  creditsFrozen: RecordDigest | null;
  acknowledgedVersion: number; // 0: none yet
  readonly objectionByVersion: Map<number, RecordDigest>;
};

type State = Readonly<AssessmentDecisionState>;

function freezeFacts({ data }: FreezeFacts, state: State): FactsFrozen[] {
  return state.frozen ? [] : [{ type: 'assessment.FactsFrozen.v1', data }];
}

function publishResult(command: PublishResult, state: State): ResultPublished[] {
  const { accountManagerId, period } = command.data;
  if (!state.frozen) throw new DomainError('facts-not-frozen', { accountManagerId, period });
  const data: ResultPublished['data'] = { ...command.data, resultVersion: 1 };
  if (state.published === null) return [{ type: 'assessment.ResultPublished.v1', data }];
  if (isSameRecord(state.published, recordDigest(data))) return [];
  // A resumed publication that computes another result stops here instead of rewriting history.
  throw new DomainError('result-already-published', { accountManagerId, period });
}

/** One decision is cited once; a review of the same appeal is another decision, at another time. */
function citationOf({ citing, decidedAt }: Pick<ResultCorrected['data'], 'citing' | 'decidedAt'>) {
  const id = citing.kind === 'appeal' ? citing.appealId : citing.correctionId;
  return `${citing.kind}:${decidedAt}:${id}`;
}

function correctResult(
  command: CorrectResult,
  state: State,
  facts: AssessmentFacts,
): ResultCorrected[] {
  const { previousVersion, ...result } = command.data;
  const { accountManagerId, period } = result;
  if (state.citations.has(citationOf(result))) return [];
  requireInstant(result.decidedAt, 'decidedAt');
  if (state.resultVersion === 0 || !facts.cyclePublished) {
    throw new DomainError('no-published-result', { accountManagerId, period });
  }
  // Two decisions about one period computed side by side: the second must see the first one's
  // corrections, or they would be lost.
  if (previousVersion !== state.resultVersion) {
    throw new DomainError('stale-result', { previousVersion, resultVersion: state.resultVersion });
  }
  const data: ResultCorrected['data'] = { ...result, resultVersion: state.resultVersion + 1 };
  return [{ type: 'assessment.ResultCorrected.v1', data }];
}

/** A batch prepared anew states what comes from outside anew; said again as it is, nothing. */
function freezeCredits({ data }: FreezeCredits, state: State): CreditsFrozen[] {
  const repeated =
    state.creditsFrozen !== null && isSameRecord(state.creditsFrozen, recordDigest(data));
  return repeated ? [] : [{ type: 'assessment.CreditsFrozen.v1', data }];
}

function refuseUnlessCurrent(resultVersion: number, state: State, facts: AssessmentFacts): void {
  if (!facts.cyclePublished || resultVersion < 1 || resultVersion > state.resultVersion) {
    throw new DomainError('no-published-result', { resultVersion });
  }
  if (resultVersion < state.resultVersion) {
    throw new DomainError('statement-superseded', { resultVersion });
  }
}

function acknowledge(
  { data }: AcknowledgeStatement,
  state: State,
  facts: AssessmentFacts,
): StatementAcknowledged[] {
  if (state.acknowledgedVersion === data.resultVersion) return [];
  requireInstant(data.acknowledgedAt, 'acknowledgedAt');
  refuseUnlessCurrent(data.resultVersion, state, facts);
  return [{ type: 'assessment.StatementAcknowledged.v1', data }];
}

function object(
  { data }: ObjectToStatement,
  state: State,
  facts: AssessmentFacts,
): StatementObjected[] {
  const earlier = state.objectionByVersion.get(data.resultVersion);
  if (earlier && isSameRecord(earlier, objectionDigest(data))) return [];
  requireText(data.grounds, 'grounds');
  requireInstant(data.objectedAt, 'objectedAt');
  refuseUnlessCurrent(data.resultVersion, state, facts);
  if (earlier) {
    throw new DomainError('statement-objected-already', { resultVersion: data.resultVersion });
  }
  return [{ type: 'assessment.StatementObjected.v1', data }];
}

/** The same objection said again later is the same objection. */
function objectionDigest({ resultVersion, grounds }: StatementObjected['data']): RecordDigest {
  return recordDigest({ resultVersion, grounds }, 'grounds');
}

export const assessment: Decider<
  AssessmentDecisionState,
  AssessmentCommand,
  AssessmentEvent,
  AssessmentFacts
> = {
  initialState: () => ({
    frozen: false,
    resultVersion: 0,
    published: null,
    citations: new Set(),
    creditsFrozen: null,
    acknowledgedVersion: 0,
    objectionByVersion: new Map(),
  }),

  evolve(state, event) {
    switch (event.type) {
      case 'assessment.FactsFrozen.v1':
        state.frozen = true;
        return state;
      case 'assessment.ResultPublished.v1':
        state.resultVersion = event.data.resultVersion;
        state.published = recordDigest(event.data);
        return state;
      case 'assessment.ResultCorrected.v1':
        state.resultVersion = event.data.resultVersion;
        state.citations.add(citationOf(event.data));
        return state;
      case 'assessment.CreditsFrozen.v1':
        state.creditsFrozen = recordDigest(event.data);
        return state;
      case 'assessment.StatementAcknowledged.v1':
        state.acknowledgedVersion = event.data.resultVersion;
        return state;
      case 'assessment.StatementObjected.v1':
        state.objectionByVersion.set(event.data.resultVersion, objectionDigest(event.data));
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'assessment.FreezeFacts':
        return freezeFacts(command, state);
      case 'assessment.PublishResult':
        return publishResult(command, state);
      case 'assessment.CorrectResult':
        return correctResult(command, state, facts);
      case 'assessment.FreezeCredits':
        return freezeCredits(command, state);
      case 'assessment.AcknowledgeStatement':
        return acknowledge(command, state, facts);
      case 'assessment.ObjectToStatement':
        return object(command, state, facts);
    }
  },
};
