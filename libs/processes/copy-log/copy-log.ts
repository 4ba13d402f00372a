import {
  EventIdReused,
  type EventStore,
  MAX_APPEND_BYTES,
  type Position,
  type RecordedEvent,
  RevisionConflict,
  START,
  StoreUnavailable,
} from '#event-store';
import { canonicalJson, DomainError } from '#kernel';
import { createFingerprint, type Fingerprint, logTextOf } from './fingerprint.js';
import { readOneByOne } from './one-by-one.js';

export type CopyProgress = {
  readonly phase: 'copying' | 'verifying'; // copying begins with what the target holds already
  readonly done: number; // events
  readonly total: number;
};

export type CopyOptions = {
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly pause?: ((ms: number) => Promise<void>) | undefined; // before a further try
  /** A store did not answer; what is asked is asked again, for some minutes at the most. */
  readonly onTrouble?: ((error: StoreUnavailable) => void) | undefined;
};

/** `position` is the source's: everything up to it is in the target, event for event. */
export type CopyOutcome = Fingerprint & {
  readonly copiedCount: number; // by this run; the others were there
  readonly position: Position;
};

type Log = Pick<EventStore, 'readAll' | 'head' | 'lag'>;
type Target = Log & Pick<EventStore, 'append'>;

/** As many events as one command appends at the most. */
const MAX_APPEND_EVENTS = 500;
/** Metadata and data of one append; a text of a store may be a little longer than another's. */
const APPEND_BYTES = MAX_APPEND_BYTES / 2;
const MAX_TRIES = 8;
/** Each may take as long as a store tries by itself; then both logs are looked at again. */
const MAX_APPEND_TRIES = 3;
const FIRST_PAUSE_MS = 100;
/** A source that grows faster than it is copied is not caught up with for ever. */
const MAX_ROUNDS = 50;

/**
 * Copies a log into an empty one, or goes on where an earlier copy stopped: ids, streams,
 * revisions, types, data, metadata and the order of all events stay; positions and `storedAt` are
 * the target's own. Both are the bare stores, so that sealed fields are copied sealed.
 *
 * At every moment the target holds the first events of the source and nothing else: an event is
 * appended, at its exact revision, only after the one before it is known to be there. That holds
 * for several copies at once, too, and a lost answer is asked for again under the same ids.
 *
 * At the end both logs are read from the beginning and compared. Errors: DomainError
 * `copy-log-foreign-target` (it holds what the source has not, or in another order),
 * `copy-log-source-grows`; StoreUnavailable; AbortError.
 */
export async function copyLog(
  source: Log,
  target: Target,
  options: CopyOptions = {},
): Promise<CopyOutcome> {
  let copiedCount = 0;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const until = await source.head();
    copiedCount += await copyUntil(source, target, until, options);
    if ((await source.head()) !== until) continue;
    const same = await compared(source, target, until, options);
    if (same !== null) return { ...same, copiedCount, position: until };
  }
  throw new DomainError(
    'copy-log-source-grows',
    {},
    'the source is still being written to; end every process of the system, then copy again',
  );
}

/**
 * As `copyLog`, up to a position of the source and without the comparison at the end; gives how
 * many events it appended.
 */
