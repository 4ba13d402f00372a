import { type EventSpec, subjectOfAssessment } from '#kernel';

export type WorkTraceLogged = {
  readonly type: 'work-traces.WorkTraceLogged.v1';
  readonly data: {
    readonly traceId: string;
    readonly type: string; // visit, delivery …: one of the organisation's own trace types
    readonly customerId?: string;
    readonly occurredAt: string;
    readonly loggedAt: string;
    readonly note?: string; // personal
  };
};

export type WorkTraceVoided = {
  readonly type: 'work-traces.WorkTraceVoided.v1';
  readonly data: {
    readonly traceId: string;
    readonly voidedAt: string;
    readonly reason: string; // personal
  };
};

export type WorkTraceEvent = WorkTraceLogged | WorkTraceVoided;

const personal = { subject: subjectOfAssessment, purpose: 'work-trace' };

export const workTraceEvents: readonly EventSpec[] = [
  { type: 'work-traces.WorkTraceLogged.v1', schemaVersion: 1, personal: { note: personal } },
  { type: 'work-traces.WorkTraceVoided.v1', schemaVersion: 1, personal: { reason: personal } },
];
