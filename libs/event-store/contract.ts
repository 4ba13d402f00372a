import { randomUUID } from 'node:crypto';
import {
  CommandKeyReused,
  EventIdReused,
  EventTooLarge,
  MAX_APPEND_BYTES,
  MAX_EVENT_BYTES,
  RevisionConflict,
  START,
  StoreUnavailable,
  type EventStore,
  type Metadata,
  type NewEvent,
  type Position,
  type RecordedEvent,
} from './port.js';

export type StoreUnderTest = {
  readonly store: EventStore;
  /** Lets go of the log; the store may be closed already. */
  readonly dispose: () => Promise<void>;
};

const CALLERS = 64;

/** What every adapter promises. `makeStore` opens a store on a log of its own, empty. */
export function eventStoreContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`event store contract: ${name}`, () => {
    let under: StoreUnderTest;
    let store: EventStore;
    beforeEach(async () => {
      under = await makeStore();
      store = under.store;
    });
    afterEach(async () => {
      await store.close();
      await under.dispose();
    });
    const getStore = (): EventStore => store;
    expectedRevisions(getStore);
    repeatedAppends(getStore);
    commandKeys(getStore);
    limits(getStore);
    streams(getStore);
    globalOrder(getStore);
    subscriptions(getStore);
    subscriptionEnds(getStore);
  });
}

type Get = () => EventStore;

export function newEvent(data: object = {}, more: Partial<NewEvent> = {}): NewEvent {
  return { id: randomUUID(), type: 'contract.Happened.v1', data, metadata: metadata(), ...more };
}

export function metadata(more: Partial<Metadata> = {}): Metadata {
  return {
    occurredAt: '2026-03-14T09:00:00+08:00',
    recordedAt: '2026-03-14T09:00:01.5+08:00',
    actor: { id: 'office-1', role: 'office' },
    commandId: 'command-1',
    correlationId: 'correlation-1',
    causationId: 'causation-1',
    schemaVersion: 1,
    ...more,
  };
}

export async function collect(
  batches: AsyncIterable<readonly RecordedEvent[]>,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const batch of batches) events.push(...batch);
  return events;
}

/** The first `count` events of something endless. */
export async function take(
  batches: AsyncIterable<readonly RecordedEvent[]>,
  count: number,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const batch of batches) {
    events.push(...batch);
    if (events.length >= count) break;
  }
  return events;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (error: unknown) => error,
  );
}

const numbers = (events: readonly RecordedEvent[]): number[] =>
  events.map(({ data }) => (data as { n: number }).n);

async function appendNumbers(
  store: EventStore,
  stream: string,
  count: number,
  first = 0,
): Promise<void> {
  for (let n = first; n < first + count; n += 1) {
    await store.append(stream, 'any', [newEvent({ n })]);
  }
}

