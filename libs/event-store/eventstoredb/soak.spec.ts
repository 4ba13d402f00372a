import { randomUUID } from 'node:crypto';
import {
  openEventStoreDouble,
  type EventStoreDouble,
  type FaultRule,
} from '../../../test/support/eventstoredb/index.js';
import { collect, metadata, newEvent } from '../contract.js';
import {
  StoreUnavailable,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type Position,
  type RecordedEvent,
} from '../port.js';
import { openEventStoreDb } from './eventstoredb-event-store.js';

/** How long faults are armed and appends begun; what is under way then has its time besides. */
const SECONDS = Number(process.env['MERIT_TEST_SOAK_SECONDS'] ?? 12);
const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20_261_121);
const WRITERS = 12;
const STORES = 2; // as processes: they share no turns
const ANSWER_MS = 250;
/** The faults are over: what is left is to notice what has fallen silent. */
const CATCH_UP_MS = 20_000;
const REFUSALS = ['RevisionConflict', 'EventIdReused', 'CommandKeyReused', 'EventTooLarge'];

/** Seeded, so that a run can be had again as far as timing allows. */
function createRandom(seed: number) {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0; // mulberry32
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
  return { below, pick };
}
type Random = ReturnType<typeof createRandom>;

type Sent = {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
};
/** `contradicted`: refused after it was told that it is there. */
type Told = 'appended' | 'refused' | 'unknown' | 'contradicted';
/** An append by its events, and all that was said of it. */
type Journal = Map<Sent, Told[]>;

const told = (result: AppendResult | Error): Told => {
  if (!(result instanceof Error)) return 'appended';
  if (result instanceof StoreUnavailable) return 'unknown';
  if (REFUSALS.includes(result.name)) return 'refused';
  throw result;
};

/** One of the appends that a writer thinks of, among them keyed ones and repeats. */
function nextAppend(random: Random, own: string, revisions: Map<string, number>): Sent {
  const stream = random.pick([own, own, `shared-${random.below(3)}`, `once-${randomUUID()}`]);
  const last = revisions.get(stream);
  const exact: ExpectedRevision = last ?? 'none';
  const expected = random.pick<ExpectedRevision>(['any', 'any', exact, exact, 'exists', 'none']);
  const key = `key-${random.below(200)}`;
  const events = Array.from({ length: random.pick([1, 1, 1, 2, 5]) }, (_, n) =>
    n === 0 && random.below(3) === 0
      ? newEvent({ n }, { metadata: metadata({ commandId: key, requestHmac: 'aa' }) })
      : newEvent({ n }),
  );
  return { stream, expected, events };
}

type Soak = {
  readonly server: EventStoreDouble;
  readonly stores: readonly EventStore[];
  readonly journal: Journal;
  readonly isOver: () => boolean;
};

async function writeOn({ stores, journal, isOver }: Soak, seed: number): Promise<void> {
  const random = createRandom(seed);
  const revisions = new Map<string, number>();
  let open: Sent | null = null;
  while (!isOver() || open) {
    const isRepeat: boolean = journal.size > 0 && random.below(5) === 0;
    const sent: Sent =
      open ??
      (isRepeat
        ? random.pick([...journal.keys()].slice(-40))
        : nextAppend(random, `own-${seed}`, revisions));
    const wasAppended = journal.get(sent)?.includes('appended') === true;
    // Now and then by two processes at once.
    const senders = random.below(4) === 0 ? stores : [random.pick(stores)];
    const send = async (store: EventStore): Promise<Told> => {
      const appended = store.append(sent.stream, sent.expected, sent.events);
      const result = await appended.catch((error: Error) => error);
      const isRefused = told(result) === 'refused';
      const answer = wasAppended && isRefused ? 'contradicted' : told(result);
      journal.set(sent, [...(journal.get(sent) ?? []), answer]);
      if (!(result instanceof Error)) revisions.set(sent.stream, result.revision);
      return answer;
    };
    const answers = await Promise.all(senders.map(send));
    // As its callers do: most send the same again until they know, some never learn.
    open = answers.includes('unknown') && random.below(4) > 0 && !isOver() ? sent : null;
  }
}

