import type pg from 'pg';
import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import { currentStandings } from './catalogue.js';
import type { Context } from './context.js';
import type { Committed } from './port.js';

const CHANNEL = 'merit_projection';
/** Notices can be lost (a process that dies between commit and notice): who waits also looks. */
const POLL_MS = 250;
const RECONNECT_MS = 500;

export type Commits = {
  /** After a commit of this process: wakes who waits here at once, other processes by a notice. */
  readonly announce: (committed: Committed) => void;
  /** After the pointer moved or leases became free. */
  readonly announceChange: () => Promise<void>;
  readonly onCommitted: (listener: (committed: Committed) => void) => () => void;
  readonly onChange: (listener: () => void) => () => void;
  readonly waitFor: (
    names: readonly string[],
    position: Position,
    timeoutMs: number,
  ) => Promise<void>;
  readonly close: () => Promise<void>;
};

type Notice = { readonly from: string; readonly moved?: readonly Committed[] };
type Waiter = { readonly names: readonly string[]; readonly position: Position; wake: () => void };

/** Who hears of projections that move: waiting readers, processes, live boards. */
export function watchCommits({ pool, log }: Context, owner: string): Commits {
  const listeners = new Set<(committed: Committed) => void>();
  const changeListeners = new Set<() => void>();
  const waiters = new Set<Waiter>();
  const reached = new Map<string, Position>();
  const pending = new Map<string, Committed>();
  let isSending = false;
  let isClosed = false;
  let listening: pg.PoolClient | null = null;
  let reconnect: NodeJS.Timeout | undefined;
  let poll: NodeJS.Timeout | undefined;

  const isThere = ({ names, position }: Pick<Waiter, 'names' | 'position'>): boolean =>
    names.every((name) => (reached.get(name) ?? '') >= position);

  const wakeWaiters = (): void => {
    for (const waiter of waiters) if (isThere(waiter)) waiter.wake();
  };

  const receive = (committed: Committed): void => {
    const { projection, position } = committed;
    if ((reached.get(projection) ?? '') < position) reached.set(projection, position);
    wakeWaiters();
    for (const listener of listeners) listener(committed);
  };

  const receiveChange = (): void => {
    // A step back leads to positions before those that were reached.
    reached.clear();
    for (const listener of changeListeners) listener();
  };

  const notify = (notice: Omit<Notice, 'from'>): Promise<unknown> =>
    pool.query('SELECT pg_notify($1, $2)', [CHANNEL, JSON.stringify({ from: owner, ...notice })]);

  /** One notice at a time, each with the newest positions of all that moved meanwhile. */
  const send = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    // Projections that move together go out together.
    await new Promise((resolve) => setImmediate(resolve));
    while (pending.size > 0 && !isClosed) {
      const moved = [...pending.values()].slice(0, NOTICE_LIMIT);
      for (const { projection } of moved) pending.delete(projection);
      await notify({ moved }).catch(() => undefined); // others look by themselves
    }
    isSending = false;
  };

  const listen = async (): Promise<void> => {
    try {
      const client = await pool.connect();
      const lost = (error?: Error): void => {
        if (listening !== client) return;
        listening = null;
        client.release(error ?? true);
        if (!isClosed) reconnect = setTimeout(() => void listen(), RECONNECT_MS);
      };
      client.on('error', lost);
      client.on('end', () => lost());
      client.on('notification', ({ payload }) => {
        const notice = JSON.parse(payload ?? '{}') as Notice;
        if (notice.from === owner) return;
        if (notice.moved) notice.moved.forEach(receive);
        else receiveChange();
      });
      listening = client;
      if (isClosed) return lost();
      await client.query(`LISTEN ${CHANNEL}`).catch(lost);
    } catch (error) {
      if (isClosed) return;
      log?.(`projections: no connection to listen on: ${String(error)}`);
      reconnect = setTimeout(() => void listen(), RECONNECT_MS);
    }
  };

  const look = async (): Promise<void> => {
    const names = [...new Set([...waiters].flatMap((waiter) => waiter.names))];
    const standings = await currentStandings(pool, names).catch(() => null);
    for (const [name, { position }] of standings ?? []) {
      if ((reached.get(name) ?? '') < position) reached.set(name, position);
    }
    wakeWaiters();
  };

  const pollWhileWaiting = (): void => {
    if (poll !== undefined || isClosed) return;
    poll = setTimeout(() => {
      void look().finally(() => {
        poll = undefined;
        if (waiters.size > 0) pollWhileWaiting();
      });
    }, POLL_MS);
  };

  const waitFor: Commits['waitFor'] = async (names, position, timeoutMs) => {
    if (isThere({ names, position })) return;
    const arrived = await new Promise<boolean>((resolve) => {
      const finish = (isReached: boolean): void => {
        clearTimeout(timer);
        waiters.delete(waiter);
        resolve(isReached);
      };
      const timer = setTimeout(() => finish(false), timeoutMs);
      const waiter: Waiter = { names, position, wake: () => finish(true) };
      waiters.add(waiter);
      // What was reached before this process listened, or in a process that said nothing.
      void look();
      pollWhileWaiting();
    });
    if (!arrived) {
      const behind = names.filter((name) => (reached.get(name) ?? '') < position);
      throw new DomainError('projection-behind', { projections: behind, position });
    }
  };

  void listen();
  return {
    announce(committed) {
      receive(committed);
      pending.set(committed.projection, committed);
      void send();
    },
    async announceChange() {
      receiveChange();
      await notify({}).catch(() => undefined);
    },
    onCommitted: (listener) => addTo(listeners, listener),
    onChange: (listener) => addTo(changeListeners, listener),
    waitFor,
    close() {
      isClosed = true;
      clearTimeout(reconnect);
      clearTimeout(poll);
      const client = listening;
      listening = null;
      client?.release(true);
      return Promise.resolve();
    },
  };
}

/** A notice has at most 8,000 bytes. */
const NOTICE_LIMIT = 40;

function addTo<Item>(set: Set<Item>, item: Item): () => void {
  set.add(item);
  return () => void set.delete(item);
}
