import { START, type Position } from '#event-store';
import { currentStandings, freshProjections, type Generations } from './catalogue.js';
import type { Commits } from './commits.js';
import { describeError, isPassing, type Context } from './context.js';
import {
  CATCH_UP_LIMITS,
  commonPrefixes,
  feed,
  largeBatches,
  least,
  readAhead,
  type BatchLimits,
  type Member,
  type Outcome,
} from './feed.js';
import type { Batch, Projection } from './port.js';

export type RunnerOptions = {
  readonly projections?: readonly string[]; // default: all
  readonly leaseTtlMs?: number; // default 3,000: how long a killed runner's work lies still
  readonly limits?: BatchLimits;
};

export type Runner = {
  /** Why projections stand still just now, by name; empty when all is well. */
  readonly troubles: () => ReadonlyMap<string, string>;
  /** Ends after the batch under way and gives the leases back. */
  readonly stop: () => Promise<void>;
};

const LEASE_TTL_MS = 3_000;
const RENEWALS_PER_TTL = 3;
/** So near to the head a projection joins the live ones. */
const NEAR_EVENTS = 5_000;
/**
 * Live batches: what is there, at once, up to this; several full ones in a row are no live feed.
 */
const LIVE_BATCH_EVENTS = 2_000;
const FULL_BATCHES = 8;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;
/** After an error that will not pass by itself: each try costs a batch. */
const MAX_FAULT_BACKOFF_MS = 60_000;
const IDLE_LOOK_MS = 5_000;

/**
 * `live` members share one subscription; `behind` ones share one reader of large batches from the
 * lowest of their checkpoints and join the live ones near the head. Whatever goes wrong with a
 * member puts it `behind`, where its checkpoint is read again: that settles commits whose outcome
 * is unknown, switches of the generation and work that another runner did.
 */
type Seat = Member & {
  place: 'live' | 'behind';
  isStale: boolean; // its checkpoint must be read before it works again
  failureCount: number;
  dueAtMs: number; // process clock; a member that failed waits
  error: string | null;
};

type State = {
  readonly context: Context;
  readonly commits: Commits;
  readonly owner: string;
  readonly projections: readonly Projection[];
  readonly leaseTtlMs: number;
  readonly limits: BatchLimits;
  readonly seats: Map<string, Seat>; // of the projections that this runner holds
  readonly stopping: AbortController;
  readonly wake: Gate; // something changed: look again
  liveAbort: AbortController;
};

export function startRunner(
  context: Context,
  commits: Commits,
  owner: string,
  options: RunnerOptions,
): Runner {
  const state: State = {
    context,
    commits,
    owner,
    projections: freshProjections(context, options.projections),
    leaseTtlMs: options.leaseTtlMs ?? LEASE_TTL_MS,
    limits: options.limits ?? CATCH_UP_LIMITS,
    seats: new Map(),
    stopping: new AbortController(),
    wake: createGate(),
    liveAbort: new AbortController(),
  };
  const forget = commits.onChange(() => {
    for (const seat of state.seats.values()) fallBehind(state, seat);
    state.wake.open();
  });
  const loops = Promise.all([renewLeases(state), catchUp(state), followLive(state)]);
  let stopped: Promise<void> | null = null;
  return {
    troubles: () =>
      new Map([...state.seats].flatMap(([name, { error }]) => (error ? [[name, error]] : []))),
    stop: () => (stopped ??= stop(state, loops, forget)),
  };
}

async function stop(
  { context, commits, owner, stopping, liveAbort, wake }: State,
  loops: Promise<unknown>,
  forget: () => void,
): Promise<void> {
  stopping.abort();
  liveAbort.abort();
  wake.open();
  await loops;
  forget();
  try {
    await context.pool.query('SELECT projection.release_leases($1)', [owner]);
    await commits.announceChange();
  } catch {
    // They run out by themselves.
  }
}