const CLAIMS = ['record-id-', 'command-key-', 'own-', 'shared-', 'once-', ''];

function nextFault(random: Random): FaultRule {
  const streamPrefix = random.pick(CLAIMS);
  const skip = random.below(4);
  const carriedOut = random.below(2) === 0;
  const onAppend = { streamPrefix, skip };
  const onRead = { streamPrefix: '$all', skip, afterEvents: random.below(20) };
  return random.pick<FaultRule>([
    { kind: 'unanswered', ...onAppend, carriedOut, times: 1 + random.below(3) },
    { kind: 'late', ...onAppend, delayMs: random.below(2 * ANSWER_MS) },
    { kind: 'wrong-revision', ...onAppend },
    { kind: 'end-stream', ...onAppend, carriedOut },
    { kind: 'break-stream', ...onAppend, carriedOut },
    { kind: 'timeout', ...onAppend, carriedOut },
    { kind: 'not-leader', ...onAppend },
    { kind: 'too-large', ...onAppend, streamPrefix: 'once-' },
    { kind: 'end-read', ...onRead, afterEvents: 4 + random.below(20) },
    { kind: 'break-read', ...onRead },
    { kind: 'break-read', ...onRead, streamPrefix },
    { kind: 'stall-read', ...onRead },
    { kind: 'stall-read', ...onRead, streamPrefix },
    { kind: 'checkpoint-ahead', ...onRead, ahead: random.below(30) },
    { kind: 'fall-behind', ...onRead },
  ]);
}

async function disturb({ server, isOver }: Soak): Promise<number> {
  const random = createRandom(SEED);
  let leader = 0;
  let armed = 0;
  while (!isOver()) {
    const fault = server.faults.arm(nextFault(random));
    armed += 1;
    if (random.below(40) === 0) await server.restart();
    if (random.below(40) === 0) server.elect((leader = 1 - leader));
    const timer = random.below(400);
    await new Promise((done) => setTimeout(done, timer));
    if (random.below(3) === 0) fault.remove();
  }
  server.faults.clear();
  return armed;
}

type Subscriber = { readonly prefixes: readonly string[] | undefined; readonly seen: string[] };

/** Reads in parts: now and then it is started anew, from the last event that it was given. */
async function follow(store: EventStore, to: Subscriber, stop: AbortSignal, seed: number) {
  const random = createRandom(seed);
  let after: Position = '';
  while (!stop.aborted) {
    const part = new AbortController();
    const signal = AbortSignal.any([stop, part.signal]);
    const options = { after, signal, batchSize: 1 + random.below(60) };
    const prefixed = to.prefixes ? { ...options, streamPrefixes: to.prefixes } : options;
    for await (const batch of store.subscribe(prefixed)) {
      to.seen.push(...batch.map(({ position }) => position));
      after = batch.at(-1)?.position ?? after;
      if (random.below(15) === 0) part.abort();
    }
  }
}

function groupedBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}

const matching = (log: readonly RecordedEvent[], prefixes: readonly string[] | undefined) =>
  log.filter(({ stream }) => !prefixes || prefixes.some((prefix) => stream.startsWith(prefix)));

function checkJournal(journal: Journal, log: readonly RecordedEvent[]): void {
  const streams = groupedBy(log, ({ id }) => id);
  const wrong: unknown[] = [];
  for (const [sent, answers] of journal) {
    const places = sent.events.map(({ id }) => streams.get(id) ?? []);
    const found = places.map((place) => place.length);
    const isThere = found.every((times) => times === 1);
    const isAbsent = found.every((times) => times === 0);
    const revisions = places.flat().map(({ revision }) => revision);
    const isInOrder = revisions.every((revision, n) => revision === (revisions[0] ?? 0) + n);
    const isRight = answers.includes('appended')
      ? isThere && isInOrder
      : answers.at(-1) === 'refused' && !answers.includes('unknown')
        ? isAbsent
        : isAbsent || (isThere && isInOrder);
    const isSteady = !answers.includes('contradicted');
    const isElsewhere = places.flat().some(({ stream }) => stream !== sent.stream);
    if (!isRight || !isSteady || isElsewhere) wrong.push({ ...sent, answers, found });
  }
  expect(wrong).toEqual([]);
}

