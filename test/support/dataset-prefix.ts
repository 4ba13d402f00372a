import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { compareInstants } from '#kernel';

type Row = Record<string, string>;

/** By file, the column that says when the organisation recorded the row. */
const RECORDED_AT: Readonly<Record<string, string>> = {
  'metrics.csv': 'recordedAt',
  'evaluations.csv': 'submittedAt',
  'feedback-calls.csv': 'calledAt',
  'work-traces.csv': 'loggedAt',
  'complaints.csv': 'raisedAt',
  'adjustments.csv': 'grantedAt',
  'vetoes.csv': 'recordedAt',
  'sales-credits.csv': 'creditedAt',
  'awards.csv': 'grantedAt',
  'appeals.csv': 'filedAt',
  'cycles.csv': 'openedAt',
};
/** Cells that are empty until an instant; the decision of a row comes whole. */
const DECIDED: Readonly<Record<string, readonly string[]>> = {
  'complaints.csv': ['upheld', 'decidedAt'],
  'appeals.csv': ['outcome', 'decidedAt', 'corrections'],
};
const MILESTONES = ['closedAt', 'publishedAt', 'finalisedAt', 'sealedAt'];

/** The dataset as the organisation would have written it out at an instant. */
export async function writePrefix(from: string, to: string, at: string): Promise<void> {
  await mkdir(join(to, 'schemes'), { recursive: true });
  for (const name of await readdir(join(from, 'schemes'))) {
    await writeFile(join(to, 'schemes', name), await readFile(join(from, 'schemes', name)));
  }
  for (const file of (await readdir(from)).filter((name) => name.endsWith('.csv'))) {
    const text = await readFile(join(from, file), 'utf8');
    const header = text.slice(0, text.indexOf('\n')).trim();
    const rows = (parse(text, { columns: true, bom: true }) as Row[]).flatMap((row) =>
      knownAt(file, row, at),
    );
    const lines = rows.map((row) => Object.values(row).map(quoted).join(','));
    await writeFile(join(to, file), `${[header, ...lines].join('\n')}\n`);
  }
}

function knownAt(file: string, row: Row, at: string): Row[] {
  const isPast = (instant: string | undefined) => !!instant && compareInstants(instant, at) <= 0;
  const column = RECORDED_AT[file];
  if (column !== undefined && !isPast(row[column])) return [];
  const today = at.slice(0, 10);
  const [cells, isDecided] = [DECIDED[file] ?? [], isPast(row['decidedAt'])];
  for (const cell of cells) if (!isDecided) row[cell] = '';
  if (file === 'cycles.csv') for (const cell of MILESTONES) if (!isPast(row[cell])) row[cell] = '';
  if (file === 'absences.csv' && (row['from'] ?? '') > today) return [];
  if (file !== 'account-managers.csv') return [row];
  if ((row['joinedOn'] ?? '') > today) return [];
  if ((row['leftOn'] ?? '') > today) row['leftOn'] = '';
  return [row];
}

const quoted = (cell: string): string =>
  /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
