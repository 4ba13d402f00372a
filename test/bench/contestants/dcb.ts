/** @dcb-es/event-store-postgres: read through `read(Query.all())`, which fetches by a cursor. */
import { Pool } from 'pg';
import type { Contestant } from '../lib/contestant.js';
import type { BenchContent, StreamEvent } from '../lib/event.js';
import { loadPeer } from '../lib/peers.js';
import { countRows } from '../lib/sql.js';

type DcbEvent = {
  readonly type: string;
  readonly tags: object;
  readonly data: BenchContent;
  readonly metadata: { readonly commandId: string };
};
type Store = {
  readonly ensureInstalled: () => Promise<void>;
  readonly append: (command: { readonly events: readonly DcbEvent[] }) => Promise<unknown>;
  readonly read: (query: object) => AsyncIterable<{ readonly event: DcbEvent }>;
};
type Core = {
  readonly Tags: { fromObj(tags: Record<string, string>): object };
  readonly Query: { all(): object };
};
type Adapter = { readonly PostgresEventStore: new (options: { readonly pool: Pool }) => Store };

const withStore = async (
  url: string,
  run: (store: Store, core: Core) => Promise<void>,
): Promise<void> => {
  const core = await loadPeer<Core>('@dcb-es/event-store');
  const { PostgresEventStore } = await loadPeer<Adapter>('@dcb-es/event-store-postgres');
  const pool = new Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  try {
    await run(new PostgresEventStore({ pool }), core);
  } finally {
    await pool.end();
  }
};

const tagged = ({ Tags }: Core, { stream, event }: StreamEvent): DcbEvent => ({
  type: event.type,
  tags: Tags.fromObj({ stream }),
  data: event.data,
  metadata: event.metadata,
});

export const dcb: Contestant = {
  install: ({ ownerUrl }) => withStore(ownerUrl, (store) => store.ensureInstalled()),
  stored: ({ ownerUrl }) => countRows(ownerUrl, 'events'),
  fill: ({ ownerUrl }, chunks) =>
    withStore(ownerUrl, async (store, core) => {
      for (const chunk of chunks) {
        await store.append({ events: chunk.map((each) => tagged(core, each)) });
      }
    }),
  readAll: ({ ownerUrl }, _batchSize, visit) =>
    withStore(ownerUrl, async (store, { Query }) => {
      for await (const { event } of store.read(Query.all())) {
        visit(event.data.n, event.metadata.commandId);
      }
    }),
};