async function renewLeases(state: State): Promise<void> {
  const { context, owner, leaseTtlMs, projections, stopping, wake } = state;
  const names = projections.map(({ name }) => name);
  while (!stopping.signal.aborted) {
    const renewed = wake.next();
    try {
      const { rows } = await context.pool.query<{ held: string[]; current: Generations }>(
        `SELECT projection.renew_leases($1, $2::text[], $3) AS held,
                (SELECT current FROM projection.pointer) AS current`,
        [owner, names, leaseTtlMs],
      );
      if (rows[0]) takeSeats(state, new Set(rows[0].held), rows[0].current);
    } catch {
      // Without the database nobody projects; seats are kept, the checkpoints decide.
    }
    await wake.orAfter(renewed, leaseTtlMs / RENEWALS_PER_TTL);
  }
}

function takeSeats(state: State, held: ReadonlySet<string>, current: Generations): void {
  const { seats, projections, wake } = state;
  for (const name of seats.keys()) if (!held.has(name)) seats.delete(name);
  for (const projection of projections) {
    const seat = seats.get(projection.name);
    if (seat && seat.standing.generation !== current[projection.name]) fallBehind(state, seat);
    if (seat || !held.has(projection.name)) continue;
    seats.set(projection.name, {
      projection,
      standing: { generation: 0, position: START, fence: 0, parkedKeys: new Set() },
      place: 'behind',
      isStale: true,
      failureCount: 0,
      dueAtMs: 0,
      error: null,
    });
    wake.open();
  }
}

function fallBehind(state: State, seat: Seat): void {
  seat.place = 'behind';
  seat.isStale = true;
  state.wake.open();
}

const holds = ({ seats }: State, seat: Seat): boolean => seats.get(seat.projection.name) === seat;

function seatsAt(state: State, place: Seat['place']): Seat[] {
  return [...state.seats.values()].filter((seat) => seat.place === place);
}

async function catchUp(state: State): Promise<void> {
  const { stopping, wake } = state;
  while (!stopping.signal.aborted) {
    const changed = wake.next();
    const behind = seatsAt(state, 'behind');
    const due = behind.filter(({ dueAtMs }) => dueAtMs <= performance.now());
    if (due.length > 0) {
      await catchUpOnce(state, due);
      continue;
    }
    const soonest = Math.min(...behind.map(({ dueAtMs }) => dueAtMs)) - performance.now();
    await wake.orAfter(changed, Math.max(1, Math.min(soonest, IDLE_LOOK_MS)));
  }
}

/** One round over the log up to its head; whoever is near the head then joins the live ones. */
async function catchUpOnce(state: State, seats: readonly Seat[]): Promise<void> {
  const { context, stopping, limits } = state;
  try {
    await readStandings(state, seats);
    const until = await context.store.head();
    for (const seat of seats) {
      // Projecting from there would leave out what the log gets up to that place.
      if (seat.standing.position > until) bench(seat, new Error('checkpoint beyond the log'));
    }
    const members = seats.filter(isWorking);
    if (members.length === 0) return;
    const range = {
      after: least(members.map(({ standing }) => standing.position)),
      until,
      streamPrefixes: commonPrefixes(members.map(({ projection }) => projection)),
      signal: stopping.signal,
    };
    for await (const stretch of readAhead(largeBatches(context.store, range, limits))) {
      if (stopping.signal.aborted) return;
      const working = members.filter((seat) => holds(state, seat) && isWorking(seat));
      if (working.length === 0) return;
      await feedSeats(state, working, stretch);
    }
    const done = members.filter((seat) => holds(state, seat) && isWorking(seat));
    if (done.length === 0 || stopping.signal.aborted) return;
    const lag = await context.store.lag(least(done.map(({ standing }) => standing.position)));
    if (lag.events > NEAR_EVENTS) return;
    for (const seat of done) seat.place = 'live';
    state.liveAbort.abort();
    state.wake.open();
  } catch (error) {
    for (const seat of seats) if (seat.place === 'behind') bench(seat, error);
  }
}

const isWorking = ({ place, isStale }: Seat): boolean => place === 'behind' && !isStale;

async function readStandings({ context }: State, seats: readonly Seat[]): Promise<void> {
  const names = seats.map(({ projection }) => projection.name);
  const standings = await currentStandings(context.pool, names);
  for (const seat of seats) {
    const standing = standings.get(seat.projection.name);
    if (standing) {
      seat.standing = standing;
      seat.isStale = false;
    } else {
      bench(seat, new Error('no generation of it was prepared'));
    }
  }
}

