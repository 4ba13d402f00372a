import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { System } from '../../apps/merit/system.js';
import { type AccountManagerEnrolled, accountManagerStream } from '#contexts/people';
import type { ImportReport } from '#dataset';
import {
  EXAMPLE_DATASET,
  expectedExport,
  expectedRefusals,
  EXPORT_NAMES,
  exportOf,
} from '../support/example-organisation.js';
import { importFolder, openTestSystem, type TestSystem, verified } from '../support/system.js';

type Row = Readonly<Record<string, string>>;

/** What may name a person or was said about one, by table. */
const PERSONAL: Readonly<Record<string, string>> = {
  'account-managers.csv': 'name',
  'evaluations.csv': 'comment',
  'feedback-calls.csv': 'comment',
  'work-traces.csv': 'note',
  'adjustments.csv': 'reason',
  'vetoes.csv': 'reason',
  'awards.csv': 'reason',
  'appeals.csv': 'grounds',
};

const rowsOf = async (file: string) =>
  parse(await readFile(join(EXAMPLE_DATASET, file)), { columns: true, bom: true }) as Row[];

let all: TestSystem;
let first: ImportReport;

beforeAll(async () => {
  all = await openTestSystem();
  first = await importFolder(all.system, EXAMPLE_DATASET);
}, 120_000);

afterAll(() => all?.close());

/** Every text of the log as it is stored. */
async function dumpOf({ storedLog }: System): Promise<string> {
  const texts: string[] = [];
  for await (const events of storedLog.readAll()) texts.push(JSON.stringify(events));
  return texts.join('\n');
}

describe('an organisation of 48 people and 6 months, imported', () => {
  it.each(EXPORT_NAMES)(
    'exports %s record for record, in order, with its fields in order',
    async (name) => {
      const records = await exportOf(all.system, name);
      const expected = await expectedExport(name);
      expect(records).toEqual(expected);
      expect(Object.keys(records[0] ?? {})).toEqual(Object.keys(expected[0] ?? {}));
    },
    60_000,
  );

  it('refuses the rows that are to be refused, each with its code and a reason', async () => {
    const refused = first.refused.map(({ file, line, code }) => ({ file, line, code }));
    expect(refused).toEqual(await expectedRefusals());
    expect(first.refused.filter(({ reason }) => reason.length < 10)).toEqual([]);
  });

  it('is verified', async () => {
    expect(await verified(all.system)).toEqual([]);
  }, 60_000);

  it('counts every row of every table and every scheme once', async () => {
    let rowCount = (await readdir(join(EXAMPLE_DATASET, 'schemes'))).length;
    for (const file of await readdir(EXAMPLE_DATASET)) {
      if (file.endsWith('.csv')) rowCount += (await rowsOf(file)).length;
    }
    const { accepted, repeated, refused } = first;
    expect(accepted + repeated + refused.length).toBe(rowCount);
  });

  it('holds no name, comment, note, reason or ground in its log', async () => {
    const dump = await dumpOf(all.system);
    const texts = new Set<string>();
    for (const [file, column] of Object.entries(PERSONAL)) {
      for (const row of await rowsOf(file)) texts.add(row[column]?.trim() ?? '');
    }
    texts.delete('');
    expect(texts.size).toBeGreaterThan(50);
    expect([...texts].filter((text) => dump.includes(text))).toEqual([]);
    // The search would find them: ids of the same rows are there, and names open with their keys.
    const [someone] = await rowsOf('account-managers.csv');
    const id = someone?.['accountManagerId'] ?? '';
    expect(dump).toContain(id);
    for await (const events of all.system.store.readStream(accountManagerStream(id))) {
      const enrolled = events[0]?.data as AccountManagerEnrolled['data'] | undefined;
      expect(enrolled?.name).toBe(someone?.['name']);
    }
  });

  it('changes nothing when it is imported again, and tells the same refusals', async () => {
    const head = await all.system.store.head();
    const second = await importFolder(all.system, EXAMPLE_DATASET);
    expect(await all.system.store.head()).toBe(head);
    expect(second.refused).toEqual(first.refused);
    expect(second.accepted).toBe(0);
    expect(second.repeated).toBe(first.accepted + first.repeated);
  }, 60_000);
});
