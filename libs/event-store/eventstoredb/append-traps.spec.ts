import { EventStoreDBClient, NO_STREAM, jsonEvent } from '@eventstore/db-client';
import {
  openEventStoreDouble,
  type EventStoreDouble,
  type EventStoreDoubleOptions,
} from '../../../test/support/eventstoredb/index.js';
import { collect, metadata, newEvent } from '../contract.js';
import { EventTooLarge, RevisionConflict, StoreUnavailable, type EventStore } from '../port.js';
import { openEventStoreDb, type EventStoreDbOptions } from './eventstoredb-event-store.js';

const ANSWER_MS = 250;

describe('what the client of EventStoreDB does to an append', () => {
  let server: EventStoreDouble;
  let store: EventStore;
  const opened: EventStore[] = [];
  const open = async (more: Partial<EventStoreDbOptions> = {}): Promise<EventStore> => {
    const made = await openEventStoreDb({ url: server.url, answerMs: ANSWER_MS, ...more });
    opened.push(made);
    return made;
  };
  const begin = async (options: EventStoreDoubleOptions = {}): Promise<void> => {
    server = await openEventStoreDouble(options);
    store = await open();
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
    await server.close();
  });
  const failure = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => null,
      (error: unknown) => error,
    );
  const ids = async (): Promise<string[]> => (await collect(store.readAll())).map(({ id }) => id);

  it.each([true, false])(
    'asks again when no answer comes, and appends once (carried out: %s)',
    async (carriedOut) => {
      await begin();
      const fault = server.faults.arm({ kind: 'unanswered', streamPrefix: 'thing-', carriedOut });
      const event = newEvent();
      const result = await store.append('thing-1', 'any', [event]);
      expect(result).toMatchObject({ outcome: 'appended', revision: 0 });
      expect(fault.hits()).toBe(1);
      expect(await ids()).toEqual([event.id]);
      expect(result.position).toBe(await store.head());
    },
  );

  it('says that the outcome is unknown when the server stays silent, and the same ids settle it', async () => {
    await begin();
    const impatient = await open({ answerMs: 100, retryMs: 150 });
    const fault = server.faults.arm({ kind: 'unanswered', streamPrefix: 'thing-', times: 99 });
    const event = newEvent();
    do {
      // On a slow machine the claim of its id may be what stays unanswered.
      const refused = await failure(impatient.append('thing-1', 'none', [event]));
      expect(refused).toBeInstanceOf(StoreUnavailable);
    } while (fault.hits() === 0);
    fault.remove();
    expect(await impatient.append('thing-1', 'none', [event])).toMatchObject({
      outcome: 'repeated',
      revision: 0,
    });
    expect(await ids()).toEqual([event.id]);
  });

  it('appends once when the answer comes after it asked again', async () => {
    await begin();
    const fault = server.faults.arm({ kind: 'late', streamPrefix: 'thing-' });
    const event = newEvent();
    const result = await store.append('thing-1', 'none', [event]);
    fault.release();
    expect(result.revision).toBe(0);
    expect((await store.append('thing-1', 0, [newEvent()])).revision).toBe(1);
    expect(await ids()).toHaveLength(2);
  });

  it('outlives the answer of an append that was rejected with the error of another client', async () => {
    await begin();
    const patient = await open({ answerMs: 5_000 });
    const late = server.faults.arm({ kind: 'late', streamPrefix: 'slow-' });
    const slow = patient.append('slow-1', 'none', [newEvent()]);
    await late.struck;
    // The error of one stream rejects what waits for every other one, and forgets it.
    const broken = server.faults.arm({ kind: 'break-stream', streamPrefix: 'thing-' });
    expect((await store.append('thing-1', 'none', [newEvent()])).revision).toBe(0);
    expect(broken.hits()).toBe(1);
    late.release(); // its answer finds nobody waiting
    expect(await slow).toMatchObject({ outcome: 'appended', revision: 0 });
    expect((await patient.append('slow-1', 0, [newEvent()])).revision).toBe(1);
    expect(await ids()).toHaveLength(3);
  });

  it('asks again when the server ends the stream cleanly, which rejects nothing', async () => {
    await begin();
    const fault = server.faults.arm({ kind: 'end-stream', streamPrefix: 'thing-' });
    const events = [newEvent(), newEvent()];
    const result = await store.append('thing-1', 'none', events);
    expect(fault.hits()).toBe(1);
    expect(result.revision).toBe(1);
    expect(await ids()).toEqual(events.map(({ id }) => id));
    const stored = await collect(store.readStream('thing-1'));
    expect(result.positions).toEqual(stored.map(({ position }) => position));
  });

  it('settles every append under way when the stream breaks under all of them', async () => {
    await begin();
    server.faults.arm({ kind: 'break-stream', streamPrefix: 'thing-', skip: 20, times: 3 });
    const events = Array.from({ length: 100 }, (_, n) => newEvent({ n }));
    const results = await Promise.all(
      events.map((event, n) => store.append(`thing-${n}`, 'none', [event])),
    );
    expect(new Set(results.map(({ revision }) => revision))).toEqual(new Set([0]));
    expect((await ids()).toSorted()).toEqual(events.map(({ id }) => id).toSorted());
  });

  it('asks again when the server says that it ran out of time', async () => {
    await begin();
    server.faults.arm({ kind: 'timeout', streamPrefix: 'thing-', carriedOut: false });
    expect((await store.append('thing-1', 'none', [newEvent()])).revision).toBe(0);
  });

  it('does not believe a conflict with the revision that it expected', async () => {
    await begin();
    await store.append('thing-1', 'none', [newEvent()]);
    server.faults.arm({ kind: 'wrong-revision', streamPrefix: 'thing-' });
    expect((await store.append('thing-1', 0, [newEvent()])).revision).toBe(1);
  });

  it('tells the actual revision of a conflict, since appends that fail throw', async () => {
    await begin();
    await store.append('thing-1', 'none', [newEvent(), newEvent(), newEvent()]);
    const error = await failure(store.append('thing-1', 0, [newEvent()]));
    expect(error).toBeInstanceOf(RevisionConflict);
    expect(error).toMatchObject({ actual: 2 });
    const lenient = openEventStoreDb({ url: `${server.url}&throwOnAppendFailure=false` });
    expect(await failure(lenient)).toMatchObject({ code: 'configuration-invalid' });
  });

  it('goes to the leader when another node is elected', async () => {
    await begin({ nodes: 2 });
    await store.append('thing-1', 'none', [newEvent()]);
    server.elect(1);
    expect((await store.append('thing-1', 0, [newEvent()])).revision).toBe(1);
    server.stop(0);
    expect((await store.append('thing-1', 1, [newEvent()])).revision).toBe(2);
    expect(await ids()).toHaveLength(3);
  });

  it('asks the leader alone, wherever the URL leads', async () => {
    await begin({ nodes: 2 });
    const { ports } = server;
    server.elect(1);
    const led = await open({ url: `esdb://127.0.0.1:${ports[0]}?tls=false`, retryMs: 500 });
    expect((await led.append('thing-1', 'none', [newEvent()])).revision).toBe(0);
    expect(await collect(led.readStream('thing-1'))).toHaveLength(1);
    server.stop(1);
    expect(await failure(led.append('thing-1', 0, [newEvent()]))).toBeInstanceOf(StoreUnavailable);
  });

  it('leaves at most 15 appends unanswered, since the client queues more and crashes', async () => {
    await begin();
    const patient = await open({ answerMs: 3_000 });
    const fault = server.faults.arm({ kind: 'late', streamPrefix: 'thing-', times: 99 });
    const appended = Promise.all(
      Array.from({ length: 60 }, (_, n) => patient.append(`thing-${n}`, 'none', [newEvent()])),
    );
    while (fault.hits() < 15) await store.head();
    for (let read = 0; read < 20; read += 1) await store.head();
    expect(fault.hits()).toBe(15);
    fault.remove();
    fault.release();
    expect(await appended).toHaveLength(60);
  });

  it('goes on after a restart of the server', async () => {
    await begin();
    await store.append('thing-1', 'none', [newEvent()]);
    const restarted = server.restart();
    const next = store.append('thing-1', 0, [newEvent()]);
    await restarted;
    expect((await next).revision).toBe(1);
  });

  it('names an append too large that is above a lower limit of the server', async () => {
    await begin();
    server.faults.maxAppendBytes = 10_000;
    const error = await failure(
      store.append('thing-1', 'none', [newEvent({ t: 'x'.repeat(12_000) })]),
    );
    expect(error).toBeInstanceOf(EventTooLarge);
    expect(error).toMatchObject({ limitBytes: 10_000 });
  });

  it('appends to a server that knows no batches, with the credentials of the URL', async () => {
    await begin({ supportsBatchAppend: false });
    const event = newEvent();
    expect((await store.append('thing-1', 'none', [event])).revision).toBe(0);
    expect(await failure(store.append('thing-1', 'none', [newEvent()]))).toMatchObject({
      actual: 0,
    });
  });

  it('keeps data and metadata as JSON that people can read, and their exact texts', async () => {
    await begin();
    const data = { b: 1, a: { '10': 1, '9': 2 }, '2': 'x', '1': 'y' };
    const event = newEvent(data, { metadata: metadata({ requestHmac: 'aa' }) });
    await store.append('thing-1', 'none', [event]);
    const client = EventStoreDBClient.connectionString(server.url);
    const kept = [];
    for await (const { event: one } of client.readStream('thing-1')) kept.push(one);
    await client.dispose();
    expect(kept).toEqual([
      expect.objectContaining({ isJson: true, data, metadata: event.metadata }),
    ]);
  });

  it('lets another stream take an id whose event never came, but only when that is old', async () => {
    await begin();
    const client = EventStoreDBClient.connectionString(server.url);
    const event = newEvent();
    const claim = jsonEvent({
      type: 'RecordIdClaimed',
      data: { stream: 'thing-1', eventId: event.id, at: 0 },
    });
    await client.appendToStream(`record-id-${event.id}`, claim, { expectedRevision: NO_STREAM });
    await client.dispose();
    expect(await failure(store.append('thing-2', 'none', [event]))).toBeInstanceOf(
      StoreUnavailable,
    );
    const later = await open({ abandonedAfterMs: 0 });
    expect((await later.append('thing-2', 'none', [event])).outcome).toBe('appended');
    // Who claimed it first, and wakes up now, comes too late.
    expect(await failure(store.append('thing-1', 'none', [event]))).toMatchObject({
      name: 'EventIdReused',
    });
    expect(await store.eventById(event.id)).toMatchObject({ stream: 'thing-2' });
  });

  it('lets go of ids and keys of an append that was refused', async () => {
    await begin();
    await store.append('thing-1', 'none', [newEvent()]);
    const keyed = { metadata: metadata({ commandId: 'k', requestHmac: 'aa' }) };
    const [event, other] = [newEvent({}, keyed), newEvent({}, keyed)];
    expect(await failure(store.append('thing-1', 'none', [event]))).toBeInstanceOf(
      RevisionConflict,
    );
    expect(await store.eventById(event.id)).toBeNull();
    expect((await store.append('thing-2', 'none', [other])).outcome).toBe('appended');
    expect((await store.eventByCommandKey('k'))?.id).toBe(other.id);
  });

  it('keeps an id to one stream when two processes send it at once', async () => {
    await begin();
    const second = await open();
    for (let round = 0; round < 20; round += 1) {
      const event = newEvent({ round });
      const outcomes = await Promise.allSettled([
        store.append(`thing-a${round}`, 'none', [event]),
        second.append(`thing-b${round}`, 'none', [event]),
      ]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
    expect(await ids()).toHaveLength(20);
  });

  it('refuses the names of streams that its readers never see', async () => {
    await begin();
    for (const stream of ['$all', '$$thing-1', 'record-id-1', 'command-key-1']) {
      expect(await failure(store.append(stream, 'any', [newEvent()]))).toBeInstanceOf(TypeError);
    }
  });
});
