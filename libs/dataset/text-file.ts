import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { DatasetError } from './report.js';

/** Encodings of tables beside UTF-8, by the names that `--encoding` takes. */
export const DATASET_ENCODINGS = ['utf-8', 'gb18030', 'gbk', 'gb2312', 'big5', 'utf-16le'] as const;
const CHUNK_BYTES = 262_144;
const BOM = [0xef, 0xbb, 0xbf] as const;

export type Encoding = (typeof DATASET_ENCODINGS)[number];

/** Throws DatasetError for an encoding that is not one of those. */
export function parseEncoding(name: string | undefined): Encoding {
  const lower = (name ?? 'utf-8').toLowerCase();
  const encoding = DATASET_ENCODINGS.find(
    (known) => known === (lower === 'utf8' ? 'utf-8' : lower),
  );
  if (encoding) return encoding;
  throw new DatasetError(`unknown encoding ${name}; known are ${DATASET_ENCODINGS.join(', ')}`);
}

/** A file's text in chunks, or why it cannot be read as text. Null: there is no such file. */
export type TextFile =
  | { readonly chunks: () => AsyncIterable<string> }
  | { readonly problem: string };

/**
 * Reads the bytes through once before anything is handed out: a file in another encoding is
 * refused as a whole, and not from its first Chinese character on.
 */
export async function openText(path: string, encoding: Encoding): Promise<TextFile | null> {
  const actual = await encodingOf(path, encoding);
  if (actual === null) return null;
  try {
    const chunks = decoded(path, actual);
    while (!(await chunks.next()).done);
  } catch (error) {
    if (codeOf(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    return { problem: undecodable(actual) };
  }
  return { chunks: () => decoded(path, actual) };
}

function undecodable(encoding: Encoding): string {
  return encoding === 'utf-8'
    ? 'is not UTF-8; a file from a Chinese spreadsheet is read with --encoding gb18030'
    : `is not ${encoding}; check --encoding, or leave it out for UTF-8`;
}

/** A UTF-8 byte order mark says UTF-8 whatever `--encoding` says: folders mix both. */
async function encodingOf(path: string, encoding: Encoding): Promise<Encoding | null> {
  const handle = await open(path).catch(unlessAbsent);
  if (handle === null) return null;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(BOM.length), 0, BOM.length, 0);
    const isMarked = bytesRead === BOM.length && BOM.every((byte, at) => buffer[at] === byte);
    return isMarked ? 'utf-8' : encoding;
  } finally {
    await handle.close();
  }
}

export function unlessAbsent(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null;
  throw error;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
}

/** Strict: throws TypeError at the first byte that the encoding does not have. */
async function* decoded(path: string, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const bytes: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  for await (const chunk of bytes) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') yield text;
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}
