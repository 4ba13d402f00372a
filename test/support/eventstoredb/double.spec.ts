import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type AppendExpectedRevision,
  EventStoreDBClient,
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamNotFoundError,
  streamNameFilter,
  UnavailableError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import {
  type EventStoreDouble,
  type EventStoreDoubleOptions,
  openEventStoreDouble,
} from './index.js';
import { FIRST_POSITION } from './log.js';
import { startEventStoreDouble } from './process.js';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: EventStoreDoubleOptions = {}): Promise<EventStoreDouble> {
  const double = await openEventStoreDouble(options);
  closers.push(() => double.close());
  return double;
}

function connect(url: string): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(url);
  closers.push(() => client.dispose());
  return client;
}

const happened = (n: number, id: string = randomUUID()) =>
  jsonEvent({ id, type: n % 2 === 0 ? 'test.Even.v1' : 'test.Odd.v1', data: { n } });

const write = (
  client: EventStoreDBClient,
  stream: string,
  numbers: readonly number[],
  expectedRevision: AppendExpectedRevision = 'any',
) =>
  client.appendToStream(
    stream,
    numbers.map((n) => happened(n)),
    { expectedRevision },
  );

const numberOf = ({ event }: { readonly event?: { readonly data: unknown } }): number =>
  (event?.data as { n: number } | undefined)?.n ?? -1;

/** The next events of a subscription; what follows stays in it. */
async function take(
  subscription: AllStreamSubscription,
  count: number,
): Promise<AllStreamResolvedEvent[]> {
  const taken: AllStreamResolvedEvent[] = [];
  while (taken.length < count) {
    const next = subscription.read() as AllStreamResolvedEvent | null;
    if (next === null) await once(subscription, 'readable');
    else taken.push(next);
  }
  return taken;
}

const numbersOf = async (subscription: AllStreamSubscription, count: number) =>
  (await take(subscription, count)).map(numberOf);

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Whether a promise is still open after everything that is under way has had its turn. */
const isOpen = async (promise: Promise<unknown>): Promise<boolean> => {
  const open = Symbol('open');
  const first = await Promise.race([
    promise.then(
      () => null,
      () => null,
    ),
    new Promise((resolve) => void setTimeout(() => resolve(open), 50)),
  ]);
  return first === open;
};

describe('appends', () => {
  it('keep several events of a stream with exact positions above 2^53', async () => {
    const client = connect((await open()).url);
    const first = await write(client, 'cycle-1', [0, 1], 'no_stream');
    const second = await write(client, 'cycle-1', [2], 1n);
    expect([first.nextExpectedRevision, second.nextExpectedRevision]).toEqual([1n, 2n]);
    const read: bigint[] = [];
    for await (const { event } of client.readStream('cycle-1')) {
      expect(event?.position?.commit).toBe(event?.position?.prepare);
      read.push(event?.position?.commit ?? 0n);
    }
    expect(read[0]).toBeGreaterThan(FIRST_POSITION);
    expect(read.slice(1)).toEqual([first.position?.commit, second.position?.commit]);
  });

  it('refuse a wrong revision and name the real one', async () => {
    const client = connect((await open()).url);
    await write(client, 'cycle-1', [0, 1]);
    const refusals = [
      [write(client, 'cycle-1', [2], 0n), { actualVersion: 1n, expectedVersion: 0n }],
      [write(client, 'cycle-1', [2], 7n), { actualVersion: 1n, expectedVersion: 7n }],
      [write(client, 'cycle-1', [2], 'no_stream'), { actualVersion: 1n }],
      [write(client, 'new', [2], 3n), { actualVersion: 'no_stream', streamName: 'new' }],
      [write(client, 'new', [2], 'stream_exists'), { actualVersion: 'no_stream' }],
    ] as const;
    for (const [append, details] of refusals) {
      const error: unknown = await append.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WrongExpectedVersionError);
      expect(error).toMatchObject(details);
    }
  });

  it.each([true, false])('tell a repeat by its ids, batched: %s', async (supportsBatchAppend) => {
    const double = await open({ supportsBatchAppend });
    const client = connect(double.url);
    const events = [happened(0), happened(1)];
    const once = await client.appendToStream('s', events, { expectedRevision: 'no_stream' });
    await write(client, 's', [2], 1n);
    const again = await client.appendToStream('s', events, { expectedRevision: 'no_stream' });
    expect(again).toEqual(once);
    expect(await client.appendToStream('s', events, { expectedRevision: 'any' })).toEqual(once);
    expect(double.statistics().events).toBe(3 + 3);
    const [first] = events;
    if (first === undefined) throw new Error('no event');
    const mixed = client.appendToStream('s', [first, happened(9)], { expectedRevision: 'any' });
    await expect(mixed).rejects.toBeInstanceOf(WrongExpectedVersionError);
  });

  it('without a revision are repeated by a server that has forgotten their ids', async () => {
    const double = await open();
    const event = happened(0);
    await connect(double.url).appendToStream('s', event, { expectedRevision: 'any' });
    await double.restart();
    const client = connect(double.url);
    const again = await client.appendToStream('s', event, { expectedRevision: 'any' });
    expect(again.nextExpectedRevision).toBe(1n);
    const exact = await client.appendToStream('s', event, { expectedRevision: 'no_stream' });
    expect(exact.nextExpectedRevision).toBe(0n);
  });

  it('above the limit are refused, and nothing is kept', async () => {
    const double = await open();
    const client = connect(double.url);
    double.faults.maxAppendBytes = 1_000;
    const big = jsonEvent({ type: 'test.Big.v1', data: { text: 'x'.repeat(1_000) } });
    const error: unknown = await client.appendToStream('s', big).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MaxAppendSizeExceededError);
    expect(error).toMatchObject({ maxAppendSize: 1_000 });
    await write(client, 's', [0], 'no_stream');
  });
});

