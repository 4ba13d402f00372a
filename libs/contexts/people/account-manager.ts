import {
  type Decider,
  DomainError,
  isSameRecord,
  recordDigest,
  type RecordDigest,
  requireForm,
  requireId,
  requireText,
} from '#kernel';
import type {
  AbsenceRecorded,
  AccountManagerEnrolled,
  AccountManagerLeft,
  AccountManagerTransferred,
  CapabilityCertified,
  PeopleEvent,
} from './events.js';
import { requireDate } from './form.js';

export type EnrolAccountManager = {
  readonly type: 'people.EnrolAccountManager';
  readonly data: AccountManagerEnrolled['data'];
};
export type TransferAccountManager = {
  readonly type: 'people.TransferAccountManager';
  readonly data: AccountManagerTransferred['data'];
};
export type RecordAbsence = {
  readonly type: 'people.RecordAbsence';
  readonly data: AbsenceRecorded['data'];
};
/** Said again with another day it corrects the first. */
export type RecordLeaving = {
  readonly type: 'people.RecordLeaving';
  readonly data: AccountManagerLeft['data'];
};
export type CertifyCapability = {
  readonly type: 'people.CertifyCapability';
  readonly data: CapabilityCertified['data'];
};
export type AccountManagerCommand =
  | EnrolAccountManager
  | TransferAccountManager
  | RecordAbsence
  | RecordLeaving
  | CertifyCapability;

export type AccountManagerFacts = {
  /** Asked by enrolling and transferring: does the unit of the command exist? */
  readonly unitKnown: boolean;
  /** Asked by transferring: the first day that no publication has frozen; null: every day. */
  readonly openFrom: string | null;
};

type Place = {
  readonly effectiveOn: string; // '' for the enrolment
  readonly unitId: string;
  readonly position: string;
  readonly supervisorId: string | null;
};

export type AccountManagerState = {
  enrolment: RecordDigest | null;
  joinedOn: string;
  leftOn: string | null;
  readonly places: Place[]; // by effectiveOn; of one day the last recorded holds
  readonly absences: Set<RecordDigest>;
  readonly certificates: Set<RecordDigest>;
};

/** Limits what one person's stream may hold of each kind. */
const MAX_ENTRIES = 10_000;

const enrolmentDigest = (data: AccountManagerEnrolled['data']) => recordDigest(data, 'name');
const absenceDigest = (data: AbsenceRecorded['data']) => recordDigest(data, 'kind');

function requirePlace(data: Omit<Place, 'effectiveOn'>, { unitKnown }: AccountManagerFacts): void {
  requireId(data.unitId, 'unitId');
  requireId(data.position, 'position');
  if (data.supervisorId !== null) requireId(data.supervisorId, 'supervisorId');
  if (!unitKnown) throw new DomainError('unknown-unit', { unitId: data.unitId });
}

function enrol(
  { data }: EnrolAccountManager,
  state: Readonly<AccountManagerState>,
  facts: AccountManagerFacts,
): readonly PeopleEvent[] {
  const { accountManagerId } = data;
  requireId(accountManagerId, 'accountManagerId');
  requireText(data.name, 'name');
  requireDate(data.joinedOn, 'joinedOn');
  if (state.enrolment !== null) {
    if (isSameRecord(state.enrolment, enrolmentDigest(data))) return [];
    throw new DomainError('already-enrolled', { accountManagerId });
  }
  requirePlace(data, facts);
  return [{ type: 'people.AccountManagerEnrolled.v1', data }];
}

function transfer(
  { data }: TransferAccountManager,
  state: Readonly<AccountManagerState>,
  facts: AccountManagerFacts,
): readonly PeopleEvent[] {
  const { accountManagerId, effectiveOn } = data;
  requireDate(effectiveOn, 'effectiveOn');
  requireForm(effectiveOn >= state.joinedOn, 'effectiveOn');
  const place = placeOn(state, effectiveOn);
  const stays =
    place?.unitId === data.unitId &&
    place.position === data.position &&
    place.supervisorId === data.supervisorId;
  if (stays) return [];
  requirePlace(data, facts);
  if (facts.openFrom !== null && effectiveOn < facts.openFrom) {
    throw new DomainError('publication-started', { effectiveOn, openFrom: facts.openFrom });
  }
  if (state.leftOn !== null && effectiveOn > state.leftOn) {
    throw new DomainError('already-left', { accountManagerId });
  }
  return [{ type: 'people.AccountManagerTransferred.v1', data }];
}

