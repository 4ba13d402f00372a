import type { FastifyReply, FastifyRequest } from 'fastify';
import { decodeJwt } from 'jose';
import type { Position } from '#event-store';
import type { Caller } from '#platform';
import {
  type BoardChange,
  type BoardId,
  type BoardLine,
  type BoardState,
  type BoardWatch,
  changeBetween,
  createLiveBoards,
  isSameLine,
  type LiveBoards,
} from '#read-models/leaderboards';
import { employmentOf } from '#read-models/organisation';
import { malformed } from '../../as-of.js';
import type { ApiSystem } from '../../dependencies.js';
import type { OpenStreams } from '../../open-streams.js';
import { problem, ProblemException } from '../../problem.js';
import { AFTER_WAIT_MS } from '../../read-query.js';
import { type BoardSight, boardSight } from '../../sight.js';
import type { BoardStreamQuery } from './queries.js';

/** What live boards cost: a connection and some buffers each. */
const MAX_STREAMS = 2_000;
const MAX_STREAMS_OF_CALLER = 8;
const HEARTBEAT_MS = 15_000;
const MAX_TIMER_MS = 2 ** 31 - 1;
const RETRY_AFTER_SECONDS = 5;
const EVENT_STREAM = 'text/event-stream; charset=utf-8';
const LAST_EVENT_ID = /^[0-9A-Za-z._/-]{1,64}$/;

type Reader = {
  readonly caller: Caller;
  readonly reply: FastifyReply;
  readonly sight: BoardSight;
  readonly ownId: string | null;
  readonly watch: BoardWatch;
  /** What the client has seen; null: nothing yet. */
  seen: { position: Position; top: readonly BoardLine[]; own: BoardLine | null } | null;
  /** The client's buffer is full: nothing is written, and the newest state waits for it. */
  isBlocked: boolean;
  end: (reason: string) => void;
};

export type BoardStreams = {
  /** Answers one request; the connection stays until either side ends it. */
  readonly open: (
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller,
    params: BoardStreamQuery,
  ) => Promise<void>;
  readonly close: () => void;
};

/** Live boards as Server-Sent Events. */
export function createBoardStreams(system: ApiSystem, streams: OpenStreams): BoardStreams {
  const boards = createLiveBoards(system.projections);
  const countByCaller = new Map<string, number>();
  const count = (id: string, by: 1 | -1): void => {
    const left = (countByCaller.get(id) ?? 0) + by;
    if (left > 0) countByCaller.set(id, left);
    else countByCaller.delete(id);
  };
  return {
    async open(request, reply, caller, params) {
      if (request.method === 'HEAD') {
        void reply.header('content-type', EVENT_STREAM).send();
        return;
      }
      refuseTooMany(streams.count, countByCaller.get(caller.id) ?? 0);
      const lastEventId = lastEventIdOf(request);
      const { after } = params;
      if (after !== undefined) await system.projections.waitFor(['scores'], after, AFTER_WAIT_MS);
      const org = await system.engine.organisation.current();
      const isOnBoards = employmentOf(org, caller.id) !== null;
      const sight = boardSight(org, caller, params.unitId);
      count(caller.id, 1);
      const ends = startReader(boards, {
        caller,
        request,
        reply,
        params,
        sight,
        ownId: isOnBoards ? caller.id : null,
        lastEventId,
        isStillAllowed: async () => {
          const now = await system.engine.organisation.current();
          return boardSight(now, caller, params.unitId) === sight;
        },
      });
      const forget = streams.add(() => ends.end('server-stopping'));
      await ends.closed;
      forget();
      count(caller.id, -1);
    },
    close: () => boards.close(),
  };
}

function refuseTooMany(all: number, own: number): void {
  const retry = { retryAfterSeconds: RETRY_AFTER_SECONDS };
  if (own >= MAX_STREAMS_OF_CALLER) {
    throw new ProblemException(problem(429, 'too-many-streams', retry));
  }
  if (all >= MAX_STREAMS) throw new ProblemException(problem(503, 'too-many-streams', retry));
}

function lastEventIdOf({ headers }: FastifyRequest): Position | null {
  const value = headers['last-event-id'];
  if (value === undefined || value === '') return null;
  if (typeof value === 'string' && LAST_EVENT_ID.test(value)) return value;
  throw malformed(['last-event-id'], 'must be the id of an event of this stream');
}

type Opening = {
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly params: BoardStreamQuery;
  readonly sight: BoardSight;
  readonly ownId: string | null;
  readonly lastEventId: Position | null;
  readonly isStillAllowed: () => Promise<boolean>;
};