describe('reads', () => {
  it('go both ways from a revision, and tell a stream that is not there', async () => {
    const client = connect((await open()).url);
    await write(client, 's', range(5));
    const read = async (options: object): Promise<number[]> => {
      const numbers: number[] = [];
      for await (const found of client.readStream('s', options)) numbers.push(numberOf(found));
      return numbers;
    };
    expect(await read({ fromRevision: 3n })).toEqual([3, 4]);
    expect(await read({ direction: 'backwards', fromRevision: 1n })).toEqual([1, 0]);
    expect(await read({ direction: 'backwards', fromRevision: 'end', maxCount: 2 })).toEqual([
      4, 3,
    ]);
    expect(await read({ fromRevision: 9n })).toEqual([]);
    const missing = (async () => {
      for await (const _ of client.readStream('none')) throw new Error('an event');
    })();
    await expect(missing).rejects.toBeInstanceOf(StreamNotFoundError);
  });

  it('of everything include the place given forwards, and not backwards', async () => {
    const client = connect((await open()).url);
    await write(client, 'a', [0]);
    const { position } = await write(client, 'b', [1]);
    await write(client, 'a', [2]);
    const read = async (direction: 'forwards' | 'backwards', from: 'start' | 'end' | 'here') => {
      const fromPosition = from === 'here' ? (position ?? 'start') : from;
      const numbers: number[] = [];
      for await (const resolved of client.readAll({ direction, fromPosition })) {
        if (resolved.event?.type.startsWith('$') !== true) numbers.push(numberOf(resolved));
      }
      return numbers;
    };
    expect(await read('forwards', 'start')).toEqual([0, 1, 2]);
    expect(await read('forwards', 'here')).toEqual([1, 2]);
    expect(await read('backwards', 'here')).toEqual([0]);
    expect(await read('backwards', 'end')).toEqual([2, 1, 0]);
    const rounded = { commit: BigInt(Number(position?.commit)) + 2n, prepare: 1n };
    const lost = (async () => {
      for await (const _ of client.readAll({ fromPosition: rounded })) throw new Error('an event');
    })();
    await expect(lost).rejects.toThrow('InvalidPosition');
  });
});

