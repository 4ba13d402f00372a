import { dataKey, newKeyBytes, newKeyId, type DataKey, type KeyStore } from './key-store.js';

/** For tests only: its keys are in no safe place and end with the process. */
export function createMemoryKeyStore(): KeyStore {
  const byOwner = new Map<string, DataKey>();
  const byId = new Map<string, { readonly subject: string; readonly key: DataKey }>();
  const erased = new Set<string>();
  const secrets = new Map<string, Uint8Array>();
  return {
    keysOf: async (owners) =>
      owners.map(({ subject, purpose }) => {
        if (erased.has(subject)) return null;
        const owner = JSON.stringify([subject, purpose]);
        const key = byOwner.get(owner) ?? dataKey(newKeyId(), newKeyBytes());
        byOwner.set(owner, key);
        byId.set(key.id, { subject, key });
        return key;
      }),
    keysById: async (ids) => ids.map((id) => byId.get(id)?.key ?? null),
    async destroy(subject) {
      erased.add(subject);
      for (const [id, entry] of byId) if (entry.subject === subject) byId.delete(id);
    },
    async secret(name) {
      const secret = secrets.get(name) ?? newKeyBytes();
      secrets.set(name, secret);
      return secret;
    },
    rotate: async () => byId.size,
    close: async () => undefined,
  };
}
