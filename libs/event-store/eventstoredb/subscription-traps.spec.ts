import {
  openEventStoreDouble,
  type EventStoreDouble,
} from '../../../test/support/eventstoredb/index.js';
import { collect, newEvent, take } from '../contract.js';
import type { EventStore, RecordedEvent } from '../port.js';
import { openEventStoreDb } from './eventstoredb-event-store.js';
import { fromPosition, toPosition } from './position.js';

const numbers = (events: readonly RecordedEvent[]): number[] =>
  events.map(({ data }) => (data as { n: number }).n);

describe('what the client of EventStoreDB does to a reader', () => {
  let server: EventStoreDouble;
  let store: EventStore;
  beforeEach(async () => {
    server = await openEventStoreDouble();
    store = await openEventStoreDb({ url: server.url, answerMs: 500 });
  });
  afterEach(async () => {
    await store.close();
    await server.close();
  });
  const appendNumbers = async (first: number, count: number): Promise<void> => {
    for (let n = first; n < first + count; n += 1) {
      await store.append(`thing-${n % 3}`, 'any', [newEvent({ n })]);
    }
  };
  const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

  it.each(['end-read', 'break-read', 'stall-read', 'fall-behind', 'checkpoint-ahead'] as const)(
    'reads the log whole, once and in order over %s',
    async (kind) => {
      await appendNumbers(0, 30);
      // Not the reads that look for the head.
      const fault = server.faults.arm({ kind, streamPrefix: '$all', skip: 1, afterEvents: 7 });
      const events = await collect(store.readAll({ batchSize: 4 }));
      expect(numbers(events)).toEqual(range(30));
      expect(fault.hits()).toBe(1);
    },
  );

  it.each(['end-read', 'break-read', 'checkpoint-ahead'] as const)(
    'goes on after the last event given when a live subscription meets %s',
    async (kind) => {
      await appendNumbers(0, 10);
      server.faults.arm({ kind, streamPrefix: '$all', afterEvents: 5, ahead: 4 });
      const got = take(store.subscribe({ batchSize: 3 }), 25);
      await appendNumbers(10, 15);
      expect(numbers(await got)).toEqual(range(25));
    },
  );

  it('goes on after a checkpoint ahead of what was taken and a break behind it', async () => {
    await appendNumbers(0, 20);
    server.faults.arm({ kind: 'checkpoint-ahead', streamPrefix: '$all', afterEvents: 3, ahead: 9 });
    server.faults.arm({ kind: 'break-read', streamPrefix: '$all', skip: 1, afterEvents: 2 });
    const seen: number[] = [];
    for await (const batch of store.subscribe({ batchSize: 2 })) {
      seen.push(...numbers(batch));
      if (seen.length === 4) await server.restart();
      if (seen.length >= 20) break;
    }
    expect(seen).toEqual(range(20));
  });

  it('notices that a live subscription has fallen silent, and subscribes again', async () => {
    await appendNumbers(0, 3);
    const fault = server.faults.arm({ kind: 'stall-read', streamPrefix: '$all', afterEvents: 3 });
    const got = take(store.subscribe({ streamPrefixes: ['thing-'] }), 5);
    await fault.struck;
    await appendNumbers(3, 2);
    await store.append('other-1', 'none', [newEvent()]); // what comes last is none of its events
    expect(numbers(await got)).toEqual(range(5));
  });

  it('gives what has come when a read falls silent, again and again', async () => {
    await appendNumbers(0, 30);
    const quick = await openEventStoreDb({ url: server.url, answerMs: 60 });
    const fault = server.faults.arm({
      kind: 'stall-read',
      streamPrefix: '$all',
      skip: 1,
      afterEvents: 2,
      times: 14,
    });
    expect(numbers(await collect(quick.readAll()))).toEqual(range(30));
    expect(fault.hits()).toBe(14);
    await quick.close();
  });

  it('lets nobody take for the whole log what the close of the store cut off', async () => {
    await appendNumbers(0, 9);
    const read = async (): Promise<void> => {
      for await (const _ of store.readAll({ batchSize: 2 })) void store.close();
    };
    await expect(read()).rejects.toMatchObject({ name: 'StoreUnavailable' });
  });

  it('goes on after a restart of the server', async () => {
    await appendNumbers(0, 5);
    const got = take(store.subscribe(), 10);
    await server.restart();
    await appendNumbers(5, 5);
    expect(numbers(await got)).toEqual(range(10));
  });

  it('reads a stream whole when its read just ends', async () => {
    await appendNumbers(0, 9);
    server.faults.arm({ kind: 'break-read', streamPrefix: 'thing-0', afterEvents: 1 });
    expect(numbers(await collect(store.readStream('thing-0')))).toEqual([0, 3, 6]);
    server.faults.arm({ kind: 'stall-read', streamPrefix: 'thing-0', afterEvents: 1 });
    expect(numbers(await collect(store.readStream('thing-0')))).toEqual([0, 3, 6]);
  });

  it('fetches little ahead of a slow consumer', async () => {
    const text = 'x'.repeat(10_000);
    for (let n = 0; n < 40; n += 1) {
      const many = Array.from({ length: 40 }, () => newEvent({ n, text }));
      await store.append(`thing-${n}`, 'none', many);
    }
    const before = server.statistics().sentEvents;
    for await (const batch of store.subscribe({ batchSize: 10 })) {
      expect(batch.length).toBeLessThanOrEqual(10);
      // So long that a server that nobody holds back has sent all 1,600; these reads take 400.
      for (let read = 0; read < 100; read += 1) await store.head();
      break;
    }
    expect(server.statistics().sentEvents - before).toBeLessThan(700);
  });

  it('looks once at what lies between the last wanted event and the head', async () => {
    await store.append('cycle-1', 'none', [newEvent({ n: 0 })]);
    await appendNumbers(1, 30);
    const read = async (after?: string): Promise<number[]> =>
      numbers(await collect(store.readAll({ after, streamPrefixes: ['cycle-'] })));
    const [cycle] = await collect(store.readStream('cycle-1'));
    expect(await read()).toEqual([0]);
    await store.append('cycle-1', 0, [newEvent({ n: 31 })]);
    expect(await read(cycle?.position)).toEqual([31]);
    expect(await read(cycle?.position)).toEqual([31]);
    expect(await read()).toEqual([0, 31]);
    expect(await read(await store.head())).toEqual([]);
    await store.append('cycle-2', 'none', [newEvent({ n: 32 })]);
    const head = await store.head();
    await appendNumbers(33, 1);
    expect(await read(head)).toEqual([]);
    expect(await read(cycle?.position)).toEqual([31, 32]);
  });

  it('leaves no read open on the server when its reader stops', async () => {
    await appendNumbers(0, 3);
    await take(store.subscribe(), 3);
    await collect(store.readAll({ streamPrefixes: ['thing-1'] }));
    while (server.statistics().openReads > 0) await new Promise((next) => setImmediate(next));
    expect(server.statistics().openReads).toBe(0);
  });

  it('keeps positions above 2^53 exact, and in order as texts', async () => {
    await appendNumbers(0, 20);
    const events = await collect(store.readAll());
    const commits = events.map(({ position }) => fromPosition(position)?.commit ?? 0n);
    expect(commits.every((commit) => commit > 2n ** 53n)).toBe(true);
    expect(new Set(commits).size).toBe(20);
    for (const [index, { position }] of events.entries()) {
      const after = await collect(store.readAll({ after: position }));
      expect(after).toHaveLength(19 - index);
    }
    const places = [0n, 9n, 10n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    const texts = places.map((commit) => toPosition({ commit, prepare: commit }));
    expect(texts.toSorted()).toEqual(texts);
    expect(texts.map((text) => fromPosition(text)?.commit)).toEqual(places);
    expect(() => fromPosition('0000000000000000001')).toThrow(TypeError);
  });

  it('goes to the leader that was elected, and on after the last event given', async () => {
    const cluster = await openEventStoreDouble({ nodes: 2 });
    const other = await openEventStoreDb({ url: cluster.url, answerMs: 500 });
    try {
      const append = async (n: number): Promise<void> => {
        await other.append('thing-1', 'any', [newEvent({ n })]);
      };
      for (const n of range(5)) await append(n);
      const got = take(other.subscribe(), 10);
      cluster.elect(1);
      cluster.stop(0);
      for (const n of [5, 6, 7, 8, 9]) await append(n);
      expect(numbers(await got)).toEqual(range(10));
      expect(numbers(await collect(other.readStream('thing-1')))).toEqual(range(10));
    } finally {
      await other.close();
      await cluster.close();
    }
  });
});
