import { ERASED } from '#kernel';
import { given } from '../../kernel/testing.js';
import {
  accountManager,
  type AccountManagerCommand,
  type AccountManagerFacts,
} from './account-manager.js';
import type { PeopleEvent } from './events.js';

const accountManagerId = 'AM00001';
const known: AccountManagerFacts = { unitKnown: true, openFrom: null };
const unknown: AccountManagerFacts = { unitKnown: false, openFrom: null };

const person = {
  accountManagerId,
  name: '黄平英',
  unitId: 'U01',
  position: 'account-manager',
  supervisorId: 'SUP-U01',
  joinedOn: '2026-01-15',
};
const enrolled: PeopleEvent = { type: 'people.AccountManagerEnrolled.v1', data: person };
const enrol = (change: Partial<typeof person> = {}): AccountManagerCommand => ({
  type: 'people.EnrolAccountManager',
  data: { ...person, ...change },
});

const place = {
  accountManagerId,
  unitId: 'U02',
  position: 'account-manager',
  supervisorId: 'SUP-U02',
  effectiveOn: '2026-04-01',
};
const transferred = (change: Partial<typeof place> = {}): PeopleEvent => ({
  type: 'people.AccountManagerTransferred.v1',
  data: { ...place, ...change },
});
const transfer = (change: Partial<typeof place> = {}): AccountManagerCommand => ({
  type: 'people.TransferAccountManager',
  data: { ...place, ...change },
});

const absence = { accountManagerId, from: '2026-03-09', to: '2026-03-13', kind: 'sickness' };
const absent: PeopleEvent = { type: 'people.AbsenceRecorded.v1', data: absence };
const recordAbsence = (change: Partial<typeof absence> = {}): AccountManagerCommand => ({
  type: 'people.RecordAbsence',
  data: { ...absence, ...change },
});

const left = (leftOn = '2026-06-15'): PeopleEvent => ({
  type: 'people.AccountManagerLeft.v1',
  data: { accountManagerId, leftOn },
});
const leave = (leftOn = '2026-06-15'): AccountManagerCommand => ({
  type: 'people.RecordLeaving',
  data: { accountManagerId, leftOn },
});

const certificate = {
  accountManagerId,
  capability: 'lecturer',
  certifiedOn: '2026-02-01',
  validUntil: null as string | null,
};
const certified: PeopleEvent = { type: 'people.CapabilityCertified.v1', data: certificate };
const certify = (change: Partial<typeof certificate> = {}): AccountManagerCommand => ({
  type: 'people.CertifyCapability',
  data: { ...certificate, ...change },
});

describe('enrolling', () => {
  it('records the person once', () => {
    given(accountManager, []).when(enrol(), known).thenEvents([enrolled]);
    given(accountManager, [enrolled]).when(enrol(), known).thenNothing();
  });

  it('takes the same person once also after the name was erased', () =>
    given(accountManager, [
      { type: 'people.AccountManagerEnrolled.v1', data: { ...person, name: ERASED } },
    ])
      .when(enrol(), known)
      .thenNothing());

  it('refuses another person under the same id', () => {
    given(accountManager, [enrolled])
      .when(enrol({ name: '王勇' }), known)
      .thenRefused('already-enrolled');
    given(accountManager, [enrolled])
      .when(enrol({ unitId: 'U02' }), known)
      .thenRefused('already-enrolled');
  });

  it('refuses an unknown unit and a day that does not exist', () => {
    given(accountManager, []).when(enrol(), unknown).thenRefused('unknown-unit');
    given(accountManager, [])
      .when(enrol({ joinedOn: '2026-02-30' }), known)
      .thenRefused('malformed');
  });

  it.each([
    ['a transfer', transfer()],
    ['an absence', recordAbsence()],
    ['a leaving', leave()],
    ['a capability', certify()],
  ])('comes before %s', (_, command) =>
    given(accountManager, []).when(command, known).thenRefused('unknown-account-manager'),
  );
});

