import { type Decider, DomainError, type DomainEvent, type RecordReference } from '#kernel';
import {
  type AppendResult,
  CommandKeyReused,
  EventIdReused,
  type EventStore,
  EventTooLarge,
  type NewEvent,
  type Position,
  type RecordedEvent,
  RevisionConflict,
  START,
} from '#event-store';
import { type Envelope, toNewEvents } from './envelope.js';
import { type CachedState, StateCache } from './state-cache.js';

/** A decider with what the command side must know of its events. */
export type Aggregate<State, Command, Event extends DomainEvent, Facts> = {
  readonly name: string; // of the folded state, in the cache
  readonly decider: Decider<State, Command, Event, Facts>;
  readonly recordOf: (event: Event) => RecordReference | null;
};

/** One command for a stream; `facts` is asked right before its decision. */
export type Intent<Command, Facts> = {
  readonly command: Command;
  readonly facts: () => Facts;
  readonly envelope: Envelope;
  /** The stream's last revision as the caller saw it; else refused (`revision-mismatch`). */
  readonly expectedRevision?: number | null;
};

export type Outcome =
  | {
      readonly kind: 'accepted';
      readonly revision: number;
      readonly position: Position;
      /** These very events stood there already: sent before, or by another process just now. */
      readonly isKnown?: true;
    }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly error: DomainError };

/**
 * Accepted: where the command's last event stands. Repeated: where the log tells that all is as the
 * command wants it; revision -1 when the stream does not exist.
 */
export type Decided =
  | Exclude<Outcome, { readonly kind: 'repeated' }>
  | { readonly kind: 'repeated'; readonly revision: number; readonly position: Position };

export type CommandHandler = {
  /** Decides commands on one stream in order and appends what they give. */
  readonly decideAll: <State, Command, Event extends DomainEvent, Facts>(
    aggregate: Aggregate<State, Command, Event, Facts>,
    stream: string,
    intents: readonly Intent<Command, Facts>[],
  ) => Promise<readonly Decided[]>;
  /** One command; a refusal is thrown. */
  readonly decide: <State, Command, Event extends DomainEvent, Facts>(
    aggregate: Aggregate<State, Command, Event, Facts>,
    stream: string,
    intent: Intent<Command, Facts>,
  ) => Promise<Exclude<Decided, { kind: 'refused' }>>;
  /** Loads states of many streams in one read, for commands that come next. */
  readonly prefetch: <State, Event extends DomainEvent>(
    aggregate: Aggregate<State, never, Event, never>,
    streams: readonly string[],
  ) => Promise<void>;
};

const MAX_ATTEMPTS = 20;
/** Keeps an append well below the log's limit of 512 KiB; a larger one is halved. */
const MAX_EVENTS_AN_APPEND = 250;

type Refused = Extract<Outcome, { kind: 'refused' }>;
type Tip = { readonly revision: number; readonly position: Position };

/** Before a stream's first event. */
const EMPTY: Tip = { revision: -1, position: START };

/** What the log refused once, as held by some other append. */
type Suspects = { readonly ids: Set<string>; readonly keys: Set<string> };

type Step = {
  readonly index: number;
  readonly events: readonly NewEvent[];
};

/**
 * The way of every command: fold, decide, append at the revision read; on a conflict again, a
 * bounded number of times. Commands on one stream queue within the process.
 */
export function createCommandHandler(
  store: EventStore,
  cache: StateCache = new StateCache(),
): CommandHandler {
  const queues = new Map<string, Promise<unknown>>();

  const decideAll: CommandHandler['decideAll'] = async (aggregate, stream, intents) => {
    const before = queues.get(stream) ?? Promise.resolve();
    const run = before.then(() => decideInTurn({ store, cache, aggregate, stream, intents }));
    const settled = run.catch(() => undefined);
    queues.set(stream, settled);
    try {
      return await run;
    } finally {
      if (queues.get(stream) === settled) queues.delete(stream);
    }
  };

  return {
    decideAll,
    decide: async (aggregate, stream, intent) => {
      const [outcome] = await decideAll(aggregate, stream, [intent]);
      if (!outcome) throw new Error(`no outcome for a command on ${stream}`);
      if (outcome.kind === 'refused') throw outcome.error;
      return outcome;
    },
    prefetch: async (aggregate, streams) => {
      const missing = streams.filter((stream) => !cache.has(cacheKey(aggregate.name, stream)));
      if (missing.length === 0) return;
      const found = new Set<string>();
      for await (const events of store.readStreams(missing)) {
        const stream = events[0]?.stream;
        if (stream === undefined) continue;
        found.add(stream);
        const state = aggregate.decider.initialState();
        const entry = evolveAll(aggregate, { ...EMPTY, state }, events);
        cache.set(cacheKey(aggregate.name, stream), entry);
      }
      for (const stream of missing) {
        if (found.has(stream)) continue;
        const state = aggregate.decider.initialState();
        cache.set(cacheKey(aggregate.name, stream), { ...EMPTY, state });
      }
    },
  };
}

