import {
  START as FIRST,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type EventStoreDBClient,
} from '@eventstore/db-client';
import { START, type Position, type RecordedEvent } from '../port.js';
import { fromPosition } from './position.js';
import type { Names } from './names.js';
import { toKept, toRecorded } from './read.js';

export type PullOptions = {
  readonly after: Position;
  readonly streamPrefixes?: readonly string[];
  /** Further streams, by their names: what they hold is given too. */
  readonly alsoStreams?: readonly string[];
  readonly batchSize: number;
  /** Where a read ends; null: never. */
  readonly until: Position | null;
};

/** One subscription on the server; it is over when `next` rejects or `stop` is called. */
export type Pull = {
  /** The next events, at least one. Rejects with Ended however the subscription ended. */
  readonly next: () => Promise<readonly RecordedEvent[]>;
  /** When the server last gave a sign, matching events or not. */
  readonly heardMs: () => number;
  readonly stop: () => void;
};

/**
 * How long a batch that is not full waits for more while the subscription catches up. A server
 * before 23.10 never says that it caught up, and each live batch waits so long.
 */
const LINGER_MS = 10;

/** A subscription ended: with `error`, with `end`, or just with `close`. */
export class Ended extends Error {}

/**
 * Events after a position in the log's order. Bounded: with a batch waiting, the stream is paused,
 * and the server with it. Of `checkpointReached` only that it comes is used, never its place: that
 * may be ahead of events that the consumer has not taken yet, and a reader that goes on after the
 * last event that it gave needs no other.
 */
export function pull(
  client: EventStoreDBClient,
  names: Names,
  { after, until, streamPrefixes, alsoStreams = [], batchSize }: PullOptions,
): Pull {
  const prefixes = streamPrefixes && [...streamPrefixes, ...alsoStreams];
  let heardMs = Date.now();
  const heard = (): void => void (heardMs = Date.now());
  const source = client.subscribeToAll({
    fromPosition: fromPosition(after) ?? FIRST,
    filter: names.filter(prefixes, heard),
    requiresLeader: true,
  });
  const isWanted = (stream: string): boolean =>
    !streamPrefixes ||
    alsoStreams.includes(stream) ||
    streamPrefixes.some((prefix) => stream.startsWith(prefix));
  let waiting: RecordedEvent[] = [];
  let ended: Ended | null = null;
  let isLive = false;
  let wake: () => void = () => undefined;
  const isWhole = (): boolean =>
    ended !== null ||
    (isLive && until === null) ||
    waiting.length >= batchSize ||
    (until !== null && (waiting.at(-1)?.position ?? START) >= until);

  const end = (reason: string, cause?: Error): void => {
    ended ??= new Ended(reason, { cause });
    wake();
  };
  source.on('data', ({ event }: AllStreamResolvedEvent) => {
    heard();
    const stream = event ? names.fromServer(event.streamId) : null;
    if (!event || stream === null || !isWanted(stream)) return;
    const recorded = toRecorded(toKept(event), stream);
    // From its place on means from the event itself on: it was given already.
    if (recorded.position <= after) return;
    waiting.push(recorded);
    if (waiting.length >= batchSize) source.pause();
    wake();
  });
  source.on('error', (error: Error) => end('error', error)); // stays, for what comes late
  source.on('caughtUp', () => {
    isLive = true;
    wake();
  });
  source.on('end', () => end('end'));
  source.on('close', () => end('close'));

  return {
    heardMs: () => heardMs,
    next: async () => {
      heard(); // what the consumer took its time for is no silence
      while (waiting.length === 0) {
        if (ended) throw ended;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      // Small batches cost their reader more: what is there already comes together.
      while (!isWhole()) {
        const woken = new Promise<boolean>((resolve) => (wake = () => resolve(true)));
        const isMore = until === null ? Promise.race([woken, lingered()]) : woken;
        if (!(await isMore)) break;
      }
      const batch = waiting.slice(0, batchSize);
      waiting = waiting.slice(batchSize);
      if (waiting.length === 0) source.resume();
      return batch;
    },
    stop: () => {
      end('stopped');
      release(source);
    },
  };
}

const lingered = (): Promise<boolean> =>
  new Promise((resolve) => void setTimeout(() => resolve(false), LINGER_MS));

function release(source: AllStreamSubscription): void {
  source.resume(); // a paused stream would hold what it has
  source.unsubscribe().catch(() => undefined); // the connection may have failed at once
}
