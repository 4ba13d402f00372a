import { type EventSpec, subjectOfAssessment } from '#kernel';

export const complaintStream = (complaintId: string): string => `complaint-${complaintId}`;

export type AdjustmentGranted = {
  readonly type: 'conduct.AdjustmentGranted.v1';
  readonly data: {
    readonly adjustmentId: string;
    readonly points: string; // negative: deducted
    readonly reason?: string; // personal
    readonly grantedBy: string;
    readonly grantedAt: string;
  };
};

export type VetoRecorded = {
  readonly type: 'conduct.VetoRecorded.v1';
  readonly data: {
    readonly vetoId: string;
    readonly code: string;
    readonly reason?: string; // personal
    readonly recordedAt: string;
  };
};

export type ComplaintRaised = {
  readonly type: 'conduct.ComplaintRaised.v1';
  readonly data: {
    readonly complaintId: string;
    readonly accountManagerId: string;
    readonly customerId: string;
    readonly category: string;
    readonly raisedAt: string;
  };
};

/** Stands in the assessment stream of the period into which the decision falls. */
export type ComplaintDecided = {
  readonly type: 'conduct.ComplaintDecided.v1';
  readonly data: {
    readonly complaintId: string;
    readonly upheld: boolean;
    readonly decidedAt: string;
  };
};

/** Positive: an award. Negative: a penalty. */
export type AwardGranted = {
  readonly type: 'conduct.AwardGranted.v1';
  readonly data: {
    readonly awardId: string;
    readonly code: string;
    readonly amountMinor: string;
    readonly reason?: string; // personal
    readonly grantedAt: string;
  };
};

export type SalesCredited = {
  readonly type: 'conduct.SalesCredited.v1';
  readonly data: {
    readonly creditId: string;
    readonly productId: string;
    readonly amountMinor: string; // above 0
    readonly creditedAt: string;
  };
};

/** A return; its sale may be another period's and another person's, and is cited by value. */
export type SalesReturned = {
  readonly type: 'conduct.SalesReturned.v1';
  readonly data: {
    readonly creditId: string;
    readonly productId: string;
    readonly amountMinor: string; // below 0
    readonly creditedAt: string;
    readonly original: {
      readonly creditId: string;
      readonly accountManagerId: string;
      readonly period: string;
      readonly productId: string;
    };
  };
};

export type ConductEvent =
  | AdjustmentGranted
  | VetoRecorded
  | ComplaintDecided
  | AwardGranted
  | SalesCredited
  | SalesReturned;

const personal = { subject: subjectOfAssessment, purpose: 'conduct' };

export const conductEvents: readonly EventSpec[] = [
  { type: 'conduct.AdjustmentGranted.v1', schemaVersion: 1, personal: { reason: personal } },
  { type: 'conduct.VetoRecorded.v1', schemaVersion: 1, personal: { reason: personal } },
  { type: 'conduct.ComplaintRaised.v1', schemaVersion: 1 },
  { type: 'conduct.ComplaintDecided.v1', schemaVersion: 1 },
  { type: 'conduct.AwardGranted.v1', schemaVersion: 1, personal: { reason: personal } },
  { type: 'conduct.SalesCredited.v1', schemaVersion: 1 },
  { type: 'conduct.SalesReturned.v1', schemaVersion: 1 },
];
