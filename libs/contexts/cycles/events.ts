import type { EventSpec } from '#kernel';

export const cycleStream = (period: string): string => `cycle-${period}`;

export type CycleOpened = {
  readonly type: 'cycles.CycleOpened.v1';
  readonly data: {
    readonly period: string;
    readonly firstDay: string;
    readonly lastDay: string;
    readonly openedAt: string;
  };
};

export type CollectionClosed = {
  readonly type: 'cycles.CollectionClosed.v1';
  readonly data: { readonly period: string; readonly closedAt: string };
};

/** The first of the two persons; a later proposal takes the place of one that nobody approved. */
export type CollectionReopeningProposed = {
  readonly type: 'cycles.CollectionReopeningProposed.v1';
  readonly data: {
    readonly period: string;
    readonly proposalId: string;
    readonly proposedBy: string;
    readonly proposedAt: string;
    readonly reason: string; // personal
  };
};

export type CollectionReopened = {
  readonly type: 'cycles.CollectionReopened.v1';
  readonly data: {
    readonly period: string;
    readonly proposedBy: string;
    readonly approvedBy: string; // another person
    readonly proposalId?: string; // which proposal
  };
};

/** From here on every stream of the cohort is frozen; its position fixes all that lies outside. */
export type PublicationStarted = {
  readonly type: 'cycles.PublicationStarted.v1';
  readonly data: {
    readonly period: string;
    readonly startedAt: string;
    readonly incompleteAcknowledgedBy: string | null;
    readonly reason?: string; // personal: why incomplete scorecards are published
  };
};

/** Commits to every result before the first of them is recorded. */
export type ResultsComputed = {
  readonly type: 'cycles.ResultsComputed.v1';
  readonly data: {
    readonly period: string;
    readonly count: number;
    readonly sha256: string; // over the canonical results, one a line, by account manager id
    readonly rulesVersion: string;
  };
};

export type CyclePublished = {
  readonly type: 'cycles.CyclePublished.v1';
  readonly data: {
    readonly period: string;
    readonly publishedAt: string;
    readonly count: number;
    readonly sha256: string;
  };
};

export type CycleFinalised = {
  readonly type: 'cycles.CycleFinalised.v1';
  readonly data: { readonly period: string; readonly finalisedAt: string };
};

export type CycleEvent =
  | CycleOpened
  | CollectionClosed
  | CollectionReopeningProposed
  | CollectionReopened
  | PublicationStarted
  | ResultsComputed
  | CyclePublished
  | CycleFinalised;

export const cycleEvents: readonly EventSpec[] = [
  { type: 'cycles.CycleOpened.v1', schemaVersion: 1 },
  { type: 'cycles.CollectionClosed.v1', schemaVersion: 1 },
  {
    type: 'cycles.CollectionReopeningProposed.v1',
    schemaVersion: 1,
    personal: {
      reason: {
        // Whose words they are: of a cycle they are about nobody in particular.
        subject: ({ data }) => (data as CollectionReopeningProposed['data']).proposedBy,
        purpose: 'cycle',
      },
    },
  },
  { type: 'cycles.CollectionReopened.v1', schemaVersion: 1 },
  {
    type: 'cycles.PublicationStarted.v1',
    schemaVersion: 1,
    personal: {
      reason: {
        subject: ({ data }) =>
          (data as PublicationStarted['data']).incompleteAcknowledgedBy ?? 'nobody',
        purpose: 'cycle',
      },
    },
  },
  { type: 'cycles.ResultsComputed.v1', schemaVersion: 1 },
  { type: 'cycles.CyclePublished.v1', schemaVersion: 1 },
  { type: 'cycles.CycleFinalised.v1', schemaVersion: 1 },
];