function placeOn({ places }: Readonly<AccountManagerState>, day: string): Place | undefined {
  return places.findLast(({ effectiveOn }) => effectiveOn <= day);
}

function recordAbsence(
  { data }: RecordAbsence,
  { absences }: Readonly<AccountManagerState>,
): readonly PeopleEvent[] {
  requireDate(data.from, 'from');
  requireDate(data.to, 'to');
  requireForm(data.from <= data.to, 'to');
  requireText(data.kind, 'kind');
  const digest = absenceDigest(data);
  if (absences.has(digest)) return [];
  // Only a digest of an erased kind can be the same and not equal.
  for (const known of absences) if (isSameRecord(known, digest)) return [];
  requireForm(absences.size < MAX_ENTRIES, 'absences');
  return [{ type: 'people.AbsenceRecorded.v1', data }];
}

function leave(
  { data }: RecordLeaving,
  state: Readonly<AccountManagerState>,
): readonly PeopleEvent[] {
  requireDate(data.leftOn, 'leftOn');
  requireForm(data.leftOn >= state.joinedOn, 'leftOn');
  if (state.leftOn === data.leftOn) return [];
  return [{ type: 'people.AccountManagerLeft.v1', data }];
}

function certify(
  { data }: CertifyCapability,
  { certificates }: Readonly<AccountManagerState>,
): readonly PeopleEvent[] {
  requireId(data.capability, 'capability');
  requireDate(data.certifiedOn, 'certifiedOn');
  if (data.validUntil !== null) {
    requireDate(data.validUntil, 'validUntil');
    requireForm(data.certifiedOn <= data.validUntil, 'validUntil');
  }
  if (certificates.has(recordDigest(data))) return [];
  requireForm(certificates.size < MAX_ENTRIES, 'capability');
  return [{ type: 'people.CapabilityCertified.v1', data }];
}

/** One account manager's employment: the stream `account-manager-{id}`. */
export const accountManager: Decider<
  AccountManagerState,
  AccountManagerCommand,
  PeopleEvent,
  AccountManagerFacts
> = {
  initialState: () => ({
    enrolment: null,
    joinedOn: '',
    leftOn: null,
    places: [],
    absences: new Set(),
    certificates: new Set(),
  }),

  evolve(state, { type, data }) {
    switch (type) {
      case 'people.AccountManagerEnrolled.v1':
        state.enrolment = enrolmentDigest(data);
        state.joinedOn = data.joinedOn;
        state.places.unshift({ ...data, effectiveOn: '' });
        return state;
      case 'people.AccountManagerTransferred.v1': {
        const after = state.places.findLastIndex(
          ({ effectiveOn }) => effectiveOn <= data.effectiveOn,
        );
        state.places.splice(after + 1, 0, data);
        return state;
      }
      case 'people.AbsenceRecorded.v1':
        state.absences.add(absenceDigest(data));
        return state;
      case 'people.AccountManagerLeft.v1':
        state.leftOn = data.leftOn;
        return state;
      case 'people.CapabilityCertified.v1':
        state.certificates.add(recordDigest(data));
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    if (command.type === 'people.EnrolAccountManager') return enrol(command, state, facts);
    const { accountManagerId } = command.data;
    if (state.enrolment === null) {
      throw new DomainError('unknown-account-manager', { accountManagerId });
    }
    switch (command.type) {
      case 'people.TransferAccountManager':
        return transfer(command, state, facts);
      case 'people.RecordAbsence':
        return recordAbsence(command, state);
      case 'people.RecordLeaving':
        return leave(command, state);
      case 'people.CertifyCapability':
        return certify(command, state);
    }
  },
};
