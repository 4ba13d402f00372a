import { Client } from 'pg';
import { wrappingKey } from '#event-store';
import { DomainError, type EventSpec } from '#kernel';
import { storedLog, verifyLog } from '#processes/verification';
import { keysFileOf, migrationNames } from './backup.js';
import { cellOf, eventFault, isRowOf, WRAPPED_SECTIONS } from './columns.js';
import {
  type BackupHeader,
  type BackupRow,
  type Contents,
  damaged,
  KEY_SECTIONS,
  LOG_SECTIONS,
  newer,
  type Section,
} from './format.js';
import { type BackupPart, readBackup } from './reader.js';
import { beginRestore, continueIds, insertRows, type Target, tellReaders } from './target.js';

/** A backup whose two files belong together, seal and keys sound. */
export type CheckedBackup = {
  readonly file: string;
  readonly header: BackupHeader;
  /** Names of the key-encryption keys that wrap something in it. */
  readonly wrappedBy: readonly string[];
};

type KeyQuestion = () => Promise<Uint8Array>;

/**
 * Before a target is made: every byte of both files against its seal, the keys' file whole, and
 * the key-encryption key the one that wraps them (`keyEncryptionKey` is asked for only if anything
 * is wrapped). Errors: DomainError `backup-unreadable`, `backup-damaged`, `backup-format-newer`,
 * `backup-keys-other`, `key-encryption-key-wrong`.
 */
export async function checkBackup(
  file: string,
  keyEncryptionKey: KeyQuestion,
): Promise<CheckedBackup> {
  const header = await headerIn(file, 'log');
  const keysFile = keysFileOf(file);
  const wrappedBy = new Set<string>();
  for await (const part of partsOf(keysFile, 'keys')) {
    if (part.kind === 'header') refuseOther(file, header, part.header);
    else if (WRAPPED_SECTIONS.some((section) => section === part.section)) {
      for (const row of part.rows) {
        const by = cellOf(part.section, row, 'wrapped_by');
        if (typeof by === 'string') wrappedBy.add(by);
      }
    }
  }
  const names = [...wrappedBy].toSorted();
  if (names.length > 0) refuseWrongKey(names, wrappingKey(await keyEncryptionKey()).id);
  return { file, header, wrappedBy: names };
}

async function headerIn(file: string, contents: Contents): Promise<BackupHeader> {
  for await (const part of partsOf(file, contents)) {
    if (part.kind === 'header') return part.header;
  }
  throw damaged(file, 'it has no header');
}

function refuseOther(file: string, log: BackupHeader, keys: BackupHeader): void {
  if (keys.backupId === log.backupId && keys.position === log.position) return;
  const keysFile = keysFileOf(file);
  throw new DomainError(
    'backup-keys-other',
    { file, keysFile },
    `${keysFile} holds the keys of another backup than ${file}`,
  );
}

function refuseWrongKey(wrappedBy: readonly string[], given: string): void {
  if (wrappedBy.every((name) => name === given)) return;
  throw new DomainError(
    'key-encryption-key-wrong',
    { wrappedBy, given },
    `the keys of this backup are wrapped by ${wrappedBy.join(', ')}, ` +
      `the key-encryption key that was given is ${given}`,
  );
}

/** As `readBackup`; each row has its section's columns, and no migration is unknown here. */
async function* partsOf(file: string, contents: Contents): AsyncGenerator<BackupPart> {
  for await (const part of readBackup(file, contents)) {
    if (part.kind === 'header') {
      const known = new Set(migrationNames());
      const unknown = part.header.migrations.find((name) => !known.has(name));
      if (unknown !== undefined) throw newer(file, `its data knows ${unknown}`);
    } else if (!part.rows.every((row) => isRowOf(part.section, row))) {
      throw damaged(file, `a row of ${part.section} is not whole`);
    }
    yield part;
  }
}

