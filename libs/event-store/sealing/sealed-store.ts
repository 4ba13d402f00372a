import { canonicalJson, ERASED, type EventSpec, type PersonalField } from '#kernel';
import {
  EventIdReused,
  type AppendResult,
  type EventStore,
  type NewEvent,
  type RecordedEvent,
} from '../port.js';
import type { EventRegistry } from '../registry.js';
import { isSealedText, openText, sealText, type SealedText, type TextPlace } from './cipher.js';
import type { DataKey, KeyStore } from './key-store.js';

export type SealedEventStore = EventStore & {
  /** The same log with personal fields left sealed, for projections that need none of them. */
  readonly sealedView: EventStore;
};

/**
 * The codec at the log's boundary: personal fields are sealed before an event is appended and
 * opened when it is read; a destroyed key reads as `[erased]`. Superseded versions are read as the
 * newest. Closing it closes `inner`, not the key store.
 *
 * Errors of `append` beside those of `inner`: DomainError `unknown-event-type`; StoreUnavailable
 * when the keys cannot be had.
 */
export function sealedStore(
  inner: EventStore,
  keys: KeyStore,
  registry: EventRegistry,
): SealedEventStore {
  const underWay = new Set<Promise<AppendResult>>();
  const appendSealed: EventStore['append'] = async (stream, expected, events) => {
    const sealed = await sealEvents(stream, events, keys, registry);
    try {
      return await inner.append(stream, expected, sealed);
    } catch (error) {
      if (!(error instanceof EventIdReused)) throw error;
      const repeated = await repeatedAfterErasure(inner, stream, sealed, keys, registry);
      if (!repeated) throw error;
      return repeated;
    }
  };
  const append: EventStore['append'] = (stream, expected, events) => {
    const appending = appendSealed(stream, expected, events).finally(() =>
      underWay.delete(appending),
    );
    underWay.add(appending);
    return appending;
  };
  // An append may still be waiting for its keys, and is not yet one of the inner store's.
  const close = async (): Promise<void> => {
    await Promise.allSettled(underWay);
    await inner.close();
  };
  const open: Decode = (events) => openEvents(events, keys, registry);
  const leaveSealed: Decode = async (events) => events.map((event) => registry.upcast(event));
  return {
    ...decodedReads(inner, open),
    append,
    close,
    sealedView: { ...decodedReads(inner, leaveSealed), append, close },
  };
}

type Decode = (events: readonly RecordedEvent[]) => Promise<readonly RecordedEvent[]>;

function decodedReads(inner: EventStore, decode: Decode): Omit<EventStore, 'append' | 'close'> {
  async function* decoded(
    batches: AsyncIterable<readonly RecordedEvent[]>,
  ): AsyncGenerator<readonly RecordedEvent[]> {
    for await (const batch of batches) yield await decode(batch);
  }
  return {
    readStream: (stream, options) => decoded(inner.readStream(stream, options)),
    readStreams: (streams, options) => decoded(inner.readStreams(streams, options)),
    readAll: (options) => decoded(inner.readAll(options)),
    subscribe: (options) => decoded(inner.subscribe(options)),
    async eventById(id) {
      const event = await inner.eventById(id);
      return event ? ((await decode([event]))[0] ?? null) : null;
    },
    async eventByCommandKey(key) {
      const event = await inner.eventByCommandKey(key);
      return event ? ((await decode([event]))[0] ?? null) : null;
    },
    head: () => inner.head(),
    lag: (after) => inner.lag(after),
    isPosition: (text) => inner.isPosition(text),
  };
}

type Content = { readonly id: string; readonly type: string; readonly data: object };

/** A personal field of one event that has something in it. */
type PersonalText = {
  readonly index: number; // of the event in its batch
  readonly value: unknown;
  readonly purpose: string;
  readonly place: TextPlace;
};

function personalTexts(
  events: readonly Content[],
  streamOf: (index: number) => string,
  specOf: (type: string) => EventSpec | null,
): readonly PersonalText[] {
  const texts: PersonalText[] = [];
  for (const [index, { id, type, data }] of events.entries()) {
    const personal = specOf(type)?.personal;
    if (!personal) continue;
    for (const [field, { subject, purpose }] of Object.entries<PersonalField>(personal)) {
      const value = (data as Record<string, unknown>)[field];
      if (value === undefined || value === null) continue;
      const whose = subject({ stream: streamOf(index), data });
      const place = { eventId: id, type, field, subject: whose };
      texts.push({ index, value, purpose, place });
    }
  }
  return texts;
}

