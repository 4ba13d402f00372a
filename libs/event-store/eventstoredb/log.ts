import {
  START,
  type Lag,
  type Position,
  type ReadAllOptions,
  type RecordedEvent,
  type SubscribeOptions,
} from '../port.js';
import type { Connection } from './connection.js';
import { failureOf, unavailable } from './errors.js';
import type { Heads } from './head.js';
import { pause, within } from './limited.js';
import type { Names } from './names.js';
import { Ended, pull, type Pull, type PullOptions } from './subscription.js';

export type LogParts = {
  readonly connection: Connection;
  readonly names: Names;
  readonly heads: Heads;
  readonly gaps: Gaps;
  /** Aborts when the store closes. */
  readonly closing: AbortSignal;
  readonly stallMs: number;
};

const DEFAULT_BATCH_EVENTS = 1_000;
const RESUME_PAUSE_MS = 100;
const MAX_FRUITLESS = 8;
/** After so many times the silence that ends a read, a live subscription is looked at. */
const WATCH_STALLS = 6;
/** What a lag counts at the most: it is counted by reading. */
const MAX_LAG_EVENTS = 10_000;

/**
 * The log up to a position: a subscription (reads of the log know no filter) that ends at the
 * head when the read began. The head's stream is read too, so that the end is seen by all.
 */
export async function* readAll(
  parts: LogParts,
  { after = START, until, streamPrefixes, batchSize, signal }: ReadAllOptions,
): AsyncGenerator<readonly RecordedEvent[]> {
  if (streamPrefixes?.length === 0 || signal?.aborted) return;
  const head = await parts.heads.find();
  const end = head && (until === undefined || until > head.position) ? head.position : until;
  if (!head || end === undefined || end <= after) return;
  const key = streamPrefixes ? JSON.stringify(streamPrefixes) : null;
  const from = key === null ? after : parts.gaps.beyond(key, after);
  if (end <= from) return;
  const alsoStreams = [head.stream];
  const options = { until: end, streamPrefixes, alsoStreams, batchSize: sizeOf(batchSize) };
  let [last, reached] = [after, from];
  for await (const batch of resumed(parts, { after: from, ...options }, signal)) {
    const wanted = batch.filter(
      ({ position, stream }) =>
        position <= end && (!streamPrefixes || streamPrefixes.some((p) => stream.startsWith(p))),
    );
    last = wanted.at(-1)?.position ?? last;
    // Not `end`, which may be no event's: from there the server does not go on.
    reached = batch.findLast(({ position }) => position <= end)?.position ?? reached;
    if (wanted.length > 0) yield wanted;
    if ((batch.at(-1)?.position ?? START) < end) continue;
    if (key !== null) parts.gaps.found(key, last, reached);
    return;
  }
  // Nobody may take for the whole what the close of the store has cut off.
  if (!signal?.aborted) throw unavailable('read: the event store is closed');
}

/** Where the log is known to hold nothing of some streams. */
export type Gaps = {
  readonly beyond: (key: string, after: Position) => Position;
  readonly found: (key: string, after: Position, until: Position) => void;
};

const MAX_GAPS = 64;

/**
 * Each command asks what is new of the organisation, and mostly nothing is: without this, the
 * server would look each time at all that came since the organisation last changed.
 */
export function createGaps(): Gaps {
  const gaps = new Map<string, { readonly after: Position; readonly until: Position }>();
  return {
    beyond: (key, after) => {
      const gap = gaps.get(key);
      return gap && gap.after <= after && after < gap.until ? gap.until : after;
    },
    found: (key, after, until) => {
      gaps.delete(key);
      gaps.set(key, { after, until });
      const [oldest] = gaps.keys();
      if (gaps.size > MAX_GAPS && oldest !== undefined) gaps.delete(oldest);
    },
  };
}

export async function* subscribe(
  parts: LogParts,
  { after = START, streamPrefixes, batchSize, signal }: SubscribeOptions,
): AsyncGenerator<readonly RecordedEvent[]> {
  if (streamPrefixes?.length === 0) return aborted(parts.closing, signal);
  const options = { after, until: null, streamPrefixes, batchSize: sizeOf(batchSize) };
  yield* resumed(parts, options, signal);
}

