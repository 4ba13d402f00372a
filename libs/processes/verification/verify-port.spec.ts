import { createMemoryEventStore, type NewEvent, type RecordedEvent } from '#event-store';
import { nameBasedId } from '#kernel';
import { metadata } from '../../event-store/contract.js';
import type { Finding } from './finding.js';
import { type PortLog, verifyPort } from './verify-port.js';

const SPECS = [{ type: 'contract.Happened.v1', schemaVersion: 1, personal: {} }] as const;

const eventOf = (n: number, more: Partial<NewEvent> = {}): NewEvent => ({
  id: nameBasedId('verified', n),
  type: 'contract.Happened.v1',
  data: { n },
  metadata: metadata({ commandId: `command-${n}`, requestHmac: 'a' }),
  ...more,
});

/** A log of six events in two streams, as somebody's adapter would give it. */
async function logWith(change: (events: RecordedEvent[]) => void): Promise<PortLog> {
  const store = createMemoryEventStore();
  for (let n = 0; n < 6; n += 1) await store.append(`stream-${n % 2}`, 'any', [eventOf(n)]);
  const events: RecordedEvent[] = [];
  for await (const batch of store.readAll()) events.push(...batch);
  change(events);
  const { head, lag, eventById } = store;
  return {
    head,
    lag,
    eventById,
    async *readAll() {
      yield events;
    },
  };
}

const columnsOf = (findings: readonly Finding[]) => findings.map(({ where }) => where.column);
const replace = (events: RecordedEvent[], at: number, change: Partial<RecordedEvent>): void => {
  events[at] = { ...(events[at] as RecordedEvent), ...change };
};

describe('a log that is verified by its port', () => {
  it('holds as it is', async () => {
    expect(await verifyPort(await logWith(() => undefined), SPECS)).toEqual([]);
  });

  it.each<readonly [string, (events: RecordedEvent[]) => void, string | undefined]>([
    ['an event is missing', (events) => void events.splice(2, 1), 'revision'],
    ['two events are exchanged', (events) => void events.push(...events.splice(0, 1)), 'position'],
    ['an id is there twice', (all) => replace(all, 3, { id: all[0]?.id ?? '' }), 'event_id'],
    [
      'a key is there twice',
      (all) =>
        replace(all, 3, { metadata: metadata({ commandId: 'command-0', requestHmac: 'a' }) }),
      'metadata',
    ],
    [
      'a time falls',
      (all) => replace(all, 3, { storedAt: '2020-01-01T00:00:00.000000Z' }),
      'stored_at',
    ],
    ['a type is unknown', (all) => replace(all, 3, { type: 'contract.Other.v1' }), 'type'],
    [
      'metadata has no form',
      (all) => replace(all, 3, { metadata: metadata({ recordedAt: 'x' }) }),
      'metadata',
    ],
    [
      'the newest event is not found by its id',
      (all) => replace(all, 5, { id: eventOf(99).id }),
      'event_id',
    ],
    ['its end is cut off', (events) => void events.pop(), undefined],
  ])('is found wanting when %s', async (_, change, column) => {
    const findings = await verifyPort(await logWith(change), SPECS);
    expect(columnsOf(findings)).toContain(column);
  });
});
