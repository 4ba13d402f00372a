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
export function pull(client: EventStoreDBClient, names: Names, options: PullOptions): Pull {
  const { after, streamPrefixes, alsoStreams = [] } = options;
  let heardMs = Date.now();
  const heard = (): void => void (heardMs = Date.now());
  const source = client.subscribeToAll({
    fromPosition: fromPosition(after) ?? FIRST,
    filter: names.filter(streamPrefixes && [...streamPrefixes, ...alsoStreams], heard),
    requiresLeader: true,
  });
  const inbox = createInbox(options, source);
  const isWanted = (stream: string): boolean =>
    !streamPrefixes ||
    alsoStreams.includes(stream) ||
    streamPrefixes.some((prefix) => stream.startsWith(prefix));

  source.on('data', ({ event }: AllStreamResolvedEvent) => {
    heard();
    const stream = event ? names.fromServer(event.streamId) : null;
    if (!event || stream === null || !isWanted(stream)) return;
    try {
      inbox.put(toRecorded(toKept(event), stream));
    } catch (error) {
      inbox.end('an event that cannot be read', error); // thrown here, it would end the process
    }
  });
  source.on('caughtUp', inbox.live);
  source.on('error', (error: Error) => inbox.end('error', error)); // stays, for what comes late
  source.on('end', () => inbox.end('end'));
  source.on('close', () => inbox.end('close'));
  return {
    heardMs: () => heardMs,
    next: () => {
      heard(); // what the consumer took its time for is no silence
      return inbox.next();
    },
    stop: () => {
      inbox.end('stopped');
      source.unsubscribe().catch(() => undefined); // the connection may have failed at once
    },
  };
}

type Inbox = {
  readonly put: (event: RecordedEvent) => void;
  readonly live: () => void;
  readonly end: (reason: string, cause?: unknown) => void;
  readonly next: () => Promise<readonly RecordedEvent[]>;
};

/** What came and was not taken yet: a batch and little more. */
function createInbox(
  { after, until, batchSize }: PullOptions,
  source: Pick<AllStreamSubscription, 'pause' | 'resume'>,
): Inbox {
  let waiting: RecordedEvent[] = [];
  let ended: Ended | null = null;
  let isLive = false;
  let wake: () => void = () => undefined;
  const isWhole = (): boolean =>
    ended !== null ||
    (isLive && until === null) ||
    waiting.length >= batchSize ||
    (until !== null && (waiting.at(-1)?.position ?? START) >= until);

  return {
    put: (event) => {
      // A server that counts the event at the position itself would give it twice.
      if (ended || event.position <= after) return;
      waiting.push(event);
      if (waiting.length >= batchSize) source.pause();
      wake();
    },
    live: () => {
      isLive = true;
      wake();
    },
    end: (reason, cause) => {
      ended ??= new Ended(reason, { cause });
      wake();
    },
    next: async () => {
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
  };
}

const lingered = (): Promise<boolean> =>
  new Promise((resolve) => void setTimeout(() => resolve(false), LINGER_MS));
