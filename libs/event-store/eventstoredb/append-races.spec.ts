import {
  openEventStoreDouble,
  type EventStoreDouble,
} from '../../../test/support/eventstoredb/index.js';
import { collect, metadata, newEvent } from '../contract.js';
import type { EventStore } from '../port.js';
import { openEventStoreDb } from './eventstoredb-event-store.js';

describe('two processes that send the same append', () => {
  let server: EventStoreDouble;
  let one: EventStore;
  let two: EventStore;
  beforeEach(async () => {
    server = await openEventStoreDouble();
    one = await openEventStoreDb({ url: server.url });
    two = await openEventStoreDb({ url: server.url });
  });
  afterEach(async () => {
    await one.close();
    await two.close();
    await server.close();
  });
  const idsOf = async (stream: string): Promise<string[]> =>
    (await collect(one.readStream(stream))).map(({ id }) => id);
  const keyed = () => newEvent({}, { metadata: metadata({ commandId: 'k1', requestHmac: 'aa' }) });

  it.each(['any', 'exists'] as const)(
    'append it once at %s revision, though the second overtakes the first behind its claim',
    async (expected) => {
      const first = newEvent();
      await one.append('thing-1', 'none', [first]);
      const claim = server.faults.arm({ kind: 'late', streamPrefix: 'record-id-' });
      const event = newEvent();
      const slow = one.append('thing-1', expected, [event]);
      await claim.struck;
      const between = newEvent();
      await two.append('thing-1', 'any', [between]);
      expect((await two.append('thing-1', expected, [event])).outcome).toBe('appended');
      claim.release();
      expect(await slow).toMatchObject({ outcome: 'repeated', revision: 2 });
      expect(await idsOf('thing-1')).toEqual([first.id, between.id, event.id]);
    },
  );

  it('leave the id to the one that goes on when the other is refused', async () => {
    await one.append('thing-1', 'none', [newEvent()]);
    const claim = server.faults.arm({ kind: 'late', streamPrefix: 'record-id-' });
    const event = newEvent();
    const slow = one.append('thing-1', 'any', [event]);
    await claim.struck;
    await expect(two.append('thing-1', 'none', [event])).rejects.toMatchObject({
      name: 'RevisionConflict',
    });
    claim.release();
    expect(await slow).toMatchObject({ outcome: 'appended', revision: 1 });
    expect(await two.eventById(event.id)).toMatchObject({ stream: 'thing-1', revision: 1 });
    await expect(two.append('thing-2', 'none', [event])).rejects.toMatchObject({
      name: 'EventIdReused',
    });
  });

  it('get the first outcome where one appends between the look-ups of ids and keys of the other', async () => {
    const key = server.faults.arm({ kind: 'late', streamPrefix: 'command-key-' });
    const event = keyed();
    const first = one.append('thing-1', 'none', [event]);
    await key.struck;
    // The second finds the id claimed, and is held while it takes the claim over.
    const claim = server.faults.arm({ kind: 'late', streamPrefix: 'record-id-', skip: 1 });
    const second = two.append('thing-1', 'none', [event]);
    await claim.struck;
    key.release();
    expect((await first).outcome).toBe('appended');
    claim.release();
    expect(await second).toMatchObject({ outcome: 'repeated', revision: 0 });
    expect((await one.eventById(event.id))?.id).toBe(event.id);
    expect((await one.eventByCommandKey('k1'))?.id).toBe(event.id);
  });

  it('lose nothing of what was claimed when a part of it turns out to be there', async () => {
    const claim = server.faults.arm({ kind: 'late', streamPrefix: 'record-id-' });
    const [event, other] = [newEvent(), newEvent()];
    const both = one.append('thing-1', 'any', [event, other]);
    await claim.struck;
    expect((await two.append('thing-1', 'any', [event])).outcome).toBe('appended');
    claim.release();
    await expect(both).rejects.toMatchObject({ name: 'EventIdReused', eventIds: [event.id] });
    expect(await idsOf('thing-1')).toEqual([event.id]);
    expect((await one.eventById(event.id))?.id).toBe(event.id);
    expect((await two.append('thing-2', 'none', [other])).outcome).toBe('appended');
  });
});

describe('an append whose outcome was unknown', () => {
  it('is not told too large when it was carried out, under a limit that sank since', async () => {
    const server = await openEventStoreDouble();
    const store = await openEventStoreDb({ url: server.url, answerMs: 200 });
    server.faults.arm({ kind: 'unanswered', streamPrefix: 'thing-' });
    server.faults.arm({ kind: 'too-large', streamPrefix: 'thing-' });
    const event = newEvent();
    const result = await store.append('thing-1', 'none', [event]);
    expect(result).toMatchObject({ outcome: 'appended', revision: 0 });
    expect(result.position).toBe((await store.eventById(event.id))?.position);
    await store.close();
    await server.close();
  });

  it('settles soon, however many events wait for a silent server', async () => {
    const server = await openEventStoreDouble();
    const store = await openEventStoreDb({ url: server.url, answerMs: 200, retryMs: 400 });
    const silence = server.faults.arm({ kind: 'unanswered', times: 100_000 });
    const beganMs = performance.now();
    const events = Array.from({ length: 300 }, () => newEvent());
    await expect(store.append('thing-1', 'none', events)).rejects.toMatchObject({
      name: 'StoreUnavailable',
    });
    expect(performance.now() - beganMs).toBeLessThan(2_500); // 20 turns of 15, 200 ms each: 4 s
    silence.remove();
    const patient = await openEventStoreDb({ url: server.url });
    const appended = await patient.append('thing-1', 'none', events);
    expect(appended).toMatchObject({ outcome: 'appended', revision: 299 });
    await patient.close();
    await store.close();
    await server.close();
  });
});
