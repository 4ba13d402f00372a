import type { Position } from '#event-store';
import type { OutgoingPortion, Sent } from '#read-models/outgoing';

/** What there is to deliver. */
export type RelaySource = {
  /** Everything after `after` that is known, in bounded portions; ends when it has caught up. */
  readonly messages: (
    after: Sent | null,
    options: { readonly signal?: AbortSignal; readonly portion?: number },
  ) => AsyncIterable<OutgoingPortion>;
  /** Up to which position everything to be delivered is known. */
  readonly scannedTo: () => Promise<Position>;
  /** Position of the log's last event. */
  readonly head: () => Promise<Position>;
  /** Called when there may be more; gives the way out. */
  readonly onMoved: (listener: () => void) => () => void;
};

/** Below zero: `a` goes out before `b`. Positions sort as texts by code point. */
export function compareSent(a: Sent, b: Sent): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.ordinal - b.ordinal;
}
