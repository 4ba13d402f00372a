import type { Client } from 'pg';
import type { EncodedAppend } from '../encode.js';
import { StoreUnavailable, type AppendResult } from '../port.js';
import { appendBatch, type AppendOutcome } from './append-batch.js';
import {
  asUnavailable,
  connect,
  destroy,
  isTransient,
  type ConnectionSettings,
} from './connections.js';

/**
 * One batch is one transaction: large enough to share a flush to disk, small enough to be quick.
 */
const MAX_BATCH_APPENDS = 512;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_QUEUED_APPENDS = 4 * MAX_BATCH_APPENDS;
const MAX_QUEUED_BYTES = 4 * MAX_BATCH_BYTES;
/** A second full batch is sent while the first commits, so that the server never waits for us. */
const MAX_BATCHES_IN_FLIGHT = 2;
/**
 * A server that does not answer (stopped, cut off) is given up and asked again on a new
 * connection.
 */
const ANSWER_TIMEOUT_MS = 15_000;
const RETRY_PAUSES_MS = [0, 50, 100, 200, 400, 800, 1_600];

export type AppendStatistics = {
  readonly batches: number;
  readonly appends: number;
  readonly largestBatchAppends: number;
  readonly retries: number;
};

export type Appender = {
  append(append: EncodedAppend): Promise<AppendResult>;
  statistics(): AppendStatistics;
  /** Waits for the appends under way. */
  close(): Promise<void>;
};

type Pending = {
  readonly append: EncodedAppend;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (reason: unknown) => void;
};

/**
 * Coalesces the appends of a process: while one transaction is under way the next batch gathers,
 * so that concurrent callers share the lock, the round trip and the flush to disk. No timers: an
 * append alone is sent at once.
 *
 * A connection lost in the middle leaves the outcome unknown; the batch is sent again with the same
 * event ids, so what had been committed is found as such, a bounded number of times.
 */
export function createAppender(
  settings: ConnectionSettings,
  onAppended: (head: string) => void,
): Appender {
  const queue: Pending[] = [];
  const waiting: (() => void)[] = []; // callers held back while the queue is full
  const counts = { batches: 0, appends: 0, largestBatchAppends: 0, retries: 0 };
  let queuedBytes = 0;
  let inFlight = 0;
  let flushing = false;
  let closed = false;
  let idle: (() => void) | null = null;
  const session = appendSession(settings);

  const isFull = (): boolean =>
    queue.length >= MAX_QUEUED_APPENDS || queuedBytes >= MAX_QUEUED_BYTES;

  const schedule = (): void => {
    if (flushing || queue.length === 0) return;
    // A second batch flies only when it is full: sent earlier, it would split the callers into
    // ever smaller halves.
    const full = queue.length >= MAX_BATCH_APPENDS || queuedBytes >= MAX_BATCH_BYTES;
    if (inFlight >= (full ? MAX_BATCHES_IN_FLIGHT : 1)) return;
    flushing = true;
    // Callers whose append has just been answered come back within this turn of the loop.
    setImmediate(flush);
  };

  const flush = (): void => {
    flushing = false;
    const batch = takeBatch(queue);
    for (const { append } of batch) queuedBytes -= append.bytes;
    inFlight += 1;
    void send(batch).finally(() => {
      inFlight -= 1;
      schedule();
      if (inFlight === 0 && queue.length === 0) idle?.();
    });
    while (waiting.length > 0 && !isFull()) waiting.shift()?.();
    schedule();
  };

  const send = async (batch: readonly Pending[]): Promise<void> => {
    counts.batches += 1;
    counts.appends += batch.length;
    counts.largestBatchAppends = Math.max(counts.largestBatchAppends, batch.length);
    const appends = batch.map(({ append }) => append);
    try {
      const outcomes = await withRetries(session, appends, () => (counts.retries += 1));
      settle(batch, outcomes, onAppended);
    } catch (error) {
      if (batch.length > 1 && !(error instanceof StoreUnavailable)) {
        // Something in one of them offends the database: find it alone, spare the others.
        for (const one of batch) await send([one]);
        return;
      }
      for (const { reject } of batch) reject(error);
    }
  };

  return {
    async append(append) {
      while (isFull()) await new Promise<void>((resolve) => waiting.push(resolve));
      if (closed) throw new StoreUnavailable('the event store is closed');
      return new Promise((resolve, reject) => {
        queue.push({ append, resolve, reject });
        queuedBytes += append.bytes;
        schedule();
      });
    },
    statistics: () => ({ ...counts }),
    async close() {
      closed = true;
      if (inFlight > 0 || queue.length > 0) await new Promise<void>((done) => (idle = done));
      await session.close();
    },
  };
}

