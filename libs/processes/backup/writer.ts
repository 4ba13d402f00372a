import { createHash, randomBytes } from 'node:crypto';
import { link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { createGzip } from 'node:zlib';
import { DomainError } from '#kernel';
import {
  type BackupHeader,
  type BackupRow,
  type EndLine,
  hashOf,
  isSectionOf,
  MAX_LINE_BYTES,
  MAX_PART_BYTES,
  MAX_PART_ROWS,
  type PartLine,
  sealOf,
  type Section,
} from './format.js';

/** The usual 6 takes three times the CPU for a tenth of the size. */
const GZIP_LEVEL = 3;

export type BackupWriter = {
  /** Rows of a section stand together: a section that was left is not taken up again. */
  readonly add: (section: Section, row: BackupRow) => Promise<void>;
  /** Writes the end and the seal, and waits until the disk has them. */
  readonly finish: () => Promise<{ readonly sha256: string; readonly bytes: number }>;
  /** Gives the finished file its name, in one step, unless there is such a file by now. */
  readonly publish: () => Promise<void>;
  /** Removes what is not published; harmless afterwards. */
  readonly discard: () => Promise<void>;
};

export async function refuseExisting(file: string): Promise<void> {
  if ((await stat(file).catch(() => null)) !== null) throw exists(file);
}

const exists = (file: string): DomainError =>
  new DomainError('backup-file-exists', { file }, `${file} exists already; give another name`);

const UNFINISHED = /\.new-\d+-[0-9a-f]{8}$/;

/** Files in the folder of `file` that a backup has not published: one that runs, or was killed. */
export async function unfinishedBeside(file: string): Promise<readonly string[]> {
  const folder = path.dirname(path.resolve(file));
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => UNFINISHED.test(name)).map((name) => path.join(folder, name));
}

/** A file under a name of its own, readable by its owner alone, until it is published. */
export async function createBackupFile(file: string, header: BackupHeader): Promise<BackupWriter> {
  const fresh = `${file}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  const out = await openCompressed(fresh, file);
  const lines: string[] = [];
  const counts: Partial<Record<Section, number>> = {};
  let section: Section | null = null;
  let bytes = 0;
  let parts = 0;
  const first = `${JSON.stringify(header)}\n`;
  let sha256 = hashOf('', first);

  const endPart = async (): Promise<void> => {
    if (section === null || lines.length === 0) return;
    const rows = lines.join('');
    sha256 = hashOf(sha256, rows);
    const line: PartLine = { kind: 'part', section, rows: lines.length, sha256 };
    counts[section] = (counts[section] ?? 0) + lines.length;
    lines.length = 0;
    bytes = 0;
    parts += 1;
    await out.write(`${rows}${JSON.stringify(line)}\n`);
  };
  await out.write(first);
  return {
    async add(of, row) {
      if (!isSectionOf(header.contents, of)) throw new TypeError(`no section ${of} here`);
      const line = `${JSON.stringify(row)}\n`;
      const size = Buffer.byteLength(line);
      if (size > MAX_LINE_BYTES) throw new RangeError(`a row of ${of} has ${size} bytes`);
      const isFull = lines.length >= MAX_PART_ROWS || bytes + size > MAX_PART_BYTES;
      if (of !== section || isFull) await endPart();
      if (of !== section && counts[of] !== undefined) throw new TypeError(`${of} was left before`);
      section = of;
      lines.push(line);
      bytes += size;
    },
    async finish() {
      await endPart();
      const line: EndLine = { kind: 'end', parts, counts, sha256 };
      await out.write(`${JSON.stringify(line)}\n`);
      return out.finish();
    },
    publish: () => publish(fresh, file),
    async discard() {
      await out.close();
      await rm(fresh, { force: true });
    },
  };
}

/** Compressed text into a new file; an error of the disk reaches whoever writes next. */
async function openCompressed(fresh: string, file: string) {
  const handle = await open(fresh, 'wx', 0o600).catch((error: unknown) => {
    throw notWritten(file, error);
  });
  const gzip = createGzip({ level: GZIP_LEVEL });
  gzip.on('error', () => undefined); // its reader below tells
  const hash = createHash('sha256');
  let bytes = 0;
  let closed = false;
  let wake: () => void = () => undefined;
  const pumped = (async () => {
    for await (const chunk of gzip as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      await handle.writeFile(chunk);
    }
  })().finally(() => wake());
  pumped.catch(() => undefined);
  gzip.on('drain', () => wake());
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    gzip.destroy();
    await pumped.catch(() => undefined); // a write under way needs the handle
    await handle.close();
  };
  const told = <Result>(work: Promise<Result>): Promise<Result> =>
    work.catch((error: unknown) => {
      throw notWritten(file, error);
    });
  return {
    async write(text: string): Promise<void> {
      if (gzip.destroyed) await told(pumped);
      if (gzip.write(text)) return;
      // Not a race with `pumped`: each race would stay with it until the end of the backup.
      await new Promise<void>((resolve) => (wake = resolve));
      if (gzip.destroyed) await told(pumped);
    },
    async finish() {
      gzip.end();
      await told(pumped);
      const seal = sealOf(hash.digest('hex'));
      await told(handle.writeFile(seal));
      await told(handle.sync());
      await close();
      return { sha256: hashIn(seal), bytes: bytes + seal.length };
    },
    close,
  };
}

const hashIn = (seal: Buffer): string => /[0-9a-f]{64}/.exec(seal.toString('latin1'))?.[0] ?? '';

function notWritten(file: string, error: unknown): DomainError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DomainError(
    'backup-not-written',
    { file, reason },
    `${file} could not be written: ${reason}`,
  );
}

const WITHOUT_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

async function publish(fresh: string, file: string): Promise<void> {
  try {
    // A link refuses to replace a file, a rename would not.
    await link(fresh, file);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw exists(file);
    if (!WITHOUT_LINKS.includes(code)) throw notWritten(file, error);
    await takeName(file);
    await rename(fresh, file).catch(async (failed: unknown) => {
      await rm(file, { force: true });
      throw notWritten(file, failed);
    });
  }
  // From here on the file is there under its name: nothing that follows may say otherwise.
  await rm(fresh, { force: true }).catch(() => undefined);
  await syncFolder(path.dirname(path.resolve(file))).catch(() => undefined);
}

/** Where there are no links: of two that take a name at once one is refused. */
async function takeName(file: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'EEXIST' ? exists(file) : notWritten(file, error);
  });
  await handle.close();
}

/**
 * Some file systems refuse it, and some folders may be written to and not read; the name is then as
 * durable as they make it.
 */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
