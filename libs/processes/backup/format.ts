import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { DomainError } from '#kernel';

/**
 * Raised when a reader of the number before would misread a file; every reader keeps the old. The
 * seal and the names `product`, `format` and `productVersion` in the first line are the same in
 * every format: by them alone an older reader tells a newer file from a damaged one.
 */
export const BACKUP_FORMAT = 1;
export const PRODUCT = 'merit-ledger';

/** A part's rows are held in memory, by the writer and by the reader. */
export const MAX_PART_ROWS = 500;
export const MAX_PART_BYTES = 4 * 1024 ** 2;
/** An event's texts have 64 KiB each; as JSON in JSON none of their bytes takes more than six. */
export const MAX_LINE_BYTES = 1024 ** 2;

export const LOG_SECTIONS = ['access', 'events'] as const;
export const KEY_SECTIONS = ['data-keys', 'erased-subjects', 'secrets'] as const;
export type LogSection = (typeof LOG_SECTIONS)[number];
export type KeySection = (typeof KEY_SECTIONS)[number];
export type Section = LogSection | KeySection;

/** Which of the two files. */
export type Contents = 'log' | 'keys';
const SECTIONS: Readonly<Record<Contents, readonly Section[]>> = {
  log: LOG_SECTIONS,
  keys: KEY_SECTIONS,
};

export const isSectionOf = (contents: Contents, section: unknown): section is Section =>
  (SECTIONS[contents] as readonly unknown[]).includes(section);

/** First line of each file. Both files of one backup have the same id and the same position. */
export type BackupHeader = {
  readonly kind: 'header';
  readonly product: typeof PRODUCT;
  readonly format: number;
  readonly contents: Contents;
  readonly backupId: string;
  readonly productVersion: string;
  readonly createdAt: string; // RFC 3339 UTC
  readonly position: string; // of the last event; '0': the log was empty
  /** Names of the migrations that the data has been through. */
  readonly migrations: readonly string[];
  /** Rows that each section will have. */
  readonly counts: Readonly<Partial<Record<Section, number>>>;
};

/** A row is a JSON array of texts and nulls, in the order of its section's columns. */
export type Cell = string | null;
export type BackupRow = readonly Cell[];

/** Behind the rows of a part; `sha256` is of the part before (at first, of the header) and them. */
export type PartLine = {
  readonly kind: 'part';
  readonly section: Section;
  readonly rows: number;
  readonly sha256: string;
};

/** The last line: without it a file was cut short. `sha256` is that of the last part. */
export type EndLine = {
  readonly kind: 'end';
  readonly parts: number;
  readonly counts: Readonly<Partial<Record<Section, number>>>;
  readonly sha256: string;
};

export const hashOf = (before: string, rows: string): string =>
  createHash('sha256').update(before).update(rows).digest('hex');

/** Where a file is not what was written. */
export const damaged = (file: string, reason: string): DomainError =>
  new DomainError('backup-damaged', { file, reason }, `${file} is damaged: ${reason}`);

export const newer = (file: string, reason: string): DomainError =>
  new DomainError(
    'backup-format-newer',
    { file, reason },
    `${file} was written by a newer version of Merit Ledger (${reason}); restore it with that one`,
  );

const SEAL_TEXT_BYTES = 92;
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const STORED_BLOCK_BYTES = 5;
const GZIP_TRAILER_BYTES = 8;
export const SEAL_BYTES =
  GZIP_HEADER.length + STORED_BLOCK_BYTES + SEAL_TEXT_BYTES + GZIP_TRAILER_BYTES;

/**
 * The file's end: a gzip member of its own, not compressed, that holds the SHA-256 of every byte
 * before it. gzip itself would let some bytes change unseen (its header's, and bits of padding).
 */
export function sealOf(sha256: string): Buffer {
  const text = Buffer.from(`${JSON.stringify({ kind: 'seal', sha256 })}\n`);
  if (text.length !== SEAL_TEXT_BYTES) throw new TypeError('a seal has one length');
  const block = Buffer.alloc(STORED_BLOCK_BYTES);
  block[0] = 1; // the last block, stored
  block.writeUInt16LE(text.length, 1);
  block.writeUInt16LE(~text.length & 0xffff, 3);
  const trailer = Buffer.alloc(GZIP_TRAILER_BYTES);
  trailer.writeUInt32LE(crc32(text), 0);
  trailer.writeUInt32LE(text.length, 4);
  return Buffer.concat([GZIP_HEADER, block, text, trailer]);
}