async function checkReads(store: EventStore, log: readonly RecordedEvent[]): Promise<void> {
  expect(new Set(log.map(({ id }) => id)).size).toBe(log.length);
  expect(log.map(({ position }) => position)).toEqual(log.map((e) => e.position).toSorted());
  for (const [stream, events] of groupedBy(log, (event) => event.stream)) {
    const revisions = events.map(({ revision }) => revision);
    expect(revisions).toEqual(events.map((_, n) => n));
    const ids = events.map(({ id }) => id);
    expect((await collect(store.readStream(stream))).map(({ id }) => id)).toEqual(ids);
    const backwards = await collect(store.readStream(stream, { direction: 'backward' }));
    expect(backwards.map(({ id }) => id)).toEqual(ids.toReversed());
  }
  const keys = new Set<string>();
  for (const event of log) {
    expect(await store.eventById(event.id)).toMatchObject({
      id: event.id,
      stream: event.stream,
      position: event.position,
    });
    const { requestHmac, commandId } = event.metadata;
    if (requestHmac === undefined) continue;
    expect(keys.has(commandId)).toBe(false);
    keys.add(commandId);
    expect((await store.eventByCommandKey(commandId))?.id).toBe(event.id);
  }
}

describe('EventStoreDB under faults of every kind', () => {
  const opened: EventStore[] = [];
  const stop = new AbortController();
  let server: EventStoreDouble;
  const open = async (patience: { answerMs?: number; retryMs?: number } = {}) => {
    const store = await openEventStoreDb({ url: server.url, ...patience });
    opened.push(store);
    return store;
  };
  beforeAll(async () => void (server = await openEventStoreDouble({ nodes: 2 })));
  afterAll(async () => {
    stop.abort(); // also after a failure: nobody follows a store that is closed
    await Promise.all(opened.map((store) => store.close()));
    await server.close();
  });

  it(
    `keeps what it tells its writers and readers, for ${SECONDS} s`,
    async () => {
      const impatient = { answerMs: ANSWER_MS, retryMs: 3_000 };
      const stores = await Promise.all(Array.from({ length: STORES }, () => open(impatient)));
      const endMs = Date.now() + SECONDS * 1_000;
      const soak: Soak = { server, stores, journal: new Map(), isOver: () => Date.now() > endMs };
      const subscribers = [undefined, ['own-'], ['shared-', 'once-']].map((prefixes) => ({
        prefixes,
        seen: [] as string[],
      }));
      const following = subscribers.map((to, n) =>
        follow(stores[n % STORES] as EventStore, to, stop.signal, SEED + n),
      );
      const writing = Array.from({ length: WRITERS }, (_, n) => writeOn(soak, SEED + 100 + n));
      const armed = await disturb(soak);
      await Promise.all(writing);

      const quiet = await open();
      const log = await collect(quiet.readAll());
      const answers = [...soak.journal.values()].flat();
      const counts = [...groupedBy(answers, String)].map(([answer, all]) => [answer, all.length]);
      console.log(
        `seed ${SEED}: ${armed} faults, ${log.length} events`,
        Object.fromEntries(counts),
      );
      checkJournal(soak.journal, log);
      await checkReads(quiet, log);
      for (const { prefixes, seen } of subscribers) {
        const wanted = matching(log, prefixes).map(({ position }) => position);
        const lateMs = Date.now() + CATCH_UP_MS;
        while (seen.length < wanted.length && Date.now() < lateMs) await quiet.head();
        expect(seen).toEqual(wanted);
      }
      stop.abort();
      await Promise.all(following);
    },
    SECONDS * 1_000 + 90_000,
  );
});
