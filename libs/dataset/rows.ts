import type { Correction } from '#rules';

/** Where a row stands. Its line is the one on which it begins. */
type At<File extends string> = { readonly file: File; readonly line: number };

// Master data. Everything optional in the format is `null` or '' where it is absent.

export type UnitRow = At<'units.csv'> & {
  readonly unitId: string;
  readonly parentUnitId: string | null;
  readonly name: string;
};
export type CalendarRow = At<'calendar.csv'> & {
  readonly date: string;
  readonly kind: 'holiday' | 'workday';
};
export type AccountManagerRow = At<'account-managers.csv'> & {
  readonly accountManagerId: string;
  readonly name: string;
  readonly unitId: string;
  readonly position: string;
  readonly supervisorId: string | null;
  readonly joinedOn: string;
  readonly leftOn: string | null;
};
export type AbsenceRow = At<'absences.csv'> & {
  readonly accountManagerId: string;
  readonly from: string;
  readonly to: string;
  readonly kind: string;
};
export type CapabilityRow = At<'capabilities.csv'> & {
  readonly accountManagerId: string;
  readonly capability: string;
  readonly certifiedOn: string;
  readonly validUntil: string | null;
};
export type TeamPoolRow = At<'team-pools.csv'> & {
  readonly unitId: string;
  readonly period: string;
  readonly amountMinor: string;
};
export type CycleRow = At<'cycles.csv'> & {
  readonly period: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly publishedAt: string | null;
  readonly finalisedAt: string | null;
  readonly sealedAt: string | null;
};

// Rows of one person, in the order of their own recording times. What is absent is undefined.

/** What every row of a person has: whose it is, and its own recording time (goals have none). */
type OfPerson<Kind extends string, File extends string> = At<File> & {
  readonly kind: Kind;
  readonly accountManagerId: string;
  readonly at: string | null;
};

/** Goals have no time of their own: they come first, and of a repeated key only the last row. */
export type GoalRow = OfPerson<'goal', 'goals.csv'> & {
  readonly period: string;
  readonly indicatorId: string;
  readonly target: string;
  readonly supersededLines: readonly number[]; // earlier rows of this key: they share its outcome
};
export type MetricRow = OfPerson<'metric', 'metrics.csv'> & {
  readonly at: string;
  readonly recordId: string;
  readonly period: string;
  readonly indicatorId: string;
  readonly actual: string;
  readonly recordedAt: string;
  readonly source?: string;
};
export type EvaluationRow = OfPerson<'evaluation', 'evaluations.csv'> & {
  readonly at: string;
  readonly evaluationId: string;
  readonly period: string;
  readonly indicatorId: string;
  readonly raterId: string;
  readonly raterGroup: 'self' | 'supervisor' | 'peer' | 'customer';
  readonly score: string;
  readonly submittedAt: string;
  readonly comment?: string;
};
export type FeedbackCallRow = OfPerson<'feedback-call', 'feedback-calls.csv'> & {
  readonly at: string;
  readonly callId: string;
  readonly customerId: string;
  readonly channel: 'phone' | 'walk';
  readonly outcome: 'completed' | 'refused' | 'unreachable';
  readonly answers: Readonly<Record<string, number>>; // 1–5 by question answered
  readonly calledAt: string;
  readonly comment?: string;
};
export type WorkTraceRow = OfPerson<'work-trace', 'work-traces.csv'> & {
  readonly at: string;
  readonly traceId: string;
  readonly type: string;
  readonly customerId?: string;
  readonly occurredAt: string;
  readonly loggedAt: string;
  readonly note?: string;
};
type Complaint = {
  readonly at: string;
  readonly complaintId: string;
  readonly customerId: string;
  readonly category: string;
  readonly raisedAt: string;
};
/** A complaint when it is raised: the whole row, so that it is checked whole. */
export type ComplaintRow = OfPerson<'complaint', 'complaints.csv'> &
  Complaint & { readonly upheld: boolean | null; readonly decidedAt: string | null };
/** The same row again at the time of its decision. */
export type ComplaintDecisionRow = OfPerson<'complaint-decision', 'complaints.csv'> &
  Complaint & { readonly upheld: boolean; readonly decidedAt: string };
export type AdjustmentRow = OfPerson<'adjustment', 'adjustments.csv'> & {
  readonly at: string;
  readonly adjustmentId: string;
  readonly period: string;
  readonly points: string;
  readonly reason?: string;
  readonly grantedBy: string;
  readonly grantedAt: string;
};
export type VetoRow = OfPerson<'veto', 'vetoes.csv'> & {
  readonly at: string;
  readonly vetoId: string;
  readonly period: string;
  readonly code: string;
  readonly reason?: string;
  readonly recordedAt: string;
};
/** A sale (`originalCreditId` absent, amount ≥ 0) or a return (present, amount ≤ 0). */
export type SalesCreditRow = OfPerson<'sales-credit', 'sales-credits.csv'> & {
  readonly at: string;
  readonly creditId: string;
  readonly period: string;
  readonly productId: string;
  readonly amountMinor: string;
  readonly creditedAt: string;
  readonly originalCreditId?: string;
};
export type AwardRow = OfPerson<'award', 'awards.csv'> & {
  readonly at: string;
  readonly awardId: string;
  readonly period: string;
  readonly code: string;
  readonly amountMinor: string;
  readonly reason?: string;
  readonly grantedAt: string;
};
export type AppealOutcome =
  | 'upheld'
  | 'partially-upheld'
  | 'dismissed'
  | 'inadmissible'
  | 'withdrawn';
type Appeal = {
  readonly at: string;
  readonly appealId: string;
  readonly period: string;
  readonly filedAt: string;
  readonly grounds: string;
  readonly disputedRecordIds: readonly string[];
  readonly reviewerId: string | null;
  readonly corrections: readonly Correction[];
};
/** An appeal when it is filed: the whole row, so that it is checked whole. */
export type AppealRow = OfPerson<'appeal', 'appeals.csv'> &
  Appeal & { readonly outcome: AppealOutcome | null; readonly decidedAt: string | null };
/** The same row again at the time of its decision (or withdrawal). */
export type AppealDecisionRow = OfPerson<'appeal-decision', 'appeals.csv'> &
  Appeal & { readonly outcome: AppealOutcome; readonly decidedAt: string };

/** A row about one person, as the replay hands it out. */
export type DatasetRow =
  | GoalRow
  | MetricRow
  | EvaluationRow
  | FeedbackCallRow
  | WorkTraceRow
  | ComplaintRow
  | ComplaintDecisionRow
  | AdjustmentRow
  | VetoRow
  | SalesCreditRow
  | AwardRow
  | AppealRow
  | AppealDecisionRow;
