import type { CycleEvent } from '#contexts/cycles';
import type { RecordedEvent } from '#event-store';

/** One event of a cycle's life as people read it. */
type CycleStep = {
  readonly step: string;
  readonly at: string;
  readonly actorId: string;
  readonly eventId: string;
  readonly reason?: string; // of a reopening or an acknowledgement; for office and auditor
};

type OpenProposal = {
  readonly proposalId: string;
  readonly proposedBy: string;
  readonly proposedAt: string;
  readonly reason?: string;
};

type CycleState = 'open' | 'closed' | 'publishing' | 'published' | 'finalised';

/** A cycle as its stream tells it, with the revision that `If-Match` is held against. */
export type CycleView = {
  readonly period: string;
  readonly revision: number;
  readonly state: CycleState;
  readonly firstDay: string;
  readonly lastDay: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly publicationStartedAt: string | null;
  readonly incompleteAcknowledgedBy: string | null;
  readonly results: { readonly count: number; readonly sha256: string } | null;
  readonly publishedAt: string | null;
  readonly finalisedAt: string | null;
  readonly reopeningProposal: OpenProposal | null;
  readonly history: readonly CycleStep[];
};

/** Null: the stream has no event. */
export function cycleView(
  events: readonly RecordedEvent[],
  { reasons }: { readonly reasons: boolean },
): CycleView | null {
  let view: CycleView | null = null;
  for (const recorded of events) {
    const event = recorded as RecordedEvent & CycleEvent;
    const next: CycleView | null = applied(view, event, reasons);
    if (!next) continue;
    const history: CycleStep[] = [...next.history, stepOf(event, reasons)];
    view = { ...next, revision: recorded.revision, history };
  }
  return view;
}

type Stored = RecordedEvent & CycleEvent;

function applied(view: CycleView | null, event: Stored, reasons: boolean): CycleView | null {
  if (event.type === 'cycles.CycleOpened.v1') {
    const { period, firstDay, lastDay, openedAt } = event.data;
    return { ...UNTOUCHED, period, firstDay, lastDay, openedAt };
  }
  if (!view) return null;
  switch (event.type) {
    case 'cycles.CollectionClosed.v1':
      return { ...view, state: 'closed', closedAt: event.data.closedAt };
    case 'cycles.CollectionReopeningProposed.v1': {
      const { proposalId, proposedBy, proposedAt, reason } = event.data;
      const proposal = { proposalId, proposedBy, proposedAt, ...(reasons ? { reason } : {}) };
      return { ...view, reopeningProposal: proposal };
    }
    case 'cycles.CollectionReopened.v1':
      return { ...view, state: 'open', closedAt: null, reopeningProposal: null };
    case 'cycles.PublicationStarted.v1': {
      const { startedAt, incompleteAcknowledgedBy } = event.data;
      const state = 'publishing';
      const started = { publicationStartedAt: startedAt, incompleteAcknowledgedBy };
      return { ...view, ...started, state, reopeningProposal: null };
    }
    case 'cycles.ResultsComputed.v1': {
      const { count, sha256 } = event.data;
      return { ...view, results: { count, sha256 } };
    }
    case 'cycles.CyclePublished.v1':
      return { ...view, state: 'published', publishedAt: event.data.publishedAt };
    case 'cycles.CycleFinalised.v1':
      return { ...view, state: 'finalised', finalisedAt: event.data.finalisedAt };
  }
}

const UNTOUCHED = {
  revision: -1,
  state: 'open',
  closedAt: null,
  publicationStartedAt: null,
  incompleteAcknowledgedBy: null,
  results: null,
  publishedAt: null,
  finalisedAt: null,
  reopeningProposal: null,
  history: [],
} as const;

const STEPS: Readonly<Record<CycleEvent['type'], string>> = {
  'cycles.CycleOpened.v1': 'opened',
  'cycles.CollectionClosed.v1': 'collection-closed',
  'cycles.CollectionReopeningProposed.v1': 'reopening-proposed',
  'cycles.CollectionReopened.v1': 'reopened',
  'cycles.PublicationStarted.v1': 'publication-started',
  'cycles.ResultsComputed.v1': 'results-computed',
  'cycles.CyclePublished.v1': 'published',
  'cycles.CycleFinalised.v1': 'finalised',
};

function stepOf({ type, data, id, metadata }: Stored, reasons: boolean): CycleStep {
  const reason = 'reason' in data && reasons ? data.reason : undefined;
  return {
    step: STEPS[type],
    at: metadata.occurredAt,
    actorId: metadata.actor.id,
    eventId: id,
    ...(reason === undefined ? {} : { reason }),
  };
}
