import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogSetting, logSetting } from '../../apps/merit/log.js';
import { openKeys, openSystem, openSystemOn, type System } from '../../apps/merit/system.js';
import { allEventSpecs } from '#contexts/registry';
import { openReplay } from '#dataset';
import {
  type Configuration,
  type Environment,
  openDatabase,
  readConfiguration,
  readKeyEncryptionKey,
} from '#platform';
import type { Projection } from '#projections';
import { importDataset } from '#processes/dataset-import';
import { verifyAll } from '#processes/verification';
import { boardLines } from '#read-models/leaderboards';
import { scoreRecords } from '#read-models/scores';
import { tierRecords } from '#read-models/tiers';
import { createTestDatabase, type TestDatabase } from './database.js';
import { logEnvironment, openTestLog, type TestLog } from './event-store-log.js';

export type TestSystem = {
  readonly system: System;
  readonly database: TestDatabase;
  readonly configuration: Configuration;
  /** The settings of a command on this system. */
  readonly env: Environment;
  readonly close: () => Promise<void>;
};

/**
 * The whole system on a fresh database of the test server, with a key of its own; the log where
 * this run has its logs, or where `setting` says.
 */
export async function openTestSystem(setting?: LogSetting): Promise<TestSystem> {
  const log: TestLog = setting ? { setting, close: async () => undefined } : await openTestLog();
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'merit-system-'));
  const closeGround = async (): Promise<void> => {
    await log.close();
    await rm(folder, { recursive: true });
    await database.drop();
  };
  const env = {
    DATABASE_URL: database.appUrl,
    DATABASE_OWNER_URL: database.ownerUrl,
    MERIT_KEK_FILE: join(folder, 'key-encryption-key'),
    MERIT_DATA: folder,
    ...logEnvironment(log.setting),
  };
  try {
    await readKeyEncryptionKey(env.MERIT_KEK_FILE, { create: true });
    const configuration = readConfiguration(env);
    const system = await openSystem(configuration, 'attach');
    const close = async (): Promise<void> => {
      await system.close();
      await closeGround();
    };
    return { system, database, configuration, env, close };
  } catch (error) {
    await closeGround();
    throw error;
  }
}

/** A further system on the same database, with projections of the test's own. */
export async function openFurtherSystem(
  { configuration }: Pick<TestSystem, 'configuration'>,
  projections: readonly Projection[],
  log: LogSetting = logSetting(configuration),
): Promise<System> {
  const database = await openDatabase(configuration, 'attach');
  const keys = await openKeys(configuration, database);
  const closeGround = async (): Promise<void> => {
    await keys.close();
    await database.close();
  };
  const opening = openSystemOn(database, keys, () => undefined, projections, log);
  const system = await opening.catch(async (error: unknown) => {
    await closeGround();
    throw error;
  });
  const close = async (): Promise<void> => {
    await system.close();
    await closeGround();
  };
  return { ...system, close };
}

let runs = 0;

/** Imports a dataset folder; the run's id only has to differ from other runs' on the same log. */
export async function importFolder(
  { engine }: Pick<System, 'engine'>,
  dir: string,
  runId = `test run ${process.pid} ${(runs += 1)}`,
) {
  const replay = await openReplay(dir);
  try {
    return await importDataset(engine, replay, { runId });
  } finally {
    await replay.close();
  }
}

/** How many events of each type the log holds. */
export async function countsByType({ log }: System['engine']): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const events of log.readAll()) {
    for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

/** The exports as the command line gives them, at the log's head. */
export async function exportsOf({ engine }: Pick<System, 'engine'>) {
  const position = await engine.log.head();
  const { at } = engine.readModels;
  const names = ['scores', 'tiers', 'settlement'];
  return at(position, names, async (sql) => ({
    scores: await scoreRecords(sql),
    tiers: await tierRecords(sql),
    leaderboards: await boardLines(sql, { provisional: false }),
    settlement: await sql.query(
      `select account_manager_id, period, of_kind, reference, due_minor::text as due,
         posted_minor::text as posted, causes
       from settlement_line order by 1, 2, 3, 4`,
    ),
  }));
}

/** What `merit verify` finds. */
export const verified = ({ pool, projections, store, logKind, storedLog }: System) =>
  verifyAll({
    pool,
    projections,
    log: store.sealedView,
    portLog: logKind === 'postgresql' ? undefined : storedLog,
    specs: allEventSpecs,
  });

/** Published scores of cycles that the log does not call published: there must be none. */
export async function seenTooEarly(system: System): Promise<string[]> {
  const position = await system.store.head();
  const published = new Set<string>();
  for await (const events of system.store.sealedView.readAll({ streamPrefixes: ['cycle-'] })) {
    for (const { type, data } of events) {
      if (type === 'cycles.CyclePublished.v1') published.add((data as { period: string }).period);
    }
  }
  return system.engine.readModels.at(position, ['scores', 'tiers'], async (sql) => {
    const rows = await sql.query<{ period: string }>(
      `select distinct period from score_result where effective_position is not null
       union select distinct period from tier_period where tier is not null
       union select distinct period from board_entry where not provisional`,
    );
    return rows.map(({ period }) => period).filter((period) => !published.has(period));
  });
}
