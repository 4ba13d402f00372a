import {
  BACKWARDS,
  END,
  FORWARDS,
  type AllStreamResolvedEvent,
  type EventStoreDBClient,
  type RecordedEvent as ServerEvent,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import { StoreUnavailable, type Metadata, type Position, type RecordedEvent } from '../port.js';
import type { Connection } from './connection.js';
import { failureOf, unavailable } from './errors.js';
import { pause } from './limited.js';
import { fromPosition, toPosition } from './position.js';

/** An event as the server keeps it, under its name there. */
export type Kept = Omit<RecordedEvent, 'stream' | 'metadata'> & {
  readonly name: string;
  readonly metadata: unknown;
  readonly createdMs: number;
};

export type Reader = {
  /** At most `maxCount` events from a revision, or from the last one; none: no such stream. */
  readonly page: (
    name: string,
    direction: 'forwards' | 'backwards',
    from: number | 'end',
    maxCount: number,
  ) => Promise<readonly Kept[]>;
  /** The log backwards, hidden streams and all, from before a position or from its end. */
  readonly logBackwards: (before: Position | 'end', maxCount: number) => Promise<readonly Kept[]>;
};

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 50;

/** `stallMs`: the client waits for ever for what a read gives next; this adapter so long. */
export function createReader(connection: Connection, stallMs: number): Reader {
  const read = <Resolved extends Readable>(
    open: (client: EventStoreDBClient) => StreamingRead<Resolved>,
  ): Promise<readonly Kept[]> =>
    retried(connection, async () => {
      const page = await everything(open(connection.reading()), stallMs);
      return page
        .map(({ event }) => event)
        .filter(isPresent)
        .map(toKept);
    });
  return {
    page: (name, direction, from, maxCount) =>
      read((client) =>
        client.readStream(name, {
          direction: direction === 'forwards' ? FORWARDS : BACKWARDS,
          fromRevision: from === 'end' ? END : BigInt(from),
          maxCount,
          requiresLeader: true, // what a finished append holds is found
        }),
      ),
    logBackwards: (before, maxCount) =>
      read((client) =>
        client.readAll({
          direction: BACKWARDS,
          fromPosition: before === 'end' ? END : (fromPosition(before) ?? END),
          maxCount,
          requiresLeader: true,
        }),
      ),
  };
}

type Readable = ResolvedEvent | AllStreamResolvedEvent;

const isPresent = <T>(value: T | undefined): value is T => value !== undefined;

export function toKept(event: ServerEvent): Kept {
  if (!event.position) {
    throw new Error('the event store is too old: it tells no positions within a stream');
  }
  return {
    id: event.id,
    type: event.type,
    data: event.data as object,
    metadata: event.metadata,
    name: event.streamId,
    revision: Number(event.revision),
    position: toPosition(event.position),
    storedAt: event.created.toISOString().replace('Z', '000Z'), // the client cuts it to ms
    createdMs: event.created.getTime(),
  };
}

export function toRecorded(kept: Kept, stream: string): RecordedEvent {
  const { id, type, data, revision, position, storedAt } = kept;
  const metadata = kept.metadata as Metadata;
  return { id, type, data, metadata, stream, revision, position, storedAt };
}

/** A read ends with `end`, with an `error`, or just closed: only the first means everything. */
function everything<Resolved>(
  source: StreamingRead<Resolved>,
  stallMs: number,
): Promise<readonly Resolved[]> {
  return new Promise((resolve, reject) => {
    const events: Resolved[] = [];
    const stalled = (): void => fail(new Error('no answer in time'));
    let timer = setTimeout(stalled, stallMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      source.cancel().catch(() => undefined);
      reject(error);
    };
    source.on('data', (event: Resolved) => {
      clearTimeout(timer);
      timer = setTimeout(stalled, stallMs);
      events.push(event);
    });
    source.on('end', () => {
      clearTimeout(timer);
      resolve(events);
    });
    source.on('error', fail); // stays: a late error that nobody hears would end the process
    source.on('close', () => fail(new Error('closed before its end')));
  });
}

async function retried(
  connection: Connection,
  read: () => Promise<readonly Kept[]>,
): Promise<readonly Kept[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      const failure = failureOf(error);
      if (failure.kind === 'no-stream') return [];
      if (failure.kind !== 'unknown' || attempt === ATTEMPTS || connection.isClosed()) {
        throw unavailable('read', error);
      }
      await pause(FIRST_PAUSE_MS * 2 ** attempt);
    }
  }
}
