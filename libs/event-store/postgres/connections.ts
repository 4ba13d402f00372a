import { Client, DatabaseError, Pool, type ClientConfig } from 'pg';
import { StoreUnavailable } from '../port.js';

/**
 * Whatever the login, the session has the rights of the system's role and no more.
 * Every query of this adapter is a look-up by index. A plan made while the log was small would keep
 * scanning it, so scans and hash joins are off for its sessions. Durability is not left to the
 * server's configuration.
 */
const SESSION = `
  SET ROLE merit_app; SET default_transaction_isolation = 'read committed';
  SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD';
  SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;
  SET enable_mergejoin = off; SET jit = off;
  SELECT set_config('synchronous_commit', 'on', false)
   WHERE current_setting('synchronous_commit') IN ('off', 'local')`;

const CONNECT_TIMEOUT_MS = 5_000;

export type ConnectionSettings = {
  readonly connectionString: string;
  readonly applicationName: string;
};

/** A connection of its own; `onLost` is called when it breaks. */
export async function connect(
  settings: ConnectionSettings,
  onLost: (client: Client) => void,
): Promise<Client> {
  const client = new Client(clientConfig(settings));
  // Without a handler a broken connection ends the process; the next query tells of it anyway.
  client.on('error', () => onLost(client));
  client.on('end', () => onLost(client));
  try {
    await client.connect();
    await client.query(SESSION);
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

/** Cuts a connection without a farewell, for a server that no longer answers. */
export function destroy(client: Client): void {
  (
    client as unknown as { connection: { stream: { destroy(): void } } }
  ).connection.stream.destroy();
}

export function createPool(settings: ConnectionSettings, maxConnections: number): Pool {
  const pool = new Pool({
    ...clientConfig(settings),
    max: maxConnections,
    onConnect: async (client) => {
      await client.query(SESSION);
    },
  });
  // Idle connections break when the server goes; the pool replaces them on the next use.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

function clientConfig({ connectionString, applicationName }: ConnectionSettings): ClientConfig {
  return {
    connectionString,
    application_name: applicationName,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  };
}

/** Classes 08 and 57: the connection or the server went; 40: rolled back, free to try again. */
const TRANSIENT = /^(08|57P|40)/;
/** Disk full, out of memory, too many connections, read-only standby: refused, nothing stored. */
const REFUSED = /^(53|25006|58)/;

export function isTransient(error: unknown): boolean {
  if (isMistake(error)) return false;
  const code = sqlState(error);
  return code === null || TRANSIENT.test(code) || code === '53300';
}

/** What a caller sees of a failure that is not about its own request. */
export function asUnavailable(error: unknown): unknown {
  if (isMistake(error)) return error;
  const code = sqlState(error);
  if (code !== null && !TRANSIENT.test(code) && !REFUSED.test(code)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreUnavailable(`event store: ${reason}`, { cause: error });
}

/** A defect of this program, not a failure of the connection. */
function isMistake(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}

/** SQLSTATE of an error that the server reported; null for one of the connection. */
function sqlState(error: unknown): string | null {
  if (!(error instanceof DatabaseError)) return null;
  return error.code ?? null;
}
