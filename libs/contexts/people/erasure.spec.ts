import { given } from '../../kernel/testing.js';
import { erasure, type ErasureCommand } from './erasure.js';
import type { PeopleEvent } from './events.js';

const asked = { erasureId: 'X1', subjectId: 'AM00001', requestedBy: 'OFFICE-1' };
const requested: PeopleEvent = { type: 'people.ErasureRequested.v1', data: asked };
const erased: PeopleEvent = {
  type: 'people.PersonalDataErased.v1',
  data: { erasureId: 'X1', subjectId: 'AM00001', approvedBy: 'OFFICE-2' },
};
const request = (change: Partial<typeof asked> = {}): ErasureCommand => ({
  type: 'people.RequestErasure',
  data: { ...asked, ...change },
});
const approve = (approvedBy = 'OFFICE-2'): ErasureCommand => ({
  type: 'people.ApproveErasure',
  data: { erasureId: 'X1', approvedBy },
});

describe('an erasure', () => {
  it('is requested by one person and approved by another', () => {
    given(erasure, []).when(request(), undefined).thenEvents([requested]);
    given(erasure, [requested]).when(approve(), undefined).thenEvents([erased]);
  });

  it('is not approved by whoever requested it', () =>
    given(erasure, [requested])
      .when(approve('OFFICE-1'), undefined)
      .thenRefused('segregation-of-duties'));

  it('takes each step once', () => {
    given(erasure, [requested]).when(request(), undefined).thenNothing();
    given(erasure, [requested, erased]).when(approve('OFFICE-3'), undefined).thenNothing();
  });

  it('is not approved before it is requested, and its id is of one subject', () => {
    given(erasure, []).when(approve(), undefined).thenRefused('unknown-erasure');
    given(erasure, [requested])
      .when(request({ subjectId: 'AM00002' }), undefined)
      .thenRefused('erasure-id-reused');
  });
});