describe('subscriptions', () => {
  it('catch up, say so, and go on with what is appended', async () => {
    const client = connect((await open()).url);
    await write(client, 's', [0, 1]);
    const subscription = client.subscribeToAll({ filter: excludeSystemEvents() });
    const caughtUp = once(subscription, 'caughtUp');
    expect(await numbersOf(subscription, 2)).toEqual([0, 1]);
    await caughtUp;
    await write(client, 't', [2]);
    expect(await numbersOf(subscription, 1)).toEqual([2]);
    await subscription.unsubscribe();
  });

  it.each([
    ['stream prefixes', streamNameFilter({ prefixes: ['b', 'c'] }), [1, 2]],
    ['a stream pattern', streamNameFilter({ regex: '^(?!\\$|a)' }), [1, 2]],
    ['type prefixes', eventTypeFilter({ prefixes: ['test.Odd'] }), [1, 3]],
    ['a type pattern', eventTypeFilter({ regex: '^test\\.E' }), [0, 2]],
  ] as const)('filter by %s', async (_, filter, expected) => {
    const client = connect((await open()).url);
    for (const [n, stream] of ['a-1', 'b-1', 'c-1', 'a-2'].entries()) {
      await write(client, stream, [n]);
    }
    const subscription = client.subscribeToAll({ filter });
    expect(await numbersOf(subscription, expected.length)).toEqual(expected);
    await subscription.unsubscribe();
  });

  it('resume behind an event and behind a checkpoint without a match', async () => {
    const client = connect((await open()).url);
    await write(client, 'a', range(3));
    await write(client, 'b', range(80));
    const checkpoints: { commit: bigint; prepare: bigint }[] = [];
    const filter = streamNameFilter({
      prefixes: ['a'],
      maxSearchWindow: 10,
      checkpointReached: (_subscription, position) => void checkpoints.push(position),
    });
    const whole = client.subscribeToAll({ filter });
    const caughtUp = once(whole, 'caughtUp');
    const [first] = await take(whole, 3);
    await caughtUp;
    await whole.unsubscribe();
    // 3 of the server's own and 83 events in windows of 10.
    expect(checkpoints).toHaveLength(8);
    await write(client, 'a', [3]);
    for (const [fromPosition, expected] of [
      [first?.event?.position, [1, 2, 3]],
      [checkpoints.at(-1), [3]],
    ] as const) {
      if (fromPosition === undefined) throw new Error('no position');
      const resumed = client.subscribeToAll({ fromPosition, filter });
      expect(await numbersOf(resumed, expected.length)).toEqual(expected);
      await resumed.unsubscribe();
    }
  });

  it('send no more than the buffers take while the reader does not read', async () => {
    const double = await open();
    const client = connect(double.url);
    const padding = 'x'.repeat(4_000);
    const many = range(1_500).map((n) => jsonEvent({ type: 'test.Padded', data: { n, padding } }));
    for (let from = 0; from < many.length; from += 100) {
      await client.appendToStream('s', many.slice(from, from + 100));
    }
    const subscription = client.subscribeToAll({ filter: excludeSystemEvents() });
    await take(subscription, 1);
    let before = -1;
    while (before !== double.statistics().sentEvents) {
      before = double.statistics().sentEvents;
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
    expect(before).toBeLessThan(many.length / 2);
    expect((await numbersOf(subscription, many.length - 1)).at(-1)).toBe(many.length - 1);
    await subscription.unsubscribe();
  });
});

describe('faults of appends', () => {
  it('unanswered: the log has it, the caller never hears', async () => {
    const double = await open();
    const client = connect(double.url);
    const fault = double.faults.arm({ kind: 'unanswered', streamPrefix: 's' });
    const append = write(client, 's', [0], 'no_stream');
    expect(await fault.struck).toBe('s');
    expect(await isOpen(append)).toBe(true);
    // The stream goes on for others.
    expect((await write(client, 's', [1], 0n)).nextExpectedRevision).toBe(1n);
    const lost = double.faults.arm({ kind: 'unanswered', carriedOut: false });
    const never = write(client, 's', [2], 1n).catch(() => null);
    await lost.struck;
    expect((await write(client, 's', [3], 1n)).nextExpectedRevision).toBe(2n);
    expect(await isOpen(never)).toBe(true);
  });

  it('late: carried out at once, answered when let go', async () => {
    const double = await open();
    const client = connect(double.url);
    const fault = double.faults.arm({ kind: 'late' });
    const append = write(client, 's', [0], 'no_stream');
    await fault.struck;
    await write(client, 's', [1], 0n);
    expect(await isOpen(append)).toBe(true);
    fault.release();
    expect((await append).nextExpectedRevision).toBe(0n);
  });

  it('wrong revision and timeout: refused though nothing is wrong', async () => {
    const double = await open();
    const client = connect(double.url);
    double.faults.arm({ kind: 'wrong-revision' });
    const refused: unknown = await write(client, 's', [0], 'no_stream').catch((e: unknown) => e);
    expect(refused).toMatchObject({ type: 'wrong-expected-version', actualVersion: 'no_stream' });
    double.faults.arm({ kind: 'timeout' });
    await expect(write(client, 's', [0], 'no_stream')).rejects.toMatchObject({
      type: 'deadline-exceeded',
    });
    expect((await write(client, 's', [1], 0n)).nextExpectedRevision).toBe(1n);
  });

  it('end-stream: what is pending is never answered, and the client is lost', async () => {
    const double = await open();
    // Not through connect(): the client waits for ever for this stream when it is disposed of.
    const client = EventStoreDBClient.connectionString(double.url);
    await write(client, 's', [0]);
    const fault = double.faults.arm({ kind: 'end-stream' });
    const append = write(client, 's', [1], 0n);
    await fault.struck;
    expect(await isOpen(append)).toBe(true);
    // It keeps writing to the stream that has ended.
    expect(await isOpen(write(client, 's', [2], 1n))).toBe(true);
    expect(await isOpen(client.dispose())).toBe(true);
    const next = await write(connect(double.url), 's', [2], 1n);
    expect(next.nextExpectedRevision).toBe(2n);
  });

  it('break-stream: rejects what is pending, of other clients of the process too', async () => {
    const double = await open();
    const other = await open();
    const client = connect(double.url);
    other.faults.arm({ kind: 'unanswered' });
    const elsewhere = write(connect(other.url), 't', [0]).catch((error: unknown) => error);
    double.faults.arm({ kind: 'break-stream' });
    await expect(write(client, 's', [0], 'no_stream')).rejects.toBeInstanceOf(UnavailableError);
    expect(await elsewhere).toBeInstanceOf(UnavailableError);
    expect((await write(client, 's', [1], 0n)).nextExpectedRevision).toBe(1n);
  });

  it('too-large: refused by the limit whatever its size', async () => {
    const double = await open();
    double.faults.arm({ kind: 'too-large' });
    const append = write(connect(double.url), 's', [0]);
    await expect(append).rejects.toBeInstanceOf(MaxAppendSizeExceededError);
  });

  it('skip and times choose which append is struck', async () => {
    const double = await open();
    const client = connect(double.url);
    const fault = double.faults.arm({ kind: 'wrong-revision', skip: 1, times: 1 });
    await write(client, 's', [0], 'no_stream');
    await expect(write(client, 's', [1], 0n)).rejects.toBeInstanceOf(WrongExpectedVersionError);
    await write(client, 's', [1], 0n);
    expect(fault.hits()).toBe(1);
  });
});

describe('faults of reads', () => {
  it('end-read and break-read: a subscription ends without and with an error', async () => {
    const double = await open();
    const client = connect(double.url);
    await write(client, 's', range(4));
    const filter = excludeSystemEvents();
    double.faults.arm({ kind: 'end-read', afterEvents: 2 });
    const ended: number[] = [];
    for await (const resolved of client.subscribeToAll({ filter })) ended.push(numberOf(resolved));
    expect(ended).toEqual([0, 1]);
    const idle = client.subscribeToAll({ filter, fromPosition: 'end' }).resume();
    const over = once(idle, 'end');
    await once(idle, 'caughtUp');
    double.faults.arm({ kind: 'end-read' });
    await over;
    double.faults.arm({ kind: 'break-read', afterEvents: 3 });
    const broken = client.subscribeToAll({ filter });
    const numbers: number[] = [];
    broken.on('data', (resolved: AllStreamResolvedEvent) => void numbers.push(numberOf(resolved)));
    const [error] = (await once(broken, 'error')) as [unknown];
    expect(error).toBeInstanceOf(UnavailableError);
    expect(numbers).toEqual([0, 1, 2]);
  });

  it('checkpoint-ahead: a checkpoint comes before the events that it stands behind', async () => {
    const double = await open();
    const client = connect(double.url);
    await write(client, 's', range(3));
    const seen: (number | bigint)[] = [];
    const filter = streamNameFilter({
      prefixes: ['s'],
      checkpointReached: (_subscription, { commit }) => void seen.push(commit),
    });
    double.faults.arm({ kind: 'checkpoint-ahead', afterEvents: 1, ahead: 1 });
    const subscription = client.subscribeToAll({ filter });
    const events = await take(subscription, 3);
    expect(seen).toEqual([events[2]?.event?.position?.commit]);
    await subscription.unsubscribe();
  });

  it('fall-behind and slow reads: the events come all the same', async () => {
    const double = await open();
    const client = connect(double.url);
    await write(client, 's', range(3));
    double.faults.arm({ kind: 'fall-behind', afterEvents: 1 });
    double.faults.slowReadsMs = 5;
    const subscription = client.subscribeToAll({ filter: excludeSystemEvents() });
    const fellBehind = once(subscription, 'fellBehind');
    expect(await numbersOf(subscription, 3)).toEqual([0, 1, 2]);
    await fellBehind;
    await subscription.unsubscribe();
  });

  it('stall-read: nothing more comes until it is let go', async () => {
    const double = await open();
    const client = connect(double.url);
    await write(client, 's', range(2));
    const fault = double.faults.arm({ kind: 'stall-read', afterEvents: 1 });
    const subscription = client.subscribeToAll({ filter: excludeSystemEvents() });
    expect(await numbersOf(subscription, 1)).toEqual([0]);
    const rest = numbersOf(subscription, 1);
    expect(await isOpen(rest)).toBe(true);
    fault.release();
    expect(await rest).toEqual([1]);
    await subscription.unsubscribe();
  });
});

describe('restart and nodes', () => {
  it('a restart breaks what is open, and the file has what was appended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'merit-eventstoredb-'));
    closers.push(() => rm(folder, { recursive: true }));
    const file = join(folder, 'log');
    const double = await open({ file });
    const client = connect(double.url);
    const { position } = await write(client, 's', [0, 1]);
    const subscription = client.subscribeToAll({ filter: excludeSystemEvents() });
    expect(await numbersOf(subscription, 2)).toEqual([0, 1]);
    const broken = once(subscription, 'error');
    await double.restart();
    expect(await broken).toHaveLength(1);
    await double.close();
    const reopened = await open({ file });
    const found = connect(reopened.url).readStream('s', {
      direction: 'backwards',
      fromRevision: 'end',
      maxCount: 1,
    });
    for await (const { event } of found) expect(event?.position).toEqual(position);
    expect(reopened.statistics().events).toBe(3 + 2);
  });

  it('a client that prefers the leader finds it, and the next one when it is gone', async () => {
    const double = await open({ nodes: 2 });
    const client = connect(double.url);
    await write(client, 's', [0], 'no_stream');
    const subscription = client.subscribeToAll({ filter: excludeSystemEvents() });
    expect(await numbersOf(subscription, 1)).toEqual([0]);
    const broken = once(subscription, 'error');
    double.elect(1);
    double.stop(0);
    await broken;
    let result: { nextExpectedRevision: bigint } | null = null;
    while (result === null) {
      result = await write(client, 's', [1], 0n).catch(() => null);
    }
    expect(result.nextExpectedRevision).toBe(1n);
  });

  it('not-leader: the append stream breaks with the address of the leader', async () => {
    const double = await open({ nodes: 2 });
    const client = connect(double.url);
    double.faults.arm({ kind: 'not-leader' });
    const error: unknown = await write(client, 's', [0]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NotLeaderError);
    expect(error).toMatchObject({ leader: { port: double.ports[0] } });
    await write(client, 's', [0], 'no_stream');
  });

  it('a process of its own keeps its file when it is killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'merit-eventstoredb-'));
    closers.push(() => rm(folder, { recursive: true }));
    const file = join(folder, 'log');
    const first = await startEventStoreDouble({ file });
    await write(connect(first.url), 's', [0, 1]);
    await first.kill();
    const second = await startEventStoreDouble({ file });
    closers.push(() => second.close());
    const client = connect(second.url);
    await second.arm({ kind: 'wrong-revision' });
    await expect(write(client, 's', [2], 1n)).rejects.toBeInstanceOf(WrongExpectedVersionError);
    expect((await write(client, 's', [2], 1n)).nextExpectedRevision).toBe(2n);
    expect(await second.statistics()).toMatchObject({ appends: 2, events: 3 + 3 });
  });
});
