import { encodeAppend } from '../encode.js';
import { START, StoreUnavailable, type EventStore, type ReadStreamOptions } from '../port.js';
import type { Position, RecordedEvent } from '../port.js';
import { appendEvents, type AppendParts } from './append.js';
import { createClaims } from './claims.js';
import { createConnection, type Connection } from './connection.js';
import { createHeads, type Heads } from './head.js';
import { createTurns } from './limited.js';
import { createGaps, lagAfter, readAll, subscribe, type LogParts } from './log.js';
import { createLookup } from './lookup.js';
import { createNames, refuseHidden, type Names } from './names.js';
import { isPosition } from './position.js';
import { createReader, toRecorded, type Reader } from './read.js';
import { createWriter } from './write.js';

export type EventStoreDbOptions = {
  /** `esdb://…` of one node, `esdb+discover://…` of a cluster; with credentials, TLS and all. */
  readonly url: string;
  /** Before every stream name, for several logs on one server; default none. */
  readonly namespace?: string;
  /** How long an append or a read waits for the server before it asks again; default 5,000. */
  readonly answerMs?: number;
  /** How long an append whose outcome is unknown is asked again; default 20,000. */
  readonly retryMs?: number;
  /** From which age a claim whose event never came may be taken; default two minutes. */
  readonly abandonedAfterMs?: number;
};

const ANSWER_MS = 5_000;
const RETRY_MS = 20_000;
/** Appends are under way for a minute at the most; the other minute is for clocks that differ. */
const ABANDONED_AFTER_MS = 120_000;
const CLAIMED_FOR_MS = 30_000;
const STREAM_PAGE_EVENTS = 500;
const STREAMS_AT_ONCE = 16;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The event store on EventStoreDB (KurrentDB) from 22.10 on. Rejects with StoreUnavailable when
 * the server cannot be reached, with DomainError `configuration-invalid` for a URL that the client
 * cannot read.
 */
export async function openEventStoreDb(options: EventStoreDbOptions): Promise<EventStore> {
  const connection = createConnection(options.url);
  const stop = new AbortController();
  const { appends, log } = assemble(connection, options, stop.signal);
  const { names, reader, claims, lookup } = appends;
  const appender = createAppender(appends, log.heads);
  let closing: Promise<void> | null = null;
  const found = async (claim: string): Promise<RecordedEvent | null> => {
    const holder = await claims.holderOf(claim);
    return holder && lookup.one(holder.stream, holder.eventId, holder.at);
  };
  try {
    await log.heads.find();
  } catch (error) {
    await connection.close();
    throw error;
  }
  return {
    append: appender.append,
    readStream: (stream, range) => readStream(reader, names, stream, range),
    readStreams: (streams, range) => readStreams(reader, names, streams, range?.until),
    readAll: (range = {}) => readAll(log, range),
    subscribe: (range = {}) => subscribe(log, range),
    eventById: async (id) => (UUID.test(id) ? found(names.recordIdClaim(id)) : null),
    eventByCommandKey: (key) => found(names.commandKeyClaim(key)),
    head: async () => (await log.heads.find())?.position ?? START,
    lag: (after) => lagAfter(log, after, Date.now()),
    isPosition,
    close: () =>
      (closing ??= (async () => {
        stop.abort();
        await appender.close();
        await connection.close();
      })()),
  };
}

function assemble(
  connection: Connection,
  { namespace = '', answerMs = ANSWER_MS, retryMs = RETRY_MS, ...options }: EventStoreDbOptions,
  closing: AbortSignal,
): { readonly appends: AppendParts; readonly log: LogParts } {
  const names = createNames(namespace);
  const reader = createReader(connection, answerMs);
  const write = createWriter(connection, reader, { attemptMs: answerMs, budgetMs: retryMs });
  const heads = createHeads(reader, write, names);
  return {
    appends: {
      names,
      reader,
      write,
      claims: createClaims(reader, write),
      lookup: createLookup(reader, names),
      nowMs: Date.now,
      abandonedAfterMs: options.abandonedAfterMs ?? ABANDONED_AFTER_MS,
      waitMs: answerMs,
      claimedForMs: CLAIMED_FOR_MS,
    },
    log: { connection, names, heads, gaps: createGaps(), closing, stallMs: answerMs },
  };
}

type Appender = Pick<EventStore, 'append' | 'close'>;

function createAppender(parts: AppendParts, heads: Heads): Appender {
  const inTurn = createTurns();
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;
  return {
    append: async (stream, expected, events) => {
      const encoded = encodeAppend(stream, expected, events);
      refuseHidden(stream);
      if (isClosed) throw new StoreUnavailable('the event store is closed');
      const appended = inTurn(stream, async () => {
        await heads.begin();
        return appendEvents(parts, encoded);
      });
      underWay.add(appended);
      const done = (): boolean => underWay.delete(appended);
      appended.then(done, done);
      return appended;
    },
    close: async () => {
      isClosed = true;
      await Promise.allSettled(underWay);
    },
  };
}

async function* readStream(
  reader: Reader,
  names: Names,
  stream: string,
  { direction = 'forward', fromRevision, maxCount = Infinity }: ReadStreamOptions = {},
): AsyncGenerator<readonly RecordedEvent[]> {
  const isForward = direction === 'forward';
  let from: number | 'end' = fromRevision ?? (isForward ? 0 : 'end');
  for (let left = maxCount; left > 0;) {
    const size = Math.min(left, STREAM_PAGE_EVENTS);
    const direct = isForward ? 'forwards' : 'backwards';
    const page = await reader.page(names.onServer(stream), direct, from, size);
    const last = page.at(-1)?.revision;
    if (last === undefined) return;
    yield page.map((kept) => toRecorded(kept, stream));
    if (page.length < size || (!isForward && last === 0)) return;
    from = isForward ? last + 1 : last - 1;
    left -= page.length;
  }
}

async function* readStreams(
  reader: Reader,
  names: Names,
  streams: readonly string[],
  until: Position | undefined,
): AsyncGenerator<readonly RecordedEvent[]> {
  const wanted = [...new Set(streams)];
  const whole = async (stream: string): Promise<readonly RecordedEvent[]> => {
    const events: RecordedEvent[] = [];
    for await (const page of readStream(reader, names, stream)) {
      const within = page.filter(({ position }) => until === undefined || position <= until);
      events.push(...within);
      if (within.length < page.length) break;
    }
    return events;
  };
  for (let at = 0; at < wanted.length; at += STREAMS_AT_ONCE) {
    for (const events of await Promise.all(wanted.slice(at, at + STREAMS_AT_ONCE).map(whole))) {
      if (events.length > 0) yield events;
    }
  }
}
