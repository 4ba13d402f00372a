import type { MetricEvent } from './events.js';

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const metricFixtures: {
  readonly [Type in MetricEvent['type']]: Extract<MetricEvent, { type: Type }>['data'];
} = {
  'metrics.GoalSet.v1': { indicatorId: 'sales-attainment', target: '80' },
  'metrics.MetricRecorded.v1': {
    recordId: 'M0000001',
    indicatorId: 'sales-attainment',
    actual: '82.48',
    recordedAt: '2026-02-01T20:17:57+08:00',
    source: 'erp',
  },
};
