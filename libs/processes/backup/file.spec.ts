import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  type BackupHeader,
  type BackupRow,
  type Contents,
  hashOf,
  SEAL_BYTES,
  sealOf,
} from './format.js';
import { readBackup } from './reader.js';
import { rowsOf, type Source } from './source.js';
import { createBackupFile, unfinishedBeside } from './writer.js';

const HEADER: BackupHeader = {
  kind: 'header',
  product: 'merit-ledger',
  format: 1,
  contents: 'log',
  backupId: '0b6f5a44-0000-4000-8000-000000000000',
  productVersion: '0.1.0',
  createdAt: '2026-03-31T18:00:00.000Z',
  position: '3',
  migrations: ['EventLog1760000000000'],
  counts: { events: 3 },
};
const ROWS: readonly BackupRow[] = [
  ['1', 'text with "quotes", a \\ and 客户经理'],
  ['2', null],
  ['3', 'line\nbreak \u0001 and 🧾'],
];

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-backup-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

const newFile = (): string => join(folder, `backup-${(files += 1)}`);

/** A file of either kind; its header announces what it has. */
async function written(
  rows = ROWS,
  of: Partial<BackupHeader> = {},
): Promise<{ file: string; bytes: Buffer }> {
  const file = newFile();
  const section = of.contents === 'keys' ? 'secrets' : 'events';
  const writer = await createBackupFile(file, {
    ...HEADER,
    counts: { [section]: rows.length },
    ...of,
  });
  for (const row of rows) await writer.add(section, row);
  await writer.finish();
  await writer.publish();
  return { file, bytes: await readFile(file) };
}

async function read(file: string, contents: Contents = 'log'): Promise<BackupRow[]> {
  const rows: BackupRow[] = [];
  for await (const part of readBackup(file, contents)) {
    if (part.kind === 'rows') rows.push(...part.rows);
  }
  return rows;
}

async function readBytes(bytes: Buffer, contents: Contents = 'log'): Promise<BackupRow[]> {
  const file = newFile();
  await writeFile(file, bytes);
  return read(file, contents);
}

/** A file of these lines that is sealed as a sound one is. */
function sealed(lines: readonly string[]): Buffer {
  const content = gzipSync(lines.map((line) => `${line}\n`).join(''));
  return Buffer.concat([content, sealOf(createHash('sha256').update(content).digest('hex'))]);
}

const linesOf = (bytes: Buffer): string[] =>
  gunzipSync(bytes.subarray(0, -SEAL_BYTES)).toString('utf8').trimEnd().split('\n');

const DAMAGED = expect.objectContaining({ code: 'backup-damaged' });

