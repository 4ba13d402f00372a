import {
  createMemoryEventStore,
  type EventStore,
  RevisionConflict,
  StoreUnavailable,
} from '#event-store';
import { type Decider, DomainError, nameBasedId } from '#kernel';
import { type Aggregate, createCommandHandler, type Intent } from './handle.js';

/** Records in a box that can be locked: enough of an aggregate to be raced over. */
type Put = { readonly type: 'toy.Put'; readonly data: { recordId: string; value: number } };
type Turned = { readonly type: 'toy.Turned'; readonly data: { locked: boolean } };
type Filled = { readonly type: 'toy.Filled'; readonly data: { count: number } };
type Note = { readonly type: 'toy.Noted'; readonly data: { text: string } };
type Command = Put | Turned | Filled | Note;
type Event = Put | Turned | Note;
type State = { locked: boolean; readonly values: Map<string, number> };

const toy: Decider<State, Command, Event, void> = {
  initialState: () => ({ locked: false, values: new Map() }),
  evolve(state, { type, data }) {
    if (type === 'toy.Turned') state.locked = data.locked;
    if (type === 'toy.Put') state.values.set(data.recordId, data.value);
    return state;
  },
  decide(command, state) {
    if (command.type === 'toy.Turned') {
      return state.locked === command.data.locked ? [] : [command];
    }
    if (command.type === 'toy.Noted') return [command];
    if (command.type === 'toy.Filled') {
      return Array.from({ length: command.data.count }, (_, n) => noted(`${n}`));
    }
    const { recordId, value } = command.data;
    if (state.values.get(recordId) === value) return [];
    if (state.locked) throw new DomainError('locked', { recordId });
    if (state.values.has(recordId)) throw new DomainError('record-id-reused', { recordId });
    return [command];
  },
};

const box: Aggregate<State, Command, Event, void> = {
  name: 'box',
  decider: toy,
  recordOf: ({ type, data }) =>
    type === 'toy.Put' ? { kind: 'metric', recordId: data.recordId, first: true } : null,
};

const put = (recordId: string, value = 1): Put => ({ type: 'toy.Put', data: { recordId, value } });
const turned = (locked: boolean): Turned => ({ type: 'toy.Turned', data: { locked } });
const noted = (text: string): Note => ({ type: 'toy.Noted', data: { text } });

let commandCount = 0;
function intent(command: Command, commandId?: string): Intent<Command, void> {
  commandCount += 1;
  const at = '2026-01-05T09:00:00+08:00';
  const id = commandId ?? nameBasedId('toy command', commandCount);
  const actor = { id: 'U1', role: 'office' };
  return {
    command,
    facts: () => undefined,
    envelope: { commandId: id, actor, occurredAt: at, recordedAt: at },
  };
}

async function typesIn(store: EventStore, stream: string): Promise<string[]> {
  const types: string[] = [];
  for await (const events of store.readStream(stream))
    types.push(...events.map(({ type }) => type));
  return types;
}

type Watched = EventStore & { appends: number[]; readStreamCount: number };

/** Counts what a store is asked; `spoil` may fail an append, before or after it is stored. */
function watched(
  inner: EventStore,
  spoil: (stored: () => Promise<unknown>) => Promise<unknown> = (stored) => stored(),
): Watched {
  const store: Watched = {
    ...inner,
    appends: [],
    readStreamCount: 0,
    async append(stream, expected, events) {
      store.appends.push(events.length);
      const append = () => inner.append(stream, expected, events);
      const results: Awaited<ReturnType<typeof append>>[] = [];
      await spoil(async () => results.push(await append()));
      return results[0] ?? append();
    },
    readStream(stream, options) {
      store.readStreamCount += 1;
      return inner.readStream(stream, options);
    },
  };
  return store;
}