export async function copyUntil(
  source: Log,
  target: Target,
  until: Position,
  options: CopyOptions = {},
): Promise<number> {
  let appendedCount = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await copyFromThere(source, target, until, options, (count) => {
        appendedCount += count;
        attempt = 1;
      });
      return appendedCount;
    } catch (error) {
      // Another copy was here first, or an answer was lost: what the target holds says how far.
      if (!isWorthAnotherLook(error) || attempt >= MAX_TRIES) throw error;
      options.signal?.throwIfAborted();
      if (error instanceof StoreUnavailable) options.onTrouble?.(error);
      await (options.pause ?? pauseFor)(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}

/** Also a reading that broke off; an append has been tried again already. */
const isWorthAnotherLook = (error: unknown): boolean =>
  error instanceof EventIdReused ||
  error instanceof RevisionConflict ||
  error instanceof StoreUnavailable;

const pauseFor = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function copyFromThere(
  source: Log,
  target: Target,
  until: Position,
  options: CopyOptions,
  onAppended: (count: number) => void,
): Promise<void> {
  const { onProgress, signal } = options;
  const total = await countUntil(source, until);
  const wanted = readOneByOne(source, { until, signal });
  const held = readOneByOne(target, { signal });
  let done = 0;
  const tell = (count: number): void => {
    done += count;
    onProgress?.({ phase: 'copying', done, total });
  };
  try {
    for (;;) {
      const [next, there] = [await wanted.peek(), await held.peek()];
      signal?.throwIfAborted();
      if (next === null || there === null) break; // what the target has beyond is compared later
      requireSame(next, there);
      wanted.take();
      held.take();
      tell(1);
    }
    for (;;) {
      const part = await nextAppend(wanted);
      signal?.throwIfAborted();
      if (part === null) return;
      if (await appendPart(target, part, options)) onAppended(part.length);
      tell(part.length);
    }
  } finally {
    await Promise.all([wanted.end(), held.end()]);
  }
}

/** Events up to `until`: what lies behind it may be more by the time that it is counted. */
async function countUntil(source: Log, until: Position): Promise<number> {
  const [all, behind] = [await source.lag(START), await source.lag(until)];
  return Math.max(0, all.events - behind.events);
}

/** Neighbours of one stream: they were appended together, or might have been. Null: no more. */
async function nextAppend(
  wanted: ReturnType<typeof readOneByOne>,
): Promise<readonly RecordedEvent[] | null> {
  const part: RecordedEvent[] = [];
  let bytes = 0;
  for (;;) {
    const next = await wanted.peek();
    if (next === null) break;
    const ownBytes = Buffer.byteLength(canonicalJson([next.data, next.metadata]));
    const [first] = part;
    const fits =
      first === undefined ||
      (next.stream === first.stream &&
        part.length < MAX_APPEND_EVENTS &&
        bytes + ownBytes <= APPEND_BYTES);
    if (!fits) break;
    part.push(next);
    bytes += ownBytes;
    wanted.take();
  }
  return part.length === 0 ? null : part;
}

/** False: it was there already, of another copy or of an append whose answer was lost. */
async function appendPart(
  target: Target,
  part: readonly RecordedEvent[],
  { signal, onTrouble, pause = pauseFor }: CopyOptions,
): Promise<boolean> {
  const [first] = part;
  if (!first) return false;
  const { stream, revision } = first;
  const expected = revision === 0 ? 'none' : revision - 1;
  const events = part.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { outcome } = await target.append(stream, expected, events);
      return outcome === 'appended';
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || attempt >= MAX_APPEND_TRIES) throw error;
      signal?.throwIfAborted();
      onTrouble?.(error);
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}

function requireSame(wanted: RecordedEvent, held: RecordedEvent): void {
  if (logTextOf(wanted) !== logTextOf(held)) throw foreign(held, wanted);
}

/**
 * Both logs from the beginning; null: the source has grown meanwhile, and another copy has
 * brought that over.
 */
async function compared(
  source: Log,
  target: Log,
  until: Position,
  { onProgress, signal }: CopyOptions,
): Promise<Fingerprint | null> {
  const total = await countUntil(source, until);
  const [ofSource, ofTarget] = [createFingerprint(), createFingerprint()];
  const wanted = readOneByOne(source, { until, signal });
  const held = readOneByOne(target, { signal });
  try {
    for (;;) {
      const [next, there] = [await wanted.peek(), await held.peek()];
      signal?.throwIfAborted();
      if (next === null && there === null) break;
      if (next === null) {
        if (there !== null && (await source.head()) === until) throw foreign(there, null);
        return null;
      }
      if (there === null) throw incomplete(next);
      ofSource.add(logTextOf(next));
      ofTarget.add(logTextOf(there));
      requireSame(next, there);
      wanted.take();
      held.take();
      onProgress?.({ phase: 'verifying', done: ofSource.now().eventCount, total });
    }
  } finally {
    await Promise.all([wanted.end(), held.end()]);
  }
  const [a, b] = [ofSource.now(), ofTarget.now()];
  if (a.eventCount !== b.eventCount || a.sha256 !== b.sha256) throw differing(a, b);
  return a;
}

function foreign(held: RecordedEvent, wanted: RecordedEvent | null): DomainError {
  const { stream, revision, id: eventId } = held;
  return new DomainError(
    'copy-log-foreign-target',
    { stream, revision, eventId, wantedEventId: wanted?.id ?? null },
    `the target holds revision ${revision} of ${stream} (event ${eventId}) where the source has ` +
      `${instead(held, wanted)}; copy into an empty one`,
  );
}

function instead(held: RecordedEvent, wanted: RecordedEvent | null): string {
  if (wanted === null) return 'nothing: the target has been written to since, or by others';
  const { stream, revision, id } = wanted;
  if (id === held.id) return 'the same event with other content: it is of another log';
  return `revision ${revision} of ${stream} (event ${id}): it was written to by others`;
}

function incomplete({ stream, revision, id: eventId }: RecordedEvent): DomainError {
  return new DomainError(
    'copy-log-incomplete',
    { stream, revision, eventId },
    `the target has lost revision ${revision} of ${stream} (event ${eventId}), which it had taken`,
  );
}

function differing(source: Fingerprint, target: Fingerprint): DomainError {
  return new DomainError(
    'copy-log-differs',
    { source: source.sha256, target: target.sha256 },
    `source ${source.eventCount} events, ${source.sha256}; ` +
      `target ${target.eventCount} events, ${target.sha256}`,
  );
}
