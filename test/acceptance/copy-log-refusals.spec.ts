import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { IN_POSTGRESQL, openLog } from '../../apps/merit/log.js';
import { openSystem } from '../../apps/merit/system.js';
import { nameBasedId } from '#kernel';
import type { Environment } from '#platform';
import { fingerprint } from '#processes/copy-log';
import {
  type EventStoreDoubleProcess,
  startEventStoreDouble,
} from '../support/eventstoredb/process.js';
import { type Ended, type MeritProcess, startMerit } from '../support/merit.js';
import { importFolder, openTestSystem, type TestSystem } from '../support/system.js';

const LIMIT_MS = 120_000;
/** Nobody listens there. */
const NOWHERE = 'esdb://127.0.0.1:1?tls=false';

let folder: string;
let all: TestSystem;
let eventCount: number;
let double: EventStoreDoubleProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-copy-log-'));
  const dataset = join(folder, 'dataset');
  writeOrganisation(dataset, { ...DEMO, people: 9, periods: 3, factsPercent: 40 });
  all = await openTestSystem(IN_POSTGRESQL);
  await importFolder(all.system, dataset);
  ({ eventCount } = await fingerprint(all.system.storedLog));
}, LIMIT_MS);
afterAll(async () => {
  await all?.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => void (double = await startEventStoreDouble()));
afterEach(() => double.close());

const copying = (more: Environment = {}, ...flags: readonly string[]): MeritProcess =>
  startMerit(['copy-log', ...flags], { ...all.env, EVENT_STORE_URL: double.url, ...more });

const told = ({ exitCode, stdout, stderr }: Ended) => ({ exitCode, stdout, stderr });

/** One of each language, which say the same. */
async function inBoth(env: Environment): Promise<readonly [en: Ended, zh: Ended]> {
  const [en, zh] = [copying({ ...env, MERIT_LANG: 'en' }), copying({ ...env, MERIT_LANG: 'zh' })];
  return [await en.ended, await zh.ended];
}

async function target<Result>(
  work: (log: Awaited<ReturnType<typeof openLog>>) => Promise<Result>,
): Promise<Result> {
  const log = await openLog({ kind: 'eventstoredb', url: double.url }, all.database);
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}

async function reached(count: number): Promise<void> {
  while ((await double.statistics()).events < count) {
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}

describe('merit copy-log refuses', () => {
  it(
    'to begin without a target, and with a wrong one',
    async () => {
      const without = await copying({ EVENT_STORE_URL: '' }).ended;
      expect(told(without)).toMatchObject({ exitCode: 2, stdout: '' });
      expect(without.stderr).toContain('EVENT_STORE_URL must be given');
      const wrong = await copying({ EVENT_STORE_URL: 'http://127.0.0.1' }).ended;
      expect(told(wrong)).toMatchObject({ exitCode: 2, stdout: '' });
      expect(wrong.stderr).toContain('esdb://');
    },
    LIMIT_MS,
  );

  it(
    'a source that is none: a folder or a database without a log, which is no empty copy',
    async () => {
      const dataDir = join(folder, 'mistyped');
      const { DATABASE_URL: _app, DATABASE_OWNER_URL: _owner, ...others } = all.env;
      const run = (lang: string) =>
        startMerit(['copy-log', '--data', dataDir], {
          ...others,
          EVENT_STORE_URL: double.url,
          MERIT_LANG: lang,
        }).ended;
      const [en, zh] = [await run('en'), await run('zh')];
      for (const ended of [en, zh]) {
        expect(told(ended)).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ended.stderr).toContain('copy-log-source-missing');
        expect(ended.stderr).toContain(dataDir);
      }
      expect(zh.stderr).toContain('没有日志');
      await expect(stat(dataDir)).rejects.toThrow('ENOENT');

      const empty = await openTestSystem(IN_POSTGRESQL);
      try {
        const ended = await copying(empty.env).ended;
        expect(told(ended)).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ended.stderr).toContain('copy-log-source-missing');
        expect(ended.stderr).toContain('DATABASE_URL');
      } finally {
        await empty.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'a target with events of others, and leaves it as it is',
    async () => {
      const foreign = {
        id: nameBasedId('foreign', 1),
        type: 'foreign.Happened.v1',
        data: {},
        metadata: {
          occurredAt: '2026-01-01T00:00:00Z',
          recordedAt: '2026-01-01T00:00:00Z',
          actor: { id: 'a', role: 'office' },
          commandId: 'c',
          correlationId: 'c',
          causationId: 'c',
          schemaVersion: 1,
        },
      } as const;
      await target((log) => log.append('foreign-1', 'none', [foreign]));
      const before = await double.statistics();
      for (const ended of await inBoth({})) {
        expect(told(ended)).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ended.stderr).toContain('copy-log-foreign-target');
        expect(ended.stderr).toContain(foreign.id);
      }
      const after = await double.statistics();
      expect(after).toMatchObject({ appends: before.appends, events: before.events });
    },
    LIMIT_MS,
  );

  it(
    'to wait for ever for a server, and says how to go on',
    async () => {
      const [en, zh] = await inBoth({ EVENT_STORE_URL: NOWHERE });
      for (const ended of [en, zh]) {
        expect(told(ended)).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ended.stderr).toContain('copy-log-interrupted');
      }
      expect(en.stderr).toContain('what was copied stays');
      expect(zh.stderr).toContain('已复制的都保留着');
    },
    LIMIT_MS,
  );
});

describe('merit copy-log that is interrupted', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'by %s ends with its code, says so, and leaves what a rebuild does not take for a log',
    async (signal, exitCode) => {
      const copy = copying();
      await reached(3 + eventCount);
      copy.child.kill(signal);
      const interrupted = await copy.ended;
      expect(told(interrupted)).toMatchObject({ exitCode, stdout: '' });
      expect(interrupted.stderr).toContain('what was copied stays');

      const env = { ...all.env, EVENT_STORE_URL: double.url };
      const rebuilt = await startMerit(['rebuild'], env).ended;
      expect(told(rebuilt)).toMatchObject({ exitCode: 1, stdout: '' });
      expect(rebuilt.stderr).toContain('log-not-copied');
      await (await openSystem(all.configuration, 'attach')).close(); // those of PostgreSQL, still

      const { stdout } = await copying({}, '--format', 'json').ended;
      const outcome = JSON.parse(stdout) as { eventCount: number; copiedCount: number };
      expect(outcome.eventCount).toBe(eventCount);
      expect(outcome.copiedCount).toBeLessThan(eventCount);
    },
    LIMIT_MS,
  );
});

describe('merit copy-log beside a system that works on the source', () => {
  it(
    'copies what is there, and says that it has to be run again when that has ended',
    async () => {
      const beside = await copying().ended;
      expect(beside.exitCode).toBe(0);
      expect(beside.stdout).toContain('run merit copy-log once more');
      expect(beside.stdout).not.toContain('merit rebuild');
      const json = await copying({}, '--format', 'json').ended;
      expect(JSON.parse(json.stdout)).toMatchObject({ isSourceInUse: true, copiedCount: 0 });
      await all.system.close();
      const [en, zh] = await inBoth({});
      expect(en.stdout).toContain('merit rebuild');
      expect(zh.stdout).toContain('逐条一致');
      expect(zh.stdout).toContain('merit rebuild');
      expect(zh.stderr).toContain('核对副本');
    },
    LIMIT_MS,
  );
});
