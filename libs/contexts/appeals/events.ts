import type { EventSpec, PersonalField } from '#kernel';
import type { Correction } from '#rules';

export const appealStream = (appealId: string): string => `appeal-${appealId}`;

export type AppealFiled = {
  readonly type: 'appeals.AppealFiled.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly period: string;
    readonly filedAt: string;
    readonly grounds: string; // personal
    readonly disputedRecordIds: readonly string[];
    readonly acceptDueOn: string; // last day of the period for acceptance
    readonly acceptDueAt?: string; // first instant after that day, in the zone of the scheme
  };
};

export type AppealAccepted = {
  readonly type: 'appeals.AppealAccepted.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly acceptedBy: string;
    readonly acceptedAt: string;
    readonly decideDueOn: string;
    readonly decideDueAt?: string;
  };
};

export type AppealFoundInadmissible = {
  readonly type: 'appeals.AppealFoundInadmissible.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly decidedBy: string;
    readonly decidedAt: string;
    readonly reason?: string; // personal
  };
};

export type ReviewerAssigned = {
  readonly type: 'appeals.ReviewerAssigned.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly reviewerId: string;
    readonly assignedAt: string;
    readonly decideDueAt?: string; // of the step open then; left out once it was escalated
  };
};

export type DecidedOutcome = 'upheld' | 'partially-upheld' | 'dismissed';

export type AppealDecided = {
  readonly type: 'appeals.AppealDecided.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly period: string;
    readonly reviewerId: string;
    readonly outcome: DecidedOutcome;
    readonly corrections: readonly Correction[];
    readonly reasons?: string; // personal
    readonly decidedAt: string;
    readonly instance: 1 | 2; // 2: the one review
    readonly reviewDueOn: string; // last day on which a review may be asked
  };
};

export type AppealEscalated = {
  readonly type: 'appeals.AppealEscalated.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly step: 'accept' | 'decide';
    readonly dueOn: string;
  };
};

export type AppealReviewRequested = {
  readonly type: 'appeals.AppealReviewRequested.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly requestedAt: string;
    readonly grounds: string; // personal
    readonly decideDueOn: string;
    readonly decideDueAt?: string;
  };
};

export type AppealWithdrawn = {
  readonly type: 'appeals.AppealWithdrawn.v1';
  readonly data: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly withdrawnAt: string;
  };
};

export type AppealEvent =
  | AppealFiled
  | AppealAccepted
  | AppealFoundInadmissible
  | ReviewerAssigned
  | AppealDecided
  | AppealEscalated
  | AppealReviewRequested
  | AppealWithdrawn;

const personal: PersonalField = {
  subject: ({ data }) => (data as { accountManagerId: string }).accountManagerId,
  purpose: 'appeal',
};

export const appealEvents: readonly EventSpec[] = [
  { type: 'appeals.AppealFiled.v1', schemaVersion: 1, personal: { grounds: personal } },
  { type: 'appeals.AppealAccepted.v1', schemaVersion: 1 },
  {
    type: 'appeals.AppealFoundInadmissible.v1',
    schemaVersion: 1,
    personal: { reason: personal },
  },
  { type: 'appeals.ReviewerAssigned.v1', schemaVersion: 1 },
  { type: 'appeals.AppealDecided.v1', schemaVersion: 1, personal: { reasons: personal } },
  { type: 'appeals.AppealEscalated.v1', schemaVersion: 1 },
  { type: 'appeals.AppealReviewRequested.v1', schemaVersion: 1, personal: { grounds: personal } },
  { type: 'appeals.AppealWithdrawn.v1', schemaVersion: 1 },
];
