import { randomUUID } from 'node:crypto';
import { Client, type QueryResult } from 'pg';

/** Where the run's PostgreSQL is; written by the global set-up, read by every worker. */
export const TEST_SERVER_VARIABLE = 'MERIT_TEST_SERVER';
export const TEMPLATE_DATABASE = 'merit_template';

export type TestServer = {
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
};

export type TestDatabase = {
  readonly name: string;
  readonly superuserUrl: string;
  readonly ownerUrl: string; // migrates; owns the schemas of the log and the keys
  readonly appUrl: string; // what the system works with
  /** Ends every connection to it and removes it. */
  drop(): Promise<void>;
};

/** The URL of another database on the same server. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

function testServer(): TestServer {
  const text = process.env[TEST_SERVER_VARIABLE];
  if (text === undefined) throw new Error('no test server: run the tests with npm test');
  return JSON.parse(text) as TestServer;
}

/** One statement on a connection of its own. */
export async function runSql(url: string, sql: string): Promise<QueryResult> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 30_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

export type TestDatabaseOptions = {
  readonly migrated?: boolean; // default true; false gives an empty database
};

/** A fresh database for one spec, migrated as in production. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = testServer();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = options.migrated === false ? 'template0' : TEMPLATE_DATABASE;
  await runSql(
    server.superuserUrl,
    // FILE_COPY forces checkpoints; WAL_LOG is faster for a small template.
    `CREATE DATABASE ${name} OWNER merit_owner TEMPLATE ${template} STRATEGY wal_log`,
  );
  if (options.migrated !== false) {
    // What migrate() grants on a database is not copied from its template.
    await runSql(
      server.superuserUrl,
      `GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${name} TO merit_app`,
    );
  }
  return {
    name,
    superuserUrl: withDatabase(server.superuserUrl, name),
    ownerUrl: withDatabase(server.ownerUrl, name),
    appUrl: withDatabase(server.appUrl, name),
    drop: async () => {
      await runSql(server.superuserUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}
