import { given } from '../../kernel/testing.js';
import { type CycleCommand, type CycleFacts, cycles } from './decider.js';
import type { CycleEvent } from './events.js';

const period = '2026-02';
const OPENED = '2026-02-01T00:00:00+08:00';
const CLOSED = '2026-03-03T18:00:00+08:00';
const PUBLISHED = '2026-03-04T09:00:00+08:00';
const FINALISED = '2026-03-16T18:00:00+08:00';
const HASH = 'a'.repeat(64);
const OTHER_HASH = 'b'.repeat(64);
const complete: CycleFacts = { incompleteCount: 0 };

const opened: CycleEvent = {
  type: 'cycles.CycleOpened.v1',
  data: { period, firstDay: '2026-02-01', lastDay: '2026-02-28', openedAt: OPENED },
};
const closed: CycleEvent = {
  type: 'cycles.CollectionClosed.v1',
  data: { period, closedAt: CLOSED },
};
const proposed: CycleEvent = {
  type: 'cycles.CollectionReopeningProposed.v1',
  data: {
    period,
    proposalId: 'P1',
    proposedBy: 'OFFICE-1',
    proposedAt: CLOSED,
    reason: 'two figures came late',
  },
};
const reopened: CycleEvent = {
  type: 'cycles.CollectionReopened.v1',
  data: { period, proposedBy: 'OFFICE-1', approvedBy: 'OFFICE-2', proposalId: 'P1' },
};
const started: CycleEvent = {
  type: 'cycles.PublicationStarted.v1',
  data: { period, startedAt: PUBLISHED, incompleteAcknowledgedBy: null },
};
const computed: CycleEvent = {
  type: 'cycles.ResultsComputed.v1',
  data: { period, count: 48, sha256: HASH, rulesVersion: '1' },
};
const published: CycleEvent = {
  type: 'cycles.CyclePublished.v1',
  data: { period, publishedAt: PUBLISHED, count: 48, sha256: HASH },
};
const finalised: CycleEvent = {
  type: 'cycles.CycleFinalised.v1',
  data: { period, finalisedAt: FINALISED },
};

const open = (openedAt = OPENED): CycleCommand => ({
  type: 'cycles.OpenCycle',
  data: { period, openedAt },
});
const close = (closedAt = CLOSED): CycleCommand => ({
  type: 'cycles.CloseCollection',
  data: { period, closedAt },
});
const propose = (proposalId = 'P1', proposedBy = 'OFFICE-1'): CycleCommand => ({
  type: 'cycles.ProposeReopening',
  data: { ...proposed.data, proposalId, proposedBy } as never,
});
const reopen = (approvedBy = 'OFFICE-2', proposalId?: string): CycleCommand => ({
  type: 'cycles.ReopenCollection',
  data: { period, approvedBy, ...(proposalId === undefined ? {} : { proposalId }) },
});
const start = (incompleteAcknowledgedBy: string | null = null): CycleCommand => ({
  type: 'cycles.StartPublication',
  data: { period, startedAt: PUBLISHED, incompleteAcknowledgedBy },
});
const recordComputed = (sha256 = HASH, count = 48): CycleCommand => ({
  type: 'cycles.RecordComputedResults',
  data: { period, count, sha256, rulesVersion: '1' },
});
const publish = (sha256 = HASH, count = 48): CycleCommand => ({
  type: 'cycles.PublishCycle',
  data: { period, publishedAt: PUBLISHED, count, sha256 },
});
const finalise = (finalisedAt = FINALISED): CycleCommand => ({
  type: 'cycles.FinaliseCycle',
  data: { period, finalisedAt },
});

