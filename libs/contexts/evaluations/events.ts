import { type EventSpec, subjectOfAssessment } from '#kernel';

export type RaterGroup = 'self' | 'supervisor' | 'peer' | 'customer';

export type EvaluationSubmitted = {
  readonly type: 'evaluations.EvaluationSubmitted.v1';
  readonly data: {
    readonly evaluationId: string;
    readonly indicatorId: string;
    readonly raterId: string;
    readonly raterGroup: RaterGroup;
    readonly score: string; // 0–100
    readonly submittedAt: string;
    readonly comment?: string; // personal
  };
};

/** The score changes at its old time: the amended evaluation stays as late as it was submitted. */
export type EvaluationAmended = {
  readonly type: 'evaluations.EvaluationAmended.v1';
  readonly data: {
    readonly evaluationId: string;
    readonly score: string;
    readonly amendedAt: string;
    readonly comment?: string; // personal
  };
};

export type EvaluationWithdrawn = {
  readonly type: 'evaluations.EvaluationWithdrawn.v1';
  readonly data: {
    readonly evaluationId: string;
    readonly withdrawnAt: string;
    readonly reason?: string; // personal
  };
};

export type EvaluationEvent = EvaluationSubmitted | EvaluationAmended | EvaluationWithdrawn;

const personal = { subject: subjectOfAssessment, purpose: 'evaluation' };

export const evaluationEvents: readonly EventSpec[] = [
  {
    type: 'evaluations.EvaluationSubmitted.v1',
    schemaVersion: 1,
    personal: { comment: personal },
  },
  { type: 'evaluations.EvaluationAmended.v1', schemaVersion: 1, personal: { comment: personal } },
  { type: 'evaluations.EvaluationWithdrawn.v1', schemaVersion: 1, personal: { reason: personal } },
];
