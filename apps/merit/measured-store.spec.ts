import type { EventStore } from '#event-store';
import { createMemoryEventStore } from '../../libs/event-store/memory/memory-event-store.js';
import { newEvent } from '../../libs/event-store/contract.js';
import { measuredStore } from './measured-store.js';

describe('a measured store', () => {
  it('counts what was appended, repeated and refused, and gives what the store gives', async () => {
    const inner = createMemoryEventStore();
    const { store, counts } = measuredStore(inner);
    const [first, second] = [newEvent({ n: 1 }), newEvent({ n: 2 })];
    const appended = await store.append('test-1', 'none', [first, second]);
    expect(await store.append('test-1', 'none', [first, second])).toEqual({
      ...appended,
      outcome: 'repeated',
    });
    const late = store.append('test-1', 'none', [newEvent({ n: 3 })]);
    await expect(late).rejects.toMatchObject({ name: 'RevisionConflict' });
    await expect(store.append('test-1', 'any', [])).rejects.toBeInstanceOf(TypeError);
    expect(counts).toEqual({ appended: 1, events: 2, repeated: 1, conflicts: 1, failed: 1 });
    expect(await store.head()).toBe(await inner.head());
  });

  it('leaves out nothing of the port', () => {
    const inner = createMemoryEventStore();
    const names = (of: EventStore): string[] =>
      Object.keys(of).filter((name) => typeof of[name as keyof EventStore] === 'function');
    const { store } = measuredStore(inner);
    expect(names(store)).toEqual(expect.arrayContaining(names(inner)));
  });
});
