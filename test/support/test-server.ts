import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrate } from '../../libs/platform/data-source.js';
import { isAlive } from '../../libs/platform/embedded/postmaster.js';
import {
  openEmbeddedServer,
  removeDataFolder,
  type EmbeddedServer,
} from '../../libs/platform/embedded-postgres.js';
import { runSql, TEMPLATE_DATABASE, TEST_SERVER_VARIABLE, withDatabase } from './database.js';

/** One PostgreSQL for a whole test run, in a folder of its own that goes with it. */
const RUN_FOLDER = /^merit-test-(\d+)-/;
const SHARED_BUFFERS_BYTES = 128 * 1024 ** 2;

export type TestRun = { readonly server: EmbeddedServer; readonly dataDir: string };

export async function startTestServer(): Promise<TestRun> {
  await sweepKilledRuns();
  const dataDir = await mkdtemp(path.join(tmpdir(), `merit-test-${process.pid}-`));
  const server = await openServer(dataDir);
  const run = { server, dataDir };
  try {
    await runSql(server.superuserUrl, `CREATE DATABASE ${TEMPLATE_DATABASE} OWNER merit_owner`);
    await migrate(withDatabase(server.ownerUrl, TEMPLATE_DATABASE));
  } catch (error) {
    await stopTestServer(run);
    throw error;
  }
  const { superuserUrl, ownerUrl, appUrl } = server;
  process.env[TEST_SERVER_VARIABLE] = JSON.stringify({ superuserUrl, ownerUrl, appUrl });
  return run;
}

export async function stopTestServer({ server, dataDir }: TestRun): Promise<void> {
  await server.close();
  await removeDataFolder(dataDir);
  await sweepKilledRuns(process.pid); // what its tests could not clean up, ended by a signal
}

const openServer = (dataDir: string): Promise<EmbeddedServer> =>
  openEmbeddedServer({
    dataDir,
    mode: 'attach',
    sharedBuffersBytes: SHARED_BUFFERS_BYTES,
    durable: process.env['MERIT_TEST_DURABLE'] !== 'false',
  });

/** A run that was killed leaves its server running and its folder; both go now. */
async function sweepKilledRuns(ownPid?: number): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = RUN_FOLDER.exec(name)?.[1];
    if (pid === undefined || (Number(pid) !== ownPid && isAlive(Number(pid)))) continue;
    await removeDataFolder(path.join(tmpdir(), name));
  }
}
