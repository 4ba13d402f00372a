import type { WorkTraceEvent } from './events.js';

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const workTraceFixtures: {
  readonly [Type in WorkTraceEvent['type']]: Extract<WorkTraceEvent, { type: Type }>['data'];
} = {
  'work-traces.WorkTraceLogged.v1': {
    traceId: 'T0000001',
    type: 'visit',
    customerId: 'C18145',
    occurredAt: '2026-01-09T08:03:34+08:00',
    loggedAt: '2026-01-10T04:03:34+08:00',
    note: '新品陈列已完成',
  },
  'work-traces.WorkTraceVoided.v1': {
    traceId: 'T0000001',
    voidedAt: '2026-01-11T09:00:00+08:00',
    reason: '重复登记',
  },
};