describe('a transfer', () => {
  it('holds from its effective day on', () =>
    given(accountManager, [enrolled]).when(transfer(), known).thenEvents([transferred()]));

  it('is taken once, and so is one to the place where the person is already', () => {
    given(accountManager, [enrolled, transferred()]).when(transfer(), known).thenNothing();
    given(accountManager, [enrolled])
      .when(transfer({ unitId: 'U01', supervisorId: 'SUP-U01' }), known)
      .thenNothing();
  });

  it('of one day is corrected by a later one of the same day', () =>
    given(accountManager, [enrolled, transferred()])
      .when(transfer({ unitId: 'U03' }), known)
      .thenEvents([transferred({ unitId: 'U03' })]));

  it('back to the first place is a transfer again, though the place was held before', () =>
    given(accountManager, [enrolled, transferred()])
      .when(transfer({ unitId: 'U01', supervisorId: 'SUP-U01', effectiveOn: '2026-05-01' }), known)
      .thenEvents([
        transferred({ unitId: 'U01', supervisorId: 'SUP-U01', effectiveOn: '2026-05-01' }),
      ]));

  it('is judged by the place on its own day, not by a later transfer already known', () =>
    given(accountManager, [enrolled, transferred({ effectiveOn: '2026-05-01' })])
      .when(transfer({ effectiveOn: '2026-03-01' }), known)
      .thenEvents([transferred({ effectiveOn: '2026-03-01' })]));

  it('is refused before the person joined, after the person left, and to an unknown unit', () => {
    given(accountManager, [enrolled])
      .when(transfer({ effectiveOn: '2026-01-14' }), known)
      .thenRefused('malformed');
    given(accountManager, [enrolled, left('2026-03-31')])
      .when(transfer(), known)
      .thenRefused('already-left');
    given(accountManager, [enrolled]).when(transfer(), unknown).thenRefused('unknown-unit');
  });
});

describe('an absence', () => {
  it('is recorded once, also after its kind was erased', () => {
    given(accountManager, [enrolled]).when(recordAbsence(), known).thenEvents([absent]);
    given(accountManager, [enrolled, absent]).when(recordAbsence(), known).thenNothing();
    given(accountManager, [
      enrolled,
      { type: 'people.AbsenceRecorded.v1', data: { ...absence, kind: ERASED } },
    ])
      .when(recordAbsence(), known)
      .thenNothing();
  });

  it('may be of one day, but not end before it begins', () => {
    given(accountManager, [enrolled])
      .when(recordAbsence({ to: '2026-03-09' }), known)
      .thenEvents([{ type: 'people.AbsenceRecorded.v1', data: { ...absence, to: '2026-03-09' } }]);
    given(accountManager, [enrolled])
      .when(recordAbsence({ to: '2026-03-08' }), known)
      .thenRefused('malformed');
  });
});

describe('a leaving', () => {
  it('is recorded once and may be corrected', () => {
    given(accountManager, [enrolled]).when(leave(), known).thenEvents([left()]);
    given(accountManager, [enrolled, left()]).when(leave(), known).thenNothing();
    given(accountManager, [enrolled, left()])
      .when(leave('2026-06-30'), known)
      .thenEvents([left('2026-06-30')]);
  });

  it('is not before the joining', () =>
    given(accountManager, [enrolled]).when(leave('2026-01-14'), known).thenRefused('malformed'));
});

describe('a capability', () => {
  it('is certified once for the same days, and again for others', () => {
    given(accountManager, [enrolled]).when(certify(), known).thenEvents([certified]);
    given(accountManager, [enrolled, certified]).when(certify(), known).thenNothing();
    given(accountManager, [enrolled, certified])
      .when(certify({ certifiedOn: '2026-03-01' }), known)
      .thenEvents([
        {
          type: 'people.CapabilityCertified.v1',
          data: { ...certificate, certifiedOn: '2026-03-01' },
        },
      ]);
  });

  it('is not valid until a day before it is certified', () =>
    given(accountManager, [enrolled])
      .when(certify({ validUntil: '2026-01-31' }), known)
      .thenRefused('malformed'));
});
