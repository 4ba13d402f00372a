import type pg from 'pg';
import { describeError, type Context } from './context.js';

const CHANNEL = 'merit_projection';
const RECONNECT_MS = 500;

/** Notices between the processes of one database; they may be lost, and nothing hangs on one. */
export type Notices = {
  readonly send: (payload: string) => Promise<void>;
  readonly close: () => void;
};

/** Keeps one connection of the pool for listening, and finds another when it is lost. */
export function listenForNotices(
  { pool, log }: Pick<Context, 'pool' | 'log'>,
  receive: (payload: string) => void,
): Notices {
  let isClosed = false;
  let listening: pg.PoolClient | null = null;
  let reconnect: NodeJS.Timeout | undefined;

  const again = (): void => {
    if (!isClosed) reconnect = setTimeout(() => void listen(), RECONNECT_MS);
  };

  const listen = async (): Promise<void> => {
    try {
      const client = await pool.connect();
      const leave = (error?: Error): void => {
        if (listening !== client) return;
        listening = null;
        client.release(error ?? true);
        again();
      };
      client.on('error', leave);
      client.on('end', () => leave());
      client.on('notification', ({ payload }) => receive(payload ?? ''));
      listening = client;
      if (isClosed) leave();
      else await client.query(`LISTEN ${CHANNEL}`).catch(leave);
    } catch (error) {
      if (!isClosed) log?.(`projections: no connection to listen on: ${describeError(error)}`);
      again();
    }
  };

  void listen();
  return {
    send: (payload) =>
      pool.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).then(
        () => undefined,
        () => undefined, // who waits also looks by himself
      ),
    close() {
      isClosed = true;
      clearTimeout(reconnect);
      const client = listening;
      listening = null;
      client?.release(true);
    },
  };
}
