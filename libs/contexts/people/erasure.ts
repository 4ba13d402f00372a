import { type Decider, DomainError, requireId } from '#kernel';
import type { ErasureRequested, PeopleEvent, PersonalDataErased } from './events.js';

export type RequestErasure = {
  readonly type: 'people.RequestErasure';
  readonly data: ErasureRequested['data'];
};
/** `PersonalDataErased` is the order to destroy the key; whoever holds the keys carries it out. */
export type ApproveErasure = {
  readonly type: 'people.ApproveErasure';
  readonly data: Omit<PersonalDataErased['data'], 'subjectId'>;
};
export type ErasureCommand = RequestErasure | ApproveErasure;

export type ErasureState = { requested: ErasureRequested['data'] | null; erased: boolean };

function request({ data }: RequestErasure, { requested }: Readonly<ErasureState>): PeopleEvent[] {
  const { erasureId, subjectId } = data;
  requireId(erasureId, 'erasureId');
  requireId(subjectId, 'subjectId');
  requireId(data.requestedBy, 'requestedBy');
  if (requested?.subjectId === subjectId && requested.requestedBy === data.requestedBy) return [];
  if (requested) throw new DomainError('erasure-id-reused', { erasureId });
  return [{ type: 'people.ErasureRequested.v1', data }];
}

function approve({ data }: ApproveErasure, state: Readonly<ErasureState>): PeopleEvent[] {
  const { erasureId, approvedBy } = data;
  requireId(approvedBy, 'approvedBy');
  if (!state.requested) throw new DomainError('unknown-erasure', { erasureId });
  const { subjectId, requestedBy } = state.requested;
  if (approvedBy === requestedBy) throw new DomainError('segregation-of-duties', { erasureId });
  if (state.erased) return [];
  const event = { erasureId, subjectId, approvedBy };
  return [{ type: 'people.PersonalDataErased.v1', data: event }];
}

/** One request to destroy a subject's keys, asked by one person and approved by another. */
export const erasure: Decider<ErasureState, ErasureCommand, PeopleEvent, void> = {
  initialState: () => ({ requested: null, erased: false }),

  evolve(state, { type, data }) {
    switch (type) {
      case 'people.ErasureRequested.v1':
        state.requested = data;
        return state;
      case 'people.PersonalDataErased.v1':
        state.erased = true;
        return state;
      default:
        return state;
    }
  },

  decide: (command, state) =>
    command.type === 'people.RequestErasure' ? request(command, state) : approve(command, state),
};