/** Runs `task` for 0 … count - 1 with 64 callers at once. */
export async function concurrently(
  count: number,
  task: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await task(index);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

function expectedRevisions(get: Get): void {
  describe('expected revisions', () => {
    it('takes any revision, also on a stream that does not exist', async () => {
      const first = await get().append('thing-1', 'any', [newEvent()]);
      const second = await get().append('thing-1', 'any', [newEvent()]);
      expect([first.outcome, first.revision]).toEqual(['appended', 0]);
      expect([second.outcome, second.revision]).toEqual(['appended', 1]);
      expect(second.position > first.position).toBe(true);
    });

    it('takes none only for a stream that does not exist, and tells the actual revision', async () => {
      await get().append('thing-1', 'none', [newEvent(), newEvent()]);
      const error = await failure(get().append('thing-1', 'none', [newEvent()]));
      expect(error).toBeInstanceOf(RevisionConflict);
      expect(error).toMatchObject({ stream: 'thing-1', expected: 'none', actual: 1 });
    });

    it('takes exists only for a stream that exists', async () => {
      const error = await failure(get().append('thing-1', 'exists', [newEvent()]));
      expect(error).toBeInstanceOf(RevisionConflict);
      expect(error).toMatchObject({ expected: 'exists', actual: null });
      await get().append('thing-1', 'none', [newEvent()]);
      expect((await get().append('thing-1', 'exists', [newEvent()])).revision).toBe(1);
    });

    it('takes an exact revision only while it is the last one', async () => {
      await get().append('thing-1', 'none', [newEvent()]);
      await get().append('thing-1', 0, [newEvent()]);
      for (const [expected, stream, actual] of [
        [0, 'thing-1', 1],
        [2, 'thing-1', 1],
        [0, 'thing-2', null],
      ] as const) {
        const error = await failure(get().append(stream, expected, [newEvent()]));
        expect(error).toBeInstanceOf(RevisionConflict);
        expect(error).toMatchObject({ expected, actual });
      }
    });

    it('lets exactly one of many win who append at the same revision at once', async () => {
      await get().append('thing-1', 'none', [newEvent()]);
      const outcomes = await Promise.allSettled(
        Array.from({ length: CALLERS }, (_, n) => get().append('thing-1', 0, [newEvent({ n })])),
      );
      const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(lost).toHaveLength(CALLERS - 1);
      for (const { reason } of lost) {
        expect(reason).toBeInstanceOf(RevisionConflict);
        expect(reason).toMatchObject({ actual: 1 });
      }
      expect(await collect(get().readStream('thing-1'))).toHaveLength(2);
    });

    it('appends several events at once or none of them', async () => {
      const events = [0, 1, 2].map((n) => newEvent({ n }));
      expect((await get().append('thing-1', 'none', events)).revision).toBe(2);
      await failure(get().append('thing-1', 0, [newEvent({ n: 8 }), newEvent({ n: 9 })]));
      expect(numbers(await collect(get().readStream('thing-1')))).toEqual([0, 1, 2]);
      expect(numbers(await collect(get().readAll()))).toEqual([0, 1, 2]);
    });

    it('gives concurrent appends to few streams every revision once', async () => {
      await concurrently(400, (n) => get().append(`hot-${n % 4}`, 'any', [newEvent({ n })]));
      for (const stream of ['hot-0', 'hot-1', 'hot-2', 'hot-3']) {
        const revisions = (await collect(get().readStream(stream))).map((event) => event.revision);
        expect(revisions).toEqual(Array.from({ length: 100 }, (_, index) => index));
      }
    });
  });
}

function repeatedAppends(get: Get): void {
  describe('repeated appends', () => {
    it('gives the first outcome for the same ids, also when the revision has moved on', async () => {
      const events = [newEvent({ n: 1 }), newEvent({ n: 2 })];
      const first = await get().append('thing-1', 'none', events);
      await get().append('thing-1', 1, [newEvent()]);
      for (const expected of ['none', 'any', 'exists', 7] as const) {
        expect(await get().append('thing-1', expected, events)).toEqual({
          ...first,
          outcome: 'repeated',
        });
      }
      expect(await collect(get().readAll())).toHaveLength(3);
    });

    it('lets metadata take no part in telling a repetition, nor the order of members', async () => {
      const event = newEvent({ a: 1, b: { c: [1, 'x'] } });
      await get().append('thing-1', 'none', [event]);
      const later = { ...event, data: { b: { c: [1, 'x'] }, a: 1 } };
      const result = await get().append('thing-1', 'none', [
        { ...later, metadata: metadata({ commandId: 'another' }) },
      ]);
      expect(result.outcome).toBe('repeated');
      expect((await get().eventById(event.id))?.metadata.commandId).toBe('command-1');
    });

    it('refuses an id that the log holds with another type, data or stream', async () => {
      const [kept, event] = [newEvent({ n: 0 }), newEvent({ n: 1 })];
      await get().append('thing-1', 'none', [kept, event]);
      for (const [stream, change] of [
        ['thing-1', { data: { n: 2 } }],
        ['thing-1', { type: 'contract.Other.v1' }],
      ] as const) {
        const error = await failure(get().append(stream, 'any', [kept, { ...event, ...change }]));
        expect(error).toBeInstanceOf(EventIdReused);
        expect(error).toMatchObject({ stream, eventIds: [event.id] });
      }
      const elsewhere = await failure(get().append('thing-2', 'any', [event]));
      expect(elsewhere).toMatchObject({ name: 'EventIdReused', eventIds: [event.id] });
      expect(await collect(get().readAll())).toHaveLength(2);
    });

    it('refuses an append that mixes known and new ids, in every order', async () => {
      const [known, fresh] = [newEvent({ n: 1 }), newEvent({ n: 2 })];
      await get().append('thing-1', 'none', [known]);
      for (const events of [
        [known, fresh],
        [fresh, known],
      ]) {
        const error = await failure(get().append('thing-1', 'any', events));
        expect(error).toMatchObject({ name: 'EventIdReused', eventIds: [known.id] });
      }
    });

    it('refuses known events in another order, and an id that stands twice in one append', async () => {
      const [one, two] = [newEvent({ n: 1 }), newEvent({ n: 2 })];
      await get().append('thing-1', 'none', [one, two]);
      expect(await failure(get().append('thing-1', 'any', [two, one]))).toMatchObject({
        name: 'EventIdReused',
        eventIds: [two.id, one.id],
      });
      const twice = newEvent();
      expect(await failure(get().append('thing-2', 'any', [twice, twice]))).toMatchObject({
        name: 'EventIdReused',
        eventIds: [twice.id],
      });
    });

    it('appends an event once when many send it at once', async () => {
      const event = newEvent();
      const results = await Promise.all(
        Array.from({ length: 20 }, () => get().append('thing-1', 'none', [event])),
      );
      expect(results.filter(({ outcome }) => outcome === 'appended')).toHaveLength(1);
      expect(new Set(results.map(({ position }) => position)).size).toBe(1);
    });

    it('gives each of a mixed crowd its own outcome', async () => {
      const { outcomes, head } = await mixedCrowd(get());
      expect(outcomes).toEqual([
        'appended',
        'RevisionConflict',
        'repeated',
        'EventIdReused',
        'EventTooLarge',
        'appended',
      ]);
      expect(await collect(get().readAll())).toHaveLength(4);
      expect(head).toBe(await get().head());
    });
  });
}

const keyed = (key: string, more: Partial<NewEvent> = {}): NewEvent =>
  newEvent({ key }, { metadata: metadata({ commandId: key, requestHmac: 'aa' }), ...more });

function commandKeys(get: Get): void {
  describe('keys of requests', () => {
    it('finds the answer of a keyed request, whatever the key, and nothing for other commands', async () => {
      const keys = ['plain', 'with "quotes" and \\', '"requestHmac":', '"commandId":"plain"'];
      for (const key of keys) {
        const unkeyed = newEvent({}, { metadata: metadata({ commandId: `not ${key}` }) });
        await get().append(`thing-${key}`, 'none', [unkeyed, keyed(key)]);
      }
      for (const key of keys) {
        expect(await get().eventByCommandKey(key)).toMatchObject({
          stream: `thing-${key}`,
          revision: 1,
          metadata: { commandId: key, requestHmac: 'aa' },
        });
        expect(await get().eventByCommandKey(`not ${key}`)).toBeNull();
      }
      const found = await Promise.all(keys.map((key) => get().eventByCommandKey(key)));
      expect(found.map((event) => event?.metadata.commandId)).toEqual(keys);
    });

    it('refuses a second event under one key in any stream, before it looks at the revision', async () => {
      await get().append('thing-1', 'none', [newEvent(), keyed('k1')]);
      for (const [stream, expected] of [
        ['thing-1', 1],
        ['thing-1', 7],
        ['thing-2', 'none'],
      ] as const) {
        const append = get().append(stream, expected, [keyed('k2'), newEvent(), keyed('k1')]);
        const error = await failure(append);
        expect(error).toBeInstanceOf(CommandKeyReused);
        expect(error).toMatchObject({ stream, keys: ['k1'] });
      }
      expect(await get().eventByCommandKey('k2')).toBeNull();
      expect(await collect(get().readAll())).toHaveLength(2);
      const twice = get().append('thing-3', 'none', [keyed('k3'), keyed('k3')]);
      expect(await failure(twice)).toBeInstanceOf(CommandKeyReused);
    });

    it('gives a repeated append its first outcome, key and all', async () => {
      const event = keyed('k1');
      const first = await get().append('thing-1', 'none', [event]);
      expect(await get().append('thing-1', 'none', [event])).toEqual({
        ...first,
        outcome: 'repeated',
      });
    });

    it('lets one of many requests win that come under one key at once, in many streams', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: CALLERS }, (_, n) =>
          get().append(`thing-${n}`, 'none', [keyed('k1'), newEvent()]),
        ),
      );
      const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(lost).toHaveLength(CALLERS - 1);
      for (const { reason } of lost) expect(reason).toBeInstanceOf(CommandKeyReused);
      expect(await collect(get().readAll())).toHaveLength(2);
    });

    it('harms no other append of the same crowd', async () => {
      await get().append('thing-1', 'none', [keyed('k1')]);
      const results = await Promise.allSettled([
        get().append('thing-2', 'none', [newEvent()]),
        get().append('thing-3', 'none', [keyed('k1')]),
        get().append('thing-4', 'none', [keyed('k4')]),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((await get().eventByCommandKey('k4'))?.stream).toBe('thing-4');
    });
  });
}

