import {
  type Decider,
  DomainError,
  isAfter,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  type RecordReference,
  requireId,
  requireInstant,
  requireOptionalId,
  requireOptionalText,
  requireText,
} from '#kernel';
import type { FactsFrozen } from '../assessment/events.js';
import type { WorkTraceEvent, WorkTraceLogged, WorkTraceVoided } from './events.js';

export type LogWorkTrace = {
  readonly type: 'work-traces.LogWorkTrace';
  readonly data: WorkTraceLogged['data'];
};
export type VoidWorkTrace = {
  readonly type: 'work-traces.VoidWorkTrace';
  readonly data: WorkTraceVoided['data'];
};
export type WorkTraceCommand = LogWorkTrace | VoidWorkTrace;

/** The command is addressed to the person's stream of the period into which `occurredAt` falls. */
export type WorkTraceFacts = {
  readonly inCohort: boolean; // of that period
  readonly closedAt: string | null; // null until the closing is recorded
};

export type WorkTraceState = {
  frozen: boolean;
  readonly digestByRecordId: Map<string, RecordDigest>;
  readonly voidedIds: Set<string>;
};

/** Refuses a command whose values have no valid form (`malformed`), whatever the history. */
function refuseMalformedWorkTrace({ type, data }: WorkTraceCommand): void {
  requireId(data.traceId, 'traceId');
  if (type === 'work-traces.VoidWorkTrace') {
    requireInstant(data.voidedAt, 'voidedAt');
    return requireText(data.reason, 'reason');
  }
  requireId(data.type, 'type');
  requireOptionalId(data.customerId, 'customerId');
  requireInstant(data.occurredAt, 'occurredAt');
  requireInstant(data.loggedAt, 'loggedAt');
  requireOptionalText(data.note, 'note');
}

function refuseLate(
  traceId: string,
  at: string,
  state: Readonly<WorkTraceState>,
  { closedAt }: WorkTraceFacts,
): void {
  const late = closedAt !== null && isAfter(at, closedAt);
  // `frozen` closes the race that `closedAt` leaves open: a trace decided before the freeze and
  // appended after it meets a revision conflict, and finds the freeze on its second look.
  if (late || state.frozen) throw new DomainError('collection-closed', { traceId });
}

function log(
  command: LogWorkTrace,
  state: Readonly<WorkTraceState>,
  facts: WorkTraceFacts,
): WorkTraceLogged[] {
  const { data } = command;
  const { traceId } = data;
  const earlier = state.digestByRecordId.get(traceId);
  if (earlier && isSameRecord(earlier, recordDigest(data, 'note'))) return [];
  refuseMalformedWorkTrace(command);
  if (!facts.inCohort) throw new DomainError('outside-cohort', { traceId });
  refuseLate(traceId, data.loggedAt, state, facts);
  if (earlier) throw new DomainError('record-id-reused', { traceId });
  return [{ type: 'work-traces.WorkTraceLogged.v1', data }];
}

function voidTrace(
  command: VoidWorkTrace,
  state: Readonly<WorkTraceState>,
  facts: WorkTraceFacts,
): WorkTraceVoided[] {
  const { data } = command;
  const { traceId } = data;
  if (state.voidedIds.has(traceId)) return [];
  refuseMalformedWorkTrace(command);
  if (!state.digestByRecordId.has(traceId)) throw new DomainError('unknown-record', { traceId });
  refuseLate(traceId, data.voidedAt, state, facts);
  return [{ type: 'work-traces.WorkTraceVoided.v1', data }];
}

export const workTraces: Decider<
  WorkTraceState,
  WorkTraceCommand,
  WorkTraceEvent | FactsFrozen,
  WorkTraceFacts
> = {
  initialState: () => ({ frozen: false, digestByRecordId: new Map(), voidedIds: new Set() }),

  evolve(state, event) {
    switch (event.type) {
      case 'work-traces.WorkTraceLogged.v1':
        state.digestByRecordId.set(event.data.traceId, recordDigest(event.data, 'note'));
        return state;
      case 'work-traces.WorkTraceVoided.v1':
        state.voidedIds.add(event.data.traceId);
        return state;
      case 'assessment.FactsFrozen.v1':
        state.frozen = true;
        return state;
      default:
        return state;
    }
  },

  decide: (command, state, facts) =>
    command.type === 'work-traces.LogWorkTrace'
      ? log(command, state, facts)
      : voidTrace(command, state, facts),
};

export function recordOf(event: WorkTraceEvent | FactsFrozen): RecordReference | null {
  if (event.type === 'assessment.FactsFrozen.v1') return null;
  return {
    kind: 'work-trace',
    recordId: event.data.traceId,
    first: event.type === 'work-traces.WorkTraceLogged.v1',
  };
}
