import { readdir, stat } from 'node:fs/promises';
import { compareInstants } from '#kernel';
import {
  createSorter,
  DEFAULT_MEMORY_LIMIT_BYTES,
  type Sorter,
  spillFolder,
} from './external-sort.js';
import type { FactTable } from './fact-table.js';
import { FACT_TABLES } from './fact-tables.js';
import { joinPeople, recordUse } from './joined-people.js';
import { readMasterData } from './master-data.js';
import { MASTER_FILES } from './master-tables.js';
import { timelineOf, type Timeline } from './milestones.js';
import type { MasterData, Replay, ReplayOptions } from './replay-types.js';
import { DatasetError, type Refusal, sortRefusals } from './report.js';
import { readSchemes } from './schemes.js';
import { stretchText, tableText, toSortLine } from './sort-line.js';
import { stepsOf } from './steps.js';
import { readTable, type TableReader } from './table.js';
import { parseEncoding, unlessAbsent } from './text-file.js';

const NOTHING_KNOWN = { accountManager: () => false, unit: () => false };
const SHARE_OF_ROWS = 0.75; // of the memory; the rest is for the uses of record ids

/**
 * Reads and checks a dataset directory and sorts its history. Throws DatasetError where there is
 * nothing to read; whatever is wrong in the files is refused line by line, and nothing else lost.
 */
export async function openReplay(dir: string, options: ReplayOptions = {}): Promise<Replay> {
  const encoding = parseEncoding(options.encoding);
  await refuseUnlessFolder(dir);
  const refused: Refusal[] = [];
  const reader: TableReader = { dir, encoding, refuse: (refusal) => refused.push(refusal) };
  const memoryLimitBytes = options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES;
  const folder = spillFolder(options.tempDir);
  const useFolder = spillFolder(options.tempDir);
  const rows = createSorter(folder, memoryLimitBytes * SHARE_OF_ROWS);
  const uses = createSorter(useFolder, memoryLimitBytes * (1 - SHARE_OF_ROWS));
  try {
    await refuseUnknownFiles(reader);
    const masterData = await readMasterData(reader, options.known ?? NOTHING_KNOWN);
    const schemes = await readSchemes(reader);
    const timeline = timelineOf(masterData.cycles);
    for (const table of FACT_TABLES) {
      await sortTable(reader, table, { timeline, rows, uses, onRowsRead: options.onRowsRead });
    }
    const joined = await joinPeople(uses);
    const { milestones } = timeline;
    return {
      masterData,
      schemes,
      earliestOpenedAt: earliestOpening(masterData),
      milestones,
      refused: sortRefusals(refused),
      rowCount: rows.lineCount(),
      steps: () =>
        stepsOf({ rows, joined, milestones, tempDir: options.tempDir, memoryLimitBytes }),
      close: () => folder.remove(),
    };
  } catch (error) {
    await folder.remove();
    throw error;
  } finally {
    await useFolder.remove();
  }
}

async function refuseUnlessFolder(dir: string): Promise<void> {
  const found = await stat(dir).catch(unlessAbsent);
  if (!found?.isDirectory()) throw new DatasetError(`there is no dataset directory ${dir}`);
}

/** `metric.csv` would otherwise be facts that nobody misses. */
async function refuseUnknownFiles(reader: TableReader): Promise<void> {
  const known = [...MASTER_FILES, ...FACT_TABLES.map(({ file }) => file)];
  for (const file of await readdir(reader.dir)) {
    if (!file.toLowerCase().endsWith('.csv') || file.startsWith('.')) continue;
    if (known.includes(file)) continue;
    const reason = `the file is none of a dataset; known are ${known.join(', ')}`;
    reader.refuse({ file, line: 1, code: 'malformed', reason });
  }
}

type Sink = {
  readonly timeline: Timeline;
  readonly rows: Sorter;
  readonly uses: Sorter;
  readonly onRowsRead: ReplayOptions['onRowsRead'];
};

async function sortTable(reader: TableReader, table: FactTable, sink: Sink): Promise<void> {
  const { timeline, rows, uses } = sink;
  const tableKey = tableText(table);
  for await (const batch of readTable(reader, table.file, table.names)) {
    for (const row of batch) {
      const entry = table.entry(row.values);
      if ('problems' in entry) {
        const reason = entry.problems.join('; ');
        reader.refuse({ file: table.file, line: row.line, code: 'malformed', reason });
        continue;
      }
      for (const moment of entry.moments) {
        const stretch = stretchText(timeline.stretchOf(moment));
        const isFull = rows.add(toSortLine(tableKey, stretch, row, entry, moment));
        if (isFull) await rows.spill();
        if (moment.isDecision) continue;
        for (const recordId of [entry.recordId, entry.citedRecordId]) {
          if (recordId === null) continue;
          const use = recordUse(tableKey, recordId, stretch, entry.accountManagerId);
          if (uses.add(use)) await uses.spill();
        }
      }
    }
    sink.onRowsRead?.(batch.length);
  }
}

function earliestOpening({ cycles }: MasterData): string | null {
  const [first] = cycles.map(({ openedAt }) => openedAt).sort(compareInstants);
  return first ?? null;
}
