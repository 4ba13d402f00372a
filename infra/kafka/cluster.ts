import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaJars } from './jars.js';
import { findJava } from './java.js';
import {
  livingBroker,
  logDir,
  type NodeFolder,
  type RunningNode,
  startNode,
  tailOf,
  writeSettings,
} from './node.js';
import { isAlive, signal, until } from './pids.js';
import { freePorts, HOST } from './ports.js';
import { nodeSettings, type NodePorts } from './settings.js';
import { KafkaTrouble } from './trouble.js';

const run = promisify(execFile);

const READY_MS = 90_000;
const READY_POLL_MS = 100;
const ASK_MS = 3_000;
const ENDED_MS = 30_000;
const PORT_TRIES = 3;
const HEAP_MIB = 192;

/** What a folder holds: the same nodes on the same ports at every start. */
type ClusterFile = { readonly clusterId: string; readonly nodes: readonly NodePorts[] };

export type ClusterOptions = {
  readonly dir: string;
  readonly nodes?: 1 | 3;
  /** Of the first broker, those of the others follow; 0: whichever are free. Kept in the folder. */
  readonly port?: number;
  readonly heapMib?: number;
  readonly env?: NodeJS.ProcessEnv;
};

export type Cluster = {
  readonly clusterId: string;
  readonly dir: string;
  readonly jars: string;
  readonly brokers: readonly string[]; // host:port
  readonly nodeIds: readonly number[];
  readonly pidOf: (id: number) => number | null;
  /** As `kill -9` does; resolves when the process is gone. */
  readonly killNode: (id: number) => Promise<void>;
  readonly stopNode: (id: number) => Promise<void>;
  /** On its ports and folder; resolves when the cluster counts it in again. */
  readonly startNode: (id: number) => Promise<void>;
  /** Resolves when some broker has ended that nobody here stopped. */
  readonly failed: Promise<string>;
  /** Ends all of them in order; the folder stays. */
  readonly stop: () => Promise<void>;
  /** Kills all of them and removes the folder. */
  readonly discard: () => Promise<void>;
};

/** Resolves when every broker is in the cluster and takes clients. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const env = options.env ?? process.env;
  const java = await findJava(env);
  const jars = await kafkaJars(env);
  const dir = path.resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const isOwnChoice = (options.port ?? 0) === 0 && (await readCluster(dir)) === null;
  for (let tries = 1; ; tries += 1) {
    const file = await clusterFile(dir, options);
    await endOrphans(dir, file);
    const folders = file.nodes.map((own) => ({
      java,
      jars,
      own,
      nodes: file.nodes,
      heapMib: options.heapMib ?? HEAP_MIB,
      dir: nodeDir(dir, own.id),
    }));
    try {
      await Promise.all(folders.map((folder) => format(folder, file.clusterId, env)));
      return await startAll(dir, jars, file, folders);
    } catch (error) {
      // Between the look and the broker's start somebody else may have taken a port.
      const isTaken = error instanceof KafkaTrouble && /port \d+ is taken/.test(error.message);
      if (!isTaken || !isOwnChoice || tries === PORT_TRIES) throw error;
      await rm(path.join(dir, 'cluster.json'));
      for (const { id } of file.nodes) await rm(nodeDir(dir, id), { recursive: true });
    }
  }
}

const nodeDir = (dir: string, id: number): string => path.join(dir, `node-${id}`);
const brokerOf = ({ port }: NodePorts): string => `${HOST}:${port}`;

async function readCluster(dir: string): Promise<ClusterFile | null> {
  const text = await readFile(path.join(dir, 'cluster.json'), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as ClusterFile);
}

async function clusterFile(dir: string, options: ClusterOptions): Promise<ClusterFile> {
  const known = await readCluster(dir);
  if (known !== null) {
    requireSame(dir, known, options);
    return known;
  }
  const others = (await readdir(dir)).filter((name) => !name.startsWith('.'));
  if (others.length > 0) {
    throw new KafkaTrouble(`${dir} holds something else (${others[0]}): choose another --dir`);
  }
  const count = options.nodes ?? 1;
  const free = await freePorts(count * 2);
  const nodes = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    port: options.port ? options.port + index : (free[index] ?? 0),
    controller: free[count + index] ?? 0,
  }));
  const file = { clusterId: newClusterId(), nodes };
  const fresh = path.join(dir, `.cluster.json.${process.pid}`);
  await writeFile(fresh, JSON.stringify(file, null, 2));
  await rename(fresh, path.join(dir, 'cluster.json'));
  return file;
}

/** Kafka's own form: 16 bytes in base64url, without a hyphen first, which would be an option. */
function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

