import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { RelayOptions, RelayStatus } from '../../../apps/relay/index.js';
import type { RelayedSystem } from './relayed-system.js';

const HERE = import.meta.dirname;
const LOADER = path.join(HERE, '../../support/register-typescript.mjs');

export type Told = {
  readonly status: RelayStatus;
  readonly rssBytes: number;
  readonly heapBytes: number;
};

export type RelayProcess = {
  readonly pid: number;
  /** What it tells when asked now; null once it has ended. */
  readonly ask: () => Promise<Told | null>;
  readonly isEnded: () => boolean;
  /** As `kill -9` does; at once. */
  readonly kill: () => void;
  readonly ended: Promise<void>;
};

type Reach = { readonly brokers: readonly string[]; readonly topicPrefix: string };

/** A relay in a process of its own; resolves as soon as it has been spawned. */
export function startRelayProcess(
  { env }: Pick<RelayedSystem, 'env'>,
  { brokers, topicPrefix }: Reach,
  options: RelayOptions = {},
): RelayProcess {
  const { NODE_OPTIONS: _, ...own } = process.env;
  const child: ChildProcess = fork(path.join(HERE, 'relay-process.ts'), {
    execArgv: ['--import', LOADER],
    env: {
      ...own,
      ...env,
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_TOPIC_PREFIX: topicPrefix,
      RELAY_OPTIONS: JSON.stringify(options),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let isEnded = false;
  const ended = once(child, 'exit').then(() => void (isEnded = true));
  return {
    pid: child.pid ?? 0,
    isEnded: () => isEnded,
    ended,
    kill: () => void child.kill('SIGKILL'),
    ask: async () => {
      if (isEnded || !child.connected) return null;
      const told = once(child, 'message').then(([message]) => message as Told);
      child.send('status', () => undefined); // an error is an end, which is told below
      return Promise.race([told, ended.then(() => null)]);
    },
  };
}
