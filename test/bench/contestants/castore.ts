/** @castore/event-storage-adapter-postgres, which brings the `postgres` client and its pool. */
import type { Appending, Contestant } from '../lib/contestant.js';
import { loadPeer } from '../lib/peers.js';
import { countRows } from '../lib/sql.js';

type Adapter = {
  readonly pushEvent: (
    event: {
      readonly aggregateId: string;
      readonly version: number;
      readonly type: string;
      readonly payload: object;
      readonly metadata: object;
    },
    options: { readonly eventStoreId: string },
  ) => Promise<unknown>;
};
type Castore = {
  readonly PostgresEventStorageAdapter: {
    new (options: { readonly connectionString: string }): Adapter;
    createEventTable(options: { readonly connectionString: string }): Promise<unknown>;
  };
};

const load = (): Promise<Castore> => loadPeer('@castore/event-storage-adapter-postgres');

/** What the adapter's client opens when it is told nothing. */
export const CASTORE_DEFAULT_POOL = 10;

/**
 * The adapter takes a connection string and no size: its client then has ten connections, or one
 * when the string says `max` (it reads the text as one entry). Other sizes are that many adapters
 * of one connection each, callers spread over them.
 */
const adapters = ({ PostgresEventStorageAdapter }: Castore, url: string, size: number): Adapter[] =>
  size === CASTORE_DEFAULT_POOL
    ? [new PostgresEventStorageAdapter({ connectionString: url })]
    : Array.from(
        { length: size },
        () => new PostgresEventStorageAdapter({ connectionString: `${url}?max=1` }),
      );

const openAppending = async (url: string, poolSize: number): Promise<Appending> => {
  const pool = adapters(await load(), url, poolSize);
  let next = 0;
  return {
    append: async (batch) => {
      for (const { stream, event } of batch) {
        const adapter = pool[next++ % pool.length];
        // Its streams are an aggregate's id, a UUID; the category stands for the kind of aggregate.
        await adapter?.pushEvent(
          {
            aggregateId: stream.slice(stream.indexOf('-') + 1),
            version: 1,
            type: event.type,
            payload: event.data,
            metadata: { ...event.metadata, eventId: event.id },
          },
          { eventStoreId: stream.slice(0, stream.indexOf('-')) },
        );
      }
    },
    close: async () => undefined, // the adapter cannot be closed: its process ends
  };
};

export const castore: Contestant = {
  install: async ({ ownerUrl }) => {
    const { PostgresEventStorageAdapter } = await load();
    await PostgresEventStorageAdapter.createEventTable({ connectionString: ownerUrl });
  },
  stored: ({ ownerUrl }) => countRows(ownerUrl, 'event'),
  openAppending: ({ ownerUrl }, poolSize) => openAppending(ownerUrl, poolSize),
};
