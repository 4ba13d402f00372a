import {
  type Decider,
  DomainError,
  isAfter,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  type RecordReference,
  requireDecimal,
  requireId,
  requireInstant,
  requireOptionalId,
} from '#kernel';
import type { FactsFrozen } from '../assessment/events.js';
import type { GoalSet, MetricEvent, MetricRecorded } from './events.js';

export type SetGoal = { readonly type: 'metrics.SetGoal'; readonly data: GoalSet['data'] };
export type RecordMetric = {
  readonly type: 'metrics.RecordMetric';
  readonly data: MetricRecorded['data'];
};
export type MetricCommand = SetGoal | RecordMetric;

export type MetricFacts = {
  readonly inCohort: boolean; // of the period; false also when it has no cycle
  readonly knowsIndicator: boolean; // of a fitting source, in the scheme that applies
  readonly closedAt: string | null; // null until the closing is recorded
};

export type MetricState = {
  frozen: boolean;
  readonly targetByIndicatorId: Map<string, string>;
  readonly digestByRecordId: Map<string, RecordDigest>;
};

/** Refuses a command whose values have no valid form (`malformed`), whatever the history. */
function refuseMalformedMetric({ type, data }: MetricCommand): void {
  requireId(data.indicatorId, 'indicatorId');
  if (type === 'metrics.SetGoal') return requireDecimal(data.target, 'target');
  requireId(data.recordId, 'recordId');
  requireDecimal(data.actual, 'actual');
  requireInstant(data.recordedAt, 'recordedAt');
  requireOptionalId(data.source, 'source');
}

function refuseUnlessFits(command: MetricCommand, facts: MetricFacts): void {
  refuseMalformedMetric(command);
  const { indicatorId } = command.data;
  if (!facts.knowsIndicator) throw new DomainError('unknown-indicator', { indicatorId });
  // A goal may be set for somebody who is not assessed after all: it then means nothing.
  if (command.type === 'metrics.SetGoal') return;
  if (!facts.inCohort) throw new DomainError('outside-cohort', { indicatorId });
}

/** Goals have no time of their own: the last recorded holds, until the freeze. */
function setGoal(command: SetGoal, state: Readonly<MetricState>, facts: MetricFacts): GoalSet[] {
  const { indicatorId, target } = command.data;
  if (state.targetByIndicatorId.get(indicatorId) === target) return [];
  refuseUnlessFits(command, facts);
  if (state.frozen) throw new DomainError('collection-closed', { indicatorId });
  return [{ type: 'metrics.GoalSet.v1', data: command.data }];
}

function recordMetric(
  command: RecordMetric,
  state: Readonly<MetricState>,
  facts: MetricFacts,
): MetricRecorded[] {
  const { recordId, recordedAt } = command.data;
  const earlier = state.digestByRecordId.get(recordId);
  if (earlier && isSameRecord(earlier, recordDigest(command.data))) return [];
  refuseUnlessFits(command, facts);
  const late = facts.closedAt !== null && isAfter(recordedAt, facts.closedAt);
  // `frozen` closes the race that `closedAt` leaves open: a fact decided before the freeze and
  // appended after it meets a revision conflict, and finds the freeze on its second look.
  if (late || state.frozen) throw new DomainError('collection-closed', { recordId });
  if (earlier) throw new DomainError('record-id-reused', { recordId });
  return [{ type: 'metrics.MetricRecorded.v1', data: command.data }];
}

export const metrics: Decider<MetricState, MetricCommand, MetricEvent | FactsFrozen, MetricFacts> =
  {
    initialState: () => ({
      frozen: false,
      targetByIndicatorId: new Map(),
      digestByRecordId: new Map(),
    }),

    evolve(state, event) {
      switch (event.type) {
        case 'metrics.GoalSet.v1':
          state.targetByIndicatorId.set(event.data.indicatorId, event.data.target);
          return state;
        case 'metrics.MetricRecorded.v1':
          state.digestByRecordId.set(event.data.recordId, recordDigest(event.data));
          return state;
        case 'assessment.FactsFrozen.v1':
          state.frozen = true;
          return state;
        default:
          return state;
      }
    },

    decide: (command, state, facts) =>
      command.type === 'metrics.SetGoal'
        ? setGoal(command, state, facts)
        : recordMetric(command, state, facts),
  };

export function recordOf(event: MetricEvent | FactsFrozen): RecordReference | null {
  if (event.type !== 'metrics.MetricRecorded.v1') return null;
  return { kind: 'metric', recordId: event.data.recordId, first: true };
}