describe('a backup file', () => {
  it('gives back every row exactly, and is for its owner alone', async () => {
    const { file } = await written();
    expect(await read(file)).toEqual(ROWS);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('gives back any rows, in as many parts as they need', async () => {
    const row = fc.array(fc.option(fc.string({ unit: 'binary', maxLength: 3_000 })), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (some) => {
        const rows = Array.from({ length: 31 }, () => some).flat();
        const { file } = await written(rows);
        expect(await read(file)).toEqual(rows);
        await rm(file);
      }),
      { numRuns: 15 },
    );
  });

  it('can be read by people with gunzip, seal and all', async () => {
    const { bytes } = await written();
    const lines = gunzipSync(bytes).toString('utf8').trimEnd().split('\n');
    const kinds = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).kind);
    expect(kinds).toEqual(['header', 'part', 'end', 'seal']);
  });

  it.each(['log', 'keys'] as const)(
    'of %s is refused when it is cut anywhere',
    async (contents) => {
      const { bytes } = await written(ROWS, { contents });
      for (let length = 0; length < bytes.length; length += 1) {
        await expect(readBytes(bytes.subarray(0, length), contents)).rejects.toEqual(DAMAGED);
      }
    },
  );

  it.each(['log', 'keys'] as const)(
    'of %s is refused when any one of its bytes is another',
    async (contents) => {
      const { bytes } = await written(ROWS, { contents });
      expect(await readBytes(bytes, contents)).toEqual(ROWS);
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        await expect(readBytes(changed, contents)).rejects.toEqual(DAMAGED);
      }
    },
  );

  it('is refused when something follows it or stands before it', async () => {
    const { bytes } = await written();
    const more = randomBytes(3);
    await expect(readBytes(Buffer.concat([bytes, more]))).rejects.toEqual(DAMAGED);
    await expect(readBytes(Buffer.concat([more, bytes]))).rejects.toEqual(DAMAGED);
    await expect(readBytes(Buffer.concat([bytes, bytes]))).rejects.toEqual(DAMAGED);
  });

  it('is refused when it ends at the border of a part, whatever its seal', async () => {
    const { bytes } = await written(Array.from({ length: 1_700 }, (_, n) => [String(n + 1), 'x']));
    const lines = linesOf(bytes);
    const borders = lines.flatMap((line, index) => (line.startsWith('{') ? [index + 1] : []));
    expect(borders).toHaveLength(6); // header, four parts, end
    for (const border of borders.slice(0, -1)) {
      await expect(readBytes(sealed(lines.slice(0, border)))).rejects.toEqual(DAMAGED);
    }
    expect(await readBytes(sealed(lines))).toHaveLength(1_700);
  });

  it('is refused when a part is changed, missing or exchanged, whatever its seal', async () => {
    const { bytes } = await written(Array.from({ length: 1_100 }, (_, n) => [String(n + 1), 'x']));
    const lines = linesOf(bytes);
    const changed = lines.with(5, '["5","y"]');
    const without = lines.toSpliced(1, 501);
    const exchanged = [...lines.slice(0, 1), ...lines.slice(502, 1_003), ...lines.slice(1, 502)];
    const rest = lines.slice(1_003);
    for (const some of [changed, without, [...exchanged, ...rest], [...lines, '[]']]) {
      await expect(readBytes(sealed(some))).rejects.toEqual(DAMAGED);
    }
  });

  it('is refused when it has other numbers of rows than its header announces', async () => {
    const rows: BackupRow[] = Array.from({ length: 1_200 }, (_, n) => [String(n + 1)]);
    for (const counts of [{}, { events: 1_199 }, { events: 1_201 }, { events: 1_200, access: 1 }]) {
      const { file } = await written(rows, { counts });
      await expect(read(file)).rejects.toEqual(DAMAGED);
    }
    // The first part that is too much is not given any more: it would be loaded.
    const { file } = await written(rows, { counts: { events: 700 } });
    const given: number[] = [];
    const reading = (async () => {
      for await (const part of readBackup(file, 'log')) {
        if (part.kind === 'rows') given.push(part.rows.length);
      }
    })();
    await expect(reading).rejects.toEqual(DAMAGED);
    expect(given).toEqual([500]);
  });

  it('is refused when its header is not whole, whatever its seal', async () => {
    const wrong = [
      { counts: null },
      { counts: { events: -1 } },
      { counts: { events: '3' } },
      { counts: { other: 1 } },
      { counts: { secrets: 1 } },
      { counts: { events: 1e300 } },
      { migrations: null },
      { migrations: [1] },
      { position: '' },
      { position: '1e9' },
      { position: '9'.repeat(400) },
      { format: '2' },
      { format: 0 },
      { format: 1.5 },
      { backupId: null },
      { productVersion: 1 },
      { createdAt: null },
      { format: null },
    ];
    for (const of of wrong) {
      await expect(readBytes(sealed([JSON.stringify({ ...HEADER, ...of })]))).rejects.toEqual(
        DAMAGED,
      );
    }
  });

  it('is refused after little of what it would unfold to', async () => {
    const size = 256 * 1024 ** 2;
    const endless = sealed([JSON.stringify(HEADER), 'x'.repeat(size)]);
    const many = sealed([JSON.stringify(HEADER), ...Array.from({ length: 200_000 }, () => '[]')]);
    expect(endless.length).toBeLessThan(size / 500);
    const before = process.memoryUsage.rss();
    await expect(readBytes(endless)).rejects.toEqual(DAMAGED);
    await expect(readBytes(many)).rejects.toEqual(DAMAGED);
    expect(process.memoryUsage.rss() - before).toBeLessThan(size / 4);
  });

  it('is told from a file of another kind', async () => {
    for (const other of [
      Buffer.alloc(4_096),
      Buffer.from('-- PostgreSQL database dump\n'.repeat(9)),
    ]) {
      await expect(readBytes(other)).rejects.toMatchObject({
        code: 'backup-damaged',
        message: expect.stringContaining('it is no backup'),
      });
    }
    await expect(
      readBytes(gzipSync('x'.repeat(1_000) + randomBytes(500).toString('hex'))),
    ).rejects.toEqual(DAMAGED);
    await expect(read(folder)).rejects.toMatchObject({ code: 'backup-unreadable' });
  });

  it('of a newer format is refused by that name', async () => {
    const { file } = await written(ROWS, { format: 2, productVersion: '9.0.0' });
    await expect(read(file)).rejects.toMatchObject({
      code: 'backup-format-newer',
      message: expect.stringContaining('9.0.0'),
    });
  });

  it('of another product or with other contents is refused', async () => {
    const end = JSON.stringify({ kind: 'end', parts: 0, counts: {}, sha256: hashOf('', '') });
    await expect(readBytes(sealed(['{"kind":"header","product":"x"}', end]))).rejects.toEqual(
      DAMAGED,
    );
    await expect(readBytes(sealed(['[]', 'no JSON']))).rejects.toEqual(DAMAGED);
    const { file } = await written();
    const parts = readBackup(file, 'keys');
    await expect(parts.next()).rejects.toEqual(DAMAGED);
  });

  it('that is missing is told as such', async () => {
    await expect(read(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'backup-unreadable',
    });
  });
});

