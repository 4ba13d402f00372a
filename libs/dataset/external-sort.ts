import { createReadStream } from 'node:fs';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Sorts more lines than fit in memory: what is held is sorted and spilled as a run whenever it
 * reaches the limit, and the runs are merged when the lines are asked for. Lines hold no LF and
 * sort by UTF-16 units.
 */
export type Sorter = {
  /** True: the limit is reached, and `spill` is due. A promise for every line would cost more. */
  readonly add: (line: string) => boolean;
  readonly spill: () => Promise<void>;
  /** All lines in order, in batches; may be asked for again, and nothing be added after. */
  readonly sorted: () => AsyncIterable<readonly string[]>;
  readonly runCount: () => number;
  readonly lineCount: () => number;
};

/** The folder of all runs, made with the first of them. */
export type SpillFolder = {
  readonly newRun: () => Promise<string>;
  readonly remove: () => Promise<void>;
};

export const DEFAULT_MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;

const OVERHEAD_BYTES = 48; // of a string beside its characters, and of its slot
const WRITE_CHARACTERS = 1024 * 1024;
const READ_BYTES = 128 * 1024; // of each run while merging: 64 runs hold 8 MiB
const MAX_MERGED_RUNS = 64;
const BATCH_LINES = 1_000;

export function spillFolder(parent = tmpdir()): SpillFolder {
  let folder: Promise<string> | null = null;
  let count = 0;
  return {
    newRun: async () => {
      folder ??= sweep(parent).then(() => mkdtemp(join(parent, `${OWN_NAME}${process.pid}-`)));
      count += 1;
      return join(await folder, `run-${count}`);
    },
    remove: async () => {
      if (folder !== null) await rm(await folder, { recursive: true, force: true });
      folder = null;
    },
  };
}

/** With the host's name: containers that share a folder have process ids of their own. */
const OWN_NAME = `merit-sort-${hostname()}-`;

/** A killed process leaves its runs, gigabytes of a large import: they go with the next. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(OWN_NAME) ? /^(\d+)-/.exec(name.slice(OWN_NAME.length))?.[1] : null;
    if (!pid || isAlive(Number(pid))) continue;
    // Another user's, or another sweep's by now: not worth an import.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function createSorter(
  folder: SpillFolder,
  memoryLimitBytes = DEFAULT_MEMORY_LIMIT_BYTES,
): Sorter {
  const runs: string[] = [];
  let held: string[] = [];
  let heldBytes = 0;
  let lineCount = 0;

  const spill = async (): Promise<void> => {
    if (held.length === 0) return;
    const lines = held.sort(compare);
    held = [];
    heldBytes = 0;
    const run = await folder.newRun();
    await writeRun(run, [lines]);
    runs.push(run);
  };

  /** Runs are merged into longer ones first, so that open files and buffers stay bounded. */
  const shortenRuns = async (): Promise<void> => {
    while (runs.length > MAX_MERGED_RUNS) {
      const parts = runs.splice(0, MAX_MERGED_RUNS);
      const run = await folder.newRun();
      await writeRun(run, merge(parts.map(readRun)));
      await Promise.all(parts.map((part) => rm(part)));
      runs.push(run);
    }
  };

  return {
    add: (line) => {
      held.push(line);
      heldBytes += line.length * 2 + OVERHEAD_BYTES; // two bytes a unit: names are Chinese
      lineCount += 1;
      return heldBytes >= memoryLimitBytes;
    },
    spill,
    async *sorted() {
      if (runs.length > 0) await spill();
      await shortenRuns();
      yield* runs.length === 0 ? batches(held.sort(compare)) : merge(runs.map(readRun));
    },
    runCount: () => runs.length,
    lineCount: () => lineCount,
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function* batches(lines: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < lines.length; at += BATCH_LINES) yield lines.slice(at, at + BATCH_LINES);
}

async function writeRun(
  run: string,
  lines: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
): Promise<void> {
  const file = await open(run, 'wx', 0o600); // rows hold personal data
  try {
    let text = '';
    for await (const batch of lines) {
      for (const line of batch) {
        text += `${line}\n`;
        if (text.length < WRITE_CHARACTERS) continue;
        await file.writeFile(text);
        text = '';
      }
    }
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

async function* readRun(run: string): AsyncGenerator<readonly string[]> {
  const chunks: AsyncIterable<string> = createReadStream(run, {
    encoding: 'utf8',
    highWaterMark: READ_BYTES,
  });
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines;
  }
}

type Cursor = {
  readonly source: AsyncIterator<readonly string[]>;
  lines: readonly string[];
  at: number;
  line: string;
};

/** Merges sorted sources through a heap whose root is the source with the lowest line. */
async function* merge(
  sources: readonly AsyncGenerator<readonly string[]>[],
): AsyncGenerator<readonly string[]> {
  try {
    const heap: Cursor[] = [];
    for (const source of sources) {
      const cursor: Cursor = { source, lines: [], at: -1, line: '' };
      if (await refill(cursor)) heap.push(cursor);
    }
    for (let at = (heap.length >> 1) - 1; at >= 0; at -= 1) sink(heap, at);
    let batch: string[] = [];
    for (let root = heap[0]; root !== undefined; root = heap[0]) {
      batch.push(root.line);
      if (batch.length >= BATCH_LINES) {
        yield batch;
        batch = [];
      }
      if (!step(root) && !(await refill(root))) removeRoot(heap);
      sink(heap, 0);
    }
    if (batch.length > 0) yield batch;
  } finally {
    // Whoever stops early leaves no open file behind.
    await Promise.all(sources.map((source) => source.return(undefined)));
  }
}

function step(cursor: Cursor): boolean {
  const line = cursor.lines[cursor.at + 1];
  if (line === undefined) return false;
  cursor.at += 1;
  cursor.line = line;
  return true;
}

async function refill(cursor: Cursor): Promise<boolean> {
  const next = await cursor.source.next();
  if (next.done) return false;
  cursor.lines = next.value;
  cursor.at = -1;
  return step(cursor);
}

function removeRoot(heap: Cursor[]): void {
  const last = heap.pop();
  if (last !== undefined && heap.length > 0) heap[0] = last;
}

function sink(heap: Cursor[], from: number): void {
  let at = from;
  for (;;) {
    const left = at * 2 + 1;
    const right = left + 1;
    let lowest = at;
    if (isBelow(heap, left, lowest)) lowest = left;
    if (isBelow(heap, right, lowest)) lowest = right;
    const [cursor, below] = [heap[at], heap[lowest]];
    if (lowest === at || cursor === undefined || below === undefined) return;
    heap[at] = below;
    heap[lowest] = cursor;
    at = lowest;
  }
}

function isBelow(heap: readonly Cursor[], child: number, parent: number): boolean {
  const [a, b] = [heap[child], heap[parent]];
  return a !== undefined && b !== undefined && a.line < b.line;
}