/** Six appends sent at once: good, stale revision, repetition, clashing id, oversized, good. */
export async function mixedCrowd(
  store: EventStore,
): Promise<{ readonly outcomes: readonly string[]; readonly head: Position }> {
  const [old, other] = [newEvent({ n: 0 }), newEvent({ n: 0 })];
  await store.append('old-1', 'none', [old]);
  await store.append('old-2', 'none', [other]);
  const large = newEvent({ text: 'x'.repeat(MAX_EVENT_BYTES) });
  const results = await Promise.allSettled([
    store.append('new-1', 'none', [newEvent()]),
    store.append('old-1', 5, [newEvent()]),
    store.append('old-1', 'none', [old]),
    store.append('new-2', 'none', [{ ...other, data: { n: 1 } }]),
    store.append('new-3', 'none', [large]),
    store.append('new-4', 'none', [newEvent()]),
  ]);
  const outcomes = results.map((result) =>
    result.status === 'fulfilled' ? result.value.outcome : (result.reason as Error).name,
  );
  const positions = results.map((result) =>
    result.status === 'fulfilled' ? result.value.position : START,
  );
  return { outcomes, head: positions.sort().at(-1) ?? START };
}

function limits(get: Get): void {
  describe('limits', () => {
    it('refuses an event or an append that is too large, and stores nothing of it', async () => {
      const event = newEvent({ text: '考'.repeat(MAX_EVENT_BYTES / 3) });
      const error = await failure(get().append('thing-1', 'any', [newEvent(), event]));
      expect(error).toBeInstanceOf(EventTooLarge);
      expect(error).toMatchObject({ code: 'event-too-large', limitBytes: MAX_EVENT_BYTES });

      const nine = Array.from({ length: 9 }, () => newEvent({ text: 'x'.repeat(60_000) }));
      expect(await failure(get().append('thing-1', 'any', nine))).toMatchObject({
        code: 'event-too-large',
        limitBytes: MAX_APPEND_BYTES,
      });
      expect(await collect(get().readAll())).toEqual([]);
      expect((await get().append('thing-1', 'none', nine.slice(1))).revision).toBe(7);
    });

    it.each([
      ['NaN', { n: Number.NaN }],
      ['an infinity', { n: Infinity }],
      ['a lone surrogate', { text: '\ud800' }],
      ['a function', { call: () => 1 }],
      ['a BigInt', { n: 1n }],
      ['no object', [] as object],
    ])('refuses data with %s as no canonical JSON', async (_, data) => {
      const error = await failure(get().append('thing-1', 'any', [newEvent(data)]));
      expect(error).toBeInstanceOf(TypeError);
      expect(await get().head()).toBe(START);
    });

    it('refuses an append without events, an id that is no UUID and names it could not index', async () => {
      const refused = [
        get().append('thing-1', 'any', []),
        get().append('thing-1', 'any', [newEvent({}, { id: 'one' })]),
        get().append('thing-1', 'any', [newEvent({}, { type: '' })]),
        get().append('', 'any', [newEvent()]),
        get().append('thing-\0', 'any', [newEvent()]),
        get().append('thing-1', -1, [newEvent()]),
        get().append(`thing-${'x'.repeat(3_000)}`, 'any', [newEvent()]),
      ];
      for (const outcome of await Promise.all(refused.map(failure))) {
        expect(outcome).toBeInstanceOf(TypeError);
      }
    });

    it('gives back data, metadata and names as they were given, whatever the characters', async () => {
      const data = {
        text: '客户经理 "quoted" \\ \u0000\u0001\u001f\u007f\u2028 🏦',
        numbers: [0, -1.5, 1e21, 1e-7],
        nested: { a: null, 考核: true },
      };
      const event = newEvent(data, {
        type: 'contract.考核"\n.v1',
        metadata: metadata({
          actor: { id: '经理"1\\', role: 'rater', onBehalfOf: 'importer' },
          requestHmac: 'abc',
        }),
      });
      await get().append('thing-考核"\\ \t', 'none', [event]);
      const [stored] = await collect(get().readStream('thing-考核"\\ \t'));
      expect(stored).toEqual({
        ...event,
        stream: 'thing-考核"\\ \t',
        revision: 0,
        position: await get().head(),
        storedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      });
    });
  });
}

