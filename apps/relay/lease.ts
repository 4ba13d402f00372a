import type pg from 'pg';
import { pause, unlessAborted } from './waiting.js';

/**
 * Leave to be the active relay. It saves two relays from throwing each other out; that two would
 * do no harm is Kafka's fencing.
 */
export type Lease = {
  /** Aborted when the database has let go of it, or may have. */
  readonly lost: AbortSignal;
  readonly release: () => void;
};

export type LeaseTimings = {
  readonly askEveryMs: number;
  /** Who is silent for so long loses it: a machine that vanished, a process that was stopped. */
  readonly silenceMs: number;
};

export const LEASE_TIMINGS: LeaseTimings = { askEveryMs: 300, silenceMs: 4_000 };

const MOST_UNANSWERED = 3;
const LOCK = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS done';

/**
 * Waits until nobody else holds the lease. It is an advisory lock of one connection, so that a
 * process that dies lets go of it at once. One that vanishes with its machine would keep it for
 * hours: the server ends a session that has been idle for `silenceMs`, and the holder says often
 * that it is there. Rejects when the database fails, or with the signal's reason.
 */
export async function takeLease(
  pool: Pick<pg.Pool, 'connect'>,
  name: string,
  signal: AbortSignal,
  timings: LeaseTimings = LEASE_TIMINGS,
): Promise<Lease> {
  const client = await unlessAborted(pool.connect(), signal, (late) => late.release(true));
  const end = new AbortController();
  let isReleased = false;
  const release = (): void => {
    if (isReleased) return;
    isReleased = true;
    clearInterval(heartbeat);
    end.abort();
    // The session is closed and its locks with it: in the pool it would keep them.
    client.release(true);
  };
  let heartbeat: NodeJS.Timeout | undefined;
  client.on('error', release);
  client.on('end', release);
  signal.addEventListener('abort', release, { once: true });
  try {
    await client.query(`SET idle_session_timeout = ${timings.silenceMs}`);
    while (!(await isTaken(client, name))) {
      await pause(timings.askEveryMs, end.signal);
      signal.throwIfAborted();
      end.signal.throwIfAborted();
    }
  } catch (error) {
    release();
    throw error;
  } finally {
    signal.removeEventListener('abort', release);
  }
  let unanswered = 0;
  heartbeat = setInterval(
    () => {
      if (unanswered >= MOST_UNANSWERED) return release();
      unanswered += 1;
      client.query('SELECT 1').then(
        () => void (unanswered = 0),
        () => release(),
      );
    },
    timings.silenceMs / (MOST_UNANSWERED + 1),
  );
  return { lost: end.signal, release };
}

async function isTaken(client: pg.PoolClient, name: string): Promise<boolean> {
  const { rows } = await client.query<{ done: boolean }>(LOCK, [name]);
  return rows[0]?.done === true;
}
