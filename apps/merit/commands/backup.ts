import { stat } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { DomainError } from '#kernel';
import {
  type Configuration,
  createAppPool,
  createProgress,
  migrate,
  openDatabase,
  type Progress,
} from '#platform';
import { type BackupReport, takeBackup, unfinishedBeside } from '#processes/backup';
import { BACKUP_REFUSALS, withEventStoreDb } from '../backup-words.js';
import type { Call } from '../call.js';
import { endAll, type Endings } from '../endings.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';
import { productVersion } from '../product-version.js';
import { toldIn } from '../refusals.js';
import { createSession, type Session, withEnd } from '../session.js';
import { inLanguage } from '../words.js';

/** Pages of the log, beside the snapshot of the access record. */
const READERS = 2;

/** The log to FILE and the keys to FILE.keys, while the system runs. */
export async function backup({ env, options }: Call, file: string): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const session = createSession(env, options);
  const { language } = session;
  const report = await toldIn(language, BACKUP_REFUSALS, () => run(session, path.resolve(file)));
  if (options.format === 'json') await writeJson(standardOutput, report);
  else await standardOutput.write(summary(session, report));
}

/**
 * A log in EventStoreDB has means of its own. Half a backup from here would be taken for a whole
 * one; what has to be saved, and in which order, is said instead.
 */
export function requirePostgres(configuration: Configuration, wanted: 'backup' | 'restore'): void {
  const { eventStoreUrl, database, keysDatabaseUrl } = configuration;
  if (eventStoreUrl === null) return;
  const details = {
    settings: ['EVENT_STORE_URL'],
    wanted,
    database: database.kind,
    hasKeysElsewhere: keysDatabaseUrl !== null,
    dataDir: configuration.dataDir,
    kekFile: configuration.kekFile,
  };
  throw new DomainError('backup-needs-postgresql', details, withEventStoreDb('en', details));
}

/** A wrong folder would become a new database, and its backup one of nothing, night after night. */
async function requireSource({ database, dataDir }: Configuration): Promise<void> {
  if (database.kind === 'server') return;
  if ((await stat(path.join(dataDir, 'postgres')).catch(() => null)) !== null) return;
  throw new DomainError(
    'backup-source-missing',
    { dataDir },
    `there is no data in ${dataDir}; --data names the folder that is to be backed up`,
  );
}

/** What a kill left: it can hold keys, and nobody else would remove it. */
async function tellUnfinished({ logger, language }: Session, file: string): Promise<void> {
  const files = await unfinishedBeside(file);
  if (files.length === 0) return;
  const zh = '此目录中有未完成的备份文件；若没有其他备份正在进行，请删除';
  const en = 'unfinished files of backups are here; remove them if no other backup is running';
  logger.warn({ files }, inLanguage(language, zh, en));
}

async function run(session: Session, file: string): Promise<BackupReport> {
  const { configuration, logger } = session;
  requirePostgres(configuration, 'backup');
  await requireSource(configuration);
  await tellUnfinished(session, file);
  const stopped = new AbortController();
  const opened: Endings = [];
  let working: Promise<unknown> = Promise.resolve();
  const take = async (): Promise<BackupReport> => {
    const database = await openDatabase(configuration, 'attach', (text) => logger.info(text));
    opened.push(() => database.close());
    const pool = createAppPool(database.appUrl, {
      applicationName: 'merit backup',
      maxConnections: READERS,
      statementTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0, // while the disk takes its time
    });
    opened.push(() => pool.end());
    const keysPool = await openKeysPool(configuration, pool, opened);
    const bar = progressBar(session);
    const taken = takeBackup({
      file,
      pool,
      keysPool,
      productVersion: await productVersion(),
      onProgress: bar.show,
      signal: stopped.signal,
    });
    return taken.finally(bar.finish);
  };
  const work = (): Promise<BackupReport> => {
    const taking = take();
    working = taking.catch(() => undefined);
    return taking;
  };
  return withEnd(work, async () => {
    stopped.abort(); // what a signal ends takes its unfinished files with it
    await working;
    await endAll(opened);
  });
}

async function openKeysPool(
  { keysDatabaseUrl }: Configuration,
  pool: pg.Pool,
  opened: Endings,
): Promise<pg.Pool> {
  if (keysDatabaseUrl === null) return pool;
  await migrate(keysDatabaseUrl);
  const keysPool = new pg.Pool({
    connectionString: keysDatabaseUrl,
    application_name: 'merit backup',
    connectionTimeoutMillis: 10_000,
    max: 1,
  });
  keysPool.on('error', () => undefined);
  // The pool listens to idle connections alone; one in use would end the process as it breaks.
  keysPool.on('connect', (client) => client.on('error', () => undefined));
  opened.push(() => keysPool.end());
  return keysPool;
}

/** A bar over events, from when their number is known. */
export function progressBar({ language }: Session, zh = '备份', en = 'backing up') {
  let bar: Progress | null = null;
  let shown = 0;
  return {
    show(done: number, total: number): void {
      bar ??= createProgress({ label: inLanguage(language, zh, en), total });
      bar.advance(done - shown);
      shown = done;
    },
    finish: () => bar?.finish(),
  };
}

function summary({ language }: Session, { position, counts, log, keys }: BackupReport): string {
  const keyCount = counts['data-keys'] ?? 0;
  const lines = [
    inLanguage(
      language,
      `${log.file}：日志至位置 ${position}，访问记录 ${counts.access ?? 0} 条`,
      `${log.file}: the log up to position ${position}, ${counts.access ?? 0} entries of access`,
    ),
    inLanguage(
      language,
      `${keys.file}：密钥 ${keyCount} 个，仍由密钥加密密钥加密；请与日志分开保存，` +
        '密钥加密密钥不在两个文件中，请另行保管',
      `${keys.file}: ${keyCount} keys, wrapped by the key-encryption key, which is in neither ` +
        'file; keep all three apart',
    ),
  ];
  return `${lines.join('\n')}\n`;
}
