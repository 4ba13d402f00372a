import fc from 'fast-check';
import {
  createMemoryEventStore,
  type EventStore,
  type NewEvent,
  type RecordedEvent,
  StoreUnavailable,
} from '#event-store';
import { nameBasedId } from '#kernel';
import { collect, metadata } from '../../event-store/contract.js';
import { copyLog } from './copy-log.js';
import { fingerprint, logTextOf } from './fingerprint.js';

const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20_261_121);

const eventOf = (n: number): NewEvent => ({
  id: nameBasedId('copied', n),
  type: 'contract.Happened.v1',
  // Integer-like members come first in a JSON of JavaScript, and last in RFC 8785's order here.
  data: { n, text: `第 ${n} 个`, more: { 10: 'ten', 9: 'nine', A: [n, null, true] } },
  metadata: metadata({ commandId: `command-${n}`, ...(n % 3 === 0 ? { requestHmac: 'a' } : {}) }),
});

/** A log in which streams take turns; each number is an append of so many events to a stream. */
async function logOf(appends: readonly (readonly [stream: number, count: number])[]) {
  const store = createMemoryEventStore();
  let n = 0;
  for (const [stream, count] of appends) {
    const events = Array.from({ length: count }, () => eventOf((n += 1)));
    await store.append(`stream-${stream}`, 'any', events);
  }
  return store;
}

const textsOf = async (log: EventStore): Promise<string[]> =>
  (await collect(log.readAll())).map(logTextOf);

const appends = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 4 })), {
  maxLength: 30,
});

/** What befalls an append: nothing, or one of the ways in which an answer fails to come. */
type Fault = 'none' | 'before' | 'after' | 'late' | 'interrupt' | 'read';
const fault = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Fault>('none') },
  { weight: 4, arbitrary: fc.constantFrom<Fault>('before', 'after', 'late', 'interrupt', 'read') },
);

/** The target as a copy meets it: each append takes the next fault; none are left in the end. */
function faulty(target: EventStore, faults: Fault[], interrupt: () => void): EventStore {
  const late: (() => Promise<unknown>)[] = [];
  const lost = (): never => {
    throw new StoreUnavailable('no answer');
  };
  const append: EventStore['append'] = async (stream, expected, events) => {
    const overdue = late.splice(0);
    const next = faults.shift() ?? 'none';
    const work = () => target.append(stream, expected, events);
    if (next === 'before') return lost();
    if (next === 'late') {
      late.push(work);
      return lost();
    }
    const result = await work();
    for (const one of overdue) await one().catch(() => undefined); // refused, or repeated
    if (next === 'after') return lost();
    if (next === 'interrupt') interrupt();
    return result;
  };
  async function* readAll(
    options?: Parameters<EventStore['readAll']>[0],
  ): AsyncGenerator<readonly RecordedEvent[]> {
    let isBroken = faults[0] === 'read';
    if (isBroken) faults.shift();
    for await (const batch of target.readAll({ ...options, batchSize: 3 })) {
      if (isBroken) lost();
      isBroken = false;
      yield batch;
    }
  }
  return { ...target, append, readAll };
}

const atOnce = { pause: () => Promise.resolve() };

async function copyToTheEnd(source: EventStore, target: EventStore, faults: Fault[]) {
  let runs = 0;
  for (;;) {
    runs += 1;
    const stopping = new AbortController();
    const under = faulty(target, faults, () => stopping.abort(new Error('interrupted')));
    try {
      const outcome = await copyLog(source, under, { ...atOnce, signal: stopping.signal });
      return { ...outcome, runs };
    } catch (error) {
      if (!stopping.signal.aborted && !(error instanceof StoreUnavailable)) throw error;
    }
  }
}

