import type { EventSpec, PersonalField } from '#kernel';

/** The one organisation of this system: units, calendar, pools, delegations. */
export const ORGANISATION_STREAM = 'organisation-main';
export const accountManagerStream = (accountManagerId: string): string =>
  `account-manager-${accountManagerId}`;
export const erasureStream = (erasureId: string): string => `erasure-${erasureId}`;

export type UnitDefined = {
  readonly type: 'people.UnitDefined.v1';
  readonly data: {
    readonly unitId: string;
    readonly parentUnitId: string | null;
    readonly name: string;
  };
};

/** Days that differ from Monday-to-Friday; a later definition of a day replaces the earlier. */
export type CalendarDefined = {
  readonly type: 'people.CalendarDefined.v1';
  readonly data: { readonly days: readonly CalendarDay[] }; // at most 200
};
export type CalendarDay = { readonly date: string; readonly kind: 'holiday' | 'workday' };

export type TeamPoolSet = {
  readonly type: 'people.TeamPoolSet.v1';
  readonly data: {
    readonly unitId: string;
    readonly period: string;
    readonly amountMinor: string;
  };
};

export type ApprovalDelegated = {
  readonly type: 'people.ApprovalDelegated.v1';
  readonly data: {
    readonly delegationId: string;
    readonly fromActorId: string;
    readonly toActorId: string;
    readonly fromOn: string;
    readonly untilOn: string;
  };
};

export type AccountManagerEnrolled = {
  readonly type: 'people.AccountManagerEnrolled.v1';
  readonly data: {
    readonly accountManagerId: string;
    readonly name: string; // personal
    readonly unitId: string;
    readonly position: string;
    readonly supervisorId: string | null;
    readonly joinedOn: string;
  };
};

export type AccountManagerTransferred = {
  readonly type: 'people.AccountManagerTransferred.v1';
  readonly data: {
    readonly accountManagerId: string;
    readonly unitId: string;
    readonly position: string;
    readonly supervisorId: string | null;
    readonly effectiveOn: string;
  };
};

export type AbsenceRecorded = {
  readonly type: 'people.AbsenceRecorded.v1';
  readonly data: {
    readonly accountManagerId: string;
    readonly from: string; // first day, included
    readonly to: string; // last day, included
    readonly kind: string; // personal: sickness, maternity …
  };
};

export type AccountManagerLeft = {
  readonly type: 'people.AccountManagerLeft.v1';
  readonly data: {
    readonly accountManagerId: string;
    readonly leftOn: string; // last day in employment
  };
};

export type CapabilityCertified = {
  readonly type: 'people.CapabilityCertified.v1';
  readonly data: {
    readonly accountManagerId: string;
    readonly capability: string;
    readonly certifiedOn: string;
    readonly validUntil: string | null; // last valid day
  };
};

export type ErasureRequested = {
  readonly type: 'people.ErasureRequested.v1';
  readonly data: {
    readonly erasureId: string;
    readonly subjectId: string;
    readonly requestedBy: string;
  };
};

export type PersonalDataErased = {
  readonly type: 'people.PersonalDataErased.v1';
  readonly data: {
    readonly erasureId: string;
    readonly subjectId: string;
    readonly approvedBy: string;
  };
};

export type PeopleEvent =
  | UnitDefined
  | CalendarDefined
  | TeamPoolSet
  | ApprovalDelegated
  | AccountManagerEnrolled
  | AccountManagerTransferred
  | AbsenceRecorded
  | AccountManagerLeft
  | CapabilityCertified
  | ErasureRequested
  | PersonalDataErased;

const ofAccountManager = (purpose: string): PersonalField => ({
  subject: ({ data }) => (data as { accountManagerId: string }).accountManagerId,
  purpose,
});

export const peopleEvents: readonly EventSpec[] = [
  { type: 'people.UnitDefined.v1', schemaVersion: 1 },
  { type: 'people.CalendarDefined.v1', schemaVersion: 1 },
  { type: 'people.TeamPoolSet.v1', schemaVersion: 1 },
  { type: 'people.ApprovalDelegated.v1', schemaVersion: 1 },
  {
    type: 'people.AccountManagerEnrolled.v1',
    schemaVersion: 1,
    personal: { name: ofAccountManager('identity') },
  },
  { type: 'people.AccountManagerTransferred.v1', schemaVersion: 1 },
  {
    type: 'people.AbsenceRecorded.v1',
    schemaVersion: 1,
    personal: { kind: ofAccountManager('absence') },
  },
  { type: 'people.AccountManagerLeft.v1', schemaVersion: 1 },
  { type: 'people.CapabilityCertified.v1', schemaVersion: 1 },
  { type: 'people.ErasureRequested.v1', schemaVersion: 1 },
  { type: 'people.PersonalDataErased.v1', schemaVersion: 1 },
];
