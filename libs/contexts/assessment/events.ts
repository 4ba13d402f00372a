import { type EventSpec, subjectOfAssessment } from '#kernel';
import type { AssessmentContext, Correction, PublishedResult } from '#rules';

export const correctionStream = (correctionId: string): string => `correction-${correctionId}`;

/**
 * Closes the facts of one person's period at publication and carries by value every input that
 * comes from outside the stream. What is computed later about the published period reads nothing
 * else than this stream and the scheme version named here.
 */
export type FactsFrozen = {
  readonly type: 'assessment.FactsFrozen.v1';
  readonly data: AssessmentContext & { readonly closedAt: string };
};

/** A fact from `CyclePublished` on; until then nobody sees it. */
export type ResultPublished = {
  readonly type: 'assessment.ResultPublished.v1';
  readonly data: PublishedResult & { readonly resultVersion: 1 };
};

/** A new version of a published result; ceilings and team pools are not run again. */
export type ResultCorrected = {
  readonly type: 'assessment.ResultCorrected.v1';
  readonly data: PublishedResult & {
    readonly resultVersion: number;
    readonly citing:
      | { readonly kind: 'appeal'; readonly appealId: string }
      | { readonly kind: 'office'; readonly correctionId: string };
    readonly corrections: readonly Correction[]; // of this decision
    readonly heldHarmless: boolean; // the new total was lower: score and indicators stayed
    readonly decidedAt: string;
  };
};

/** Closes credits and awards of one person's period for a batch, with what comes from outside. */
export type CreditsFrozen = {
  readonly type: 'assessment.CreditsFrozen.v1';
  readonly data: {
    readonly batchId: string;
    readonly returns: readonly {
      readonly creditId: string;
      readonly commissionPercent: string | null; // of the original's person, product and period
      readonly originalStruck: boolean;
    }[];
  };
};

export type StatementAcknowledged = {
  readonly type: 'assessment.StatementAcknowledged.v1';
  readonly data: { readonly resultVersion: number; readonly acknowledgedAt: string };
};

export type StatementObjected = {
  readonly type: 'assessment.StatementObjected.v1';
  readonly data: {
    readonly resultVersion: number;
    readonly grounds: string; // personal
    readonly objectedAt: string;
  };
};

/** A correction by the assessment office outside an appeal. */
export type CorrectionProposed = {
  readonly type: 'assessment.CorrectionProposed.v1';
  readonly data: {
    readonly correctionId: string;
    readonly accountManagerId: string;
    readonly period: string;
    readonly corrections: readonly Correction[];
    readonly reason: string; // personal
    readonly proposedBy: string;
    readonly proposedAt: string;
  };
};

export type CorrectionApproved = {
  readonly type: 'assessment.CorrectionApproved.v1';
  readonly data: {
    readonly correctionId: string;
    readonly approvedBy: string; // another person
    readonly approvedAt: string;
  };
};

/** What stands in the assessment stream itself. */
export type AssessmentEvent =
  | FactsFrozen
  | ResultPublished
  | ResultCorrected
  | CreditsFrozen
  | StatementAcknowledged
  | StatementObjected;
export type CorrectionEvent = CorrectionProposed | CorrectionApproved;

export const assessmentEvents: readonly EventSpec[] = [
  { type: 'assessment.FactsFrozen.v1', schemaVersion: 1 },
  { type: 'assessment.ResultPublished.v1', schemaVersion: 1 },
  { type: 'assessment.ResultCorrected.v1', schemaVersion: 1 },
  { type: 'assessment.CreditsFrozen.v1', schemaVersion: 1 },
  { type: 'assessment.StatementAcknowledged.v1', schemaVersion: 1 },
  {
    type: 'assessment.StatementObjected.v1',
    schemaVersion: 1,
    personal: { grounds: { subject: subjectOfAssessment, purpose: 'statement' } },
  },
  {
    type: 'assessment.CorrectionProposed.v1',
    schemaVersion: 1,
    personal: {
      reason: {
        subject: ({ data }) => (data as CorrectionProposed['data']).accountManagerId,
        purpose: 'correction',
      },
    },
  },
  { type: 'assessment.CorrectionApproved.v1', schemaVersion: 1 },
];