/**
 * The next batch; an event id and a request's key stand in it once, so that a repetition meets its
 * first outcome.
 */
function takeBatch(queue: Pending[]): readonly Pending[] {
  const ids = new Set<string>();
  const keys = new Set<string | null>();
  let bytes = 0;
  let count = 0;
  for (const { append } of queue) {
    bytes += append.bytes;
    if (count === MAX_BATCH_APPENDS || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
    if (append.events.some(({ id, commandKey }) => ids.has(id) || keys.has(commandKey))) break;
    for (const { id, commandKey } of append.events) {
      ids.add(id);
      if (commandKey !== null) keys.add(commandKey);
    }
    count += 1;
  }
  return queue.splice(0, count);
}

function settle(
  batch: readonly Pending[],
  outcomes: readonly AppendOutcome[],
  onAppended: (head: string) => void,
): void {
  let head = '';
  batch.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined) {
      reject(new TypeError('an append without outcome'));
    } else if (outcome instanceof Error) {
      reject(outcome);
    } else {
      if (outcome.position > head) head = outcome.position;
      resolve(outcome);
    }
  });
  if (head !== '') onAppended(head);
}

async function withRetries(
  session: AppendSession,
  batch: readonly EncodedAppend[],
  onRetry: () => void,
): Promise<readonly AppendOutcome[]> {
  for (const pauseMs of [...RETRY_PAUSES_MS, null]) {
    let client: Client | null = null;
    try {
      client = await session.client();
      return await answered(client, appendBatch(client, batch));
    } catch (error) {
      if (client) session.drop(client);
      if (pauseMs === null || !isTransient(error)) throw asUnavailable(error);
      onRetry();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  throw new StoreUnavailable('event store: no answer');
}

/**
 * Breaks a connection that does not answer in time: its query then fails as one of a lost server.
 */
async function answered<T>(client: Client, query: Promise<T>): Promise<T> {
  const timer = setTimeout(() => destroy(client), ANSWER_TIMEOUT_MS);
  try {
    return await query;
  } finally {
    clearTimeout(timer);
  }
}

type AppendSession = {
  client(): Promise<Client>;
  /** Lets go of a connection that failed; the next is opened when it is asked for. */
  drop(failed: Client): void;
  close(): Promise<void>;
};

/** The connection of the appender, opened on first use and again after it broke. */
function appendSession(settings: ConnectionSettings): AppendSession {
  let opening: Promise<Client> | null = null;
  let current: Client | null = null;

  const open = async (): Promise<Client> => {
    current = await connect(settings, (lost) => drop(lost));
    return current;
  };
  // Of two batches that fail together, the second must not drop the successor of the first.
  const drop = (failed: Client): void => {
    if (failed !== current) return;
    current = null;
    opening = null;
    void failed.end().catch(() => undefined);
  };

  return {
    client() {
      opening ??= open().catch((error: unknown) => {
        opening = null;
        throw error;
      });
      return opening;
    },
    drop,
    async close() {
      const closing = current;
      current = null;
      await closing?.end().catch(() => undefined);
    },
  };
}
