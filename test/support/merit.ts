import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSystem, type System } from '../../apps/merit/system.js';
import { type Environment, readConfiguration, removeDataFolder } from '#platform';
import { logEnvironment, openTestLog } from './event-store-log.js';

const RUN = path.resolve(import.meta.dirname, '../../apps/merit/run.mjs');

export type Ended = {
  readonly exitCode: number | null; // null: ended by a signal
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type MeritProcess = {
  readonly child: ChildProcess;
  /** Called with each line of stderr as it comes. */
  readonly onLine: (listener: (line: string) => void) => void;
  readonly ended: Promise<Ended>;
};

/** The command line in a process of its own, as people start it. */
export function startMerit(args: readonly string[], env: Environment = {}): MeritProcess {
  const child = spawn(process.execPath, [RUN, ...args], {
    // Settings of whoever runs the tests would be settings of the command under test.
    env: { ...withoutSettings(process.env), MERIT_LANG: 'en', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const listeners: ((line: string) => void)[] = [];
  const texts = { stdout: '', stderr: '' };
  let tail = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (texts.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
    const lines = `${tail}${text}`.split('\n');
    tail = lines.pop() ?? '';
    for (const line of lines) for (const listener of listeners) listener(line);
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, ...texts }));
  });
  return { child, onLine: (listener) => void listeners.push(listener), ended };
}

/** `merit start` on any port; `url` comes when it answers, and fails if it ends before. */
export function startServing(
  store: Partial<StoreFolder>,
  env: Environment = {},
): MeritProcess & { readonly url: Promise<string> } {
  const folder = store.dataDir === undefined ? [] : ['--data', store.dataDir];
  const args = ['start', '--port', '0', '--format', 'json', ...folder];
  const served = startMerit(args, { ...store.env, ...env });
  const started = new Promise<string>((resolve) => {
    let text = '';
    served.child.stdout?.on('data', (chunk: string) => {
      text += chunk;
      if (text.trimEnd().endsWith('}')) resolve((JSON.parse(text) as { url: string }).url);
    });
  });
  const failed = served.ended.then(({ stderr }) => Promise.reject(new Error(stderr)));
  return { ...served, url: Promise.race([started, failed]) };
}

function withoutSettings(env: Environment): Environment {
  const isSetting = (name: string): boolean =>
    name === 'DATABASE_URL' || name === 'NODE_OPTIONS' || /^(MERIT|EVENT_STORE)_/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSetting(name)));
}

/** Runs a command to its end; throws unless it succeeds. */
export async function merit(args: readonly string[], env: Environment = {}): Promise<Ended> {
  const ended = await startMerit(args, env).ended;
  if (ended.exitCode === 0) return ended;
  throw new Error(`merit ${args.join(' ')}: ${ended.exitCode} ${ended.signal}\n${ended.stderr}`);
}

/**
 * A folder for an embedded store and for temporary files, each looked at when it is removed. The
 * log is in it too, or where this run has its logs.
 */
export type StoreFolder = {
  readonly dataDir: string;
  readonly env: Environment; // of commands; temporary files go into the folder
  /** The system on the folder, in this process, beside whoever else works there. */
  readonly open: () => Promise<System>;
  /** Names of temporary files that commands left behind. */
  readonly leftBehind: () => Promise<readonly string[]>;
  readonly remove: () => Promise<void>;
};

export async function createStoreFolder(): Promise<StoreFolder> {
  // The name is one that the next test run sweeps away, should this one be killed.
  const dataDir = await mkdtemp(path.join(tmpdir(), `merit-test-${process.pid}-store-`));
  const temporary = path.join(dataDir, 'tmp');
  await mkdir(temporary);
  const log = await openTestLog();
  const settings = logEnvironment(log.setting);
  return {
    dataDir,
    env: { TMPDIR: temporary, ...settings },
    open: () => openSystem(readConfiguration({ MERIT_DATA: dataDir, ...settings }), 'attach'),
    leftBehind: () => readdir(temporary),
    remove: async () => {
      await removeDataFolder(dataDir);
      await log.close();
    },
  };
}