function streams(get: Get): void {
  describe('streams', () => {
    beforeEach(() => appendNumbers(get(), 'thing-1', 10));

    it('reads forward and backward, from a revision, so many', async () => {
      const read = async (options: object): Promise<number[]> =>
        numbers(await collect(get().readStream('thing-1', options)));
      expect(await read({})).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await read({ fromRevision: 7 })).toEqual([7, 8, 9]);
      expect(await read({ fromRevision: 3, maxCount: 2 })).toEqual([3, 4]);
      expect(await read({ direction: 'backward', maxCount: 3 })).toEqual([9, 8, 7]);
      expect(await read({ direction: 'backward', fromRevision: 1 })).toEqual([1, 0]);
      expect(await read({ fromRevision: 10 })).toEqual([]);
      expect(await read({ maxCount: 0 })).toEqual([]);
    });

    it('finds nothing in a stream that does not exist', async () => {
      expect(await collect(get().readStream('thing-2'))).toEqual([]);
      expect(await collect(get().readStream('thing'))).toEqual([]);
    });

    it('reads a stream longer than one batch in both directions', async () => {
      const events = Array.from({ length: 500 }, (_, n) => newEvent({ n }));
      for (let at = 0; at < 5; at += 1) {
        await get().append(
          'long-1',
          'any',
          events.map((event) => ({ ...event, id: randomUUID() })),
        );
      }
      const forward = (await collect(get().readStream('long-1'))).map((e) => e.revision);
      expect(forward).toEqual(Array.from({ length: 2_500 }, (_, index) => index));
      const backward = await collect(get().readStream('long-1', { direction: 'backward' }));
      expect(backward.map((e) => e.revision)).toEqual(forward.toReversed());
    });

    it('reads many streams whole, each in one batch, up to a position', async () => {
      const names = Array.from({ length: 70 }, (_, n) => `many-${n}`);
      for (const name of names) await get().append(name, 'none', [newEvent({ n: 1 })]);
      const until = await get().head();
      for (const name of names) await get().append(name, 0, [newEvent({ n: 2 })]);

      const read = async (options?: { until: Position }): Promise<Map<string, number[]>> => {
        const found = new Map<string, number[]>();
        const wanted = [...names, 'absent-1', 'many-0'];
        for await (const batch of get().readStreams(wanted, options)) {
          const stream = batch[0]?.stream ?? '';
          expect(found.has(stream)).toBe(false);
          expect(batch.every((event) => event.stream === stream)).toBe(true);
          found.set(stream, numbers(batch));
        }
        return found;
      };
      const whole = await read();
      expect([...whole.keys()].sort()).toEqual(names.toSorted());
      expect(new Set([...whole.values()].map(String))).toEqual(new Set(['1,2']));
      expect(new Set([...(await read({ until })).values()].map(String))).toEqual(new Set(['1']));
      expect(await collect(get().readStreams([]))).toEqual([]);
    });

    it('finds an event by its id, and none by an unknown one', async () => {
      const event = newEvent({ n: 'x' });
      await get().append('thing-9', 'none', [event]);
      expect(await get().eventById(event.id)).toMatchObject({ ...event, stream: 'thing-9' });
      expect(await get().eventById(randomUUID())).toBeNull();
      expect(await get().eventById('no id')).toBeNull();
    });
  });
}

