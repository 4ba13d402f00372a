import type { CalendarDay } from './calendar.js';

/** Everything about one person's period that comes from outside the person's stream of facts. */
export type AssessmentContext = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly unitPath: readonly string[]; // own unit first, then its ancestors
  readonly position: string;
  readonly supervisorId: string | null;
  readonly joinedOn: string;
  readonly leftOn: string | null;
  readonly absences: readonly { readonly from: string; readonly to: string }[]; // of the period
  readonly firstDay: string;
  readonly lastDay: string;
  readonly calendar: readonly CalendarDay[]; // exceptions within the period
  readonly workdays: number;
  readonly eligibleDays: number;
  readonly capabilities: readonly string[]; // valid on the period's last day, sorted
  readonly carry: Readonly<Record<string, CarriedScore>>; // by indicator with the policy `carry`
  readonly earlierResult: EarlierResult | null;
};

/** An exact score that another period's result vouches for. */
export type CarriedScore = {
  readonly period: string;
  readonly resultVersion: number;
  readonly score: string; // "n/d"
};

/** The latest earlier published result with a score, for the ranking order. */
export type EarlierResult = {
  readonly period: string;
  readonly resultVersion: number;
  readonly score: string; // rounded
};

/** Recorded facts of one person and period, each list in the order of its recording. */
export type RecordedFacts = {
  readonly goals: ReadonlyMap<string, string>; // target by indicator, the last recorded
  readonly metrics: readonly MetricFact[];
  readonly evaluations: readonly EvaluationFact[];
  readonly calls: readonly CallFact[];
  readonly traces: readonly TraceFact[];
  readonly complaints: readonly ComplaintFact[];
  readonly adjustments: readonly AdjustmentFact[];
  readonly vetoes: readonly VetoFact[];
  readonly corrections: readonly Correction[]; // of all decisions, in the order of decision
};

export type MetricFact = {
  readonly recordId: string;
  readonly indicatorId: string;
  readonly actual: string;
  readonly recordedAt: string;
};
export type EvaluationFact = {
  readonly recordId: string;
  readonly indicatorId: string;
  readonly raterId: string;
  readonly raterGroup: string;
  readonly score: string;
  readonly submittedAt: string;
  readonly withdrawn: boolean;
};
export type CallFact = {
  readonly recordId: string;
  readonly answers: Readonly<Record<string, number>>; // 1–5 by question answered
};
export type TraceFact = {
  readonly recordId: string;
  readonly type: string;
  readonly customerId: string | null;
  readonly occurredAt: string;
  readonly loggedAt: string;
  readonly voided: boolean;
};
export type ComplaintFact = { readonly recordId: string; readonly upheld: boolean };
export type AdjustmentFact = { readonly recordId: string; readonly points: string };
export type VetoFact = { readonly recordId: string; readonly code: string };

/** What a decision does to the facts of the disputed period. */
export type Correction =
  | { readonly type: 'strike'; readonly recordId: string }
  | { readonly type: 'replace'; readonly recordId: string; readonly value: string }
  | { readonly type: 'adjust'; readonly points: string };