describe('a cycle', () => {
  it('opens with the first and the last day of its period', () =>
    given(cycles, []).when(open(), complete).thenEvents([opened]));

  it('opens a February of a leap year with its 29th', () =>
    given(cycles, [])
      .when({ type: 'cycles.OpenCycle', data: { period: '2028-02', openedAt: OPENED } }, complete)
      .thenEvents([
        {
          type: 'cycles.CycleOpened.v1',
          data: {
            period: '2028-02',
            firstDay: '2028-02-01',
            lastDay: '2028-02-29',
            openedAt: OPENED,
          },
        },
      ]));

  it('takes the same opening once, in whatever offset it is written', () =>
    given(cycles, [opened]).when(open('2026-01-31T16:00:00Z'), complete).thenNothing());

  it('refuses another opening', () =>
    given(cycles, [opened])
      .when(open('2026-02-02T00:00:00+08:00'), complete)
      .thenRefused('cycle-already-opened'));

  it('refuses a period and an instant that are none', () => {
    given(cycles, []).when(open('2026-02-01'), complete).thenRefused('malformed');
    given(cycles, [])
      .when({ type: 'cycles.OpenCycle', data: { period: '2026-13', openedAt: OPENED } }, complete)
      .thenRefused('malformed');
  });

  it.each([
    ['closing', close()],
    ['proposing to reopen', propose()],
    ['reopening', reopen()],
    ['starting publication', start()],
    ['recording results', recordComputed()],
    ['publishing', publish()],
    ['finalising', finalise()],
  ])('refuses %s before it is opened', (_, command) =>
    given(cycles, []).when(command, complete).thenRefused('unknown-cycle'),
  );

  it('closes collection once', () => {
    given(cycles, [opened]).when(close(), complete).thenEvents([closed]);
    given(cycles, [opened, closed]).when(close('2026-03-03T10:00:00Z'), complete).thenNothing();
  });

  it('refuses to move the closing', () =>
    given(cycles, [opened, closed])
      .when(close('2026-03-04T18:00:00+08:00'), complete)
      .thenRefused('collection-already-closed'));

  it('closes again after it was reopened', () =>
    given(cycles, [opened, closed, proposed, reopened])
      .when(close('2026-03-04T08:00:00+08:00'), complete)
      .thenEvents([
        {
          type: 'cycles.CollectionClosed.v1',
          data: { period, closedAt: '2026-03-04T08:00:00+08:00' },
        },
      ]));
});

describe('reopening collection', () => {
  it('takes a proposal on record and another person who approves it', () => {
    given(cycles, [opened, closed]).when(propose(), complete).thenEvents([proposed]);
    given(cycles, [opened, closed, proposed]).when(reopen(), complete).thenEvents([reopened]);
    given(cycles, [opened, closed, proposed])
      .when(reopen('OFFICE-1'), complete)
      .thenRefused('segregation-of-duties');
    given(cycles, [opened, closed]).when(reopen(), complete).thenRefused('no-open-proposal');
  });

  it('approves the proposal that was read, not one that took its place', () => {
    const events = [opened, closed, proposed];
    given(cycles, events).when(propose(), complete).thenNothing();
    given(cycles, events).when(reopen('OFFICE-2', 'P1'), complete).thenEvents([reopened]);
    given(cycles, events).when(reopen('OFFICE-2', 'P0'), complete).thenRefused('no-open-proposal');
    const other = { ...proposed.data, proposalId: 'P2', proposedBy: 'OFFICE-2' };
    given(cycles, [
      ...events,
      { type: 'cycles.CollectionReopeningProposed.v1', data: other } as CycleEvent,
    ])
      .when(reopen('OFFICE-2'), complete)
      .thenRefused('segregation-of-duties');
  });

  it('is approved once: the next one needs a proposal of its own', () => {
    given(cycles, [opened, closed, proposed, reopened])
      .when(reopen(), complete)
      .thenRefused('no-open-proposal');
    given(cycles, [opened, closed, proposed, reopened, closed])
      .when(reopen(), complete)
      .thenRefused('no-open-proposal');
  });

  it('is not proposed without a reason, nor where collection is open', () => {
    const data = { ...proposed.data, reason: ' ' } as never;
    given(cycles, [opened, closed])
      .when({ type: 'cycles.ProposeReopening', data }, complete)
      .thenRefused('malformed');
    given(cycles, [opened]).when(propose(), complete).thenRefused('collection-open');
  });

  it('is refused as soon as publication has started, not only when it is done', () => {
    given(cycles, [opened, closed, proposed, started])
      .when(reopen(), complete)
      .thenRefused('publication-started');
    given(cycles, [opened, closed, started])
      .when(propose(), complete)
      .thenRefused('publication-started');
    given(cycles, [opened, closed, started, computed, published])
      .when(reopen(), complete)
      .thenRefused('publication-started');
  });
});

