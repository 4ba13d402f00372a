import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';

const RUN = path.resolve(import.meta.dirname, '../../apps/payroll-consumer/run.mjs');

export type ConsumerProcess = {
  readonly child: ChildProcess;
  /** Resolves when a line of its stderr matches; rejects when it ends before. */
  readonly said: (pattern: RegExp) => Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
};

type Reach = { readonly brokers: readonly string[]; readonly topicPrefix: string };

/** The reference consumer in a process of its own, as payroll starts it. */
export function startConsumer(
  args: readonly string[],
  stateFolder: string,
  kafka?: Reach,
): ConsumerProcess {
  const settings = kafka && {
    KAFKA_BROKERS: kafka.brokers.join(','),
    KAFKA_TOPIC_PREFIX: kafka.topicPrefix,
  };
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [RUN, ...args, '--state', stateFolder], {
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stderr }));
  });
  const said = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stderr);
        if (!found) return;
        listeners.delete(look);
        resolve(found[0]);
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`payroll-consumer ended: ${stderr}`)));
    });
  return { child, said, ended };
}

/** Runs a command of it to its end; throws unless it succeeds. */
export async function runConsumer(
  args: readonly string[],
  stateFolder: string,
  kafka?: Reach,
): Promise<string> {
  const { child, ended } = startConsumer(args, stateFolder, kafka);
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(`payroll-consumer ${args.join(' ')}: ${code}\n${stderr}`);
  return stdout;
}

/** Who pays: takes every payment file away, and fails if one comes a second time. */
export async function takePaymentFiles(stateFolder: string, bank: string): Promise<void> {
  await mkdir(bank, { recursive: true });
  const payments = path.join(stateFolder, 'payments');
  const names = await readdir(payments).catch(() => []);
  const taken = new Set(await readdir(bank));
  for (const name of names.filter((one) => one.endsWith('.csv'))) {
    if (taken.has(name)) throw new Error(`${name} would be paid a second time`);
    await rename(path.join(payments, name), path.join(bank, name));
  }
}

/** What a payment file pays to whom, in minor units. */
export async function paidIn(file: string): Promise<ReadonlyMap<string, string>> {
  const rows = (await readFile(file, 'utf8')).trimEnd().split('\n').slice(1);
  return new Map(rows.map((row) => row.split(',').slice(0, 2) as [string, string]));
}