function globalOrder(get: Get): void {
  describe('global order', () => {
    it('begins empty, before every position', async () => {
      expect(await get().head()).toBe(START);
      expect(await collect(get().readAll())).toEqual([]);
      expect(await get().lag(START)).toEqual({ events: 0, seconds: 0 });
    });

    it('reads every event once in the order of its positions, after and until given ones', async () => {
      await concurrently(300, (n) => get().append(`thing-${n % 50}`, 'any', [newEvent({ n })]));
      const all = await collect(get().readAll({ batchSize: 7 }));
      expect(all).toHaveLength(300);
      const positions = all.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort());
      expect(positions.at(-1)).toBe(await get().head());
      expect(new Set(numbers(all)).size).toBe(300);
      const [after, until] = [positions[99], positions[199]];
      const part = await collect(get().readAll({ after, until }));
      expect(part.map(({ position }) => position)).toEqual(positions.slice(100, 200));
      expect(await collect(get().readAll({ after: positions[299] }))).toEqual([]);
    });

    it('knows the form of its positions, and that of another store from it', async () => {
      const { position } = await get().append('thing-1', 'none', [newEvent()]);
      expect(get().isPosition(position)).toBe(true);
      const others = [START, '0', '42', `${position}0`, ` ${position}`, '2026-01-31T09:00:00Z'];
      expect(others.filter((text) => get().isPosition(text))).toEqual([]);
      const [ofOne, ofTwo] = ['1'.padStart(19, '0'), '1'.padStart(20, '0')];
      const forms = [ofOne, `${ofTwo}/${ofTwo}`];
      expect(forms.filter((text) => get().isPosition(text))).toHaveLength(1);
      const beyond = ['9'.repeat(20), `${'9'.repeat(20)}/${'9'.repeat(20)}`];
      expect(beyond.filter((text) => get().isPosition(text))).toEqual([]);
    });

    it('never lets a stream run backwards, nor storedAt fall, along the log', async () => {
      await concurrently(300, (n) =>
        get().append(`thing-${n % 5}`, 'any', [newEvent(), newEvent()]),
      );
      const next = new Map<string, number>();
      let storedAt = '';
      for (const event of await collect(get().readAll())) {
        expect(event.revision).toBe(next.get(event.stream) ?? 0);
        next.set(event.stream, event.revision + 1);
        expect(event.storedAt >= storedAt).toBe(true);
        storedAt = event.storedAt;
      }
    });

    it('keeps batches within their size, and ends at the head where the read began', async () => {
      await appendNumbers(get(), 'thing-1', 10);
      const sizes: number[] = [];
      for await (const batch of get().readAll({ batchSize: 4 })) {
        sizes.push(batch.length);
        await appendNumbers(get(), 'thing-1', 1, 10 + sizes.length);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(4);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10);
    });

    it('gives the streams that begin with a wanted prefix and no others', async () => {
      for (const stream of ['assessment-a-1', 'cycle-1', 'assessments-1', 'cycles-1', 'appeal-1']) {
        await appendNumbers(get(), stream, 3);
      }
      const read = async (...streamPrefixes: string[]): Promise<string[]> => {
        const events = await collect(get().readAll({ streamPrefixes, batchSize: 2 }));
        return [...new Set(events.map(({ stream }) => stream))];
      };
      expect(await read('cycle-')).toEqual(['cycle-1']);
      expect(await read('appeal-', 'cycle-')).toEqual(['cycle-1', 'appeal-1']);
      expect(await read('assessment-')).toEqual(['assessment-a-1']);
      expect(await read('assessment')).toEqual(['assessment-a-1', 'assessments-1']);
      expect(await read('assessments-')).toEqual(['assessments-1']);
      expect(await read('')).toHaveLength(5);
      expect(await read('absent-')).toEqual([]);
      expect(await read()).toEqual([]);
    });

    it('tells how far behind a reader is', async () => {
      await appendNumbers(get(), 'thing-1', 5);
      const [first] = await collect(get().readAll());
      const behind = await get().lag(first?.position ?? START);
      expect(behind.events).toBe(4);
      expect(behind.seconds).toBeGreaterThanOrEqual(0);
      expect(await get().lag(START)).toMatchObject({ events: 5 });
      expect(await get().lag(await get().head())).toEqual({ events: 0, seconds: 0 });
    });

    it('stops reading when the signal aborts', async () => {
      await appendNumbers(get(), 'thing-1', 10);
      const stop = new AbortController();
      let seen = 0;
      for await (const batch of get().readAll({ batchSize: 2, signal: stop.signal })) {
        seen += batch.length;
        stop.abort();
      }
      expect(seen).toBe(2);
    });
  });
}