describe('publication', () => {
  it('starts only when collection is closed', () => {
    given(cycles, [opened, closed]).when(start(), complete).thenEvents([started]);
    given(cycles, [opened]).when(start(), complete).thenRefused('collection-open');
    given(cycles, [opened, closed, proposed, reopened])
      .when(start(), complete)
      .thenRefused('collection-open');
  });

  it('waits for somebody to acknowledge incomplete scorecards', () => {
    const facts: CycleFacts = { incompleteCount: 1 };
    given(cycles, [opened, closed]).when(start(), facts).thenRefused('incomplete-scorecards');
    given(cycles, [opened, closed])
      .when(start('OFFICE-1'), facts)
      .thenEvents([
        {
          type: 'cycles.PublicationStarted.v1',
          data: { period, startedAt: PUBLISHED, incompleteAcknowledgedBy: 'OFFICE-1' },
        },
      ]);
  });

  it('goes on from its first start when it is resumed later', () =>
    given(cycles, [opened, closed, started])
      .when(
        {
          type: 'cycles.StartPublication',
          data: {
            period,
            startedAt: '2026-03-05T09:00:00+08:00',
            incompleteAcknowledgedBy: null,
          },
        },
        { incompleteCount: 3 },
      )
      .thenNothing());

  it('commits to its results before it records them, and once', () => {
    given(cycles, [opened, closed, started])
      .when(recordComputed(), complete)
      .thenEvents([computed]);
    given(cycles, [opened, closed, started, computed])
      .when(recordComputed(), complete)
      .thenNothing();
  });

  it('cannot commit before it has started', () =>
    given(cycles, [opened, closed])
      .when(recordComputed(), complete)
      .thenRefused('publication-not-started'));

  it('stops when a resumption computes other results', () => {
    const events = [opened, closed, started, computed];
    given(cycles, events).when(recordComputed(OTHER_HASH), complete).thenRefused('results-differ');
    given(cycles, events).when(recordComputed(HASH, 47), complete).thenRefused('results-differ');
  });

  it('refuses a hash that is none and a count below zero', () => {
    const events = [opened, closed, started];
    given(cycles, events).when(recordComputed('abc'), complete).thenRefused('malformed');
    given(cycles, events).when(recordComputed(HASH, -1), complete).thenRefused('malformed');
  });

  it('publishes exactly what it committed to, once', () => {
    const events = [opened, closed, started, computed];
    given(cycles, events).when(publish(), complete).thenEvents([published]);
    given(cycles, [...events, published])
      .when(publish(), complete)
      .thenNothing();
    given(cycles, events).when(publish(OTHER_HASH), complete).thenRefused('results-differ');
    given(cycles, events).when(publish(HASH, 47), complete).thenRefused('results-differ');
    given(cycles, [opened, closed, started])
      .when(publish(), complete)
      .thenRefused('results-not-computed');
  });
});

describe('finalising', () => {
  const events = [opened, closed, started, computed, published];

  it('ends a published cycle once', () => {
    given(cycles, events).when(finalise(), complete).thenEvents([finalised]);
    given(cycles, [...events, finalised])
      .when(finalise('2026-03-16T10:00:00Z'), complete)
      .thenNothing();
  });

  it('is refused before publication and at a second time', () => {
    given(cycles, [opened, closed, started, computed])
      .when(finalise(), complete)
      .thenRefused('cycle-not-published');
    given(cycles, [...events, finalised])
      .when(finalise('2026-03-17T18:00:00+08:00'), complete)
      .thenRefused('cycle-already-finalised');
  });
});
