import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type pg from 'pg';
import { DomainError } from '#kernel';
import { migrations } from '../../../infra/migrations/index.js';
import { eventFault } from './columns.js';
import {
  BACKUP_FORMAT,
  type BackupHeader,
  type Contents,
  KEY_SECTIONS,
  PRODUCT,
  type Section,
} from './format.js';
import { atOneMoment, countOf, headOf, rowsOf, type Source } from './source.js';
import { type BackupWriter, createBackupFile, refuseExisting } from './writer.js';

export type BackupOptions = {
  readonly file: string;
  /** Of the log's database; reading is enough. */
  readonly pool: pg.Pool;
  /** Of the keys' database, which can be the same. */
  readonly keysPool: pg.Pool;
  readonly productVersion: string;
  /** Called first with 0 of the number of events. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type WrittenFile = {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string; // of all but the seal; the seal holds it
};

export type BackupReport = {
  readonly backupId: string;
  readonly position: string;
  readonly counts: Readonly<Partial<Record<Section, number>>>;
  readonly log: WrittenFile;
  readonly keys: WrittenFile;
};

export const keysFileOf = (file: string): string => `${file}.keys`;

/** Names of all migrations of this code, oldest first. */
export const migrationNames = (): readonly string[] =>
  migrations.map((migration) => new migration().name ?? migration.name);

/**
 * Writes the log up to the head that it finds first, the access record, and into a second file the
 * keys. Both files appear when both are whole, that of the log last; or neither does. The system
 * goes on meanwhile. Errors: DomainError `backup-file-exists`, `backup-not-written`,
 * `backup-source-damaged`.
 */
export async function takeBackup(options: BackupOptions): Promise<BackupReport> {
  const { file } = options;
  const keysFile = keysFileOf(file);
  await refuseExisting(file);
  await refuseExisting(keysFile);
  const begun = { backupId: randomUUID(), createdAt: new Date().toISOString() };
  const writers: BackupWriter[] = [];
  try {
    const log = await writeLog(options, begun, writers);
    // After the log: an event's key is there before the event, so no key of these events misses;
    // and the later, the fewer erased keys does the file still hold.
    const keys = await writeKeys(options, { ...begun, position: log.position }, writers);
    options.signal?.throwIfAborted();
    await keys.writer.publish();
    await log.writer.publish().catch(async (error: unknown) => {
      await rm(keysFile, { force: true });
      throw error;
    });
    return {
      backupId: begun.backupId,
      position: log.position,
      counts: { ...log.counts, ...keys.counts },
      log: { file, ...log.written },
      keys: { file: keysFile, ...keys.written },
    };
  } finally {
    for (const writer of writers) await writer.discard();
  }
}

type Begun = { readonly backupId: string; readonly createdAt: string };
type Counts = BackupHeader['counts'];

const headerOf = (
  { productVersion }: BackupOptions,
  begun: Begun & { readonly position: string },
  contents: Contents,
  counts: Counts,
): BackupHeader => ({
  kind: 'header',
  product: PRODUCT,
  format: BACKUP_FORMAT,
  contents,
  backupId: begun.backupId,
  productVersion,
  createdAt: begun.createdAt,
  position: begun.position,
  migrations: migrationNames(),
  counts,
});

async function writeLog(options: BackupOptions, begun: Begun, writers: BackupWriter[]) {
  const { file, pool } = options;
  // The head and the access record of one moment; the log itself needs none, since what stands
  // at or before a position never changes. It is read outside: hours of one snapshot would keep
  // the database from clearing up behind the read models.
  const { writer, head, counts } = await atOneMoment(pool, async (source) => {
    const at = await headOf(source);
    const access = await countOf(source, 'access');
    const found = { access, events: Number(at) };
    const header = headerOf(options, { ...begun, position: String(at) }, 'log', found);
    const made = await createBackupFile(file, header);
    writers.push(made);
    await writeSection(made, source, 'access');
    return { writer: made, head: at, counts: found };
  });
  await writeEvents(options, writer, head);
  return { writer, position: String(head), counts, written: await writer.finish() };
}

async function writeSection(
  writer: BackupWriter,
  source: Source,
  section: Section,
): Promise<number> {
  let count = 0;
  for await (const rows of rowsOf(source, section)) {
    for (const row of rows) await writer.add(section, row);
    count += rows.length;
  }
  return count;
}

/** Each row is held against its leaf hash: a damaged log is not to be found at the restore. */
async function writeEvents(
  { pool, onProgress, signal }: BackupOptions,
  writer: BackupWriter,
  head: bigint,
): Promise<void> {
  let last = 0n;
  onProgress?.(0, Number(head));
  for await (const rows of rowsOf(pool, 'events', head)) {
    signal?.throwIfAborted();
    for (const row of rows) {
      const fault = eventFault(row, last + 1n);
      if (fault !== null) throw sourceDamaged(fault);
      await writer.add('events', row);
      last += 1n;
    }
    onProgress?.(Number(last), Number(head));
  }
  if (last !== head) throw sourceDamaged(`the log ends at ${last}, its head was ${head}`);
}

const sourceDamaged = (reason: string): DomainError =>
  new DomainError(
    'backup-source-damaged',
    { reason },
    `the log is damaged (${reason}); merit verify names every place`,
  );

async function writeKeys(
  options: BackupOptions,
  begun: Begun & { readonly position: string },
  writers: BackupWriter[],
) {
  return atOneMoment(options.keysPool, async (source) => {
    const counts: Partial<Record<Section, number>> = {};
    for (const section of KEY_SECTIONS) counts[section] = await countOf(source, section);
    const header = headerOf(options, begun, 'keys', counts);
    const writer = await createBackupFile(keysFileOf(options.file), header);
    writers.push(writer);
    for (const section of KEY_SECTIONS) await writeSection(writer, source, section);
    return { writer, counts, written: await writer.finish() };
  });
}