function startReader(
  boards: LiveBoards,
  opening: Opening,
): { readonly end: (reason: string) => void; readonly closed: Promise<void> } {
  const { request, reply, params, sight, ownId, lastEventId, caller } = opening;
  const { raw } = reply;
  writeHead(reply);
  let pump = (): void => undefined;
  const watch = boards.watch(params, params.limit, ownId, () => pump());
  let isEnded = false;
  const closed = new Promise<void>((resolve) => raw.once('close', resolve));
  const end = (reason: string): void => {
    if (isEnded) return;
    isEnded = true;
    watch.leave();
    clearInterval(heartbeat);
    clearTimeout(expiry);
    raw.end(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`);
    // A client that does not take the last bytes is not waited for.
    setTimeout(() => raw.destroy(), END_LIMIT_MS).unref();
  };
  const reader: Reader = {
    caller,
    reply,
    sight,
    ownId,
    watch,
    seen: null,
    isBlocked: false,
    end,
  };
  pump = () => {
    if (!isEnded) pumpTo(reader, params, lastEventId);
  };
  raw.on('drain', () => {
    reader.isBlocked = false;
    pump();
  });
  raw.on('error', () => undefined); // `close` follows
  raw.once('close', () => {
    isEnded = true;
    watch.leave();
    clearInterval(heartbeat);
    clearTimeout(expiry);
  });
  const heartbeat = setInterval(() => {
    if (!reader.isBlocked) raw.write(': heartbeat\n\n');
    opening.isStillAllowed().then(
      (isAllowed) => void (isAllowed || end('authority-changed')),
      () => end('authority-changed'),
    );
  }, HEARTBEAT_MS);
  const expiry = setTimeout(() => end('token-expired'), lifetimeMs(request));
  pump();
  return { end, closed };
}

const END_LIMIT_MS = 1_000;

/** Fastify's own answer is not used from here on; what its hooks have set of headers is. */
function writeHead(reply: FastifyReply): void {
  const headers = reply.getHeaders();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(headers as Record<string, string>),
    'content-type': EVENT_STREAM,
    'x-accel-buffering': 'no',
  });
  reply.raw.flushHeaders();
}

/** Until the token ends; its signature has been checked already. */
function lifetimeMs({ headers: { authorization = '' } }: FastifyRequest): number {
  const { exp = 0 } = decodeJwt(authorization.slice('Bearer '.length));
  return Math.min(MAX_TIMER_MS, Math.max(0, exp * 1000 - Date.now()));
}

/** Brings the client from what it has seen to the newest state, in one event. */
function pumpTo(reader: Reader, params: BoardStreamQuery, lastEventId: Position | null): void {
  if (reader.isBlocked) return;
  const state = reader.watch.state();
  // The board may have been read for others before it had reached what this client has written.
  if (!state || (!reader.seen && state.position < (params.after ?? ''))) return;
  const top = shownTop(reader, state);
  const own = reader.ownId === null ? null : (state.places.get(reader.ownId) ?? null);
  const { seen } = reader;
  reader.seen = { position: state.position, top, own };
  const text = seen
    ? continued(seen, reader.seen)
    : (resumed(reader, lastEventId, reader.seen) ??
      eventText('snapshot', state.position, {
        position: state.position,
        ...boardOf(params),
        limit: params.limit,
        lines: top,
        own,
      }));
  if (text !== null && !reader.reply.raw.write(text)) reader.isBlocked = true;
}

/** Who sees published boards alone sees only the own place before. */
function shownTop({ sight }: Reader, { lines }: BoardState): readonly BoardLine[] {
  return sight === 'published' && lines[0]?.provisional ? NO_LINES : lines;
}

const NO_LINES: readonly BoardLine[] = [];

type Seen = NonNullable<Reader['seen']>;

function continued(seen: Seen, now: Seen): string | null {
  const change = changeBetween(seen.top, now.top);
  const isOwnMoved = !isSameLine(seen.own, now.own);
  if (!change && !isOwnMoved) return null;
  return changesText(now, change, isOwnMoved);
}

/** Null: what the client had seen is not kept here; it gets a snapshot. */
function resumed(reader: Reader, lastEventId: Position | null, now: Seen): string | null {
  const known = lastEventId === null ? null : reader.watch.topAt(lastEventId);
  if (known === null) return null;
  const before = shownTop(reader, { position: '', lines: known, places: new Map() });
  // Its own place then is not kept: it is said again.
  return changesText(now, changeBetween(before, now.top), reader.ownId !== null);
}

function changesText({ position, top, own }: Seen, change: BoardChange | null, withOwn: boolean) {
  const { length, places } = change ?? { length: top.length, places: NO_LINES };
  return eventText('changes', position, { position, length, places, ...(withOwn ? { own } : {}) });
}

const boardOf = ({ period, unitId, schemeId }: BoardId): BoardId => ({ period, unitId, schemeId });

const eventText = (name: string, id: Position, data: object): string =>
  `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
