import { once } from 'node:events';
import { csvChunks, jsonArrayChunks, renderTable, type TableColumn } from '#platform';

/** Standard output, which holds results alone. */
export type Output = { readonly write: (text: string) => Promise<void> };

export const standardOutput: Output = {
  async write(text) {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  },
};

export async function writeJsonArray(out: Output, records: Iterable<object>): Promise<void> {
  for await (const chunk of jsonArrayChunks(records)) await out.write(chunk);
}

export async function writeJson(out: Output, value: object): Promise<void> {
  await out.write(`${JSON.stringify(value, null, 2)}\n`);
}

export async function writeCsv(
  out: Output,
  names: readonly string[],
  records: Iterable<object>,
): Promise<void> {
  for await (const chunk of csvChunks(names, records)) await out.write(chunk);
}

export async function writeTable(
  out: Output,
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  await out.write(`${renderTable(columns, rows)}\n`);
}