async function sealEvents(
  stream: string,
  events: readonly NewEvent[],
  keys: KeyStore,
  registry: EventRegistry,
): Promise<readonly NewEvent[]> {
  for (const { type, metadata } of events) {
    const { schemaVersion } = registry.specOf(type);
    if (metadata.schemaVersion !== schemaVersion) {
      throw new TypeError(`${type} has schema version ${schemaVersion}`);
    }
  }
  const texts = personalTexts(events, () => stream, registry.specOf);
  if (texts.length === 0) return events;
  const found = await keys.keysOf(
    texts.map(({ place, purpose }) => ({ subject: place.subject, purpose })),
  );
  return replaced(events, texts, (text, at): SealedText | typeof ERASED => {
    if (typeof text.value !== 'string') {
      throw new TypeError(`${text.place.type}: personal field ${text.place.field} is a text`);
    }
    const key = found[at];
    // The subject was erased: nothing new is kept of what is said about it.
    return key ? sealText(text.value, text.place, key) : ERASED;
  });
}

async function openEvents(
  events: readonly RecordedEvent[],
  keys: KeyStore,
  registry: EventRegistry,
): Promise<readonly RecordedEvent[]> {
  const streamOf = (index: number): string => events[index]?.stream ?? '';
  const texts = personalTexts(events, streamOf, registry.knownSpecOf).filter(({ value }) =>
    isSealedText(value),
  );
  const found = await keysOfSealed(texts, keys);
  const opened = replaced(events, texts, ({ value, place }, at) => {
    const key = found[at];
    return key ? openText(value as SealedText, place, key) : ERASED;
  });
  return opened.map((event) => registry.upcast(event));
}

async function keysOfSealed(
  texts: readonly PersonalText[],
  keys: KeyStore,
): Promise<readonly (DataKey | null)[]> {
  if (texts.length === 0) return [];
  return keys.keysById(texts.map(({ value }) => (value as SealedText).k));
}

/** The events with their personal texts exchanged; events without any are passed on as they are. */
function replaced<Event extends Content>(
  events: readonly Event[],
  texts: readonly PersonalText[],
  exchange: (text: PersonalText, at: number) => unknown,
): readonly Event[] {
  if (texts.length === 0) return events;
  const result = [...events];
  for (const [at, text] of texts.entries()) {
    const event = result[text.index] as Event;
    const data = { ...event.data, [text.place.field]: exchange(text, at) };
    result[text.index] = { ...event, data };
  }
  return result;
}

/**
 * audit: after an erasure personal fields take no part in telling a repeated record from a reused
 * id. The log compares whole texts, so the appended events are compared again here, without the
 * fields whose keys are gone. Null: really another content.
 */
async function repeatedAfterErasure(
  inner: EventStore,
  stream: string,
  events: readonly NewEvent[],
  keys: KeyStore,
  registry: EventRegistry,
): Promise<AppendResult | null> {
  const stored: RecordedEvent[] = [];
  for (const { id } of events) {
    const event = await inner.eventById(id);
    const due = (stored[0]?.revision ?? 0) + stored.length;
    if (event?.stream !== stream || (stored.length > 0 && event.revision !== due)) return null;
    stored.push(event);
  }
  const erased = await erasedFields(stored, keys, registry);
  const same = stored.every(({ type, data }, index) => {
    const event = events[index] as NewEvent;
    const gone = erased.get(index) ?? new Set();
    return event.type === type && contentWithout(event.data, gone) === contentWithout(data, gone);
  });
  const last = stored.at(-1);
  if (!same || !last || erased.size === 0) return null;
  const positions = stored.map(({ position }) => position);
  return { outcome: 'repeated', revision: last.revision, position: last.position, positions };
}

/** Per event: its personal fields that can be read no more. */
async function erasedFields(
  stored: readonly RecordedEvent[],
  keys: KeyStore,
  registry: EventRegistry,
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const erased = new Map<number, Set<string>>();
  const texts = personalTexts(stored, (at) => stored[at]?.stream ?? '', registry.knownSpecOf);
  const sealed = texts.filter(({ value }) => isSealedText(value));
  const found = await keysOfSealed(sealed, keys);
  const gone = new Set(sealed.filter((_, at) => !found[at]));
  for (const text of texts) {
    if (!gone.has(text) && text.value !== ERASED) continue;
    const fields = erased.get(text.index) ?? new Set();
    erased.set(text.index, fields.add(text.place.field));
  }
  return erased;
}

function contentWithout(data: object, fields: ReadonlySet<string>): string {
  const rest = Object.fromEntries(Object.entries(data).filter(([field]) => !fields.has(field)));
  return canonicalJson(rest);
}