function requireSame(dir: string, known: ClusterFile, { nodes, port }: ClusterOptions): void {
  const held = known.nodes.length;
  if (nodes !== undefined && nodes !== held) {
    throw new KafkaTrouble(
      `${dir} holds a cluster of ${held} ${held === 1 ? 'node' : 'nodes'}, not ${nodes}:` +
        ` choose another --dir, or remove that one`,
    );
  }
  const first = known.nodes[0]?.port;
  if (port && first !== undefined && port !== first) {
    throw new KafkaTrouble(
      `${dir} holds a cluster on port ${first}, not ${port}: leave out --port`,
    );
  }
}

/** Whole or not there: formatted under another name, renamed when done. */
async function format(node: NodeFolder, clusterId: string, env: NodeJS.ProcessEnv): Promise<void> {
  const log = logDir(node.dir);
  await mkdir(node.dir, { recursive: true });
  const known = await readFile(path.join(log, 'meta.properties'), 'utf8').catch(() => null);
  if (known !== null) {
    const held = /^cluster\.id=(.*)$/m.exec(known)?.[1];
    if (held === clusterId) return;
    throw new KafkaTrouble(
      `${log} belongs to another cluster (${held}, not ${clusterId}): choose another --dir`,
    );
  }
  const fresh = path.join(node.dir, 'log.new');
  await rm(fresh, { recursive: true, force: true });
  await writeSettings(node);
  const settings = path.join(node.dir, 'format.properties');
  await writeFile(settings, nodeSettings(node.nodes, node.own, fresh));
  const args = ['-Xmx64m', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
  const tool = ['-cp', path.join(node.jars, '*'), 'kafka.tools.StorageTool', 'format'];
  await run(node.java, [...args, ...tool, '-t', clusterId, '-c', settings], { env }).catch(
    (error: Error & { stderr?: string; stdout?: string }) => {
      const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim() || error.message;
      throw new KafkaTrouble(`the folder of node ${node.own.id} could not be formatted: ${said}`);
    },
  );
  await rename(fresh, log);
  await rm(settings);
}

const starterFile = (dir: string): string => path.join(dir, 'starter.pid');

/**
 * Brokers end with their starter (guard.ts). One that is here all the same, because its guard was
 * killed too, is ended now: two processes on one folder exclude each other.
 */
async function endOrphans(dir: string, { nodes }: ClusterFile): Promise<void> {
  const starter = Number(await readFile(starterFile(dir), 'utf8').catch(() => ''));
  for (const { id } of nodes) {
    const pid = await livingBroker(nodeDir(dir, id));
    if (pid === null) continue;
    if (starter > 0 && starter !== process.pid && isAlive(starter)) {
      throw new KafkaTrouble(`${dir} is in use: process ${starter} runs its brokers`);
    }
    signal(pid, 'SIGKILL');
    // Asked by its command line: one that nobody waits for keeps its pid.
    await until(async () => (await livingBroker(nodeDir(dir, id))) === null, ENDED_MS);
  }
}

/** The brokers that run, and the first one that ended without having been asked to. */
function runningNodes() {
  const running = new Map<number, RunningNode>();
  const wanted = new Set<number>();
  let failure: string | null = null;
  let tellFailed: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => void (tellFailed = resolve));
  return {
    failed,
    failure: () => failure,
    pidOf: (id: number) => running.get(id)?.pid ?? null,
    begin: async (folder: NodeFolder): Promise<void> => {
      const { id } = folder.own;
      if (running.has(id)) return;
      const node = await startNode(folder);
      running.set(id, node);
      wanted.add(id);
      void node.gone.then(async () => {
        if (running.get(id) === node) running.delete(id);
        if (!wanted.delete(id)) return;
        failure ??= `broker ${id} ended:\n${await tailOf(folder)}`;
        tellFailed(failure);
      });
    },
    end: async (id: number, how: 'stop' | 'kill'): Promise<void> => {
      wanted.delete(id);
      await running.get(id)?.[how]();
    },
  };
}

