import { encodeAppend } from '../encode.js';
import { StoreUnavailable, type EventStore, type ReadStreamOptions } from '../port.js';
import type { Position, RecordedEvent } from '../port.js';
import { appendEvents, type AppendParts } from './append.js';
import { createClaims } from './claims.js';
import { createConnection } from './connection.js';
import { createTurns } from './limited.js';
import { headOf, lagAfter, readAll, subscribe, type LogParts } from './log.js';
import { createLookup } from './lookup.js';
import { createNames, refuseHidden, type Names } from './names.js';
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
 * the server cannot be reached, with TypeError for a URL that the client cannot read.
 */
export async function openEventStoreDb(options: EventStoreDbOptions): Promise<EventStore> {
  const answerMs = options.answerMs ?? ANSWER_MS;
  const connection = createConnection(options.url);
  const names = createNames(options.namespace ?? '');
  const reader = createReader(connection, answerMs);
  const limits = { attemptMs: answerMs, budgetMs: options.retryMs ?? RETRY_MS };
  const write = createWriter(connection, reader, limits);
  const claims = createClaims(reader, write);
  const lookup = createLookup(reader, names);
  const stop = new AbortController();
  const appendParts: AppendParts = {
    ...{ names, reader, write, claims, lookup, nowMs: Date.now, claimedForMs: CLAIMED_FOR_MS },
    abandonedAfterMs: options.abandonedAfterMs ?? ABANDONED_AFTER_MS,
  };
  const log: LogParts = {
    ...{ connection, names, reader, closing: stop.signal, stallMs: answerMs },
  };
  const inTurn = createTurns();
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;
  const found = async (claim: string): Promise<RecordedEvent | null> => {
    const holder = await claims.holderOf(claim);
    return holder && lookup.one(holder.stream, holder.eventId, holder.at);
  };
  try {
    await headOf(log);
  } catch (error) {
    await connection.close();
    throw error;
  }

  return {
    append: async (stream, expected, events) => {
      const encoded = encodeAppend(stream, expected, events);
      refuseHidden(stream);
      if (closing) throw new StoreUnavailable('the event store is closed');
      const appended = inTurn(stream, () => appendEvents(appendParts, encoded));
      underWay.add(appended);
      const done = (): boolean => underWay.delete(appended);
      appended.then(done, done);
      return appended;
    },
    readStream: (stream, range) => readStream(reader, names, stream, range),
    readStreams: (streams, range) => readStreams(reader, names, streams, range?.until),
    readAll: (range = {}) => readAll(log, range),
    subscribe: (range = {}) => subscribe(log, range),
    eventById: async (id) => (UUID.test(id) ? found(names.recordIdClaim(id)) : null),
    eventByCommandKey: (key) => found(names.commandKeyClaim(key)),
    head: async () => (await headOf(log))?.position ?? '',
    lag: (after) => lagAfter(log, after, Date.now()),
    close: () =>
      (closing ??= (async () => {
        stop.abort();
        await Promise.allSettled(underWay);
        await connection.close();
      })()),
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
