import type { EventSpec } from '#kernel';

/** The goal of one indicator; the last recorded holds. */
export type GoalSet = {
  readonly type: 'metrics.GoalSet.v1';
  readonly data: {
    readonly indicatorId: string;
    readonly target: string; // exact decimal, in the indicator's own unit
  };
};

/** The measured value of one indicator; a later record for the same indicator supersedes it. */
export type MetricRecorded = {
  readonly type: 'metrics.MetricRecorded.v1';
  readonly data: {
    readonly recordId: string;
    readonly indicatorId: string;
    readonly actual: string; // exact decimal, in the indicator's own unit
    readonly recordedAt: string; // RFC 3339 with offset
    readonly source?: string; // the system it came from
  };
};

export type MetricEvent = GoalSet | MetricRecorded;

export const metricEvents: readonly EventSpec[] = [
  { type: 'metrics.GoalSet.v1', schemaVersion: 1 },
  { type: 'metrics.MetricRecorded.v1', schemaVersion: 1 },
];
