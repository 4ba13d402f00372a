import type pg from 'pg';

export type Leases = {
  /** Does the work if no other process is at it; false: one is. */
  readonly hold: (name: string, work: () => Promise<void>) => Promise<boolean>;
  readonly close: () => void;
};

/**
 * One connection, taken when it is needed, holds every lease of this process as an advisory lock:
 * who dies lets go of them. A lease that is lost with the connection only makes work double, and
 * what is performed is idempotent.
 */
export function openLeases(pool: Pick<pg.Pool, 'connect'>): Leases {
  let connection: Promise<pg.PoolClient> | null = null;
  let heldCount = 0;

  const connect = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect();
    client.on('error', () => undefined); // the next statement on it fails, and tells
    return client;
  };

  /** Given back when nobody holds a lease; one that failed is closed, and its locks with it. */
  const release = (of: Promise<pg.PoolClient>, failed: boolean): void => {
    heldCount -= 1;
    if (connection === of && (failed || heldCount === 0)) {
      connection = null;
      heldCount = 0;
      void of.then(
        (client) => client.release(failed),
        () => undefined,
      );
    }
  };

  return {
    async hold(name, work) {
      const own = (connection ??= connect());
      heldCount += 1;
      let failed = false;
      const ask = async (statement: string): Promise<boolean> => {
        try {
          const { rows } = await (await own).query<{ done: boolean }>(statement, [name]);
          return rows[0]?.done === true;
        } catch (error) {
          failed = true;
          throw error;
        }
      };
      try {
        if (!(await ask('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS done'))) {
          return false;
        }
        try {
          await work();
        } finally {
          await ask('SELECT pg_advisory_unlock(hashtextextended($1, 0)) AS done').catch(
            () => false,
          );
        }
        return true;
      } finally {
        release(own, failed);
      }
    },
    close() {
      const own = connection;
      connection = null;
      void own?.then(
        (client) => client.release(true),
        () => undefined,
      );
    },
  };
}