type Turn<State, Command, Event extends DomainEvent, Facts> = {
  readonly store: EventStore;
  readonly cache: StateCache;
  readonly aggregate: Aggregate<State, Command, Event, Facts>;
  readonly stream: string;
  readonly intents: readonly Intent<Command, Facts>[];
};

const cacheKey = (name: string, stream: string): string => `${name} ${stream}`;

async function decideInTurn<State, Command, Event extends DomainEvent, Facts>(
  turn: Turn<State, Command, Event, Facts>,
): Promise<readonly Decided[]> {
  const outcomes = new Map<number, Decided>();
  // Ids that the log refused once. An event that still wants one after a fresh read of this stream
  // wants a record id that belongs to another stream.
  const suspects: Suspects = { ids: new Set(), keys: new Set() };
  const key = cacheKey(turn.aggregate.name, turn.stream);
  for (let attempt = 0; outcomes.size < turn.intents.length; attempt += 1) {
    if (attempt >= MAX_ATTEMPTS) throw new DomainError('contention', { stream: turn.stream });
    const cached = turn.cache.get<State>(key);
    const entry = cached ?? (await load(turn));
    turn.cache.drop(key); // decided events change the state in place; it comes back once appended
    const { steps, settled } = decideSteps(turn, entry, outcomes, suspects);
    if (cached && settled.size > 0 && (await hasTail(turn, cached.revision))) continue;
    const tip = await appendSteps(turn, entry, steps, outcomes, suspects);
    // What was refused or repeated beside events that did not get in is decided again with them.
    if (tip === null) continue;
    for (const [index, refused] of settled) {
      outcomes.set(index, refused ?? { kind: 'repeated', ...tip });
    }
    turn.cache.set(key, { state: entry.state, ...tip });
  }
  return turn.intents.map((_, index) => outcomes.get(index) as Decided);
}

async function load<State, Command, Event extends DomainEvent, Facts>(
  turn: Turn<State, Command, Event, Facts>,
): Promise<CachedState<State>> {
  const { store, aggregate, stream } = turn;
  let entry: CachedState<State> = { ...EMPTY, state: aggregate.decider.initialState() };
  for await (const events of store.readStream(stream)) entry = evolveAll(aggregate, entry, events);
  return entry;
}

function evolveAll<State, Event extends DomainEvent>(
  aggregate: Pick<Aggregate<State, never, Event, never>, 'decider'>,
  entry: CachedState<State>,
  events: readonly RecordedEvent[],
): CachedState<State> {
  let { state } = entry;
  for (const event of events) {
    state = aggregate.decider.evolve(state, event as unknown as Event);
  }
  const { revision, position } = events.at(-1) ?? entry;
  return { state, revision, position };
}

/**
 * Decides what is still open. Refusals and repeats (null) are settled at once, the rest wait for
 * the log.
 */
function decideSteps<State, Command, Event extends DomainEvent, Facts>(
  turn: Turn<State, Command, Event, Facts>,
  entry: CachedState<State>,
  done: ReadonlyMap<number, Decided>,
  suspects: Suspects,
): { steps: Step[]; settled: Map<number, Refused | null> } {
  const { decider, recordOf } = turn.aggregate;
  const steps: Step[] = [];
  const settled = new Map<number, Refused | null>();
  let { revision } = entry;
  for (const [index, intent] of turn.intents.entries()) {
    if (done.has(index)) continue;
    try {
      requireRevision(turn.stream, intent.expectedRevision, revision);
      const decided = decider.decide(intent.command, entry.state, intent.facts());
      const events = toNewEvents(decided, intent.envelope, recordOf);
      if (events.length === 0) {
        settled.set(index, null);
      } else {
        requireUnsuspected(turn.stream, events, suspects);
        revision += events.length;
        for (const event of decided) entry.state = decider.evolve(entry.state, event);
        steps.push({ index, events });
      }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      settled.set(index, { kind: 'refused', error });
    }
  }
  return { steps, settled };
}

