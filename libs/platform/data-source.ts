import { Client, escapeIdentifier, Pool, type PoolConfig } from 'pg';
import { DataSource, type DataSourceOptions, type MixedList, type EntitySchema } from 'typeorm';
import { DomainError } from '#kernel';
import { migrations } from '../../infra/migrations/index.js';
import { defaultSharedBuffersBytes, MAX_WAL_BYTES } from './embedded/cluster.js';
import { APP_ROLE } from './embedded-postgres.js';

const MIGRATION_SCHEMA = 'platform';
const MIGRATION_TABLE = 'migrations';
const OLDEST_SERVER = 150_000;
/** Key of the session lock under which one process at a time migrates a database. */
const MIGRATION_LOCK = 0x6d657269_6d6967n;
const MIGRATION_LOCK_TIMEOUT_MS = 10 * 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
const POOL_MAX_CONNECTIONS = 10;

export type Log = (message: string) => void;

export type AppPoolOptions = {
  readonly applicationName?: string; // default `merit`
  readonly maxConnections?: number; // default 10
  readonly statementTimeoutMs?: number; // default 60,000; 0: none
  readonly idleInTransactionTimeoutMs?: number; // default 60,000; 0: none
  readonly log?: Log;
};

/** The roles by their login, out of a connection string. */
export function loginOf(url: string): string {
  const login = new URL(url).username;
  return decodeURIComponent(login === '' ? (process.env['PGUSER'] ?? '') : login);
}

/**
 * The system works as `merit_app`, which may select and insert events and owns nothing of the
 * log. A login of another name takes that role from the first moment of each connection.
 */
export function appConnectionOptions(appUrl: string): string | undefined {
  return loginOf(appUrl) === APP_ROLE ? undefined : `-c role=${APP_ROLE}`;
}

function connectionConfig(appUrl: string, options: AppPoolOptions): PoolConfig {
  return {
    application_name: options.applicationName ?? 'merit',
    max: options.maxConnections ?? POOL_MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout:
      options.idleInTransactionTimeoutMs ?? IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    options: appConnectionOptions(appUrl),
  };
}

