import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { IN_POSTGRESQL, openLog } from '../../apps/merit/log.js';
import type { EventStore } from '#event-store';
import { type CopyOutcome, fingerprint, logTextOf } from '#processes/copy-log';
import {
  type EventStoreDoubleProcess,
  startEventStoreDouble,
} from '../support/eventstoredb/process.js';
import { type Ended, type MeritProcess, startMerit } from '../support/merit.js';
import { importFolder, openTestSystem, type TestSystem } from '../support/system.js';

/**
 * By hand: MERIT_TEST_KILLS=200 npm test -- copy-log-command, with MERIT_TEST_SEED for another run.
 */
const KILLS = Number(process.env['MERIT_TEST_KILLS'] ?? 5);
const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20261121);
const KILLS_A_ROUND = 5;
const ROUNDS = Math.max(1, Math.ceil(KILLS / KILLS_A_ROUND));
const LIMIT_MS = 120_000;

/** At which share of the log a copy is killed, and what else befalls it before. */
const kill = fc.record({
  percent: fc.integer({ min: 1, max: 100 }), // 100: while both logs are compared
  befalls: fc.constantFrom('nothing', 'server-restarts', 'two-copy'),
});
const round = fc.array(kill, { minLength: KILLS_A_ROUND, maxLength: KILLS_A_ROUND });

let folder: string;
let all: TestSystem;
let source: EventStore;
let texts: readonly string[];
let double: EventStoreDoubleProcess;

const textsOf = async (log: EventStore): Promise<string[]> => {
  const found: string[] = [];
  for await (const events of log.readAll()) found.push(...events.map(logTextOf));
  return found;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-copy-log-'));
  const dataset = join(folder, 'dataset');
  writeOrganisation(dataset, { ...DEMO, people: 9, periods: 3, factsPercent: 40 });
  all = await openTestSystem(IN_POSTGRESQL);
  await importFolder(all.system, dataset);
  source = all.system.storedLog;
  texts = await textsOf(source);
  expect(texts.length).toBeGreaterThan(400);
}, LIMIT_MS);
afterAll(async () => {
  await all?.close();
  await rm(folder, { recursive: true });
});

let files = 0;
const nextFile = (): string => join(folder, `log-${(files += 1)}.json`);
beforeEach(async () => void (double = await startEventStoreDouble({ file: nextFile() })));
afterEach(() => double.close());

const copying = (): MeritProcess =>
  startMerit(['copy-log', '--format', 'json'], { ...all.env, EVENT_STORE_URL: double.url });

/** What the target holds, read by a client of its own. */
async function target<Result>(work: (log: EventStore) => Promise<Result>): Promise<Result> {
  const log = await openLog({ kind: 'eventstoredb', url: double.url }, all.database);
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}

/** Each event has a claim before it; the server begins with three events of its own. */
const eventsAt = (percent: number): number => 3 + Math.ceil((2 * texts.length * percent) / 100);

/** When the server holds so much, or one of them has ended before. */
async function reached(percent: number, ...processes: readonly MeritProcess[]): Promise<void> {
  const over = new AbortController();
  for (const { ended } of processes) void ended.then(() => over.abort());
  while (!over.signal.aborted && (await double.statistics()).events < eventsAt(percent)) {
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}

async function killed({ child, ended }: MeritProcess): Promise<boolean> {
  child.kill('SIGKILL');
  const { signal, exitCode, stderr } = await ended;
  if (signal === 'SIGKILL') return true;
  if (exitCode !== 0) throw new Error(`the copy failed: ${stderr}`);
  return false;
}

const outcomeOf = ({ exitCode, stdout, stderr }: Ended): CopyOutcome => {
  if (exitCode !== 0) throw new Error(`the copy failed: ${exitCode} ${stderr}`);
  return JSON.parse(stdout) as CopyOutcome;
};

async function expectWhole(outcome: CopyOutcome): Promise<void> {
  const { eventCount, sha256 } = await fingerprint(source);
  expect(outcome).toMatchObject({ eventCount, sha256, position: await source.head() });
  expect(await target(textsOf)).toEqual(texts);
}

describe('merit copy-log whose process is killed', () => {
  it.each(fc.sample(round, { seed: SEED, numRuns: ROUNDS }).map((kills) => [kills]))(
    `ends with the whole log, when it is run again (seed ${SEED}, %j)`,
    async (kills) => {
      let killCount = 0;
      for (const { percent, befalls } of kills.toSorted((a, b) => a.percent - b.percent)) {
        const copies = befalls === 'two-copy' ? [copying(), copying()] : [copying()];
        if (befalls === 'server-restarts') {
          await reached(percent / 2, ...copies);
          await double.restart();
        }
        await reached(percent, ...copies);
        for (const copy of copies) killCount += Number(await killed(copy));
        const held = await target(textsOf);
        expect(held).toEqual(texts.slice(0, held.length));
      }
      expect(killCount).toBeGreaterThan(0);
      const last = await Promise.all([copying().ended, copying().ended]);
      for (const ended of last) await expectWhole(outcomeOf(ended));
      expect(outcomeOf(await copying().ended).copiedCount).toBe(0);
    },
    LIMIT_MS,
  );
});

describe('merit copy-log', () => {
  it(
    'goes on by itself when the server restarts in the middle, and says what it has done',
    async () => {
      const copy = startMerit(['copy-log'], { ...all.env, EVENT_STORE_URL: double.url });
      for (const percent of [20, 50, 80]) {
        await reached(percent, copy);
        await double.restart();
      }
      const { exitCode, stdout, stderr } = await copy.ended;
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      const { eventCount, sha256 } = await fingerprint(source);
      expect(stdout).toContain(`event for event: ${eventCount} events (${eventCount} copied now)`);
      expect(stdout).toContain(sha256);
      expect(stdout).toContain('run merit copy-log once more'); // this process works on the source
      expect(stderr).toMatch(/copying the log .*\(100 %\)/);
      expect(await target(textsOf)).toEqual(texts);
    },
    LIMIT_MS,
  );

  it(
    'goes on where it was when the server comes back elsewhere after a power cut',
    async () => {
      await double.close();
      const file = nextFile();
      double = await startEventStoreDouble({ file });
      const copy = copying();
      await reached(40, copy);
      await double.kill();
      await killed(copy);
      double = await startEventStoreDouble({ file });
      const outcome = outcomeOf(await copying().ended);
      await expectWhole(outcome);
      expect(outcome.copiedCount).toBeLessThan(texts.length);
    },
    LIMIT_MS,
  );
});