describe('writing a backup file', () => {
  it('shows nothing under its name before it is published', async () => {
    const file = newFile();
    const writer = await createBackupFile(file, { ...HEADER, counts: { events: 1 } });
    await writer.add('events', ['1']);
    await writer.finish();
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
    await writer.publish();
    expect(await read(file)).toEqual([['1']]);
  });

  it('leaves nothing behind when it is given up, at whatever moment', async () => {
    for (const until of ['begun', 'rows', 'finished']) {
      const file = newFile();
      const writer = await createBackupFile(file, HEADER);
      if (until !== 'begun') await writer.add('events', ['1']);
      if (until === 'finished') await writer.finish();
      await writer.discard();
      const names = await readdir(folder);
      expect(names.filter((name) => join(folder, name).startsWith(file))).toEqual([]);
    }
  });

  it('replaces no file that came to be there meanwhile', async () => {
    const file = newFile();
    const writer = await createBackupFile(file, HEADER);
    await writer.finish();
    await writeFile(file, 'of somebody else');
    await expect(writer.publish()).rejects.toMatchObject({ code: 'backup-file-exists' });
    await writer.discard();
    expect(await readFile(file, 'utf8')).toBe('of somebody else');
  });

  it('tells a disk that refuses', async () => {
    const file = join(folder, 'no-such-folder', 'backup');
    await expect(createBackupFile(file, HEADER)).rejects.toMatchObject({
      code: 'backup-not-written',
    });
  });
});

describe('reading what is backed up', () => {
  it('tells a page that failed while the one before was written, and ends no process', async () => {
    const page = Array.from({ length: 500 }, (_, n) => [String(n + 1)]);
    let asked = 0;
    const query = (): Promise<unknown> => {
      asked += 1;
      return asked === 1
        ? Promise.resolve({ rows: page })
        : Promise.reject(new Error('connection lost'));
    };
    const source = { query } as unknown as Source;
    const reading = (async () => {
      for await (const rows of rowsOf(source, 'access')) {
        expect(rows).toHaveLength(500);
        // As a slow disk: nobody listens to the page that is fetched ahead.
        await new Promise((resolve) => void setTimeout(resolve, 20));
      }
    })();
    await expect(reading).rejects.toThrow('connection lost');
  });

  it('names what a killed backup left beside the file', async () => {
    const file = newFile();
    const writer = await createBackupFile(file, HEADER);
    const left = await unfinishedBeside(file);
    expect(left).toEqual([expect.stringMatching(/^.*\/backup-\d+\.new-\d+-[0-9a-f]{8}$/)]);
    await writer.discard();
    expect(await unfinishedBeside(file)).toEqual([]);
    expect(await unfinishedBeside(join(folder, 'nowhere', 'backup'))).toEqual([]);
  });
});
