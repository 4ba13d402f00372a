import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, truncate } from 'node:fs/promises';
import path from 'node:path';

/** Files that are whole after a crash at any moment: what returned here is on the disk. */

/** Makes what happened in a folder last: a name made, replaced or taken away. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first !== undefined) await syncFolder(path.dirname(first));
}

/** Whole or not at all, and in place of what was there. */
export async function writeWhole(
  file: string,
  texts: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const fresh = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    for await (const piece of inPieces(texts)) await handle.appendFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await moveTo(fresh, file);
}

const PIECE_LENGTH = 256 * 1024;

/** One write for a quarter of a million characters, not one for each line. */
async function* inPieces(texts: Iterable<string> | AsyncIterable<string>): AsyncIterable<string> {
  let piece = '';
  for await (const text of texts) {
    piece += text;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

export async function moveTo(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(path.dirname(to));
  if (path.dirname(from) !== path.dirname(to)) await syncFolder(path.dirname(from));
}

/** Null where there is no such file. */
export async function readIfThere(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

/** Adds whole lines at the end of a file. */
export async function appendLines(file: string, values: readonly unknown[]): Promise<void> {
  if (values.length === 0) return;
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.appendFile(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(path.dirname(file));
}

/**
 * The values of a file of JSON lines, one at a time; none where there is no file. A line without
 * its end is being written, or never will be: it does not count.
 */
export async function* readLines<Value>(file: string): AsyncIterable<Value> {
  for await (const { text, bytes } of linesOf(file)) {
    if (bytes > 0) yield JSON.parse(text) as Value;
  }
}

/**
 * Cuts off what a crash left behind the last whole line. Nobody was told that it is kept: it
 * comes again.
 */
export async function cutTornEnd(file: string): Promise<void> {
  let wholeBytes = 0;
  let isTorn = false;
  for await (const { text, bytes } of linesOf(file)) {
    isTorn = !isJson(text) || bytes === 0;
    if (isTorn) break;
    wholeBytes += bytes;
  }
  if (isTorn) await truncate(file, wholeBytes);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Lines with their length in bytes, their end included; 0 for one that has no end. */
async function* linesOf(file: string): AsyncIterable<{ text: string; bytes: number }> {
  const source = createReadStream(file);
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let at = rest.indexOf(LF); at >= 0; at = rest.indexOf(LF, from)) {
        yield { text: rest.toString('utf8', from, at), bytes: at + 1 - from };
        from = at + 1;
      }
      rest = rest.subarray(from);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), bytes: 0 };
}

const LF = 0x0a;
