import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordKindOf } from '../../apps/merit/records.js';
import type { System } from '../../apps/merit/system.js';
import { compareCodePoints } from '#kernel';

/** The organisation of 48 people and 6 months, and the exports that it must give. */
const FIXTURE = join(process.cwd(), 'test/fixtures/organisation-48x6');
export const EXAMPLE_DATASET = join(FIXTURE, 'dataset');

type Row = Readonly<Record<string, unknown>>;

/** The order of each export: by these fields, texts by code point. */
const ORDER = {
  scores: ['period', 'accountManagerId'],
  tiers: ['period', 'accountManagerId'],
  leaderboards: ['period', 'unitId', 'schemeId', 'place'],
  ledger: ['accountManagerId', 'period', 'payPeriod', 'kind', 'of', 'reference'],
} as const;

export type ExportName = keyof typeof ORDER;
export const EXPORT_NAMES = Object.keys(ORDER) as readonly ExportName[];

/** In the order of the exports, in which the files are not. */
export async function expectedExport(name: ExportName): Promise<readonly Row[]> {
  const names: readonly string[] = ORDER[name];
  return (await expectedRows(name)).toSorted((a, b) => {
    const differing = names.find((field) => a[field] !== b[field]);
    return differing === undefined ? 0 : compare(a[differing], b[differing]);
  });
}

export const expectedRefusals = (): Promise<readonly Row[]> => expectedRows('refusals');

async function expectedRows(name: string): Promise<readonly Row[]> {
  return JSON.parse(await readFile(join(FIXTURE, 'expected', `${name}.json`), 'utf8')) as Row[];
}

const compare = (a: unknown, b: unknown): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : compareCodePoints(String(a), String(b));

/** An export as it stands at the log's head, in its own order. */
export async function exportOf(
  { engine, store }: Pick<System, 'engine' | 'store'>,
  name: ExportName,
): Promise<readonly Row[]> {
  const kind = recordKindOf(name);
  const read = engine.readModels.at(await store.head(), [kind.projection], (sql) =>
    kind.read(sql, {}),
  );
  return (await read) as readonly Row[];
}
