import type { ConnectionSettings } from './connections.js';
import { createListener } from './listener.js';

/** Notifications can be lost with their connection: the safety net under them. */
const POLL_MS = 1_000;

export type HeadWatch = {
  /** Tells of a committed position; wakes who waits for one. */
  advance(head: number): void;
  /** The head once it is past `cursor`; null when the signal or the store ended the wait. */
  headAfter(cursor: number, signal?: AbortSignal): Promise<number | null>;
  close(): Promise<void>;
};

/**
 * Knows the head of the log: from this process's own appends, from one LISTEN connection for all
 * subscriptions, opened by the first of them, and from a poll while somebody waits.
 */
export function createHeadWatch(
  settings: ConnectionSettings,
  readHead: () => Promise<number>,
): HeadWatch {
  const wakes = new Set<() => void>();
  let head = 0;
  let closed = false;
  let poll: NodeJS.Timeout | null = null;

  const advance = (position: number): void => {
    if (position <= head) return;
    head = position;
    for (const wake of wakes) wake();
  };
  // A failed look is repeated by the next poll; waiters lose a second, no event.
  const look = (): Promise<void> => readHead().then(advance, () => undefined);
  const listener = createListener(settings, 'merit_log', (text) => advance(Number(text)), look);

  const wait = (signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        wakes.delete(wake);
        signal?.removeEventListener('abort', wake);
        if (wakes.size === 0 && poll) {
          clearInterval(poll);
          poll = null;
        }
        resolve();
      };
      wakes.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
      poll ??= setInterval(() => void look(), POLL_MS);
    });

  return {
    advance,
    async headAfter(cursor, signal) {
      if (head <= cursor && listener.start()) await look();
      for (;;) {
        if (closed || signal?.aborted) return null;
        if (head > cursor) return head;
        await wait(signal);
      }
    },
    async close() {
      closed = true;
      for (const wake of wakes) wake();
      await listener.close();
    },
  };
}
