import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { IN_POSTGRESQL } from '../../apps/merit/log.js';
import type { ImportReport } from '#dataset';
import { fingerprint } from '#processes/copy-log';
import { runSql } from '../support/database.js';
import {
  type EventStoreDoubleProcess,
  startEventStoreDouble,
} from '../support/eventstoredb/process.js';
import { type Ended, startMerit } from '../support/merit.js';
import { importFolder, openTestSystem, type TestSystem } from '../support/system.js';

const LIMIT_MS = 120_000;
const RUN_ID = 'the same first import on both';

let folder: string;
let second: string;
let double: EventStoreDoubleProcess;
let onPostgres: TestSystem;
let onEventStore: TestSystem;

/** Rows that only a log with the first import in it refuses, or finds repeated. */
async function addReusedIds(dataset: string): Promise<void> {
  const file = join(dataset, 'metrics.csv');
  const [header = '', first = '', ...others] = (await readFile(file, 'utf8')).trim().split('\n');
  const columns = header.trim().split(',');
  const cells = first.trim().split(',');
  const at = columns.indexOf('accountManagerId');
  const another = others.map((row) => row.split(',')[at]).find((id) => id !== cells[at]);
  await appendFile(file, `${cells.with(at, another ?? '').join(',')}\n`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-dry-run-'));
  const [first, next] = [join(folder, 'first'), join(folder, 'second')];
  second = next;
  const organisation = { ...DEMO, people: 9, factsPercent: 30 };
  writeOrganisation(first, { ...organisation, periods: 2 });
  writeOrganisation(second, { ...organisation, periods: 3 });
  await addReusedIds(second);
  double = await startEventStoreDouble();
  onPostgres = await openTestSystem(IN_POSTGRESQL);
  onEventStore = await openTestSystem({ kind: 'eventstoredb', url: double.url });
  for (const { system } of [onPostgres, onEventStore]) await importFolder(system, first, RUN_ID);
}, LIMIT_MS);
afterAll(async () => {
  await onPostgres?.close();
  await onEventStore?.close();
  await double?.close();
  await rm(folder, { recursive: true });
});

const importing = ({ env }: TestSystem, ...more: readonly string[]): Promise<Ended> =>
  startMerit(['import', second, '--format', 'json', ...more], env).ended;

const reportOf = ({ exitCode, stdout, stderr }: Ended): ImportReport => {
  if (exitCode !== 0) throw new Error(`the import failed: ${exitCode} ${stderr}`);
  return JSON.parse(stdout) as ImportReport;
};

const placeOf = ({ file, line, code }: ImportReport['refused'][number]) => [file, line, code];

/** What a dry run must leave as it is: the log, the keys, the databases of the server. */
async function stateOf({ system, database }: TestSystem): Promise<object> {
  const keys = `SELECT (SELECT count(*) FROM keys.data_keys)::text AS keys,
      (SELECT count(*) FROM pg_database WHERE starts_with(datname, 'merit_dry_run_')
        AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = pg_database.datname))::text
        AS left_behind`;
  const { rows } = await runSql(database.superuserUrl, keys);
  const { appends, events } = await double.statistics();
  return { rows, appends, events, log: await fingerprint(system.storedLog) };
}

it(
  'a dry run over EventStoreDB reports what one over PostgreSQL does, and writes nothing',
  async () => {
    const expected = reportOf(await importing(onPostgres, '--dry-run'));
    expect(expected.accepted).toBeGreaterThan(100);
    expect(expected.repeated).toBeGreaterThan(100);
    const codes = expected.refused.map(({ code }) => code);
    expect(codes).toContain('record-id-reused');
    expect(new Set(codes).size).toBeGreaterThan(2);

    const before = await stateOf(onEventStore);
    const dry = await importing(onEventStore, '--dry-run');
    expect(reportOf(dry)).toEqual(expected);
    expect(dry.stderr).toContain('copying the log');
    expect(await stateOf(onEventStore)).toEqual(before);

    expect(reportOf(await importing(onEventStore))).toEqual(expected);
    const again = reportOf(await importing(onEventStore, '--dry-run'));
    expect(again.accepted).toBe(0);
    expect(again.refused.map(placeOf)).toEqual(expected.refused.map(placeOf));
  },
  LIMIT_MS,
);

it(
  'a dry run is strict when asked to be, and says when the log cannot be reached',
  async () => {
    const strict = await importing(onEventStore, '--dry-run', '--strict');
    expect(strict.exitCode).toBe(1);
    const env = { ...onEventStore.env, EVENT_STORE_URL: 'esdb://127.0.0.1:1?tls=false' };
    const away = await startMerit(['import', second, '--dry-run'], env).ended;
    expect(away.exitCode).toBe(1);
    expect(away.stdout).toBe('');
    expect(away.stderr).toContain('the event store');
  },
  LIMIT_MS,
);
