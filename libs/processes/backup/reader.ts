import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { DomainError } from '#kernel';
import {
  BACKUP_FORMAT,
  type BackupHeader,
  type BackupRow,
  type Contents,
  damaged,
  type EndLine,
  hashOf,
  isSectionOf,
  MAX_LINE_BYTES,
  MAX_PART_BYTES,
  MAX_PART_ROWS,
  newer,
  type PartLine,
  PRODUCT,
  SEAL_BYTES,
  sealOf,
  type Section,
} from './format.js';

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 8]);

/** What a file gives, in order; the whole file is sound only when the last one has come. */
export type BackupPart =
  | { readonly kind: 'header'; readonly header: BackupHeader }
  | { readonly kind: 'rows'; readonly section: Section; readonly rows: readonly BackupRow[] };

/**
 * Holds every byte of the file against its seal. Errors: DomainError `backup-unreadable`,
 * `backup-damaged`.
 */
export async function checkSeal(
  file: string,
  onRead: (bytes: number) => void = () => undefined,
): Promise<{ readonly contentBytes: number }> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const { size } = await handle.stat();
    const contentBytes = size - SEAL_BYTES;
    if (contentBytes <= 0) throw damaged(file, 'it is too short to be a backup');
    await refuseOtherKind(file, handle);
    const hash = createHash('sha256');
    const stream = handle.createReadStream({ start: 0, end: contentBytes - 1, autoClose: false });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      onRead(chunk.length);
    }
    const { buffer } = await handle.read(Buffer.alloc(SEAL_BYTES), 0, SEAL_BYTES, contentBytes);
    if (!buffer.equals(sealOf(hash.digest('hex')))) {
      throw damaged(file, 'it was cut short or changed: its bytes are not those of its seal');
    }
    return { contentBytes };
  } catch (error) {
    throw error instanceof DomainError ? error : unreadable(file, error);
  } finally {
    await handle.close();
  }
}

/** A file of another kind is named as such: nobody is to look for what damaged it. */
async function refuseOtherKind(file: string, handle: FileHandle): Promise<void> {
  const { buffer } = await handle.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
  if (!buffer.equals(GZIP_MAGIC)) throw damaged(file, 'it is no backup, or its beginning is not');
}

function unreadable(file: string, error: unknown): DomainError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DomainError('backup-unreadable', { file }, `${file} cannot be read: ${reason}`);
}

/**
 * The file's parts, each given after its hash was found right; at most two are in memory. It ends
 * without an error only behind the closing line. Errors: those of `checkSeal`, which comes first,
 * and DomainError `backup-format-newer`.
 */
export async function* readBackup(file: string, contents: Contents): AsyncGenerator<BackupPart> {
  const { contentBytes } = await checkSeal(file);
  const state = newState();
  for await (const line of linesOf(file, contentBytes)) {
    if (state.ended) throw damaged(file, 'something follows its closing line');
    if (state.sha256 === null) {
      const header = headerIn(file, line, contents);
      state.sha256 = hashOf('', line);
      state.due = header.counts;
      yield { kind: 'header', header };
    } else if (line.startsWith('[')) holdRow(file, state, line);
    else {
      const part = closePart(file, contents, state, line);
      if (part) yield part;
    }
  }
  if (!state.ended) throw damaged(file, 'its closing line is missing');
}

type State = {
  sha256: string | null; // null: the header has not come
  lines: string[];
  bytes: number;
  parts: number;
  readonly counts: Partial<Record<Section, number>>;
  due: BackupHeader['counts'];
  ended: boolean;
};

const newState = (): State => ({
  sha256: null,
  lines: [],
  bytes: 0,
  parts: 0,
  counts: {},
  due: {},
  ended: false,
});

