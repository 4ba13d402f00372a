import {
  compareInstants,
  daysOfPeriod,
  type Decider,
  DomainError,
  requireForm,
  requireId,
  requireInstant,
  requirePeriod,
} from '#kernel';
import type { CollectionReopeningProposed, CycleEvent, ResultsComputed } from './events.js';

export type OpenCycle = {
  readonly type: 'cycles.OpenCycle';
  readonly data: { readonly period: string; readonly openedAt: string };
};
export type CloseCollection = {
  readonly type: 'cycles.CloseCollection';
  readonly data: { readonly period: string; readonly closedAt: string };
};
export type ProposeReopening = {
  readonly type: 'cycles.ProposeReopening';
  readonly data: CollectionReopeningProposed['data'];
};
/** Approves the open proposal of another person; `proposalId`: this one and no other. */
export type ReopenCollection = {
  readonly type: 'cycles.ReopenCollection';
  readonly data: {
    readonly period: string;
    readonly approvedBy: string;
    readonly proposalId?: string;
  };
};
/** `incompleteAcknowledgedBy`: who takes it upon themselves that some scorecards have no score. */
export type StartPublication = {
  readonly type: 'cycles.StartPublication';
  readonly data: {
    readonly period: string;
    readonly startedAt: string;
    readonly incompleteAcknowledgedBy: string | null;
    readonly reason?: string;
  };
};
export type RecordComputedResults = {
  readonly type: 'cycles.RecordComputedResults';
  readonly data: ResultsComputed['data'];
};
/** `count` and `sha256` are of the results recorded, and must be those committed to. */
export type PublishCycle = {
  readonly type: 'cycles.PublishCycle';
  readonly data: {
    readonly period: string;
    readonly publishedAt: string;
    readonly count: number;
    readonly sha256: string;
  };
};
export type FinaliseCycle = {
  readonly type: 'cycles.FinaliseCycle';
  readonly data: { readonly period: string; readonly finalisedAt: string };
};
export type CycleCommand =
  | OpenCycle
  | CloseCollection
  | ProposeReopening
  | ReopenCollection
  | StartPublication
  | RecordComputedResults
  | PublishCycle
  | FinaliseCycle;

/** Asked by StartPublication alone. An import passes 0: incomplete people do not stop it. */
export type CycleFacts = { readonly incompleteCount: number };

export type CycleState = {
  openedAt: string | null;
  closedAt: string | null;
  /** Nobody has approved it yet. */
  proposal: { readonly proposalId: string; readonly proposedBy: string } | null;
  started: boolean;
  computed: ResultsComputed['data'] | null;
  published: boolean;
  finalisedAt: string | null;
};

const MAX_REASON_LENGTH = 2_000;

const isSameInstant = (a: string, b: string): boolean => compareInstants(a, b) === 0;

function requireCycle(state: Readonly<CycleState>, period: string): void {
  if (state.openedAt === null) throw new DomainError('unknown-cycle', { period });
}

function open({ data }: OpenCycle, state: Readonly<CycleState>): readonly CycleEvent[] {
  const { period, openedAt } = data;
  requirePeriod(period, 'period');
  requireInstant(openedAt, 'openedAt');
  if (state.openedAt !== null) {
    if (isSameInstant(state.openedAt, openedAt)) return [];
    throw new DomainError('cycle-already-opened', { period });
  }
  const days = daysOfPeriod(period);
  return [{ type: 'cycles.CycleOpened.v1', data: { period, ...days, openedAt } }];
}

function close({ data }: CloseCollection, state: Readonly<CycleState>): readonly CycleEvent[] {
  requireInstant(data.closedAt, 'closedAt');
  requireCycle(state, data.period);
  if (state.closedAt !== null) {
    if (isSameInstant(state.closedAt, data.closedAt)) return [];
    throw new DomainError('collection-already-closed', { period: data.period });
  }
  return [{ type: 'cycles.CollectionClosed.v1', data }];
}

function propose({ data }: ProposeReopening, state: Readonly<CycleState>): readonly CycleEvent[] {
  const { period, proposalId, proposedBy, proposedAt, reason } = data;
  requireId(proposalId, 'proposalId');
  requireId(proposedBy, 'proposedBy');
  requireInstant(proposedAt, 'proposedAt');
  requireForm(reason.trim() !== '' && reason.length <= MAX_REASON_LENGTH, 'reason');
  requireReopenable(state, period);
  if (state.closedAt === null) throw new DomainError('collection-open', { period });
  if (state.proposal?.proposalId === proposalId) return [];
  return [{ type: 'cycles.CollectionReopeningProposed.v1', data }];
}

function reopen({ data }: ReopenCollection, state: Readonly<CycleState>): readonly CycleEvent[] {
  const { period, approvedBy, proposalId } = data;
  requireId(approvedBy, 'approvedBy');
  requireReopenable(state, period);
  const { proposal } = state;
  if (proposal === null || (proposalId !== undefined && proposalId !== proposal.proposalId)) {
    throw new DomainError('no-open-proposal', { period });
  }
  const { proposedBy } = proposal;
  if (proposedBy === approvedBy) throw new DomainError('segregation-of-duties', { period });
  const reopened = { period, proposedBy, approvedBy, proposalId: proposal.proposalId };
  return [{ type: 'cycles.CollectionReopened.v1', data: reopened }];
}