/** A pool of connections with the rights of `merit_app`. An idle connection's end is no crash. */
export function createAppPool(appUrl: string, options: AppPoolOptions = {}): Pool {
  const pool = new Pool({ connectionString: appUrl, ...connectionConfig(appUrl, options) });
  pool.on('error', (error) => options.log?.(`a database connection ended: ${error.message}`));
  // The pool listens to idle connections alone: one that ends on its way out of the pool or back
  // would have nobody to hear it, and take the process with it. Who holds it gets the error too.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** TypeORM over entities of read models, not yet initialised; tables come from migrations. */
export function appDataSource(
  appUrl: string,
  entities: NonNullable<DataSourceOptions['entities']> & MixedList<EntityClass>,
  options: AppPoolOptions = {},
): DataSource {
  return new DataSource({
    type: 'postgres',
    url: appUrl,
    entities,
    synchronize: false,
    poolErrorHandler: (error: Error) =>
      options.log?.(`a database connection ended: ${error.message}`),
    extra: connectionConfig(appUrl, options),
  });
}

type EntityClass = (new () => object) | string | EntitySchema;

/**
 * Brings a database to the form that this code knows; forward only, safe to start twice at once.
 * `appUrl` is the login for which `merit_app` must be usable (default: `merit_app` itself).
 * Errors: DomainError `newer-data-format`, `postgresql-too-old`, `app-role-missing`,
 * `app-role-rights`.
 */
export async function migrate(ownerUrl: string, appUrl?: string): Promise<void> {
  const client = new Client({
    connectionString: ownerUrl,
    application_name: 'merit-migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: 0,
    lock_timeout: MIGRATION_LOCK_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await refuseOldServer(client);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await refuseNewerFormat(client);
    await prepareAppRole(client, appUrl === undefined ? APP_ROLE : loginOf(appUrl));
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${MIGRATION_SCHEMA}`);
    await runMigrations(ownerUrl);
  } finally {
    await client.end(); // and with it the lock
  }
}

async function runMigrations(ownerUrl: string): Promise<void> {
  const source = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    schema: MIGRATION_SCHEMA,
    migrations: [...migrations],
    migrationsTableName: MIGRATION_TABLE,
    synchronize: false,
    installExtensions: false,
    extra: { application_name: 'merit-migrate', max: 1, statement_timeout: 0 },
  });
  await source.initialize();
  try {
    await source.runMigrations({ transaction: 'each' });
  } finally {
    await source.destroy();
  }
}

async function refuseOldServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ readonly number: number; readonly version: string }>(
    `SELECT current_setting('server_version_num')::int AS number,
            current_setting('server_version') AS version`,
  );
  const server = rows[0];
  if (server !== undefined && server.number >= OLDEST_SERVER) return;
  throw new DomainError(
    'postgresql-too-old',
    { version: server?.version },
    `PostgreSQL ${server?.version} is too old: 15 or newer is needed.`,
  );
}

/** A database that newer code has migrated is left alone: old code would misread it. */
async function refuseNewerFormat(client: Client): Promise<void> {
  const table = `${MIGRATION_SCHEMA}.${MIGRATION_TABLE}`;
  const known = await client.query<{ readonly there: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS there',
    [table],
  );
  if (known.rows[0]?.there !== true) return;
  const names = migrations.map((migration) => new migration().name ?? migration.name);
  const { rows } = await client.query<{ readonly name: string }>(
    `SELECT name FROM ${table} WHERE name <> ALL ($1::text[]) ORDER BY id LIMIT 1`,
    [names],
  );
  const unknown = rows[0]?.name;
  if (unknown === undefined) return;
  throw new DomainError(
    'newer-data-format',
    { migration: unknown },
    `This data was written by a newer version of Merit Ledger (it knows ${unknown}). ` +
      'Install that version or a later one; nothing was changed.',
  );
}

/** Sees to it that `merit_app` exists, that `login` may act as it, and that it may make schemas. */
async function prepareAppRole(client: Client, login: string): Promise<void> {
  const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [APP_ROLE]);
  if (role.rowCount === 0) {
    await orExplain(
      client,
      `CREATE ROLE ${APP_ROLE} NOLOGIN`,
      'app-role-missing',
      `CREATE ROLE ${APP_ROLE} NOLOGIN ROLE ${escapeIdentifier(login)};`,
    );
  }
  if (login !== APP_ROLE && !(await mayActAsApp(client, login))) {
    const grant = `GRANT ${APP_ROLE} TO ${escapeIdentifier(login)}`;
    await orExplain(client, grant, 'app-role-rights', `${grant};`);
  }
  const { rows } = await client.query<{ readonly database: string; readonly may: boolean }>(
    // A list of privileges would ask for any of them.
    `SELECT current_database() AS database,
            bool_and(has_database_privilege('${APP_ROLE}', current_database(), needed)) AS may
       FROM unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) AS needed`,
  );
  const database = rows[0];
  if (database === undefined || database.may) return;
  const name = escapeIdentifier(database.database);
  const grant = `GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${name} TO ${APP_ROLE}`;
  await orExplain(client, grant, 'app-role-rights', `${grant};`);
}

/** From 16 on a member may hold a role without being allowed to take it; 15 knows no difference. */
async function mayActAsApp(client: Client, login: string): Promise<boolean> {
  const { rows } = await client.query<{ readonly may: boolean }>(
    `SELECT pg_has_role($1, '${APP_ROLE}', CASE
              WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET'
              ELSE 'MEMBER' END) AS may`,
    [login],
  );
  return rows[0]?.may === true;
}

/** Runs `statement`; where the owner may not, names the one command that an administrator runs. */
async function orExplain(
  client: Client,
  statement: string,
  code: string,
  command: string,
): Promise<void> {
  try {
    await client.query(statement);
    // GRANT without the right to it warns and grants nothing in some cases; then a role made by
    // another process at the same time is as good as ours.
  } catch (error) {
    const sqlState = (error as { readonly code?: unknown }).code;
    if (sqlState === '42710') return; // made by somebody else meanwhile
    if (sqlState !== '42501') throw error;
    throw new DomainError(
      code,
      { command },
      `The database's owner may not prepare the role ${APP_ROLE}. ` +
        `Let an administrator of the server run once, in this database: ${command}`,
    );
  }
}

/**
 * Settings of somebody else's server that are lower than those of the embedded one and make this
 * system slow; one plain line each.
 */
export async function settingWarnings(pool: Pick<Pool, 'query'>): Promise<readonly string[]> {
  const { rows } = await pool.query<{ readonly name: string; readonly value: string }>(
    `SELECT name, CASE WHEN unit IS NULL THEN setting
              ELSE pg_size_bytes(setting || CASE unit WHEN '8kB' THEN 'kB' ELSE unit END)
                   * CASE unit WHEN '8kB' THEN 8 ELSE 1 END || '' END AS value
       FROM pg_settings WHERE name IN ('max_wal_size', 'shared_buffers', 'wal_compression')`,
  );
  const valueOf = (name: string): string => rows.find((row) => row.name === name)?.value ?? '';
  const recommended = [
    { name: 'max_wal_size', bytes: MAX_WAL_BYTES },
    { name: 'shared_buffers', bytes: defaultSharedBuffersBytes() },
  ];
  const warnings = recommended
    .filter(({ name, bytes }) => Number(valueOf(name)) < bytes)
    .map(({ name, bytes }) => {
      const found = formatMib(Number(valueOf(name)));
      return `${name} is ${found}; at least ${formatMib(bytes)} is recommended`;
    });
  if (valueOf('wal_compression') === 'off') {
    warnings.push('wal_compression is off; on is recommended');
  }
  return warnings;
}

const formatMib = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)}MB`;
