import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate as yieldToOthers, setTimeout as wait } from 'node:timers/promises';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ServerWritableStream, status as grpcStatus } from '@grpc/grpc-js';
import type { ActiveFault, FaultBoard, ReadFaultRule } from './faults.js';
import type { LogRecord, ServerLog } from './log.js';
import {
  callError,
  caughtUp,
  checkpoint,
  confirmation,
  eventResponse,
  fellBehind,
  streamNameOf,
  streamNotFound,
} from './messages.js';

type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

export type ReadCounts = { sentEvents: number; openReads: number };

export type ReadContext = {
  readonly log: ServerLog;
  readonly faults: FaultBoard;
  readonly counts: ReadCounts;
};

/** As the server's page: so many events are looked at between two checkpoints, times a factor. */
const DEFAULT_SEARCH_WINDOW = 32;
/** As many as the server holds for a live subscription before it says that it fell behind. */
const LIVE_BUFFER_EVENTS = 32;

/** Ends the call without an answer: the fault said so. */
const ENDED = Symbol('ended by a fault');

export async function serveRead(call: ReadCall, context: ReadContext): Promise<void> {
  const aborter = new AbortController();
  const abort = (): void => aborter.abort();
  call.on('cancelled', abort);
  call.on('close', abort);
  context.counts.openReads += 1;
  const reading = new Reading(call, context, aborter.signal);
  try {
    const options = call.request.getOptions();
    if (options === undefined) throw callError(grpcStatus.INVALID_ARGUMENT, 'no options');
    if (options.hasSubscription()) await subscribe(reading, options);
    else await readOnce(reading, options);
    call.end();
  } catch (error) {
    if (error === ENDED) call.end();
    else if (!aborter.signal.aborted) call.emit('error', error);
  } finally {
    context.counts.openReads -= 1;
  }
}

type Options = InstanceType<typeof streams.ReadReq.Options>;

/** One call: sends, waits for a slow reader and lets the faults strike. */
class Reading {
  readonly log: ServerLog;
  private fault: ActiveFault<ReadFaultRule> | null = null;
  private faultsSeen = -1;
  private events = 0; // since the fault is known

  constructor(
    private readonly call: ReadCall,
    private readonly context: ReadContext,
    readonly signal: AbortSignal,
  ) {
    this.log = context.log;
  }

  get isOver(): boolean {
    return this.signal.aborted;
  }

  async send(response: ReadResp): Promise<void> {
    if (this.isOver || this.call.write(response)) return;
    // The reader's window is full: nothing more is made until it has taken some.
    await once(this.call, 'drain', { signal: this.signal }).catch(() => undefined);
  }

  async sendEvent(record: LogRecord, stream: string): Promise<void> {
    const { faults, counts } = this.context;
    await this.strike(stream, record);
    if (faults.slowReadsMs > 0) await this.pause(faults.slowReadsMs);
    if (this.isOver) return;
    await this.send(eventResponse(record));
    this.events += 1;
    counts.sentEvents += 1;
  }

  /** Also called where there is no event to send: a fault after none of them strikes there. */
  async strike(stream: string, next: LogRecord | null = null): Promise<void> {
    const { faults } = this.context;
    if (this.fault === null && this.faultsSeen !== faults.version()) {
      this.faultsSeen = faults.version();
      this.fault = faults.forRead(stream);
      this.events = 0;
    }
    const fault = this.fault;
    if (fault === null || this.events < (fault.rule.afterEvents ?? 0)) return;
    if (next === null && fault.rule.kind === 'checkpoint-ahead') return;
    this.fault = null;
    await this.suffer(fault, next);
  }

  /** Until the log is longer than that, a fault is armed or the call is over. */
  async news(recordCount: number): Promise<void> {
    const { faults } = this.context;
    const turn = new AbortController();
    const signal = AbortSignal.any([this.signal, turn.signal]);
    // One that waits for its events comes first: what is armed meanwhile is no news yet.
    const known = this.fault === null ? this.faultsSeen : faults.version();
    await Promise.race([this.log.beyond(recordCount, signal), faults.armedAfter(known, signal)]);
    turn.abort();
  }

