/** A PostgreSQL server for one benchmark: the product's embedded one, durable, in a new folder. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openEmbeddedServer, OWNER_ROLE } from '../../../libs/platform/index.js';
import { withClient } from './sql.js';

export type Database = {
  readonly name: string;
  readonly ownerUrl: string; // makes the schema; every peer also works as this role
  readonly appUrl: string; // what the product works as
};

export type Server = {
  /** Null where there is no /proc. */
  readonly postmasterPid: number | null;
  readonly version: string;
  /** An empty database, after a checkpoint: nobody pays for the pages of whoever ran before. */
  readonly newDatabase: (name: string) => Promise<Database>;
  /** After a fill: visibility, statistics and pages are written before anybody reads. */
  readonly settle: (database: Database) => Promise<void>;
  readonly dropDatabase: (database: Database) => Promise<void>;
  readonly stop: () => Promise<void>;
};

const inDatabase = (url: string, name: string): string => {
  const full = new URL(url);
  full.pathname = `/${name}`;
  return full.href;
};

export const parentOf = (pid: number): number | null => {
  if (process.platform !== 'linux') return null;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
};

export const startServer = async (parentFolder = tmpdir()): Promise<Server> => {
  const dataDir = await mkdtemp(join(parentFolder, 'merit-bench-'));
  const server = await openEmbeddedServer({ dataDir, mode: 'own' });
  const client = new Client({ connectionString: server.superuserUrl });
  client.on('error', () => undefined); // it ends with the server
  await client.connect();
  const { rows } = await client.query<{ pid: number; version: string; fsync: string }>(
    `SELECT pg_backend_pid() AS pid, current_setting('server_version') AS version,
            current_setting('fsync') AS fsync`,
  );
  const [about] = rows;
  if (about?.fsync !== 'on') throw new Error('the server does not fsync: nothing to measure');
  return {
    postmasterPid: parentOf(about.pid),
    version: about.version,
    newDatabase: async (name) => {
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await client.query(`CREATE DATABASE ${name} OWNER ${OWNER_ROLE}`);
      await client.query('CHECKPOINT');
      return {
        name,
        ownerUrl: inDatabase(server.ownerUrl, name),
        appUrl: inDatabase(server.appUrl, name),
      };
    },
    settle: async ({ name }) => {
      await withClient(inDatabase(server.superuserUrl, name), async (each) => {
        await each.query('VACUUM (ANALYZE)');
        await each.query('CHECKPOINT');
      });
    },
    dropDatabase: async ({ name }) => {
      await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    },
    stop: async () => {
      await client.end();
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

/** Runs with a server that is stopped, and its folder removed, however the benchmark ends. */
export const withServer = async (
  parentFolder: string | undefined,
  run: (server: Server) => Promise<void>,
): Promise<void> => {
  const server = await startServer(parentFolder);
  const stopEarly = (): void => void server.stop().finally(() => process.exit(130));
  process.once('SIGINT', stopEarly);
  process.once('SIGTERM', stopEarly);
  try {
    await run(server);
  } finally {
    process.off('SIGINT', stopEarly);
    process.off('SIGTERM', stopEarly);
    await server.stop();
  }
};
