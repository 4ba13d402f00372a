import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import { currentStandings } from './catalogue.js';
import type { Context } from './context.js';

/** Notices can be lost (a process that dies between commit and notice): who waits also looks. */
const POLL_MS = 250;

type Waiter = { readonly names: readonly string[]; readonly position: Position; wake: () => void };

export type Waiters = {
  readonly reach: (projection: string, position: Position) => void;
  /** After a step back positions are lower than those that were reached. */
  readonly forget: () => void;
  /** Error: DomainError `projection-behind` after `timeoutMs`. */
  readonly waitFor: (
    names: readonly string[],
    position: Position,
    timeoutMs: number,
  ) => Promise<void>;
  readonly close: () => void;
};

export function createWaiters({ pool }: Pick<Context, 'pool'>): Waiters {
  const waiters = new Set<Waiter>();
  const reached = new Map<string, Position>();
  let poll: NodeJS.Timeout | undefined;
  let isClosed = false;

  const isAt = (name: string, position: Position): boolean => (reached.get(name) ?? '') >= position;

  const reach: Waiters['reach'] = (projection, position) => {
    if (isAt(projection, position)) return;
    reached.set(projection, position);
    for (const waiter of waiters) {
      if (waiter.names.every((name) => isAt(name, waiter.position))) waiter.wake();
    }
  };

  const look = async (): Promise<void> => {
    const names = [...new Set([...waiters].flatMap((waiter) => waiter.names))];
    const standings = await currentStandings(pool, names).catch(() => null);
    for (const [name, { position }] of standings ?? []) reach(name, position);
  };

  const pollWhileWaiting = (): void => {
    if (poll !== undefined || waiters.size === 0 || isClosed) return;
    poll = setTimeout(() => {
      void look().finally(() => {
        poll = undefined;
        pollWhileWaiting();
      });
    }, POLL_MS);
  };

  return {
    reach,
    forget: () => reached.clear(),
    async waitFor(names, position, timeoutMs) {
      if (names.every((name) => isAt(name, position))) return;
      const isThere = await new Promise<boolean>((resolve) => {
        const finish = (arrived: boolean): void => {
          clearTimeout(timer);
          waiters.delete(waiter);
          resolve(arrived);
        };
        const timer = setTimeout(() => finish(false), timeoutMs);
        const waiter: Waiter = { names, position, wake: () => finish(true) };
        waiters.add(waiter);
        // What was reached before this process listened.
        void look();
        pollWhileWaiting();
      });
      if (isThere) return;
      const projections = names.filter((name) => !isAt(name, position));
      throw new DomainError('projection-behind', { projections, position });
    },
    close() {
      isClosed = true;
      clearTimeout(poll);
    },
  };
}