  private async suffer(
    { rule, released }: ActiveFault<ReadFaultRule>,
    next: LogRecord | null,
  ): Promise<void> {
    switch (rule.kind) {
      case 'end-read':
        throw ENDED;
      case 'break-read':
        throw callError(rule.code ?? grpcStatus.UNAVAILABLE, 'broken by the double');
      case 'stall-read':
        return Promise.race([
          released,
          new Promise<void>(
            (resolve) => void this.signal.addEventListener('abort', () => resolve()),
          ),
        ]);
      case 'fall-behind':
        await this.send(fellBehind());
        return this.send(caughtUp());
      case 'checkpoint-ahead': {
        const { records, indexAt } = this.log;
        const from = next === null ? records.length : indexAt(next.position);
        const ahead = records[Math.min(from + (rule.ahead ?? 1), records.length - 1)];
        return ahead === undefined ? undefined : this.send(checkpoint(ahead.position));
      }
    }
  }

  private async pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.signal }).catch(() => undefined);
  }
}

async function readOnce(reading: Reading, options: Options): Promise<void> {
  const count = BigInt(options.getCount());
  const backwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;
  const name = options.getStream() === undefined ? '$all' : streamOf(options);
  const records = recordsToRead(reading.log, options, backwards);
  if (records === null) {
    await reading.send(streamNotFound(name));
    return;
  }
  const step = backwards ? -1 : 1;
  let left = count;
  for (let index = records.from; left > 0n; index += step) {
    const record = records.all[index];
    if (record === undefined || (records.until !== null && index >= records.until)) break;
    if (reading.isOver) return;
    await reading.sendEvent(record, name);
    left -= 1n;
  }
  await reading.strike(name);
}

const streamOf = (options: Options): string =>
  streamNameOf(options.getStream()?.getStreamIdentifier());

type RecordsToRead = {
  readonly all: readonly LogRecord[];
  readonly from: number;
  /** A read of everything forwards ends where the log ended when it began. */
  readonly until: number | null;
};

function recordsToRead(log: ServerLog, options: Options, backwards: boolean): RecordsToRead | null {
  const stream = options.getStream();
  if (stream !== undefined) {
    const all = log.stream(streamOf(options));
    if (all.length === 0) return null;
    return { all, from: streamIndex(stream, all.length, backwards), until: null };
  }
  const all = log.records;
  return { all, from: allIndex(log, options, backwards), until: backwards ? null : all.length };
}

type StreamOptions = InstanceType<typeof streams.ReadReq.Options.StreamOptions>;

function streamIndex(stream: StreamOptions, length: number, backwards: boolean): number {
  if (stream.hasEnd()) return backwards ? length - 1 : length;
  if (!stream.hasRevision()) return 0;
  const revision = BigInt(stream.getRevision());
  const asIndex = revision > BigInt(length) ? length : Number(revision);
  return backwards ? Math.min(asIndex, length - 1) : asIndex;
}

/** Forwards the position is included; backwards it is not: there it is the place behind. */
function allIndex(log: ServerLog, options: Options, backwards: boolean): number {
  const all = options.getAll();
  const end = log.records.length;
  if (all?.hasEnd() === true) return backwards ? end - 1 : end;
  const position = all?.getPosition();
  if (position === undefined) return backwards ? -1 : 0;
  const index = log.indexAt(positionIn(log, position));
  return backwards ? index - 1 : index;
}

type GrpcPosition = InstanceType<typeof streams.ReadReq.Options.Position>;

/**
 * A position has to be the place of an event or the end of the log: the server reads its file
 * there and refuses what is in the middle of a record. A position that lost its last digits as a
 * number ends here.
 */
