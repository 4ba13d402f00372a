import { once } from 'node:events';
import { renderTable, type TableColumn } from '#platform';

const CHUNK_CHARACTERS = 65_536;
/** Tells a spreadsheet that the text is UTF-8. */
const BOM = '\uFEFF';

/** Standard output, which holds results alone. */
export type Output = { readonly write: (text: string) => Promise<void> };

export const standardOutput: Output = {
  async write(text) {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  },
};

/** One record a line, so that the text of a large organisation is never in memory as a whole. */
export async function writeJsonArray(out: Output, records: Iterable<object>): Promise<void> {
  let chunk = '[';
  let separator = '\n';
  for (const record of records) {
    chunk += `${separator}${JSON.stringify(record)}`;
    separator = ',\n';
    if (chunk.length < CHUNK_CHARACTERS) continue;
    await out.write(chunk);
    chunk = '';
  }
  await out.write(`${chunk}\n]\n`);
}

export async function writeJson(out: Output, value: object): Promise<void> {
  await out.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** RFC 4180 with a byte order mark, for spreadsheets; what is no text is written as JSON. */
export async function writeCsv(
  out: Output,
  names: readonly string[],
  records: Iterable<object>,
): Promise<void> {
  let chunk = `${BOM}${names.join(',')}\r\n`;
  for (const record of records) {
    const fields = record as Readonly<Record<string, unknown>>;
    chunk += `${names.map((name) => csvCell(fields[name])).join(',')}\r\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    await out.write(chunk);
    chunk = '';
  }
  await out.write(chunk);
}

/** A spreadsheet would run a text that begins like a formula; a number below 0 is none. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export async function writeTable(
  out: Output,
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  await out.write(`${renderTable(columns, rows)}\n`);
}