/** Started, not published: the freeze has begun, and a fact let in now would reach half of it. */
function requireReopenable(state: Readonly<CycleState>, period: string): void {
  requireCycle(state, period);
  if (state.started) throw new DomainError('publication-started', { period });
}

function start(
  { data }: StartPublication,
  state: Readonly<CycleState>,
  facts: CycleFacts,
): readonly CycleEvent[] {
  const { period, startedAt, incompleteAcknowledgedBy, reason = '' } = data;
  requireInstant(startedAt, 'startedAt');
  requireForm(reason.length <= MAX_REASON_LENGTH, 'reason');
  if (incompleteAcknowledgedBy !== null) {
    requireId(incompleteAcknowledgedBy, 'incompleteAcknowledgedBy');
  }
  requireCycle(state, period);
  // Whatever its time: a publication that is resumed goes on from the first start.
  if (state.started) return [];
  if (state.closedAt === null) throw new DomainError('collection-open', { period });
  if (facts.incompleteCount > 0 && incompleteAcknowledgedBy === null) {
    const { incompleteCount } = facts;
    throw new DomainError('incomplete-scorecards', { period, incompleteCount });
  }
  return [{ type: 'cycles.PublicationStarted.v1', data }];
}

function recordComputed(
  { data }: RecordComputedResults,
  state: Readonly<CycleState>,
): readonly CycleEvent[] {
  const { period, count, sha256 } = data;
  requireForm(Number.isSafeInteger(count) && count >= 0, 'count');
  requireForm(/^[0-9a-f]{64}$/.test(sha256), 'sha256');
  requireId(data.rulesVersion, 'rulesVersion');
  requireCycle(state, period);
  if (!state.started) throw new DomainError('publication-not-started', { period });
  if (!state.computed) return [{ type: 'cycles.ResultsComputed.v1', data }];
  // A resumption that computes another hash stops: some results may stand under the first.
  if (state.computed.sha256 === sha256 && state.computed.count === count) return [];
  throw new DomainError('results-differ', { period, committed: state.computed.sha256, sha256 });
}

function publish({ data }: PublishCycle, state: Readonly<CycleState>): readonly CycleEvent[] {
  const { period, publishedAt, count, sha256 } = data;
  requireInstant(publishedAt, 'publishedAt');
  requireCycle(state, period);
  if (!state.computed) throw new DomainError('results-not-computed', { period });
  if (state.computed.sha256 !== sha256 || state.computed.count !== count) {
    throw new DomainError('results-differ', { period, committed: state.computed.sha256, sha256 });
  }
  if (state.published) return [];
  return [{ type: 'cycles.CyclePublished.v1', data }];
}

function finalise({ data }: FinaliseCycle, state: Readonly<CycleState>): readonly CycleEvent[] {
  requireInstant(data.finalisedAt, 'finalisedAt');
  requireCycle(state, data.period);
  if (!state.published) throw new DomainError('cycle-not-published', { period: data.period });
  if (state.finalisedAt !== null) {
    if (isSameInstant(state.finalisedAt, data.finalisedAt)) return [];
    throw new DomainError('cycle-already-finalised', { period: data.period });
  }
  return [{ type: 'cycles.CycleFinalised.v1', data }];
}

/** One period's cycle, from its opening to its end. Every step can be repeated and resumed. */
export const cycles: Decider<CycleState, CycleCommand, CycleEvent, CycleFacts> = {
  initialState: () => ({
    openedAt: null,
    closedAt: null,
    proposal: null,
    started: false,
    computed: null,
    published: false,
    finalisedAt: null,
  }),

  evolve(state, event) {
    switch (event.type) {
      case 'cycles.CycleOpened.v1':
        state.openedAt = event.data.openedAt;
        return state;
      case 'cycles.CollectionClosed.v1':
        state.closedAt = event.data.closedAt;
        return state;
      case 'cycles.CollectionReopeningProposed.v1':
        state.proposal = event.data;
        return state;
      case 'cycles.CollectionReopened.v1':
        state.closedAt = null;
        state.proposal = null;
        return state;
      case 'cycles.PublicationStarted.v1':
        state.started = true;
        return state;
      case 'cycles.ResultsComputed.v1':
        state.computed = event.data;
        return state;
      case 'cycles.CyclePublished.v1':
        state.published = true;
        return state;
      case 'cycles.CycleFinalised.v1':
        state.finalisedAt = event.data.finalisedAt;
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'cycles.OpenCycle':
        return open(command, state);
      case 'cycles.CloseCollection':
        return close(command, state);
      case 'cycles.ProposeReopening':
        return propose(command, state);
      case 'cycles.ReopenCollection':
        return reopen(command, state);
      case 'cycles.StartPublication':
        return start(command, state, facts);
      case 'cycles.RecordComputedResults':
        return recordComputed(command, state);
      case 'cycles.PublishCycle':
        return publish(command, state);
      case 'cycles.FinaliseCycle':
        return finalise(command, state);
    }
  },
};
