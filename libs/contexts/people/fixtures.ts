import type { PeopleEvent } from './events.js';

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const peopleFixtures: {
  readonly [Type in PeopleEvent['type']]: Extract<PeopleEvent, { type: Type }>['data'];
} = {
  'people.UnitDefined.v1': { unitId: 'U01', parentUnitId: 'R1', name: '第1营销部' },
  'people.CalendarDefined.v1': {
    days: [
      { date: '2026-05-01', kind: 'holiday' },
      { date: '2026-05-09', kind: 'workday' },
    ],
  },
  'people.TeamPoolSet.v1': { unitId: 'U01', period: '2026-03', amountMinor: '1200000' },
  'people.ApprovalDelegated.v1': {
    delegationId: 'D0000001',
    fromActorId: 'APPROVER-1',
    toActorId: 'APPROVER-2',
    fromOn: '2026-07-01',
    untilOn: '2026-07-14',
  },
  'people.AccountManagerEnrolled.v1': {
    accountManagerId: 'AM00001',
    name: '黄平英',
    unitId: 'U01',
    position: 'account-manager',
    supervisorId: 'SUP-U01',
    joinedOn: '2024-03-01',
  },
  'people.AccountManagerTransferred.v1': {
    accountManagerId: 'AM00001',
    unitId: 'U02',
    position: 'senior-account-manager',
    supervisorId: 'SUP-U02',
    effectiveOn: '2026-04-01',
  },
  'people.AbsenceRecorded.v1': {
    accountManagerId: 'AM00001',
    from: '2026-03-09',
    to: '2026-03-13',
    kind: 'sickness',
  },
  'people.AccountManagerLeft.v1': { accountManagerId: 'AM00001', leftOn: '2026-06-15' },
  'people.CapabilityCertified.v1': {
    accountManagerId: 'AM00001',
    capability: 'lecturer',
    certifiedOn: '2025-11-03',
    validUntil: '2027-11-02',
  },
  'people.ErasureRequested.v1': {
    erasureId: 'X0000001',
    subjectId: 'AM00001',
    requestedBy: 'OFFICE-1',
  },
  'people.PersonalDataErased.v1': {
    erasureId: 'X0000001',
    subjectId: 'AM00001',
    approvedBy: 'OFFICE-2',
  },
};
