import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';

/** An event as the imitated server keeps it. Commit and prepare position are the same, as there. */
export type LogRecord = {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly createdTicks: bigint; // 100 ns since 1970
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
};

export type ProposedEvent = Pick<LogRecord, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>;

export type Expected = 'any' | 'no_stream' | 'stream_exists' | bigint;

/** `current` is null when the stream does not exist. */
export type AppendOutcome =
  | { readonly kind: 'success'; readonly revision: number; readonly position: bigint }
  | { readonly kind: 'wrong-revision'; readonly current: number | null };

export type ServerLog = {
  readonly records: readonly LogRecord[];
  /** Where the next event will begin. */
  readonly end: () => bigint;
  readonly stream: (name: string) => readonly LogRecord[];
  readonly append: (
    stream: string,
    expected: Expected,
    events: readonly ProposedEvent[],
  ) => AppendOutcome;
  /** Index of the first record that begins at or behind the position. */
  readonly indexAt: (position: bigint) => number;
  /** Resolves when there are more than `count` records or the signal is aborted. */
  readonly beyond: (count: number, signal: AbortSignal) => Promise<void>;
  /** What a server process forgets when it ends; what is in the file is read again. */
  readonly restart: () => void;
  readonly close: () => void;
};

/** Before every record: a header as in the server's files, so that positions have gaps. */
const RECORD_HEADER_BYTES = 96;
const TICKS_PER_MS = 10_000n;

/**
 * A new server's log is not empty: it writes about itself first. Readers that forget to leave
 * system events out meet these.
 */
const SYSTEM_EVENTS: readonly { readonly stream: string; readonly type: string }[] = [
  { stream: '$user-admin', type: '$UserCreated' },
  { stream: '$users', type: '$User' },
  { stream: '$scavenges', type: '$scavengeIndexInitialized' },
];

type State = {
  readonly records: LogRecord[];
  readonly streams: Map<string, LogRecord[]>;
  /** The server's memory of ids for appends without a revision: gone when it restarts. */
  readonly recentIds: Map<string, LogRecord>;
  readonly waiting: Set<() => void>;
  end: bigint;
  lastTicks: bigint;
};

export type LogOptions = {
  /** Where the state is kept; without it, in memory. */
  readonly file?: string;
  /** Where an empty log begins. Above 2^53 by default: one made a number is wrong at once. */
  readonly firstPosition?: bigint;
};

export const FIRST_POSITION = 2n ** 53n + 1n;

export function openServerLog({ file, firstPosition = FIRST_POSITION }: LogOptions): ServerLog {
  const state: State = {
    records: [],
    streams: new Map(),
    recentIds: new Map(),
    waiting: new Set(),
    end: firstPosition,
    lastTicks: 0n,
  };
  let descriptor: number | null = null;
  const keep = (records: readonly LogRecord[]): void => {
    if (descriptor === null) return;
    // One write an append: an append is in the file whole or, cut off by a kill, not at all.
    writeSync(descriptor, `${JSON.stringify(records.map(toText))}\n`);
  };
  const load = (): void => {
    if (file === undefined) return;
    for (const record of readRecords(file)) add(state, record);
    descriptor = openSync(file, 'a');
  };
  const close = (): void => {
    if (descriptor !== null) closeSync(descriptor);
    descriptor = null;
  };
  load();
  if (state.records.length === 0) {
    for (const { stream, type } of SYSTEM_EVENTS) keep(record(state, stream, [systemEvent(type)]));
  }
  return {
    records: state.records,
    end: () => state.end,
    stream: (name) => state.streams.get(name) ?? [],
    append: (stream, expected, events) => {
      const outcome = decide(state, stream, expected, events);
      if (outcome !== 'append') return outcome;
      const records = record(state, stream, events);
      keep(records);
      for (const wake of state.waiting) wake();
      const last = records.at(-1);
      if (last === undefined) throw new Error('an append without events');
      return { kind: 'success', revision: last.revision, position: last.position };
    },
    indexAt: (position) => indexAt(state.records, position),
    beyond: (count, signal) => beyond(state, count, signal),
    restart: () => {
      close();
      state.recentIds.clear();
      if (file === undefined) return;
      state.records.length = 0;
      state.streams.clear();
      state.end = firstPosition;
      load();
    },
    close,
  };
}

