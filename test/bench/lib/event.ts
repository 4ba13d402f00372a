/** The event that every contestant stores: the same data, metadata and stream names. */
import { randomUUID } from 'node:crypto';
import type { Metadata, NewEvent } from '../../../libs/event-store/index.js';

/** `n` counts the events of one benchmark, so that a reader can tell what it should see next. */
export type BenchContent = {
  readonly n: number;
  readonly recordId: string;
  readonly accountManagerId: string;
  readonly indicatorId: string;
  readonly actual: string;
  readonly source: string;
  readonly recordedAt: string;
};

export type BenchEvent = NewEvent<'metrics.MetricRecorded.v1', BenchContent>;

/** `caller` numbers message-db's categories, of which it locks one per append. */
export type StreamEvent = {
  readonly caller: number;
  readonly stream: string;
  readonly expected: 'none' | 'any';
  readonly event: BenchEvent;
};

// Pads the data to some 300 bytes of JSON.
const SOURCE = `sales ledger of the branch, monthly close, ${'second reading '.repeat(4)}signed off`;
const AT = '2026-03-31T18:00:00+08:00';

const metadataOf = (id: string): Metadata => ({
  occurredAt: AT,
  recordedAt: AT,
  actor: { id: 'office-1', role: 'office' },
  commandId: id,
  correlationId: id,
  causationId: id,
  schemaVersion: 1,
});

export const eventOf = (n: number): BenchEvent => {
  const id = randomUUID();
  return {
    id,
    type: 'metrics.MetricRecorded.v1',
    data: {
      n,
      recordId: `record-${id}`,
      accountManagerId: `account-manager-${n % 70_000}`,
      indicatorId: 'sales-attainment',
      actual: `${n % 1_000}.${n % 97}`,
      source: SOURCE,
      recordedAt: AT,
    },
    metadata: metadataOf(id),
  };
};

/** Named as the product names nearly all of its streams: one index of its log leaves them out. */
export const newStream = (): string => `assessment-${randomUUID()}`;

/** Chunks of one new stream each, in the order of `n`. */
export function* chunksOf(events: number, perStream: number): Generator<readonly StreamEvent[]> {
  for (let first = 0; first < events; first += perStream) {
    const stream = newStream();
    const length = Math.min(perStream, events - first);
    yield Array.from({ length }, (_, at) => ({
      caller: 0,
      stream,
      expected: 'none' as const,
      event: eventOf(first + at),
    }));
  }
}