describe('the handler of commands', () => {
  let store: EventStore;
  beforeEach(() => void (store = createMemoryEventStore()));

  it('looks again after a conflict, and decides by what another process has appended', async () => {
    const mine = createCommandHandler(store);
    await mine.decide(box, 'box-1', intent(put('r1')));
    await createCommandHandler(store).decide(box, 'box-1', intent(turned(true)));
    await expect(mine.decide(box, 'box-1', intent(put('r2')))).rejects.toMatchObject({
      code: 'locked',
    });
    expect(await typesIn(store, 'box-1')).toEqual(['toy.Put', 'toy.Turned']);
  });

  it('confirms a refusal that it finds on a cached state before it tells it', async () => {
    const mine = createCommandHandler(store);
    await mine.decide(box, 'box-1', intent(turned(true)));
    await createCommandHandler(store).decide(box, 'box-1', intent(turned(false)));
    expect(await mine.decide(box, 'box-1', intent(put('r1')))).toMatchObject({ kind: 'accepted' });
  });

  it('confirms a repetition that it finds on a cached state before it tells it', async () => {
    const mine = createCommandHandler(store);
    await mine.decide(box, 'box-1', intent(turned(true)));
    await createCommandHandler(store).decide(box, 'box-1', intent(turned(false)));
    const again = await mine.decide(box, 'box-1', intent(turned(true)));
    expect(again).toMatchObject({ kind: 'accepted', revision: 2 });
    expect(await mine.decide(box, 'box-1', intent(turned(true)))).toMatchObject({
      kind: 'repeated',
    });
  });

  it('neither loses nor doubles an event whose append was stored and not answered', async () => {
    let isLost = true;
    const lossy = watched(store, async (stored) => {
      await stored();
      if (isLost) throw new StoreUnavailable('no answer');
    });
    const mine = createCommandHandler(lossy);
    const first = intent(put('r1'));
    await expect(mine.decide(box, 'box-1', first)).rejects.toThrow(StoreUnavailable);
    isLost = false;
    expect(await mine.decide(box, 'box-1', first)).toMatchObject({ kind: 'repeated' });
    expect(await mine.decide(box, 'box-1', intent(put('r2')))).toMatchObject({ revision: 1 });
    expect(await typesIn(store, 'box-1')).toEqual(['toy.Put', 'toy.Put']);
  });

  it('keeps no state over an unknown outcome, and reads no stream twice over a known one', async () => {
    let fails = false;
    const lossy = watched(store, async (stored) => {
      if (fails) throw new StoreUnavailable('gone');
      await stored();
    });
    const mine = createCommandHandler(lossy);
    await mine.decide(box, 'box-1', intent(put('r1')));
    await mine.decide(box, 'box-1', intent(put('r2')));
    expect(lossy.readStreamCount).toBe(1);
    fails = true;
    await expect(mine.decide(box, 'box-1', intent(put('r3')))).rejects.toThrow('gone');
    fails = false;
    // Had the state with r3 in it been kept, r3 would be a repetition and never be stored.
    const r3 = await mine.decide(box, 'box-1', intent(put('r3')));
    expect(r3).toMatchObject({ kind: 'accepted', revision: 2 });
    expect(lossy.readStreamCount).toBe(2);
  });

  it('refuses only the command whose record id another stream holds, and appends the rest', async () => {
    const mine = createCommandHandler(store);
    await mine.decide(box, 'box-2', intent(put('r2')));
    const intents = ['r1', 'r2', 'r3'].map((recordId) => intent(put(recordId)));
    const outcomes = await mine.decideAll(box, 'box-1', intents);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'refused', 'accepted']);
    expect(outcomes[1]).toMatchObject({ error: { code: 'record-id-reused' } });
    expect(await typesIn(store, 'box-1')).toHaveLength(2);
  });

  it('calls no row a repetition of one that was refused after it was decided', async () => {
    const mine = createCommandHandler(store);
    await mine.decide(box, 'box-2', intent(put('r1')));
    const outcomes = await mine.decideAll(box, 'box-1', [
      intent(put('r1', 7)),
      intent(put('r1', 7)),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['refused', 'refused']);
  });

  it('finds repeated, in a fresh look, what another process recorded under the same ids', async () => {
    const mine = createCommandHandler(store);
    await mine.decide(box, 'box-1', intent(put('r0')));
    await createCommandHandler(store).decideAll(box, 'box-1', [
      intent(put('r1')),
      intent(put('r2')),
    ]);
    const outcomes = await mine.decideAll(box, 'box-1', [intent(put('r1')), intent(put('r3'))]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['repeated', 'accepted']);
    expect(await typesIn(store, 'box-1')).toHaveLength(4);
  });

  it('takes no state for current because the log knows its last event already', async () => {
    const mine = createCommandHandler(store);
    await mine.decide(box, 'box-1', intent(turned(true)));
    const other = createCommandHandler(store);
    const step = nameBasedId('a step that both take');
    await other.decide(box, 'box-1', intent(turned(false)));
    await other.decide(box, 'box-1', intent(put('r1')));
    await other.decide(box, 'box-1', intent(noted('step'), step));
    // The log answers with the first outcome, whatever lies between: r1 is not in this state.
    const repeated = await mine.decide(box, 'box-1', intent(noted('step'), step));
    expect(repeated).toMatchObject({ kind: 'repeated' });
    expect(await mine.decide(box, 'box-1', intent(put('r1')))).toMatchObject({ kind: 'repeated' });
    expect(await typesIn(store, 'box-1')).toHaveLength(4);
  });

  it('decides commands on one stream one after the other, also after one that failed', async () => {
    const slow = watched(store, async (stored) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (slow.appends.length === 2) throw new StoreUnavailable('gone');
      await stored();
    });
    const mine = createCommandHandler(slow);
    const settled = await Promise.allSettled(
      ['r1', 'r2', 'r3', 'r4'].map((id) => mine.decide(box, 'box-1', intent(put(id)))),
    );
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(slow.appends).toHaveLength(4); // a conflict would have cost one more
    expect(await typesIn(store, 'box-1')).toHaveLength(3);
  });

  it('appends whole commands in parts of at most 250 events', async () => {
    const counting = watched(store);
    const mine = createCommandHandler(counting);
    const intents = [100, 100, 100, 300, 1].map((count) =>
      intent({ type: 'toy.Filled', data: { count } }),
    );
    const outcomes = await mine.decideAll(box, 'box-1', intents);
    expect(outcomes.map((outcome) => outcome.kind === 'accepted' && outcome.revision)).toEqual([
      99, 199, 299, 599, 600,
    ]);
    expect(counting.appends).toEqual([200, 100, 300, 1]);
  });

  it('halves parts that are too many bytes for one append', async () => {
    const counting = watched(store);
    const mine = createCommandHandler(counting);
    const intents = Array.from({ length: 12 }, () => intent(noted('x'.repeat(60_000))));
    const outcomes = await mine.decideAll(box, 'box-1', intents);
    expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(await typesIn(store, 'box-1')).toHaveLength(12);
    await expect(
      mine.decide(box, 'box-1', intent(noted('x'.repeat(70_000)))),
    ).rejects.toMatchObject({ code: 'event-too-large' });
  });

  it('answers a key once: its events have ids of their own, the last of them the HMAC', async () => {
    const mine = createCommandHandler(store);
    const internal = nameBasedId('an internal command');
    await mine.decide(box, 'box-1', intent(noted('internal'), internal));
    const keyed = (command: Command, stream = 'box-1') => {
      const { envelope, ...rest } = intent(command, internal);
      const under = { ...rest, envelope: { ...envelope, requestHmac: 'aa' } };
      return mine.decide(box, stream, under);
    };
    const filled = await keyed({ type: 'toy.Filled', data: { count: 2 } });
    expect(filled).toMatchObject({ kind: 'accepted', revision: 2 });
    expect(await store.eventByCommandKey(internal)).toMatchObject({ revision: 2 });
    const reused = { code: 'idempotency-key-reused' };
    await expect(keyed(put('r1'), 'box-2')).rejects.toMatchObject(reused);
    expect(await typesIn(store, 'box-2')).toEqual([]);
  });

  it('decides at the revision that the caller saw, those decided just before counted', async () => {
    const mine = createCommandHandler(store);
    const at = (expectedRevision: number, command: Command) => ({
      ...intent(command),
      expectedRevision,
    });
    const outcomes = await mine.decideAll(box, 'box-1', [
      at(-1, noted('0')),
      at(0, noted('1')),
      at(0, noted('late')),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'refused']);
    expect(outcomes[2]).toMatchObject({ error: { details: { actualRevision: 1 } } });
    // Remembered at revision 1, moved on by another process: the memory is checked first.
    await createCommandHandler(store).decide(box, 'box-1', intent(noted('2')));
    const [seen] = await mine.decideAll(box, 'box-1', [at(2, noted('3'))]);
    expect(seen).toMatchObject({ kind: 'accepted', revision: 3 });
  });

  it('gives up a stream that it loses every race for', async () => {
    const unlucky = watched(store, () => {
      throw new RevisionConflict('box-1', 0, 1);
    });
    const mine = createCommandHandler(unlucky);
    await expect(mine.decide(box, 'box-1', intent(put('r1')))).rejects.toMatchObject({
      code: 'contention',
    });
    expect(unlucky.appends.length).toBeLessThanOrEqual(20);
  });

  it('lets two processes fill one stream side by side, nothing lost, nothing doubled', async () => {
    const handlers = [createCommandHandler(store), createCommandHandler(store)];
    const ids = Array.from({ length: 40 }, (_, n) => `r${n}`);
    const outcomes = await Promise.all(
      handlers.flatMap((handler) => ids.map((id) => handler.decide(box, 'box-1', intent(put(id))))),
    );
    expect(outcomes.map(({ kind }) => kind)).not.toContain('refused');
    expect(await typesIn(store, 'box-1')).toHaveLength(ids.length);
  });

  it('prefetches many streams in one read, those that do not exist too', async () => {
    await createCommandHandler(store).decide(box, 'box-1', intent(put('r1')));
    const counting = watched(store);
    const mine = createCommandHandler(counting);
    await mine.prefetch(box, ['box-1', 'box-2']);
    expect(await mine.decide(box, 'box-1', intent(put('r2')))).toMatchObject({ revision: 1 });
    expect(await mine.decide(box, 'box-2', intent(put('r3')))).toMatchObject({ revision: 0 });
    expect(counting.readStreamCount).toBe(0);
  });
});
