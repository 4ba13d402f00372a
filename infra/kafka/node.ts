import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GUARD } from './guard.js';
import { commandLineOf, signal, until } from './pids.js';
import { isFree } from './ports.js';
import { LOGGING, nodeSettings, type NodePorts } from './settings.js';
import { KafkaTrouble } from './trouble.js';

const STOP_MS = 20_000;
const PID_MS = 10_000;
const RELEASED_MS = 2_000;
const TAIL_LINES = 15;
const TAIL_BYTES = 65_536;

export type NodeFolder = {
  readonly java: string;
  readonly jars: string;
  readonly dir: string; // absolute; this node's alone
  readonly own: NodePorts;
  readonly nodes: readonly NodePorts[];
  readonly heapMib: number;
};

export type RunningNode = {
  readonly pid: number;
  /** Resolves when the process is gone, however that came. */
  readonly gone: Promise<void>;
  readonly isGone: () => boolean;
  /** Asks it to end in order; kills it when it takes too long. */
  readonly stop: () => Promise<void>;
  /** As `kill -9` does. */
  readonly kill: () => Promise<void>;
};

const settingsFile = ({ dir }: NodeFolder): string => path.join(dir, 'server.properties');
const pidFile = (dir: string): string => path.join(dir, 'broker.pid');
const logFile = ({ dir }: NodeFolder): string => path.join(dir, 'broker.log');
export const logDir = (dir: string): string => path.join(dir, 'log');

export async function writeSettings(node: NodeFolder): Promise<void> {
  await writeFile(settingsFile(node), nodeSettings(node.nodes, node.own, logDir(node.dir)));
  await writeFile(path.join(node.dir, 'log4j2.properties'), LOGGING);
}

export async function startNode(node: NodeFolder): Promise<RunningNode> {
  for (const port of [node.own.port, node.own.controller]) await requireFree(port);
  await writeSettings(node);
  const guard = spawn('/bin/sh', ['-c', GUARD, 'kafka-guard', node.java, ...brokerArgs(node)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C belongs to the starter, which ends brokers in order.
    detached: true,
    env: { ...process.env, BROKER_LOG: logFile(node) },
  });
  const gone = once(guard, 'exit').then(() => undefined);
  guard.stdin.on('error', () => undefined); // written to by nobody; closed when it goes
  let isGone = false;
  void gone.then(() => {
    isGone = true;
    guard.stdin.destroy();
  });
  const pid = await firstNumber(guard);
  await writeFile(pidFile(node.dir), String(pid));
  const end = async (name: NodeJS.Signals): Promise<void> => {
    if (isGone) return;
    signal(pid, name);
    if (!(await until(() => isGone, STOP_MS))) signal(pid, 'SIGKILL');
    await gone;
  };
  return {
    pid,
    gone,
    isGone: () => isGone,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

const brokerArgs = (node: NodeFolder): string[] => [
  `-Xmx${node.heapMib}m`,
  `-Dlog4j2.configurationFile=${path.join(node.dir, 'log4j2.properties')}`,
  '-Djava.awt.headless=true',
  '-cp',
  path.join(node.jars, '*'),
  'kafka.Kafka',
  settingsFile(node),
];

async function requireFree(port: number): Promise<void> {
  // One that was killed lets go of its port a moment after it is gone to all appearances.
  if (await until(() => isFree(port), RELEASED_MS)) return;
  throw new KafkaTrouble(`port ${port} is taken: end what listens there, or choose --port`);
}

async function firstNumber(guard: ChildProcess): Promise<number> {
  let text = '';
  guard.stdout?.on('data', (chunk: Buffer) => void (text += chunk.toString()));
  await until(() => text.includes('\n') || guard.exitCode !== null, PID_MS, 5);
  const pid = Number(text.trim());
  if (!Number.isSafeInteger(pid) || pid <= 0) throw new KafkaTrouble('no broker was started');
  return pid;
}

/** The last lines of what the broker said: the reason why it did not come up. */
export async function tailOf(node: NodeFolder): Promise<string> {
  const handle = await open(logFile(node)).catch(() => null);
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, from);
    const lines = buffer.subarray(0, bytesRead).toString().trimEnd().split('\n');
    const telling = lines.filter((line) => !/^\s+at /.test(line));
    return telling.slice(-TAIL_LINES).join('\n');
  } finally {
    await handle.close();
  }
}

/** The broker that runs on this folder, whoever started it; null when none does. */
export async function livingBroker(dir: string): Promise<number | null> {
  const pid = Number(await readFile(pidFile(dir), 'utf8').catch(() => ''));
  if (!(pid > 0)) return null;
  const called = await commandLineOf(pid);
  return called.includes(path.join(dir, 'server.properties')) ? pid : null;
}