/** Lines with their ends. */
async function* linesOf(file: string, contentBytes: number): AsyncGenerator<string> {
  const source = createReadStream(file, { start: 0, end: contentBytes - 1 });
  const text = createGunzip();
  source.on('error', (error) => text.destroy(error));
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of source.pipe(text) as AsyncIterable<Buffer>) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
        yield bytes.toString('utf8', 0, end + 1);
        bytes = bytes.subarray(end + 1);
      }
      if (bytes.length > MAX_LINE_BYTES) throw damaged(file, 'a line of it does not end');
      rest = bytes;
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw damaged(file, error instanceof Error ? error.message : String(error));
  } finally {
    source.destroy();
    text.destroy();
  }
  if (rest.length > 0) throw damaged(file, 'its last line does not end');
}

function parsed(file: string, line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw damaged(file, 'a line of it is no JSON');
  }
}

function headerIn(file: string, line: string, contents: Contents): BackupHeader {
  const header = (parsed(file, line) ?? {}) as Partial<BackupHeader>;
  if (header.kind !== 'header' || header.product !== PRODUCT) {
    throw damaged(file, 'it is no backup of Merit Ledger');
  }
  const { format } = header;
  if (!isCount(format) || format < 1) throw damaged(file, 'its header names no format');
  if (format > BACKUP_FORMAT) {
    throw newer(file, `format ${format}, of version ${header.productVersion ?? '?'}`);
  }
  if (header.contents !== contents) {
    throw damaged(file, `it holds ${header.contents ?? 'nothing'}, not ${contents}`);
  }
  if (!isWhole(header)) throw damaged(file, 'its header is not whole');
  return header;
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function isWhole(header: Partial<BackupHeader>): header is BackupHeader {
  const texts = [header.backupId, header.productVersion, header.createdAt, header.position];
  const { contents, migrations, counts } = header;
  return (
    texts.every((text) => typeof text === 'string') &&
    /^\d{1,15}$/.test(header.position ?? '') &&
    Array.isArray(migrations) &&
    migrations.every((name) => typeof name === 'string') &&
    typeof counts === 'object' &&
    counts !== null &&
    contents !== undefined &&
    Object.entries(counts).every(([name, count]) => isSectionOf(contents, name) && isCount(count))
  );
}

function holdRow(file: string, state: State, line: string): void {
  state.bytes += line.length;
  state.lines.push(line);
  if (state.lines.length > MAX_PART_ROWS || state.bytes > MAX_PART_BYTES) {
    throw damaged(file, `part ${state.parts + 1} is larger than parts are`);
  }
}

/** Null for the closing line. */
function closePart(
  file: string,
  contents: Contents,
  state: State,
  line: string,
): BackupPart | null {
  const told = (parsed(file, line) ?? {}) as Partial<PartLine> | Partial<EndLine>;
  if (told.kind === 'end') {
    endWith(file, state, told);
    return null;
  }
  const number = state.parts + 1;
  if (told.kind !== 'part' || !isSectionOf(contents, told.section)) {
    throw damaged(file, `part ${number} has no closing line`);
  }
  const sha256 = hashOf(state.sha256 ?? '', state.lines.join(''));
  if (told.sha256 !== sha256 || told.rows !== state.lines.length) {
    throw damaged(file, `part ${number} is not what was written`);
  }
  const rows = state.lines.map((text) => parsed(file, text) as BackupRow);
  const { section } = told;
  const count = (state.counts[section] ?? 0) + rows.length;
  // Told at once: whoever loads rows must not load what nobody announced.
  if (count > (state.due[section] ?? 0)) {
    throw damaged(file, `it has more rows of ${section} than its header says`);
  }
  state.counts[section] = count;
  state.sha256 = sha256;
  state.parts = number;
  state.lines = [];
  state.bytes = 0;
  return { kind: 'rows', section, rows };
}

function endWith(file: string, state: State, told: Partial<EndLine>): void {
  const isSame =
    state.lines.length === 0 &&
    told.parts === state.parts &&
    told.sha256 === state.sha256 &&
    JSON.stringify(told.counts) === JSON.stringify(state.counts);
  if (!isSame) throw damaged(file, 'its closing line counts other parts');
  for (const [section, due] of Object.entries(state.due)) {
    const found = state.counts[section as Section] ?? 0;
    if (found !== due) throw damaged(file, `${found} rows of ${section}, its header says ${due}`);
  }
  state.ended = true;
}
