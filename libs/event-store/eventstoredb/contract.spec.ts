import { randomUUID } from 'node:crypto';
import { openEventStoreDouble } from '../../../test/support/eventstoredb/index.js';
import { eventStoreContract } from '../contract.js';
import { openEventStoreDb } from './eventstoredb-event-store.js';

const { EVENT_STORE_URL } = process.env;

if (!EVENT_STORE_URL) {
  eventStoreContract('eventstoredb, on its double', async () => {
    const server = await openEventStoreDouble();
    return { store: await openEventStoreDb({ url: server.url }), dispose: () => server.close() };
  });
} else {
  // A real server is never empty: each test has a namespace of its own.
  eventStoreContract('eventstoredb, on EVENT_STORE_URL', async () => ({
    store: await openEventStoreDb({ url: EVENT_STORE_URL, namespace: `test-${randomUUID()}.` }),
    dispose: async () => undefined,
  }));
}