async function followLive(state: State): Promise<void> {
  const { context, stopping, wake } = state;
  while (!stopping.signal.aborted) {
    const changed = wake.next();
    const live = seatsAt(state, 'live');
    if (live.length === 0) {
      await wake.orAfter(changed, IDLE_LOOK_MS);
      continue;
    }
    state.liveAbort = new AbortController();
    const after = least(live.map(({ standing }) => standing.position));
    try {
      await followFrom(state, after, state.liveAbort.signal);
    } catch (error) {
      context.log?.(`projections: the subscription ended: ${describeError(error)}`);
      for (const seat of live) if (seat.place === 'live') bench(seat, error);
      wake.open();
    }
  }
}

/** Until a new member comes from behind, the feed is no live one any more, or the runner stops. */
async function followFrom(state: State, start: Position, signal: AbortSignal): Promise<void> {
  let after = start;
  let fullCount = 0;
  const options = { after, batchSize: LIVE_BATCH_EVENTS, signal };
  for await (const events of state.context.store.subscribe(options)) {
    const until = events.at(-1)?.position;
    if (until === undefined) continue;
    if (signal.aborted) return;
    const live = seatsAt(state, 'live');
    if (live.length === 0) return;
    await feedSeats(state, live, { events, after, until });
    after = until;
    fullCount = events.length < LIVE_BATCH_EVENTS ? 0 : fullCount + 1;
    if (fullCount < FULL_BATCHES) continue;
    for (const seat of live) fallBehind(state, seat);
    return;
  }
  // A store that was closed gives nothing and ends: asked again at once it would be for ever.
  if (!signal.aborted) throw new Error('it ended by itself');
}

async function feedSeats(state: State, seats: readonly Seat[], stretch: Batch): Promise<void> {
  const seatOf = new Map<Member, Seat>(seats.map((seat) => [seat, seat]));
  await feed(state.context, seats, stretch, (outcome) => {
    const seat = seatOf.get(outcome.member);
    if (seat) settle(state, seat, outcome);
  });
}

function settle(state: State, seat: Seat, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'ahead':
      return;
    case 'moved': {
      seat.failureCount = 0;
      seat.error = null;
      const { generation, position } = seat.standing;
      const projection = seat.projection.name;
      const { isUntouched } = outcome;
      state.commits.announce({ projection, generation, position, isUntouched });
      return;
    }
    case 'lost':
      // Moved by another runner or a switch: its checkpoint is read again, at once.
      fallBehind(state, seat);
      return;
    case 'failed':
      state.context.log?.(`${seat.projection.name}: ${describeError(outcome.error)}`);
      bench(seat, outcome.error);
      state.wake.open();
  }
}

/** Waits, longer each time, and then begins again at its checkpoint. */
function bench(seat: Seat, error: unknown): void {
  const mostMs = isPassing(error) ? MAX_BACKOFF_MS : MAX_FAULT_BACKOFF_MS;
  const backoffMs = Math.min(mostMs, FIRST_BACKOFF_MS * 2 ** seat.failureCount);
  seat.place = 'behind';
  seat.isStale = true;
  seat.failureCount = Math.min(seat.failureCount + 1, 16);
  seat.error = describeError(error);
  seat.dueAtMs = performance.now() + backoffMs;
}

type Gate = {
  readonly open: () => void;
  /** Taken before looking, so that what happens while looking is not slept over. */
  readonly next: () => Promise<void>;
  readonly orAfter: (opened: Promise<void>, ms: number) => Promise<void>;
};

function createGate(): Gate {
  const waiting = new Set<() => void>();
  let opened: Promise<void> | null = null;
  return {
    open() {
      opened = null;
      for (const wake of waiting) wake();
      waiting.clear();
    },
    next: () => (opened ??= new Promise((resolve) => void waiting.add(resolve))),
    async orAfter(opened, ms) {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((done) => void (timer = setTimeout(done, ms)));
      await Promise.race([opened, timeout]);
      clearTimeout(timer);
    },
  };
}
