import { randomUUID } from 'node:crypto';
import { START, type Position } from '../port.js';
import type { Names } from './names.js';
import type { Kept, Reader } from './read.js';
import type { Writer } from './write.js';

export type Head = { readonly position: Position; readonly stream: string };

/** The end of this log in the server's, behind which claims, system events and other logs stand. */
export type Heads = {
  /** The last event that a reader of the log sees; null: there is none. */
  readonly find: () => Promise<Head | null>;
  /** To be called before the first event is appended. */
  readonly begin: () => Promise<void>;
};

const FIRST_PAGE_EVENTS = 4;
const MAX_PAGE_EVENTS = 1_024;
/** Looked at before it asks whether the log has begun at all. */
const FAR_EVENTS = 1_000;
const LOG_BEGUN = 'LogBegun';

/**
 * Looks backwards from the server's end, for nothing else knows the last event of one log: as far
 * as it has looked before, and for a log in a namespace no further than to where it began. Without
 * that, a log that rests on a busy server would be sought through all that others wrote since.
 */
export function createHeads(reader: Reader, write: Writer, names: Names): Heads {
  let seen: { readonly head: Head | null; readonly until: Position } | null = null;
  let begun: Promise<unknown> | null = null;

  const beginning = async (): Promise<Position | null> => {
    const [mark] = await reader.page(names.begun, 'backwards', 'end', 1);
    return mark?.position ?? null;
  };
  const lastOf = async (first: readonly Kept[]): Promise<Head | null> => {
    const until = first[0]?.position ?? START;
    // A log that is shorter than it was comes from a backup, and what was seen is no longer so.
    const known = seen && seen.until <= until ? seen : null;
    let floor: Position | null = null;
    let looked = 0;
    let page = first;
    for (let size = FIRST_PAGE_EVENTS; ;) {
      for (const { name, position } of page) {
        if (known && position <= known.until) return known.head;
        const stream = names.fromServer(name);
        if (stream !== null) return { position, stream };
        if (floor !== null && position <= floor) return null;
      }
      const oldest = page.at(-1)?.position;
      // A short page is no proof of the log's beginning: a read may have been cut off.
      if (oldest === undefined) return null;
      looked += page.length;
      if (names.isShared && floor === null && looked > FAR_EVENTS) {
        floor = await beginning();
        if (floor === null) return null;
      }
      size = Math.min(size * 4, MAX_PAGE_EVENTS);
      page = await reader.logBackwards(oldest, size);
    }
  };
  const begin = async (): Promise<void> => {
    // Whoever else begins it: the mark is there, which is all that is wanted.
    await write(names.begun, null, [{ id: randomUUID(), type: LOG_BEGUN, data: {} }], 2);
  };
  return {
    find: async () => {
      const first = await reader.logBackwards('end', FIRST_PAGE_EVENTS);
      const head = await lastOf(first);
      const until = first[0]?.position ?? START;
      seen = { head, until };
      return head;
    },
    begin: async () => {
      if (!names.isShared) return;
      begun ??= begin();
      await begun.catch((error: unknown) => {
        begun = null; // the next append tries again
        throw error;
      });
    },
  };
}
