import { rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { allEventSpecs } from '#contexts/registry';
import { DomainError } from '#kernel';
import {
  type Configuration,
  migrate,
  openDatabase,
  readKeyEncryptionKey,
  removeUnusedDatabase,
} from '#platform';
import { checkBackup, type CheckedBackup, restoreBackup } from '#processes/backup';
import { BACKUP_REFUSALS } from '../backup-words.js';
import type { Call } from '../call.js';
import { endAll, type Endings } from '../endings.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';
import { toldIn } from '../refusals.js';
import { createSession, type Session, withEnd } from '../session.js';
import { inLanguage } from '../words.js';
import { progressBar, requirePostgres } from './backup.js';

/** FILE and FILE.keys into an empty data folder, or onto an empty configured database. */
export async function restore({ env, options }: Call, file: string): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const session = createSession(env, options);
  const { language } = session;
  const { header } = await toldIn(language, BACKUP_REFUSALS, () =>
    run(session, path.resolve(file)),
  );
  const { position, createdAt, productVersion } = header;
  if (options.format === 'json') {
    await writeJson(standardOutput, { position, createdAt, productVersion, verified: true });
    return;
  }
  const text = inLanguage(
    language,
    `已恢复并核对：日志至位置 ${position}（备份于 ${createdAt}，版本 ${productVersion}）`,
    `restored and verified: the log up to position ${position} (backed up ${createdAt}, ` +
      `version ${productVersion})`,
  );
  await standardOutput.write(`${text}\n`);
}

async function run(session: Session, file: string): Promise<CheckedBackup> {
  const { configuration } = session;
  requirePostgres(configuration, 'restore');
  // Before anything is made: a file that is not sound leaves no folder behind.
  const checked = await checkBackup(file, () =>
    readKeyEncryptionKey(configuration.kekFile, { create: false }),
  );
  const undo = await undoOf(configuration);
  const stopped = new AbortController();
  const opened: Endings = [];
  let working: Promise<unknown> = Promise.resolve();
  let isKept = false;
  const work = async (): Promise<void> => {
    const loading = load(session, checked, opened, stopped.signal);
    working = loading.then(
      () => (isKept = true),
      (error: unknown) => (isKept = isOfOthers(error, configuration)),
    );
    await loading;
  };
  await withEnd(work, async () => {
    stopped.abort();
    await working;
    await endAll(opened);
    if (!isKept) await undo();
  });
  return checked;
}

/** Somebody else was quicker in the same new folder: what is there now is theirs. */
function isOfOthers(error: unknown, { keysDatabaseUrl }: Configuration): boolean {
  if (!(error instanceof DomainError)) return false;
  if (error.code === 'data-folder-in-use') return true;
  const isElsewhere =
    keysDatabaseUrl !== null && String(error.details['table']).startsWith('keys.');
  return error.code === 'restore-target-not-empty' && !isElsewhere;
}

async function load(
  session: Session,
  checked: CheckedBackup,
  opened: Endings,
  signal: AbortSignal,
): Promise<void> {
  const { configuration, logger } = session;
  // `own`: a folder that is being served is no target.
  const database = await openDatabase(configuration, 'own', (text) => logger.info(text));
  opened.push(() => database.close());
  const { keysDatabaseUrl } = configuration;
  if (keysDatabaseUrl !== null) await migrate(keysDatabaseUrl);
  const bar = progressBar(session, '恢复', 'restoring');
  await restoreBackup(checked, {
    ownerUrl: database.ownerUrl,
    keysUrl: keysDatabaseUrl,
    specs: allEventSpecs,
    onProgress: bar.show,
    signal,
  }).finally(bar.finish);
}

/**
 * What takes away a database that this restore made in the data folder. One that was there before
 * stays as it was: all was one transaction.
 */
async function undoOf({ database, dataDir }: Configuration): Promise<() => Promise<void>> {
  const isThere = async (file: string): Promise<boolean> =>
    (await stat(file).catch(() => null)) !== null;
  const wasThere = await isThere(path.join(dataDir, 'postgres'));
  if (database.kind === 'server' || wasThere) return () => Promise.resolve();
  const hadFolder = await isThere(dataDir);
  return async () => {
    const isRemoved = await removeUnusedDatabase(dataDir);
    if (hadFolder || !isRemoved) return;
    await rmdir(dataDir).catch(() => undefined); // unless something is there
  };
}
