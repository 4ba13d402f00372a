import type { Call } from '../call.js';
import { standardOutput, writeCsv, writeJsonArray, writeTable } from '../output.js';
import { cellsOf, columnsOf, recordKindOf } from '../records.js';
import { createSession, withSystem } from '../session.js';

/** Writes records as the log's head has them: who exports after an import sees all of it. */
export async function exportRecords(
  { env, options }: Call,
  name: string,
  filter: { readonly period?: string },
): Promise<void> {
  const kind = recordKindOf(name);
  const session = createSession(env, options);
  const { period } = filter;
  const records = await withSystem(session, 'attach', async ({ store, engine }) =>
    engine.readModels.at(await store.head(), [kind.projection], (sql) =>
      kind.read(sql, period === undefined ? {} : { period }),
    ),
  );
  if (options.format === 'json') await writeJsonArray(standardOutput, records);
  else if (options.format === 'csv') await writeCsv(standardOutput, kind.names, records);
  else {
    const rows = records.map((record) => cellsOf(kind.columns, record));
    await writeTable(standardOutput, columnsOf(kind.columns, session.language), rows);
  }
}
