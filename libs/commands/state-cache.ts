import type { Position } from '#event-store';

/**
 * A folded state, the revision it stands at (-1 for a stream that does not exist), and the position
 * of that event.
 */
export type CachedState<State> = { state: State; revision: number; position: Position };

export type StateCacheLimits = { readonly streamCount: number; readonly eventCount: number };

/** A fact's share of a folded assessment stream is 850 bytes, an empty one's some 3 KB. */
const DEFAULT_LIMITS: StateCacheLimits = { streamCount: 50_000, eventCount: 300_000 };

/**
 * Folded states by aggregate and stream, least recently used first out. Bounded by streams and by
 * events folded, since a state keeps a digest per record.
 */
export class StateCache {
  readonly #entries = new Map<string, CachedState<unknown>>();
  #eventCount = 0;

  constructor(private readonly limits: StateCacheLimits = DEFAULT_LIMITS) {}

  get<State>(key: string): CachedState<State> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry as CachedState<State>;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set<State>(key: string, entry: CachedState<State>): void {
    this.drop(key);
    this.#entries.set(key, { ...entry });
    this.#eventCount += entry.revision + 1;
    for (const oldest of this.#entries.keys()) {
      if (this.#fits()) break;
      this.drop(oldest);
    }
  }

  drop(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#eventCount -= entry.revision + 1;
  }

  #fits(): boolean {
    const { streamCount, eventCount } = this.limits;
    return this.#entries.size <= streamCount && this.#eventCount <= eventCount;
  }
}
