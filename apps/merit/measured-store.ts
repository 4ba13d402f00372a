import type { AppendCounts } from '../api/index.js';
import { type EventStore, RevisionConflict } from '#event-store';

type Mutable<Of> = { -readonly [key in keyof Of]: Of[key] };

/** Counts around the port, whatever adapter is behind it. */
export function measuredStore(inner: EventStore): {
  readonly store: EventStore;
  readonly counts: AppendCounts;
} {
  const counts: Mutable<AppendCounts> = {
    appended: 0,
    events: 0,
    repeated: 0,
    conflicts: 0,
    failed: 0,
  };
  const append: EventStore['append'] = async (stream, expected, events) => {
    try {
      const result = await inner.append(stream, expected, events);
      if (result.outcome === 'repeated') counts.repeated += 1;
      else {
        counts.appended += 1;
        counts.events += events.length;
      }
      return result;
    } catch (error) {
      if (error instanceof RevisionConflict) counts.conflicts += 1;
      else counts.failed += 1;
      throw error;
    }
  };
  const store: EventStore = {
    append,
    readStream: (...args) => inner.readStream(...args),
    readStreams: (...args) => inner.readStreams(...args),
    readAll: (...args) => inner.readAll(...args),
    subscribe: (...args) => inner.subscribe(...args),
    eventById: (id) => inner.eventById(id),
    eventByCommandKey: (key) => inner.eventByCommandKey(key),
    head: () => inner.head(),
    lag: (after) => inner.lag(after),
    isPosition: (text) => inner.isPosition(text),
    close: () => inner.close(),
  };
  return { store, counts };
}
