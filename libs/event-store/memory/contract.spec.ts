import { eventStoreContract } from '../contract.js';
import { createMemoryEventStore } from './memory-event-store.js';

eventStoreContract('memory', async () => ({
  store: createMemoryEventStore(),
  dispose: async () => undefined,
}));
