import type { DataKey, KeyOwner } from './key-store.js';

/**
 * The keys used last, by owner and by id; `null` stands for a key that is gone for good. Bounded
 * (about 0.5 KB a key), and nothing in it is older than `maxAgeMs`: the safety net where the word
 * of an erasure does not arrive.
 */
export type KeyCache = {
  get(handle: string): DataKey | null | undefined;
  /** Grows with every `clear`. */
  epoch(): number;
  /**
   * Left undone when the cache was cleared since `epoch`: the key may be from before an erasure.
   */
  set(handle: string, key: DataKey | null, epoch: number): void;
  clear(): void;
};

export function ownerHandle({ subject, purpose }: KeyOwner): string {
  return JSON.stringify([subject, purpose]);
}

export function createKeyCache(
  maxKeys: number,
  maxAgeMs: number,
  nowMs: () => number = Date.now,
): KeyCache {
  const entries = new Map<string, { readonly key: DataKey | null; readonly sinceMs: number }>();
  let current = 0;
  return {
    epoch: () => current,
    get(handle) {
      const entry = entries.get(handle);
      if (!entry) return undefined;
      entries.delete(handle);
      if (nowMs() - entry.sinceMs > maxAgeMs) return undefined;
      entries.set(handle, entry); // used last: evicted last
      return entry.key;
    },
    set(handle, key, epoch) {
      if (epoch !== current) return;
      entries.delete(handle);
      entries.set(handle, { key, sinceMs: nowMs() });
      if (entries.size <= maxKeys) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
    clear() {
      current += 1;
      entries.clear();
    },
  };
}