function subscriptions(get: Get): void {
  describe('subscriptions', () => {
    it('gives what was there and then what is appended, in order', async () => {
      await appendNumbers(get(), 'thing-1', 5);
      const got = take(get().subscribe(), 8);
      await appendNumbers(get(), 'thing-2', 3, 5);
      expect(numbers(await got)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('begins after the position given, START being before the first event', async () => {
      await appendNumbers(get(), 'thing-1', 4);
      const [, second] = await collect(get().readAll());
      expect(numbers(await take(get().subscribe({ after: second?.position }), 2))).toEqual([2, 3]);
      expect(numbers(await take(get().subscribe({ after: START }), 4))).toEqual([0, 1, 2, 3]);
      const live = take(get().subscribe({ after: await get().head() }), 1);
      await appendNumbers(get(), 'thing-1', 1, 4);
      expect(numbers(await live)).toEqual([4]);
    });

    it('misses, doubles and swaps nothing while 64 callers append', async () => {
      const total = 2_000;
      const got = take(get().subscribe({ batchSize: 50 }), total);
      await concurrently(total, (n) => get().append(`thing-${n % 9}`, 'any', [newEvent({ n })]));
      const events = await got;
      expect(events).toHaveLength(total);
      const positions = events.map(({ position }) => position);
      expect(positions).toEqual((await collect(get().readAll())).map(({ position }) => position));
      expect(new Set(numbers(events)).size).toBe(total);
    });

    it('gives only the streams with a wanted prefix, old and live', async () => {
      await appendNumbers(get(), 'assessment-a-1', 3);
      await appendNumbers(get(), 'cycle-1', 2);
      const cycles = take(get().subscribe({ streamPrefixes: ['cycle-'] }), 3);
      const assessments = take(get().subscribe({ streamPrefixes: ['assessment-'] }), 5);
      await appendNumbers(get(), 'assessment-a-1', 2, 3);
      await appendNumbers(get(), 'cycle-1', 1, 2);
      expect(numbers(await cycles)).toEqual([0, 1, 2]);
      expect(numbers(await assessments)).toEqual([0, 1, 2, 3, 4]);
    });

    it('waits for a slow consumer and loses nothing', async () => {
      const seen: number[] = [];
      let appended = 40;
      await appendNumbers(get(), 'thing-1', appended);
      for await (const batch of get().subscribe({ batchSize: 10 })) {
        expect(batch.length).toBeLessThanOrEqual(10);
        seen.push(...numbers(batch));
        if (seen.length >= 200) break;
        if (appended < 200) await appendNumbers(get(), 'thing-1', 40, appended);
        appended += 40;
      }
      expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => n));
    });

    it('serves several subscribers at once', async () => {
      const readers = Array.from({ length: 8 }, () => take(get().subscribe(), 100));
      await concurrently(100, (n) => get().append(`thing-${n}`, 'none', [newEvent({ n })]));
      for (const reader of readers) expect(new Set(numbers(await reader)).size).toBe(100);
    });
  });
}

function subscriptionEnds(get: Get): void {
  describe('the end of a subscription', () => {
    it('comes with the signal, while waiting and before the first batch', async () => {
      const stop = new AbortController();
      const waiting = collect(get().subscribe({ signal: stop.signal }));
      stop.abort();
      expect(await waiting).toEqual([]);
      await appendNumbers(get(), 'thing-1', 1);
      expect(await collect(get().subscribe({ signal: AbortSignal.abort() }))).toEqual([]);
    });

    it('comes with the close of the store', async () => {
      await appendNumbers(get(), 'thing-1', 3);
      const seen: number[] = [];
      for await (const batch of get().subscribe()) {
        seen.push(...numbers(batch));
        void get().close();
      }
      expect(seen).toEqual([0, 1, 2]);
    });

    it('comes to the appends of a closed store as an error, after those under way', async () => {
      const underWay = get().append('thing-1', 'none', [newEvent()]);
      await get().close();
      expect((await underWay).outcome).toBe('appended');
      const late = await failure(get().append('thing-1', 'any', [newEvent()]));
      expect(late).toBeInstanceOf(StoreUnavailable);
    });
  });
}
