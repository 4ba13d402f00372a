import type pg from 'pg';

export type Leases = {
  /** Does the work if no other process is at it; false: one is. */
  readonly hold: (name: string, work: () => Promise<void>) => Promise<boolean>;
  readonly close: () => void;
};

type Connection = {
  readonly client: Promise<pg.PoolClient>;
  users: number;
  isBroken: boolean;
  isReleased: boolean;
};

const LOCK = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS done';
const UNLOCK = 'SELECT pg_advisory_unlock(hashtextextended($1, 0)) AS done';

/**
 * One connection, taken when it is needed, holds every lease of this process as an advisory lock:
 * who dies lets go of them. A lease that is lost with the connection only makes work double, and
 * what is performed is idempotent.
 */
export function openLeases(pool: Pick<pg.Pool, 'connect'>): Leases {
  let current: Connection | null = null;

  const take = (): Connection => {
    current ??= { client: pool.connect(), users: 0, isBroken: false, isReleased: false };
    current.users += 1;
    return current;
  };

  /** One that failed is closed, and its locks with it; the next lease finds another. */
  const giveBack = (connection: Connection): void => {
    connection.users -= 1;
    if (current === connection && (connection.isBroken || connection.users === 0)) current = null;
    if (connection.users === 0) release(connection);
  };

  const ask = async (connection: Connection, statement: string, name: string): Promise<boolean> => {
    try {
      const client = await connection.client;
      const { rows } = await client.query<{ done: boolean }>(statement, [name]);
      return rows[0]?.done === true;
    } catch (error) {
      connection.isBroken = true;
      throw error;
    }
  };

  return {
    async hold(name, work) {
      const connection = take();
      try {
        if (!(await ask(connection, LOCK, name))) return false;
        try {
          await work();
        } finally {
          await ask(connection, UNLOCK, name).catch(() => false);
        }
        return true;
      } finally {
        giveBack(connection);
      }
    },
    close() {
      if (!current) return;
      // Whoever still works under a lease goes on without it: the pool waits for nobody.
      current.isBroken = true;
      release(current);
      current = null;
    },
  };
}

function release(connection: Connection): void {
  if (connection.isReleased) return;
  connection.isReleased = true;
  void connection.client.then(
    (client) => client.release(connection.isBroken),
    () => undefined,
  );
}
