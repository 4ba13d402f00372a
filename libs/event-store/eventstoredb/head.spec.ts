import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import {
  openEventStoreDouble,
  type EventStoreDouble,
} from '../../../test/support/eventstoredb/index.js';
import { collect, newEvent } from '../contract.js';
import type { EventStore } from '../port.js';
import { openEventStoreDb } from './eventstoredb-event-store.js';

describe('several logs on one EventStoreDB', () => {
  let server: EventStoreDouble;
  let opened: EventStore[];
  beforeEach(async () => void ([server, opened] = [await openEventStoreDouble(), []]));
  afterEach(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await server.close();
  });

  const open = async (namespace: string): Promise<EventStore> => {
    const store = await openEventStoreDb({ url: server.url, namespace });
    opened.push(store);
    return store;
  };
  /** What others write to the server. */
  const fill = async (count: number): Promise<void> => {
    const client = EventStoreDBClient.connectionString(server.url);
    const events = Array.from({ length: count }, (_, n) =>
      jsonEvent({ type: 'Busy', data: { n } }),
    );
    await client.appendToStream('busy.cycle-1', events);
    await client.dispose();
  };
  /** Events that the server sent for it. */
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    const before = server.statistics().sentEvents;
    await work();
    return server.statistics().sentEvents - before;
  };

  it('have nothing of each other, whatever they are called', async () => {
    const [own, longer, other] = [await open('a.'), await open('a-b.'), await open('cycle.')];
    const event = newEvent({ n: 1 });
    const made = await own.append('cycle-1', 'none', [event]);
    await longer.append('cycle-1', 'none', [newEvent({ n: 2 }), newEvent({ n: 3 })]);
    // The same id is another event of another log.
    expect(await other.append('cycle-1', 'none', [event])).toMatchObject({ outcome: 'appended' });
    for (const [store, numbers] of [
      [own, [1]],
      [longer, [2, 3]],
      [other, [1]],
    ] as const) {
      const read = async (streamPrefixes?: string[]): Promise<unknown[]> =>
        (await collect(store.readAll({ streamPrefixes }))).map(({ data }) => data);
      const all = numbers.map((n) => ({ n }));
      expect(await read()).toEqual(all);
      expect(await read(['cycle-'])).toEqual(all);
      expect(await store.lag('')).toMatchObject({ events: numbers.length });
    }
    expect(await own.head()).toBe(made.position);
    expect((await own.eventById(event.id))?.position).toBe(made.position);
  });

  it('find their own end without looking again at what others wrote', async () => {
    const quiet = await open('quiet.');
    const { position } = await quiet.append('cycle-1', 'none', [newEvent({})]);
    await fill(3_000);
    expect(await quiet.head()).toBe(position);
    const again = await cost(async () => {
      for (let n = 0; n < 20; n += 1) expect(await quiet.head()).toBe(position);
    });
    expect(again).toBeLessThan(200);
    const further = await quiet.append('cycle-1', 0, [newEvent({})]);
    expect(await quiet.head()).toBe(further.position);
  });

  it('begin without looking through the whole server', async () => {
    await fill(6_000);
    const opening = await cost(async () => {
      expect(await (await open('new.')).head()).toBe('');
    });
    expect(opening).toBeLessThan(2_000);
    const store = await open('new.');
    const { position } = await store.append('cycle-1', 'none', [newEvent({})]);
    expect(await (await open('new.')).head()).toBe(position);
  });

  it('find the end of a log that others have left far behind', async () => {
    const writer = await open('old.');
    const { position } = await writer.append('cycle-1', 'none', [newEvent({})]);
    await fill(2_000);
    expect(await (await open('old.')).head()).toBe(position);
    const refused = await open('refused.');
    await expect(refused.append('cycle-1', 'exists', [newEvent({})])).rejects.toThrow('revision');
    await fill(2_000);
    expect(await (await open('refused.')).head()).toBe('');
  });
});