const sizeOf = (batchSize = DEFAULT_BATCH_EVENTS): number => Math.max(1, batchSize);

/**
 * Subscribes again, after the last event given, however a subscription ended. `storedAt` is made
 * never to fall: the clocks of a cluster's nodes differ, and another one may have become leader.
 */
async function* resumed(
  parts: LogParts,
  options: PullOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly RecordedEvent[]> {
  const isFinite = options.until !== null;
  let [cursor, storedAt, fruitless] = [options.after, '', 0];
  const isOver = (): boolean => parts.closing.aborted || signal?.aborted === true;
  while (!isOver()) {
    const current = pull(parts.connection.reading(), parts.names, { ...options, after: cursor });
    const stop = (): void => current.stop();
    const signals = [parts.closing, ...(signal ? [signal] : [])];
    for (const one of signals) one.addEventListener('abort', stop, { once: true });
    try {
      for (;;) {
        const batch = await nextOf(
          current,
          isFinite ? parts.stallMs : WATCH_STALLS * parts.stallMs,
          () => (isFinite ? Promise.resolve(true) : isMissed(parts, options, cursor)),
        );
        if (isOver()) return;
        fruitless = 0;
        const given = batch.map((event) => {
          if (event.storedAt < storedAt) return { ...event, storedAt };
          storedAt = event.storedAt;
          return event;
        });
        cursor = given.at(-1)?.position ?? cursor; // of the last event given
        yield given;
        if (isOver()) return;
      }
    } catch (error) {
      if (isOver()) return;
      if (!(error instanceof Ended)) throw error;
      fruitless += 1;
      const isRefused = failureOf(error.cause).kind === 'refused';
      if (isRefused || (isFinite && fruitless > MAX_FRUITLESS)) throw unavailable('read', error);
      await pause(RESUME_PAUSE_MS * Math.min(fruitless, 10));
    } finally {
      for (const one of signals) one.removeEventListener('abort', stop);
      stop();
    }
  }
}

/**
 * After silence, what has come is given and the subscription is over. A live one may rightly be
 * silent for days, so it looks whether there is anything that it should have been given.
 */
async function nextOf(
  current: Pull,
  silenceMs: number,
  isStalled: () => Promise<boolean>,
): Promise<readonly RecordedEvent[]> {
  const next = current.next();
  for (let lookedMs = 0; ;) {
    const leftMs = silenceMs - (Date.now() - Math.max(current.heardMs(), lookedMs));
    if (leftMs <= 0) {
      if (await isStalled()) {
        current.stop();
        return next;
      }
      lookedMs = Date.now();
      continue;
    }
    const given = await within(leftMs, next, () => new Silence()).catch((error: unknown) => {
      if (error instanceof Silence) return null; // perhaps it looked further, and nothing matched
      throw error;
    });
    if (given) return given;
  }
}

/** Looks each time only at what has come since it last looked (see `Gaps`). */
async function isMissed(
  parts: LogParts,
  { streamPrefixes }: PullOptions,
  cursor: Position,
): Promise<boolean> {
  const options = { after: cursor, streamPrefixes, batchSize: 1 };
  try {
    for await (const batch of readAll(parts, options)) return batch.length > 0;
  } catch {
    // Nor would it help to subscribe again.
  }
  return false;
}

class Silence extends Error {}

function aborted(...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal?.aborted) resolve();
      signal?.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}

/** Counts at most 10,000 events. */
export async function lagAfter(parts: LogParts, after: Position, nowMs: number): Promise<Lag> {
  let events = 0;
  let firstStoredMs = nowMs;
  for await (const batch of readAll(parts, { after })) {
    if (events === 0) firstStoredMs = Date.parse(batch[0]?.storedAt ?? '');
    events += batch.length;
    if (events >= MAX_LAG_EVENTS) break;
  }
  return { events, seconds: events === 0 ? 0 : Math.max(0, nowMs - firstStoredMs) / 1_000 };
}
