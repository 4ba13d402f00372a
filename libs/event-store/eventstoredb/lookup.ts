import { canonicalJson } from '#kernel';
import type { EncodedAppend, EncodedEvent } from '../encode.js';
import { EventIdReused, type AppendResult, type RecordedEvent } from '../port.js';
import type { Names } from './names.js';
import { toRecorded, type Reader } from './read.js';
import type { ExactRevision } from './write.js';

export type Lookup = {
  /** The events of a stream that have one of the ids, and the revision up to which it looked. */
  readonly inStream: (
    stream: string,
    ids: ReadonlySet<string>,
    fromRevision?: number, // included; default the first
  ) => Promise<{ readonly found: readonly RecordedEvent[]; readonly tail: ExactRevision }>;
  /** One event, first where it ought to be: an append that met a conflict may have moved it. */
  readonly one: (stream: string, id: string, at: number) => Promise<RecordedEvent | null>;
};

const PAGE_EVENTS = 500;

export function createLookup(reader: Reader, names: Names): Lookup {
  const inStream: Lookup['inStream'] = async (stream, ids, fromRevision = 0) => {
    const found: RecordedEvent[] = [];
    for (let from = fromRevision; ;) {
      const page = await reader.page(names.onServer(stream), 'forwards', from, PAGE_EVENTS);
      for (const kept of page) if (ids.has(kept.id)) found.push(toRecorded(kept, stream));
      from = (page.at(-1)?.revision ?? from - 1) + 1;
      if (page.length < PAGE_EVENTS) return { found, tail: from === 0 ? null : from - 1 };
    }
  };
  return {
    inStream,
    one: async (stream, id, at) => {
      const [kept] = await reader.page(names.onServer(stream), 'forwards', at, 1);
      if (kept?.id === id) return toRecorded(kept, stream);
      return (await inStream(stream, new Set([id]))).found[0] ?? null;
    },
  };
}

/** Ids come before the revision: a retry gets its first outcome, not a conflict with itself. */
export function repeatedAppend(
  append: EncodedAppend,
  known: ReadonlyMap<string, RecordedEvent>,
): AppendResult | null {
  const held = append.events.flatMap(({ id }) => known.get(id) ?? []);
  const [first, last] = [held[0], held.at(-1)];
  if (!first || !last) return null;
  const isWhole = held.length === append.events.length;
  const differing = held.filter(
    (event, index) => isWhole && !isSame(append.stream, append.events[index], event),
  );
  if (differing.length > 0) throw new EventIdReused(append.stream, differing.map(idOf));
  const inOrder = held.every(({ revision }, index) => revision === first.revision + index);
  if (!isWhole || !inOrder) throw new EventIdReused(append.stream, held.map(idOf));
  const positions = held.map(({ position }) => position);
  return { outcome: 'repeated', revision: last.revision, position: last.position, positions };
}

const idOf = ({ id }: RecordedEvent): string => id;

function isSame(stream: string, sent: EncodedEvent | undefined, kept: RecordedEvent): boolean {
  return (
    stream === kept.stream && sent?.type === kept.type && sent.dataText === canonicalJson(kept.data)
  );
}