async function startAll(
  dir: string,
  jars: string,
  { clusterId, nodes }: ClusterFile,
  folders: readonly NodeFolder[],
): Promise<Cluster> {
  await writeFile(starterFile(dir), String(process.pid));
  const { failed, failure, pidOf, begin, end } = runningNodes();
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(({ id }) => end(id, 'stop')));
    await rm(starterFile(dir), { force: true });
  };
  const ready = async (own: NodePorts): Promise<void> => {
    const reason = await untilReady(own, failure);
    if (reason !== null) throw new KafkaTrouble(whyNot(reason));
  };
  // All of them first: one that is still beginning when another failed would not be ended.
  const begun = await Promise.allSettled(folders.map(begin));
  try {
    for (const outcome of begun) if (outcome.status === 'rejected') throw outcome.reason;
    for (const own of nodes) await ready(own);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    clusterId,
    dir,
    jars,
    brokers: nodes.map(brokerOf),
    nodeIds: nodes.map(({ id }) => id),
    pidOf,
    killNode: (id) => end(id, 'kill'),
    stopNode: (id) => end(id, 'stop'),
    startNode: async (id) => {
      const folder = folders.find(({ own }) => own.id === id);
      if (folder === undefined) throw new Error(`there is no node ${id}`);
      await begin(folder);
      await ready(folder.own);
    },
    failed,
    stop,
    discard: async () => {
      await Promise.all(nodes.map(({ id }) => end(id, 'kill')));
      await rm(dir, { recursive: true });
    },
  };
}

/** Kafka names a taken port in its own words. */
function whyNot(reason: string): string {
  const port = /Socket server failed to bind to [^:]*:(\d+)/.exec(reason)?.[1];
  return port === undefined ? `Kafka did not start: ${reason}` : `port ${port} is taken: ${reason}`;
}

/**
 * Null once the broker takes clients and the cluster counts it in; else the reason why not. It is
 * asked itself: the others may still hold its registration from before it was killed.
 */
async function untilReady(own: NodePorts, failure: () => string | null): Promise<string | null> {
  const kafka = new Kafka({
    clientId: 'merit-starter',
    brokers: [brokerOf(own)],
    logLevel: logLevel.NOTHING,
    connectionTimeout: ASK_MS,
    requestTimeout: ASK_MS,
    retry: { retries: 0, initialRetryTime: 20 },
  });
  let reason = 'it did not answer';
  const asked = async (): Promise<boolean> => {
    if (failure() !== null) return true;
    const admin = kafka.admin();
    try {
      await admin.connect();
      const cluster = await admin.describeCluster();
      reason = 'the cluster does not count it in';
      return cluster.brokers.some(({ nodeId }) => nodeId === own.id);
    } catch (error) {
      reason = (error as Error).message;
      return false;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  };
  const isReady = await until(asked, READY_MS, READY_POLL_MS);
  return failure() ?? (isReady ? null : `broker ${own.id}: ${reason}`);
}

/** The brokers of a folder, running or not; null when it holds none. */
export async function clusterIn(
  dir: string,
): Promise<{ brokers: string[]; nodeCount: number; isRunning: boolean } | null> {
  const folder = path.resolve(dir);
  const file = await readCluster(folder);
  if (file === null) return null;
  const living = await Promise.all(file.nodes.map(({ id }) => livingBroker(nodeDir(folder, id))));
  return {
    brokers: file.nodes.map(brokerOf),
    nodeCount: file.nodes.length,
    isRunning: living.some((pid) => pid !== null),
  };
}

/** Ends the cluster of a folder from outside, by the process that runs it; false: none ran. */
export async function stopCluster(dir: string): Promise<boolean> {
  const folder = path.resolve(dir);
  const file = await readCluster(folder);
  if (file === null) throw new KafkaTrouble(`${folder} holds no cluster`);
  const living = async (): Promise<number[]> => {
    const pids = file.nodes.map(({ id }) => livingBroker(nodeDir(folder, id)));
    return (await Promise.all(pids)).filter((pid) => pid !== null);
  };
  const pids = await living();
  if (pids.length === 0) return false;
  const starter = Number(await readFile(starterFile(folder), 'utf8').catch(() => ''));
  if (starter > 0 && isAlive(starter)) signal(starter, 'SIGTERM');
  else for (const pid of pids) signal(pid, 'SIGTERM');
  if (await until(async () => (await living()).length === 0, ENDED_MS)) return true;
  for (const pid of await living()) signal(pid, 'SIGKILL');
  return true;
}
