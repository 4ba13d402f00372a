import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { EventStore, NewEvent, RecordedEvent } from '#event-store';
import { nameBasedId } from '#kernel';
import type { Projection } from './port.js';
import { upsertRows } from './rows.js';

/** Small read models for the specs of this folder. */
@Entity('tally')
export class TallyRow {
  @PrimaryColumn('text') subject!: string;
  @Column('integer') event_count!: number;
  @Column('numeric') amount!: string;
  @Column('jsonb') last!: object;
}

@Entity('visit')
@Index(['place'])
export class VisitRow {
  @PrimaryColumn('text') subject!: string;
  @PrimaryColumn('integer') revision!: number;
  @Column('text', { nullable: true }) place!: string | null;
}

type Counted = RecordedEvent<'toy.Counted.v1', { amount: string; place?: string }>;

/** Adds up per stream, so that an event that is projected twice, or not, shows for ever. */
export function tally(overrides: Partial<Projection> = {}): Projection {
  return {
    name: 'tally',
    entities: [TallyRow],
    keyOf: (event) => event.stream,
    async project({ events }, sql) {
      const rows = new Map<string, { count: number; amount: bigint; last: object }>();
      for (const event of events as readonly Counted[]) {
        const row = rows.get(event.stream) ?? { count: 0, amount: 0n, last: {} };
        row.count += 1;
        row.amount += BigInt(event.data.amount);
        row.last = { revision: event.revision, place: event.data.place ?? null };
        rows.set(event.stream, row);
      }
      await sql.query(
        `INSERT INTO tally (subject, event_count, amount, last)
         SELECT * FROM unnest($1::text[], $2::int[], $3::numeric[], $4::jsonb[])
             ON CONFLICT (subject) DO UPDATE SET last = excluded.last,
                event_count = tally.event_count + excluded.event_count,
                amount = tally.amount + excluded.amount`,
        [
          [...rows.keys()],
          [...rows.values()].map(({ count }) => count),
          [...rows.values()].map(({ amount }) => String(amount)),
          [...rows.values()].map(({ last }) => JSON.stringify(last)),
        ],
      );
    },
    ...overrides,
  };
}

/** Reads streams of `visitor-` alone. */
export function visits(overrides: Partial<Projection> = {}): Projection {
  return {
    name: 'visits',
    entities: [VisitRow],
    streamPrefixes: ['visitor-'],
    keyOf: (event) => event.stream,
    async project({ events }, sql) {
      await upsertRows(
        sql,
        'visit',
        {
          columns: { subject: 'text', revision: 'integer', place: 'text' },
          key: ['subject', 'revision'],
        },
        (events as readonly Counted[]).map(({ stream, revision, data }) => ({
          subject: stream,
          revision,
          place: data.place,
        })),
      );
    },
    ...overrides,
  };
}

let eventNumber = 0;

export function counted(amount: string | number, place?: string): NewEvent {
  eventNumber += 1;
  return {
    id: nameBasedId('toy', eventNumber),
    type: 'toy.Counted.v1',
    data: { amount: String(amount), ...(place === undefined ? {} : { place }) },
    metadata: {
      occurredAt: '2025-03-01T08:00:00+08:00',
      recordedAt: '2025-03-01T08:00:00+08:00',
      actor: { id: 'toy', role: 'office' },
      commandId: `toy-${eventNumber}`,
      correlationId: `toy-${eventNumber}`,
      causationId: `toy-${eventNumber}`,
      schemaVersion: 1,
    },
  };
}

/** `count` events over `streamCount` streams, in order, a few per append. */
export async function fill(
  store: EventStore,
  count: number,
  streamCount: number,
  prefixes: readonly string[] = ['visitor-', 'clerk-'],
): Promise<void> {
  const streams = new Map<string, NewEvent[]>();
  for (let index = 0; index < count; index += 1) {
    const prefix = prefixes[index % prefixes.length] ?? '';
    const stream = `${prefix}${index % streamCount}`;
    const events = streams.get(stream) ?? [];
    events.push(counted(index % 97, `place-${index % 13}`));
    streams.set(stream, events);
  }
  await Promise.all(
    [...streams].map(async ([stream, events]) => {
      for (let at = 0; at < events.length; at += 100) {
        await store.append(stream, 'any', events.slice(at, at + 100));
      }
    }),
  );
}
