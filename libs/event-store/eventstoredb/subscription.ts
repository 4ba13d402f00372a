import {
  START as FROM_START,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type EventStoreDBClient,
} from '@eventstore/db-client';
import type { Position, RecordedEvent } from '../port.js';
import { fromPosition } from './position.js';
import type { Names } from './names.js';
import { toKept, toRecorded } from './read.js';

export type PullOptions = {
  readonly after: Position;
  readonly streamPrefixes?: readonly string[];
  /** Further streams, by their names: what they hold is given too. */
  readonly alsoStreams?: readonly string[];
  readonly batchSize: number;
};

/** One subscription on the server; it is over when `next` rejects or `stop` is called. */
export type Pull = {
  /** The next events, at least one. Rejects with Ended however the subscription ended. */
  readonly next: () => Promise<readonly RecordedEvent[]>;
  readonly stop: () => void;
};

/** A subscription ended: with `error`, with `end`, or just with `close`. */
export class Ended extends Error {}

/**
 * Events after a position in the log's order. Bounded: with a batch waiting, the stream is paused,
 * and the server with it. `checkpointReached` is not used: it may tell of a place ahead of events
 * that the consumer has not taken yet, and a reader that goes on after the last event that it
 * gave needs no other place.
 */
export function pull(
  client: EventStoreDBClient,
  names: Names,
  { after, streamPrefixes, alsoStreams = [], batchSize }: PullOptions,
): Pull {
  const prefixes = streamPrefixes && [...streamPrefixes, ...alsoStreams];
  const source = client.subscribeToAll({
    fromPosition: fromPosition(after) ?? FROM_START,
    filter: names.filter(prefixes),
    requiresLeader: true,
  });
  const isWanted = (stream: string): boolean =>
    !streamPrefixes ||
    alsoStreams.includes(stream) ||
    streamPrefixes.some((prefix) => stream.startsWith(prefix));
  let waiting: RecordedEvent[] = [];
  let ended: Ended | null = null;
  let wake: () => void = () => undefined;

  const end = (reason: string, cause?: Error): void => {
    ended ??= new Ended(reason, { cause });
    wake();
  };
  source.on('data', ({ event }: AllStreamResolvedEvent) => {
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
  source.on('end', () => end('end'));
  source.on('close', () => end('close'));

  return {
    next: async () => {
      while (waiting.length === 0) {
        if (ended) throw ended;
        await new Promise<void>((resolve) => (wake = resolve));
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

function release(source: AllStreamSubscription): void {
  source.resume(); // a paused stream would hold what it has
  source.unsubscribe().catch(() => undefined); // the connection may have failed at once
}