export type RestoreOptions = {
  /** Login that owns the log, on a migrated database. */
  readonly ownerUrl: string;
  readonly keysUrl: string | null; // null: beside the log
  readonly specs: readonly EventSpec[]; // every event type that this code knows
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Brings a checked backup into an empty database, in one transaction: rows exactly as they were,
 * then read back and verified as `merit verify` does, then made visible together. Errors:
 * DomainError `restore-target-not-empty`, `restore-not-verified`, `backup-damaged`,
 * `backup-format-newer`.
 */
export async function restoreBackup(
  { file, header }: CheckedBackup,
  { ownerUrl, keysUrl, specs, onProgress, signal }: RestoreOptions,
): Promise<void> {
  const log = await connect(ownerUrl);
  let keys = log;
  try {
    if (keysUrl !== null) keys = await connect(keysUrl);
    if (keys === log) await beginRestore(log, [...LOG_SECTIONS, ...KEY_SECTIONS]);
    else {
      await beginRestore(log, LOG_SECTIONS);
      await beginRestore(keys, KEY_SECTIONS);
    }
    await loadKeys(keys, { file, header });
    await loadLog(log, { file, header, specs, onProgress, signal });
    await refuseFindings(log, specs, signal);
    await tellReaders(log, header.position);
    // Keys without their log harm nobody and are refused by the next attempt; a log without its
    // keys would be used.
    if (keys !== log) await keys.query('COMMIT');
    await log.query('COMMIT');
    await log.query('ANALYZE log.events');
  } finally {
    // What is not committed goes with its connection.
    await Promise.all([log.end(), keys === log ? null : keys.end()]);
  }
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({
    connectionString,
    application_name: 'merit restore',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function loadKeys(target: Target, { file, header }: Load): Promise<void> {
  for await (const part of partsOf(keysFileOf(file), 'keys')) {
    if (part.kind === 'header') refuseOther(file, header, part.header);
    else await insertRows(target, part.section, part.rows);
  }
}

type Load = Pick<CheckedBackup, 'file' | 'header'>;
type LogLoad = Load & Pick<RestoreOptions, 'specs' | 'onProgress' | 'signal'>;

async function loadLog(target: Target, load: LogLoad): Promise<void> {
  const { file, header, onProgress, signal } = load;
  const types = new Set(load.specs.map(({ type }) => type));
  const total = Number(header.position);
  const counts: Partial<Record<Section, number>> = {};
  onProgress?.(0, total);
  for await (const part of partsOf(file, 'log')) {
    signal?.throwIfAborted();
    if (part.kind === 'header') {
      // It may have been exchanged since it was checked.
      refuseOther(file, header, part.header);
      continue;
    }
    const { section, rows } = part;
    const before = counts[section] ?? 0;
    if (section === 'events') checkEvents(file, rows, BigInt(before), types);
    await insertRows(target, section, rows);
    counts[section] = before + rows.length;
    if (section === 'events') onProgress?.(counts[section], total);
  }
  if ((counts.events ?? 0) !== total) throw damaged(file, `it does not reach position ${total}`);
  await continueIds(target);
}

function checkEvents(
  file: string,
  rows: readonly BackupRow[],
  before: bigint,
  types: ReadonlySet<string>,
): void {
  let due = before + 1n;
  for (const row of rows) {
    const type = cellOf('events', row, 'type');
    if (typeof type === 'string' && !types.has(type)) throw newer(file, `an event of ${type}`);
    const fault = eventFault(row, due);
    if (fault !== null) throw damaged(file, fault);
    due += 1n;
  }
}

/** Reads back what stands in the database by now, and not what was sent there. */
async function refuseFindings(
  target: Client,
  specs: readonly EventSpec[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const findings = await verifyLog(storedLog(target), specs, { signal });
  const first = findings[0];
  if (!first) return;
  throw new DomainError(
    'restore-not-verified',
    { findings: findings.map(({ message }) => message) },
    `what was restored does not hold, and was taken back: ${first.message}`,
  );
}
