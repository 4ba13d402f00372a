import { PUBLICATION_READS, type Rehearsal, rehearsePublication } from '#processes/publication';
import type { Cycle } from '#read-models/organisation';
import type { ApiSystem } from '../../dependencies.js';
import { AFTER_WAIT_MS } from '../../read-query.js';

/** Longer than this nobody holds a request open: it goes on, and the next request finds it. */
const WAIT_MS = 10_000;
/** What it found holds for as long: collection is closed, and few facts come. */
const KEPT_MS = 60_000;

type Running = {
  readonly closedAt: string | null; // closed anew, it is another collection
  readonly done: Promise<Rehearsal>;
  endedMs: number | null;
  /** Somebody had to come again for it: the one who does is given it as it is. */
  isAwaited: boolean;
};

const running = new WeakMap<ApiSystem, Map<string, Running>>();

/** The rehearsal of a closed period; null while it takes longer than a request may. */
export async function rehearsalOf(system: ApiSystem, cycle: Cycle): Promise<Rehearsal | null> {
  const byPeriod = running.get(system) ?? new Map<string, Running>();
  running.set(system, byPeriod);
  const known = byPeriod.get(cycle.period);
  const own = known && isUsable(known, cycle) ? known : start(system, cycle);
  byPeriod.set(cycle.period, own);
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), WAIT_MS);
  });
  const found = await Promise.race([own.done, patience]).finally(() => clearTimeout(timer));
  own.isAwaited = found === null;
  return found;
}

function isUsable({ closedAt, endedMs, isAwaited }: Running, cycle: Cycle): boolean {
  if (closedAt !== cycle.closedAt) return false;
  if (endedMs === null) return true;
  return isAwaited && Date.now() - endedMs < KEPT_MS;
}

function start({ store, engine, projections }: ApiSystem, { period, closedAt }: Cycle): Running {
  const rehearse = async (): Promise<Rehearsal> => {
    await projections.waitFor(PUBLICATION_READS, await store.head(), AFTER_WAIT_MS);
    return rehearsePublication(engine, projections, period);
  };
  const done = rehearse();
  const own: Running = { closedAt, done, endedMs: null, isAwaited: false };
  done.then(
    () => (own.endedMs = Date.now()),
    () => (own.endedMs = 0), // the next one asks anew
  );
  return own;
}
