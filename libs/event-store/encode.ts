import { canonicalJson } from '#kernel';
import {
  CommandKeyReused,
  EventIdReused,
  EventTooLarge,
  MAX_APPEND_BYTES,
  MAX_EVENT_BYTES,
  type ExpectedRevision,
  type NewEvent,
} from './port.js';
import { leafHead } from './leaf.js';
import { encodeMetadata, quoted } from './metadata-text.js';

/** An event as its stored texts, checked against every limit that needs no look at the log. */
export type EncodedEvent = {
  readonly id: string;
  readonly type: string;
  readonly typeText: string; // canonical JSON, quoted
  readonly dataText: string;
  readonly metadataText: string;
  /** Of the request that this event answers; null: of none under a key. */
  readonly commandKey: string | null;
  readonly leafHead: string;
};

export type EncodedAppend = {
  readonly stream: string;
  readonly streamText: string; // canonical JSON, quoted
  readonly expected: ExpectedRevision;
  readonly events: readonly EncodedEvent[];
  readonly bytes: number; // of data and metadata
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Names are index keys: PostgreSQL refuses B-tree entries above a third of a page. */
const MAX_NAME_BYTES = 512;

/**
 * What it returns can be refused only for what the log holds. Throws TypeError, EventTooLarge,
 * EventIdReused and CommandKeyReused (an id or a key that stands twice in the append).
 */
export function encodeAppend(
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
): EncodedAppend {
  if (events.length === 0) throw new TypeError(`${stream}: an append without events`);
  if (typeof expected === 'number' && (!Number.isInteger(expected) || expected < 0)) {
    throw new TypeError(`${stream}: not a revision: ${expected}`);
  }
  const streamText = quotedName(stream, 'stream');
  let bytes = 0;
  const encoded = events.map((event) => {
    const one = encodeEvent(event);
    const eventBytes = Buffer.byteLength(one.dataText) + Buffer.byteLength(one.metadataText);
    if (eventBytes > MAX_EVENT_BYTES) throw new EventTooLarge(stream, eventBytes, MAX_EVENT_BYTES);
    bytes += eventBytes;
    return one;
  });
  if (bytes > MAX_APPEND_BYTES) throw new EventTooLarge(stream, bytes, MAX_APPEND_BYTES);
  const reused = doubled(encoded.map(({ id }) => id));
  if (reused.length > 0) throw new EventIdReused(stream, reused);
  const keys = doubled(encoded.map(({ commandKey }) => commandKey).filter((key) => key !== null));
  if (keys.length > 0) throw new CommandKeyReused(stream, keys);
  return { stream, streamText, expected, events: encoded, bytes };
}

function encodeEvent({ id, type, data, metadata }: NewEvent): EncodedEvent {
  if (!UUID.test(id)) throw new TypeError(`not a lower-case UUID: ${id}`);
  const texts = encodeMetadata(metadata);
  const dataText = canonicalObject(data);
  return {
    id,
    type,
    typeText: quotedName(type, 'type'),
    dataText,
    metadataText: texts.metadataText,
    commandKey: metadata.requestHmac === undefined ? null : metadata.commandId,
    leafHead: leafHead({ ...texts, dataText, eventId: id }),
  };
}

function canonicalObject(data: object): string {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) {
    throw new TypeError('event data is an object');
  }
  try {
    return canonicalJson(data);
  } catch (error) {
    // A cycle ends as an overflow of the stack.
    if (error instanceof RangeError) {
      throw new TypeError('no canonical JSON for a cycle', { cause: error });
    }
    throw error;
  }
}

function quotedName(name: string, what: string): string {
  const text = quoted(name);
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new TypeError(`a ${what} has 1 to ${MAX_NAME_BYTES} bytes and no U+0000`);
  }
  return text;
}

function doubled(names: readonly string[]): readonly string[] {
  if (names.length < 2) return [];
  const seen = new Set<string>();
  return names.filter((name) => seen.size === seen.add(name).size);
}
