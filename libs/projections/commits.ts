import type { Context } from './context.js';
import { listenForNotices } from './listening.js';
import type { Committed } from './port.js';
import { createWaiters, type Waiters } from './waiting.js';

/** A notice has at most 8,000 bytes. */
const NOTICE_LIMIT = 40;

export type Commits = Pick<Waiters, 'waitFor' | 'close'> & {
  /** After a commit of this process: wakes who waits here at once, other processes by a notice. */
  readonly announce: (committed: Committed) => void;
  /** After the pointer moved or leases became free. */
  readonly announceChange: () => Promise<void>;
  readonly onCommitted: (listener: (committed: Committed) => void) => () => void;
  readonly onChange: (listener: () => void) => () => void;
};

type Notice = { readonly from: string; readonly moved?: readonly Committed[] };

/** Who hears of projections that move: waiting readers, processes, live boards. */
export function watchCommits(context: Context, owner: string): Commits {
  const listeners = new Set<(committed: Committed) => void>();
  const changeListeners = new Set<() => void>();
  const pending = new Map<string, Committed>();
  const waiters = createWaiters(context);
  let isSending = false;

  const receive = (committed: Committed): void => {
    waiters.reach(committed.projection, committed.position);
    for (const listener of listeners) listener(committed);
  };

  const receiveChange = (): void => {
    waiters.forget();
    for (const listener of changeListeners) listener();
  };

  const notices = listenForNotices(context, (payload) => {
    const notice = JSON.parse(payload) as Notice;
    if (notice.from === owner) return;
    if (notice.moved) notice.moved.forEach(receive);
    else receiveChange();
  });

  /** One notice at a time, each with the newest positions of all that moved meanwhile. */
  const send = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    // Projections that move together go out together.
    await new Promise((resolve) => setImmediate(resolve));
    while (pending.size > 0) {
      const moved = [...pending.values()].slice(0, NOTICE_LIMIT);
      for (const { projection } of moved) pending.delete(projection);
      await notices.send(JSON.stringify({ from: owner, moved } satisfies Notice));
    }
    isSending = false;
  };

  return {
    announce(committed) {
      receive(committed);
      const { projection, isUntouched } = committed;
      const isAllUntouched = isUntouched && pending.get(projection)?.isUntouched !== false;
      pending.set(projection, { ...committed, isUntouched: isAllUntouched ?? false });
      void send();
    },
    async announceChange() {
      receiveChange();
      await notices.send(JSON.stringify({ from: owner } satisfies Notice));
    },
    onCommitted: (listener) => addTo(listeners, listener),
    onChange: (listener) => addTo(changeListeners, listener),
    waitFor: waiters.waitFor,
    close() {
      waiters.close();
      notices.close();
    },
  };
}

function addTo<Item>(set: Set<Item>, item: Item): () => void {
  set.add(item);
  return () => void set.delete(item);
}