function requireRevision(
  stream: string,
  expected: number | null | undefined,
  actualRevision: number,
): void {
  if (expected === undefined || expected === null || expected === actualRevision) return;
  throw new DomainError('revision-mismatch', { stream, actualRevision });
}

/** Decided on a fresh read, and still wanting what belongs to another append. */
function requireUnsuspected(stream: string, events: readonly NewEvent[], suspects: Suspects): void {
  if (events.some(({ id }) => suspects.ids.has(id))) {
    throw new DomainError('record-id-reused', { stream });
  }
  const isKeyed = ({ metadata }: NewEvent): boolean => metadata.requestHmac !== undefined;
  if (events.some((event) => isKeyed(event) && suspects.keys.has(event.metadata.commandId))) {
    throw new DomainError('idempotency-key-reused', { stream });
  }
}

/** A refusal or a repeat found on a cached state holds only if the state was current. */
async function hasTail<State, Command, Event extends DomainEvent, Facts>(
  { store, stream }: Turn<State, Command, Event, Facts>,
  revision: number,
): Promise<boolean> {
  const options = { fromRevision: revision + 1, maxCount: 1 };
  for await (const events of store.readStream(stream, options)) if (events.length > 0) return true;
  return false;
}

/** Where the stream stands then, or null when the state has to be read again. */
async function appendSteps<State, Command, Event extends DomainEvent, Facts>(
  turn: Turn<State, Command, Event, Facts>,
  from: Tip,
  steps: readonly Step[],
  outcomes: Map<number, Decided>,
  suspects: Suspects,
): Promise<Tip | null> {
  let { revision, position } = from;
  let open = steps;
  let limit = MAX_EVENTS_AN_APPEND;
  while (open.length > 0) {
    const chunk = takeChunk(open, limit);
    try {
      const result = await appendChunk(turn, revision, chunk);
      const isWhereSent = result.revision === revision + countEvents(chunk);
      noteOutcomes(chunk, result, isWhereSent ? 'accepted' : 'repeated', outcomes);
      // Another process appended these very events before: around them may be more of its own.
      if (!isWhereSent) return null;
      ({ revision, position } = result);
      open = open.slice(chunk.length);
    } catch (error) {
      if (error instanceof EventTooLarge && chunk.length > 1) {
        limit = Math.max(1, Math.floor(limit / 2));
        continue;
      }
      if (error instanceof RevisionConflict) return null;
      if (error instanceof EventIdReused) for (const id of error.eventIds) suspects.ids.add(id);
      else if (error instanceof CommandKeyReused)
        for (const key of error.keys) suspects.keys.add(key);
      else throw error;
      return null;
    }
  }
  return { revision, position };
}

function noteOutcomes(
  chunk: readonly Step[],
  { outcome, revision, positions }: AppendResult,
  kind: 'accepted' | 'repeated',
  outcomes: Map<number, Decided>,
): void {
  let count = 0;
  for (const { index, events } of chunk) {
    count += events.length;
    const position = positions[count - 1] as Position;
    const place = { revision: revision - positions.length + count, position };
    const known = outcome === 'repeated' ? { isKnown: true as const } : {};
    outcomes.set(index, kind === 'accepted' ? { kind, ...place, ...known } : { kind, ...place });
  }
}

const countEvents = (steps: readonly Step[]): number =>
  steps.reduce((count, { events }) => count + events.length, 0);

/** Whole commands only: the events of one command are appended together or not at all. */
function takeChunk(steps: readonly Step[], limit: number): readonly Step[] {
  let count = 0;
  let end = 0;
  for (const step of steps) {
    if (end > 0 && count + step.events.length > limit) break;
    count += step.events.length;
    end += 1;
  }
  return steps.slice(0, end);
}

function appendChunk<State, Command, Event extends DomainEvent, Facts>(
  { store, stream }: Turn<State, Command, Event, Facts>,
  revision: number,
  chunk: readonly Step[],
): Promise<AppendResult> {
  const events = chunk.flatMap((step) => step.events);
  return store.append(stream, revision < 0 ? 'none' : revision, events);
}
