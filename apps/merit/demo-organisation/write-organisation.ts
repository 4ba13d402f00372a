import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DATASET_TABLES } from '#dataset';
import { emitOrganisation, type OrganisationOptions } from './organisation.js';

const WRITE_CHARACTERS = 256 * 1024;

/** Writes a dataset directory, and says how many rows it has. */
export function writeOrganisation(dir: string, options: OrganisationOptions): number {
  mkdirSync(join(dir, 'schemes'), { recursive: true });
  const tables = new Map(
    DATASET_TABLES.map(({ file, names }) => [file, openTable(join(dir, file), names)]),
  );
  let rowCount = 0;
  const schemes = emitOrganisation(options, (file, row) => {
    const table = tables.get(file);
    if (!table) throw new RangeError(`no table ${file}`);
    table.write(row);
    rowCount += 1;
  });
  for (const table of tables.values()) table.close();
  for (const scheme of schemes) {
    const file = join(dir, 'schemes', `${scheme.schemeId}.v${scheme.version}.json`);
    writeFileSync(file, `${JSON.stringify(scheme, null, 2)}\n`);
  }
  return rowCount;
}

function openTable(
  path: string,
  names: readonly string[],
): { write: (row: Readonly<Record<string, string>>) => void; close: () => void } {
  const file = openSync(path, 'w');
  let text = `${names.join(',')}\n`;
  const flush = (): void => {
    writeSync(file, text);
    text = '';
  };
  return {
    write: (row) => {
      for (const name in row) {
        if (!names.includes(name)) throw new RangeError(`no column ${name} in ${path}`);
      }
      text += `${names.map((name) => cell(row[name] ?? '')).join(',')}\n`;
      if (text.length >= WRITE_CHARACTERS) flush();
    },
    close: () => {
      flush();
      closeSync(file);
    },
  };
}

function cell(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
