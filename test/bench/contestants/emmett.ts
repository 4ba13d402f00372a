/** @event-driven-io/emmett-postgresql: `getPostgreSQLEventStore` with a `pg` pool of its own. */
import { Pool } from 'pg';
import type { Contestant } from '../lib/contestant.js';
import type { BenchContent, StreamEvent } from '../lib/event.js';
import { loadPeer } from '../lib/peers.js';
import { countRows } from '../lib/sql.js';

type EmmettEvent = { readonly type: string; readonly data: object; readonly metadata: object };
type ReadMessage = {
  readonly data: BenchContent;
  readonly metadata: { readonly commandId: string };
};
type Processor = {
  readonly id: string;
  readonly instanceId: string;
  readonly type: string;
  readonly isActive: boolean;
  readonly init: () => Promise<void>;
  readonly start: () => Promise<'BEGINNING'>;
  readonly close: () => Promise<void>;
  readonly handle: (messages: readonly ReadMessage[]) => Promise<void>;
};
type Consumer = { readonly start: () => Promise<void>; readonly close: () => Promise<void> };
type Store = {
  readonly schema: { readonly migrate: () => Promise<unknown> };
  readonly appendToStream: (
    stream: string,
    events: readonly EmmettEvent[],
    options: { readonly expectedStreamVersion: string },
  ) => Promise<unknown>;
  readonly consumer: (options: {
    readonly processors: readonly Processor[];
    readonly stopWhen: { readonly noMessagesLeft: true };
    readonly pulling: { readonly batchSize: number; readonly pullingFrequencyInMs: number };
  }) => Consumer;
  readonly close: () => Promise<void>;
};
type Emmett = {
  readonly getPostgreSQLEventStore: (
    url: string,
    options: { readonly connectionOptions: { readonly pool: Pool } },
  ) => Store;
};

const open = async (url: string, poolSize: number): Promise<{ store: Store; pool: Pool }> => {
  const emmett = await loadPeer<Emmett>('@event-driven-io/emmett-postgresql');
  const pool = new Pool({ connectionString: url, max: poolSize });
  pool.on('error', () => undefined);
  return { store: emmett.getPostgreSQLEventStore(url, { connectionOptions: { pool } }), pool };
};

const appendTo = async (store: Store, batch: readonly StreamEvent[]): Promise<void> => {
  const [first] = batch;
  if (first === undefined) return;
  const events = batch.map(({ event }) => ({
    type: event.type,
    data: event.data,
    metadata: { messageId: event.id, ...event.metadata },
  }));
  await store.appendToStream(first.stream, events, {
    expectedStreamVersion: 'STREAM_DOES_NOT_EXIST',
  });
};

/**
 * The consumer with a processor that keeps no checkpoint: its own reactor stores one an event,
 * which would measure that and not the reading.
 */
const visitor = (visit: (message: ReadMessage) => void): Processor => ({
  id: 'bench',
  instanceId: 'bench-1',
  type: 'reactor',
  isActive: true,
  init: async () => undefined,
  start: async () => 'BEGINNING',
  close: async () => undefined,
  handle: async (messages) => messages.forEach(visit),
});

export const emmett: Contestant = {
  install: async ({ ownerUrl }) => {
    const { store, pool } = await open(ownerUrl, 1);
    await store.schema.migrate();
    await pool.end();
  },
  stored: ({ ownerUrl }) => countRows(ownerUrl, 'emt_messages'),
  openAppending: async ({ ownerUrl }, poolSize) => {
    const { store, pool } = await open(ownerUrl, poolSize);
    return { append: (batch) => appendTo(store, batch), close: () => pool.end() };
  },
  fill: async ({ ownerUrl }, chunks) => {
    const { store, pool } = await open(ownerUrl, 1);
    for (const chunk of chunks) await appendTo(store, chunk);
    await pool.end();
  },
  readAll: async ({ ownerUrl }, batchSize, visit) => {
    const { store, pool } = await open(ownerUrl, 2);
    const consumer = store.consumer({
      processors: [visitor(({ data, metadata }) => visit(data.n, metadata.commandId))],
      stopWhen: { noMessagesLeft: true },
      pulling: { batchSize, pullingFrequencyInMs: 0 },
    });
    await consumer.start();
    await pool.end();
  },
};
