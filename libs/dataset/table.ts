import { type Column, problemOf, quoted } from './columns.js';
import { type CsvRow, readCsv } from './csv.js';
import type { Refusal } from './report.js';
import { type Encoding, openText } from './text-file.js';

/** A value for every column of a table; '' where it is absent. */
export type Cells<Name extends string> = Readonly<Record<Name, string>>;

export type Columns<Name extends string> = Readonly<Record<Name, Column>>;

/** A row in the order of the table's columns, whatever order the file has. */
export type TableRow = { readonly line: number; readonly values: readonly string[] };

export type TableReader = {
  readonly dir: string;
  readonly encoding: Encoding;
  readonly refuse: (refusal: Refusal) => void;
};

/** Rows of one file in batches. What cannot be read is refused; a missing file has no rows. */
export async function* readTable(
  reader: TableReader,
  file: string,
  names: readonly string[],
): AsyncGenerator<readonly TableRow[]> {
  const refuse = (line: number, reason: string): void =>
    reader.refuse({ file, line, code: 'malformed', reason });
  const text = await openText(`${reader.dir}/${file}`, reader.encoding);
  if (text === null) return;
  if ('problem' in text) return refuse(1, `the file ${text.problem}`);
  let order: readonly number[] | null = null;
  for await (const batch of readCsv(text.chunks())) {
    const rows: TableRow[] = [];
    for (const row of batch) {
      if (order === null) {
        const header = readHeader(row, names);
        if ('problem' in header) return refuse(row.line, header.problem);
        order = header.order;
      } else if ('problem' in row) refuse(row.line, `the row ${row.problem}`);
      else rows.push({ line: row.line, values: order.map((at) => row.fields[at] ?? '') });
    }
    if (rows.length > 0) yield rows;
  }
}

/** For each column of the table, where the file has it. */
function readHeader(
  row: CsvRow,
  names: readonly string[],
): { readonly order: readonly number[] } | { readonly problem: string } {
  if ('problem' in row) return { problem: `the header ${row.problem}` };
  const { fields } = row;
  const list = (columns: readonly string[]): string =>
    columns.slice(0, names.length).map(quoted).join(', ');
  const unknown = fields.filter((field) => !names.includes(field));
  const missing = names.filter((name) => !fields.includes(name));
  const repeated = names.filter((name) => fields.indexOf(name) !== fields.lastIndexOf(name));
  const problems = [
    unknown.length > 0 && `has unknown columns ${list(unknown)}`,
    missing.length > 0 && `lacks the columns ${list(missing)}`,
    repeated.length > 0 && `names the columns ${list(repeated)} twice`,
  ].filter((problem) => problem !== false);
  if (problems.length === 0) return { order: names.map((name) => fields.indexOf(name)) };
  return { problem: `the header ${problems.join(' and ')}; known are ${names.join(', ')}` };
}

export function namesOf<Name extends string>(columns: Columns<Name>): readonly Name[] {
  return Object.keys(columns) as Name[];
}

export function toCells<Name extends string>(
  names: readonly Name[],
  values: readonly string[],
): Cells<Name> {
  const cells = {} as Record<Name, string>;
  for (const [at, name] of names.entries()) cells[name] = values[at] ?? '';
  return cells;
}

/** Everything that is wrong with the single values of a row. */
export function problemsOf<Name extends string>(
  columns: Columns<Name>,
  cells: Cells<Name>,
): string[] {
  const problems: string[] = [];
  for (const name in columns) {
    const problem = problemOf(name, columns[name], cells[name]);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}