function positionIn(log: ServerLog, grpc: GrpcPosition): bigint {
  const commit = BigInt(grpc.getCommitPosition());
  const prepare = BigInt(grpc.getPreparePosition());
  if (commit === 0n && prepare === 0n) return 0n;
  const index = log.indexAt(commit);
  const place = log.records[index]?.position ?? log.end();
  if (place !== commit || prepare !== commit) {
    throw callError(grpcStatus.UNKNOWN, `Unexpected ReadAllResult: InvalidPosition ${commit}`);
  }
  return commit;
}

async function subscribe(reading: Reading, options: Options): Promise<void> {
  await reading.send(confirmation(randomUUID()));
  if (options.getStream() === undefined) await subscribeToAll(reading, options);
  else await subscribeToStream(reading, options);
}

async function subscribeToStream(reading: Reading, options: Options): Promise<void> {
  const { log } = reading;
  const name = streamOf(options);
  const stream = options.getStream();
  let index = log.stream(name).length;
  if (stream?.hasStart() === true) index = 0;
  else if (stream?.hasRevision() === true) index = Number(stream.getRevision()) + 1;
  let live = false;
  while (!reading.isOver) {
    const seen = log.records.length;
    const record = log.stream(name)[index];
    if (record !== undefined) {
      await reading.sendEvent(record, name);
      index += 1;
      continue;
    }
    if (!live) await reading.send(caughtUp());
    live = true;
    await reading.strike(name);
    await reading.news(seen);
  }
}

async function subscribeToAll(reading: Reading, options: Options): Promise<void> {
  const { log } = reading;
  const { matches, checkpointEvery } = filterOf(options);
  let index = subscriptionIndex(log, options);
  let considered = 0;
  let live = false;
  while (!reading.isOver) {
    const record = log.records[index];
    if (record === undefined) {
      if (!live) await reading.send(caughtUp());
      live = true;
      await reading.strike('$all');
      await reading.news(index);
      continue;
    }
    if (live && log.records.length - index > LIVE_BUFFER_EVENTS) {
      live = false;
      await reading.send(fellBehind());
    }
    if (matches(record)) await reading.sendEvent(record, '$all');
    index += 1;
    considered += 1;
    if (checkpointEvery !== null && considered % checkpointEvery === 0) {
      await reading.send(checkpoint(record.position));
    }
    // A long way without a match must not keep the other calls waiting.
    if (considered % 1_024 === 0) await yieldToOthers();
  }
}

/** The server reads one event at the position given and goes on behind it. */
function subscriptionIndex(log: ServerLog, options: Options): number {
  const all = options.getAll();
  if (all?.hasEnd() === true) return log.records.length;
  const position = all?.getPosition();
  if (position === undefined) return 0;
  const place = positionIn(log, position);
  return place === 0n ? 0 : Math.min(log.indexAt(place) + 1, log.records.length);
}

type Filter = {
  readonly matches: (record: LogRecord) => boolean;
  readonly checkpointEvery: number | null;
};

function filterOf(options: Options): Filter {
  const filter = options.getFilter();
  if (filter === undefined) return { matches: () => true, checkpointEvery: null };
  const onStream = filter.getStreamIdentifier();
  const expression = onStream ?? filter.getEventType();
  if (expression === undefined) throw callError(grpcStatus.INVALID_ARGUMENT, 'an empty filter');
  const textOf = (record: LogRecord): string =>
    onStream === undefined ? record.type : record.stream;
  const prefixes = expression.getPrefixList();
  const regex = expression.getRegex() === '' ? null : new RegExp(expression.getRegex());
  const window = filter.hasMax() ? filter.getMax() : DEFAULT_SEARCH_WINDOW;
  return {
    matches: (record) =>
      regex === null
        ? prefixes.some((prefix) => textOf(record).startsWith(prefix))
        : regex.test(textOf(record)),
    checkpointEvery: Math.max(1, window * filter.getCheckpointintervalmultiplier()),
  };
}
