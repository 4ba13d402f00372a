import { keyStoreContract } from './key-store-contract.js';
import { createMemoryKeyStore } from './memory-key-store.js';

keyStoreContract('memory', async () => {
  const store = createMemoryKeyStore();
  return { store, other: store, dispose: async () => undefined };
});
