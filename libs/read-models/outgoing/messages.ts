import type { OutgoingMessage } from '#contracts';
import type { EventStore, Position } from '#event-store';
import type { Projections } from '#projections';

/** The last message delivered: where in the log it takes effect, and which one there. */
export type Sent = { readonly position: Position; readonly ordinal: number };

export type OutgoingDeps = {
  readonly projections: Projections;
  readonly log: EventStore; // personal fields sealed
};

/** Messages in order, each with what is told when it is the last one delivered. */
export type OutgoingPortion = {
  readonly messages: readonly OutgoingMessage[];
  readonly sent: readonly Sent[];
};

/**
 * Everything that goes out after `after` (null: from the beginning), in order, in portions of at
 * most `portion` messages; ends when all that the read models know has been given. Error:
 * DomainError `projection-parked` before a key that could not be projected.
 */
export async function* outgoingMessages(
  _deps: OutgoingDeps,
  _after: Sent | null,
  _options: { readonly signal?: AbortSignal; readonly portion?: number } = {},
): AsyncGenerator<OutgoingPortion> {
  // Ends at once until there are rows to read.
}

/** The position up to which everything that goes out is known. */
export async function scannedTo({
  projections,
}: Pick<OutgoingDeps, 'projections'>): Promise<Position> {
  const status = await projections.status();
  return status.map(({ position }) => position).toSorted()[0] ?? '';
}