describe('copying a log', () => {
  it('makes the target equal to the source, event for event, whatever interrupts it', async () => {
    const property = fc.asyncProperty(
      appends,
      fc.array(fault, { maxLength: 40 }),
      async (of, faults) => {
        const [source, target] = [await logOf(of), createMemoryEventStore()];
        const { eventCount, sha256, position } = await copyToTheEnd(source, target, [...faults]);
        expect(await textsOf(target)).toEqual(await textsOf(source));
        expect({ eventCount, sha256 }).toEqual(await fingerprint(source));
        expect(position).toBe(await source.head());
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 300 });
  });

  it('holds the first events of the source and nothing else at every moment', async () => {
    const property = fc.asyncProperty(appends, fc.array(fault), async (of, faults) => {
      const [source, target] = [await logOf(of), createMemoryEventStore()];
      const wanted = await textsOf(source);
      const watched: EventStore = {
        ...target,
        append: async (...args) => {
          const result = await target.append(...args);
          const held = await textsOf(target);
          expect(held).toEqual(wanted.slice(0, held.length));
          return result;
        },
      };
      await copyToTheEnd(source, watched, [...faults]);
    });
    await fc.assert(property, { seed: SEED, numRuns: 100 });
  });

  it('is done once by two at once, each of which ends with all of it', async () => {
    const property = fc.asyncProperty(
      appends,
      fc.array(fault, { maxLength: 20 }),
      fc.array(fault, { maxLength: 20 }),
      async (of, first, second) => {
        const [source, target] = [await logOf(of), createMemoryEventStore()];
        const [a, b] = await Promise.all([
          copyToTheEnd(source, target, [...first]),
          copyToTheEnd(source, target, [...second]),
        ]);
        expect(await textsOf(target)).toEqual(await textsOf(source));
        expect(a.sha256).toBe(b.sha256);
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 100 });
  });

  it('copies nothing again when it is done, and only what is new when the source grew', async () => {
    const source = await logOf([
      [0, 3],
      [1, 2],
    ]);
    const target = createMemoryEventStore();
    expect((await copyLog(source, target)).copiedCount).toBe(5);
    expect((await copyLog(source, target)).copiedCount).toBe(0);
    await source.append('stream-1', 1, [eventOf(100)]);
    const outcome = await copyLog(source, target);
    expect(outcome).toMatchObject({ copiedCount: 1, eventCount: 6 });
    expect(await textsOf(target)).toEqual(await textsOf(source));
  });

  it('goes on with what the source was given while it was copied', async () => {
    const source = await logOf([[0, 3]]);
    const target = createMemoryEventStore();
    let n = 200;
    const growing: EventStore = {
      ...target,
      append: async (...args) => {
        const result = await target.append(...args);
        if (n < 205) await source.append('stream-2', 'any', [eventOf((n += 1))]);
        return result;
      },
    };
    expect((await copyLog(source, growing)).eventCount).toBe(8);
    expect(await textsOf(target)).toEqual(await textsOf(source));
  });

  it.each([
    ['other events', [eventOf(900)]],
    ['more than the source has', [eventOf(1), eventOf(2), eventOf(3)]],
    ['other metadata', [{ ...eventOf(1), metadata: metadata({ commandId: 'other' }) }]],
    ['another order within an append', [eventOf(2), eventOf(1)]],
  ])('refuses a target that holds %s', async (_, events) => {
    const source = await logOf([[0, 2]]);
    const target = createMemoryEventStore();
    await target.append('stream-0', 'none', events);
    const before = await textsOf(target);
    await expect(copyLog(source, target, atOnce)).rejects.toMatchObject({
      code: 'copy-log-foreign-target',
    });
    expect(await textsOf(target)).toEqual(before);
  });

  it('names what stands where the next event belongs', async () => {
    const source = await logOf([[0, 1]]);
    const refusal = async (events: readonly NewEvent[], stream = 'stream-0'): Promise<string> => {
      const target = createMemoryEventStore();
      await target.append(stream, 'none', events);
      const [error] = await copyLog(source, target, atOnce).then(
        () => [],
        (thrown) => [thrown],
      );
      return String(error);
    };
    const changed = { ...eventOf(1), metadata: metadata({ commandId: 'other' }) };
    expect(await refusal([changed])).toContain('the same event with other content');
    expect(await refusal([eventOf(7)], 'stream-5')).toContain(eventOf(1).id);
    expect(await refusal([eventOf(1), eventOf(2)])).toContain('written to since');
  });

  it('asks a target that does not answer for a while, says so each time, and gives up', async () => {
    const source = await logOf([[0, 1]]);
    const target = createMemoryEventStore();
    const waits: number[] = [];
    let [asked, troubles] = [0, 0];
    const silent: EventStore = {
      ...target,
      append: () => {
        asked += 1;
        return Promise.reject(new StoreUnavailable('no answer'));
      },
    };
    const pause = async (ms: number): Promise<void> => void waits.push(ms);
    const copied = copyLog(source, silent, { pause, onTrouble: () => (troubles += 1) });
    await expect(copied).rejects.toMatchObject({ name: 'StoreUnavailable' });
    // An adapter tries for 20 s by itself each time.
    expect(asked).toBeLessThanOrEqual(24);
    expect(troubles).toBe(waits.length);
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(30_000);
  });

  it('tells a target that has lost or changed an event on the way', async () => {
    const source = await logOf([
      [0, 2],
      [1, 1],
    ]);
    const target = createMemoryEventStore();
    const dropping: EventStore = {
      ...target,
      append: (stream, ...rest) => target.append(stream.replace('1', '7'), ...rest),
    };
    await expect(copyLog(source, dropping)).rejects.toMatchObject({
      code: 'copy-log-foreign-target',
      details: { stream: 'stream-7' },
    });
  });

  it('copies an empty log, and keeps large events below the limit of an append', async () => {
    const empty = await copyLog(createMemoryEventStore(), createMemoryEventStore());
    expect(empty).toMatchObject({ eventCount: 0, copiedCount: 0, position: '' });
    const source = createMemoryEventStore();
    for (let n = 0; n < 12; n += 1) {
      const data = { text: '长'.repeat(20_000) };
      await source.append('stream-0', 'any', [{ ...eventOf(n), data }]);
    }
    const target = createMemoryEventStore();
    expect((await copyLog(source, target)).copiedCount).toBe(12);
    expect(await textsOf(target)).toEqual(await textsOf(source));
  });
});
