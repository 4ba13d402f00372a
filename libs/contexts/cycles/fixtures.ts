import type { CycleEvent } from './events.js';

const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const cycleFixtures: {
  readonly [Type in CycleEvent['type']]: Extract<CycleEvent, { type: Type }>['data'];
} = {
  'cycles.CycleOpened.v1': {
    period: '2026-03',
    firstDay: '2026-03-01',
    lastDay: '2026-03-31',
    openedAt: '2026-03-01T00:00:00+08:00',
  },
  'cycles.CollectionClosed.v1': { period: '2026-03', closedAt: '2026-04-03T18:00:00+08:00' },
  'cycles.CollectionReopeningProposed.v1': {
    period: '2026-03',
    proposalId: 'reopening-1',
    proposedBy: 'OFFICE-1',
    proposedAt: '2026-04-03T19:00:00+08:00',
    reason: '北区漏报两项指标',
  },
  'cycles.CollectionReopened.v1': {
    period: '2026-03',
    proposedBy: 'OFFICE-1',
    approvedBy: 'OFFICE-2',
    proposalId: 'reopening-1',
  },
  'cycles.PublicationStarted.v1': {
    period: '2026-03',
    startedAt: '2026-04-04T08:59:00+08:00',
    incompleteAcknowledgedBy: 'OFFICE-1',
    reason: '两人缺上级评价',
  },
  'cycles.ResultsComputed.v1': {
    period: '2026-03',
    count: 48,
    sha256,
    rulesVersion: '1.0.0',
  },
  'cycles.CyclePublished.v1': {
    period: '2026-03',
    publishedAt: '2026-04-04T09:00:00+08:00',
    count: 48,
    sha256,
  },
  'cycles.CycleFinalised.v1': { period: '2026-03', finalisedAt: '2026-04-16T18:00:00+08:00' },
};
