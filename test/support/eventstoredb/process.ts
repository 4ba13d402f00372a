import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DoubleStatistics, EventStoreDoubleOptions } from './index.js';
import type { FaultRule } from './faults.js';

export type EventStoreDoubleProcess = {
  readonly url: string;
  readonly pid: number;
  readonly arm: (rule: FaultRule) => Promise<void>;
  readonly set: (limits: { slowReadsMs?: number; maxAppendBytes?: number }) => Promise<void>;
  readonly restart: () => Promise<void>;
  readonly elect: (node: number) => Promise<void>;
  readonly statistics: () => Promise<DoubleStatistics>;
  readonly close: () => Promise<void>;
  /** As a power cut: what is not in the file is gone. */
  readonly kill: () => Promise<void>;
};

const root = new URL('../../../', import.meta.url);
const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const loader = fileURLToPath(new URL('test/support/register-typescript.mjs', root));

/** The double in a process of its own, for tests that start the product's commands. */
export async function startEventStoreDouble(
  options: Omit<EventStoreDoubleOptions, 'firstPosition'> = {},
): Promise<EventStoreDoubleProcess> {
  const child = spawn(
    process.execPath,
    ['--import', loader, '--no-warnings', main, JSON.stringify(options)],
    { cwd: fileURLToPath(root), stdio: 'pipe' },
  );
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => void (complaints += chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <Answer>(): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the double's process ended: ${complaints}`);
    return JSON.parse(value) as Answer;
  };
  const { url } = await answer<{ url: string }>();
  // One order at a time: answers have no names.
  let last: Promise<unknown> = Promise.resolve();
  const order = (text: object): Promise<DoubleStatistics> => {
    const next = last.then(() => {
      child.stdin.write(`${JSON.stringify(text)}\n`);
      return answer<DoubleStatistics>();
    });
    last = next.catch(() => undefined);
    return next;
  };
  return {
    url,
    pid: child.pid ?? 0,
    arm: async (rule) => void (await order({ arm: rule })),
    set: async (limits) => void (await order({ set: limits })),
    restart: async () => void (await order({ restart: true })),
    elect: async (node) => void (await order({ elect: node })),
    statistics: () => order({ statistics: true }),
    close: () => ended(child, () => void child.stdin.end()),
    kill: () => ended(child, () => void child.kill('SIGKILL')),
  };
}

async function ended(child: ChildProcessWithoutNullStreams, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  end();
  await exit;
}