/**
 * The server's rule (IndexWriter.CheckCommit). With an exact revision or `no_stream`, a repeat is
 * told by the ids that stand right behind that revision, for ever. With `any` and `stream_exists`
 * it is told by the server's memory of recent ids only, and ids of which the server knows some
 * and not others are refused like a wrong revision.
 */
function decide(
  state: State,
  stream: string,
  expected: Expected,
  events: readonly ProposedEvent[],
): AppendOutcome | 'append' {
  const present = state.streams.get(stream) ?? [];
  const current = present.length - 1;
  const refused: AppendOutcome = {
    kind: 'wrong-revision',
    current: current < 0 ? null : current,
  };
  if (expected === 'stream_exists' && current < 0) return refused;
  if (expected === 'any' || expected === 'stream_exists') {
    const known = events.map(({ id }) => {
      const found = state.recentIds.get(id);
      return found?.stream === stream ? found : null;
    });
    if ((known[0] ?? null) === null) return 'append';
    const last = known.at(-1) ?? null;
    return last === null || known.includes(null) ? refused : success(last);
  }
  const wanted = expected === 'no_stream' ? -1 : Number(expected);
  if (wanted > current) return refused;
  if (wanted === current) return 'append';
  const stored = present.slice(wanted + 1, wanted + 1 + events.length);
  const isRepeat = events.length > 0 && events.every(({ id }, offset) => stored[offset]?.id === id);
  const last = stored.at(-1);
  return isRepeat && last !== undefined ? success(last) : refused;
}

const success = ({ revision, position }: LogRecord): AppendOutcome => ({
  kind: 'success',
  revision,
  position,
});

function record(state: State, stream: string, events: readonly ProposedEvent[]): LogRecord[] {
  const first = state.streams.get(stream)?.length ?? 0;
  const now = BigInt(Date.now()) * TICKS_PER_MS;
  const ticks = now > state.lastTicks ? now : state.lastTicks;
  return events.map((event, offset) => {
    const made: LogRecord = {
      ...event,
      stream,
      revision: first + offset,
      position: state.end,
      createdTicks: ticks,
    };
    add(state, made);
    state.recentIds.set(made.id, made);
    return made;
  });
}

function add(state: State, made: LogRecord): void {
  state.records.push(made);
  const present = state.streams.get(made.stream);
  if (present === undefined) state.streams.set(made.stream, [made]);
  else present.push(made);
  const bytes = RECORD_HEADER_BYTES + sizeOnDisk(made) + made.stream.length;
  state.end = made.position + BigInt(bytes);
  state.lastTicks = made.createdTicks;
}

/** As the server counts towards its limit (Event.SizeOnDisk). */
export const sizeOnDisk = (event: ProposedEvent): number =>
  event.type.length * 2 + event.data.length + event.metadata.length;

function indexAt(records: readonly LogRecord[], position: bigint): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = records[middle];
    if (found !== undefined && found.position < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function beyond(state: State, count: number, signal: AbortSignal): Promise<void> {
  if (state.records.length > count || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      state.waiting.delete(wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    state.waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}

const systemEvent = (type: string): ProposedEvent => ({
  id: crypto.randomUUID(),
  type,
  contentType: 'application/json',
  data: Buffer.from('{}'),
  metadata: new Uint8Array(),
});

const toText = (kept: LogRecord): object => ({
  ...kept,
  position: String(kept.position),
  createdTicks: String(kept.createdTicks),
  data: Buffer.from(kept.data).toString('base64'),
  metadata: Buffer.from(kept.metadata).toString('base64'),
});

type KeptRecord = Omit<LogRecord, 'position' | 'createdTicks' | 'data' | 'metadata'> & {
  readonly position: string;
  readonly createdTicks: string;
  readonly data: string;
  readonly metadata: string;
};

function readRecords(file: string): LogRecord[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  // A killed process may leave a line without its end: that append was never answered.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => JSON.parse(line) as KeptRecord[])
    .map((kept) => ({
      ...kept,
      position: BigInt(kept.position),
      createdTicks: BigInt(kept.createdTicks),
      data: Buffer.from(kept.data, 'base64'),
      metadata: Buffer.from(kept.metadata, 'base64'),
    }));
}
