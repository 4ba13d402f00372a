/** Target 9: sealed batches to a real broker, beside Kafka's own ProducerPerformance. README.md. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { keepOutgoing, OUTGOING, relay as startRelaying } from '../../apps/merit/relaying.js';
import { openSystem, type System } from '../../apps/merit/system.js';
import { applyTopics, type Cluster, runTool, startCluster } from '../../infra/kafka/index.js';
import { TOPICS } from '../../libs/contracts/index.js';
import { createLogger, readConfiguration } from '../../libs/platform/index.js';
import { clientCpuUs } from './lib/cpu.js';
import { answerTask, ownTask, runInFork } from './lib/fork.js';
import { openFolder, placeFor, removePlace, versionOf } from './lib/organisation.js';
import { clientOf, type Expected, expectedOf, openReader, prepareBatch } from './lib/payroll.js';
import { median, ratioOf, takeTurns } from './lib/rounds.js';
import { printMachine, printTable, printTargets, type Target, whole } from './lib/table.js';

const LINES = 70_000;
const SMOKE_LINES = 1_500;
const BATCHES = 2; // so that a round is long enough to be past the start of both programs
const WANTED_RATIO = 0.6;
const WANTED_PER_SECOND = 25_000;
const WANTED_BATCH_SECONDS = 6;
const WANTED_TAKEOVER_SECONDS = 3;
const POLL_MS = 5;
const WAIT_MS = 120_000;

type Task = {
  readonly kind: 'deliver' | 'serve';
  readonly data: string;
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly messageCount?: number;
};
type Figure = { readonly perSecond: number; readonly cpuUs: number };

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within two minutes: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const openRelay = async ({ data, brokers, topicPrefix }: Task) => {
  const configuration = readConfiguration({
    MERIT_DATA: data,
    MERIT_LOG_LEVEL: 'silent',
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_TOPIC_PREFIX: topicPrefix,
  });
  const { kafka } = configuration;
  if (kafka === null) throw new Error('no broker');
  const system = await openSystem(configuration, 'attach');
  const start = () => startRelaying(system, kafka, createLogger({ level: 'silent' }));
  return { system, start };
};

/** All that the log has, as the product's relay delivers it; in a process of its own. */
async function deliver(task: Task): Promise<Figure> {
  const { system, start } = await openRelay(task);
  const relay = await start();
  const outbound = () => relay.status().outbound;
  try {
    await until(() => outbound().role === 'active', 'the relay is active');
    const [startedMs, startedUs] = [performance.now(), clientCpuUs()];
    const done = () => {
      const { counts, trouble } = outbound();
      if (trouble) throw new Error(JSON.stringify(trouble));
      return counts.messages === task.messageCount;
    };
    await until(done, 'everything is delivered');
    const { messages, failedTransactions } = outbound().counts;
    if (failedTransactions > 0) throw new Error(`${failedTransactions} transactions failed`);
    const seconds = (performance.now() - startedMs) / 1_000;
    return { perSecond: messages / seconds, cpuUs: (clientCpuUs() - startedUs) / messages };
  } finally {
    await relay.stop();
    await system.close();
  }
}

/** As `merit relay` runs, until it is killed. */
async function serve(task: Task): Promise<void> {
  const { system, start } = await openRelay(task);
  keepOutgoing(system);
  const relay = await start();
  const tell = (): void => {
    process.send?.(relay.status().outbound.role, () => undefined);
  };
  setInterval(tell, 50);
}

type Bench = {
  readonly system: System;
  readonly cluster: Cluster;
  readonly data: string;
  readonly lines: number;
};

let prefixes = 0;
async function freshTopics(cluster: Cluster): Promise<string> {
  prefixes += 1;
  const prefix = `r${prefixes}.`;
  await applyTopics(clientOf(cluster.brokers), { prefix, replication: 1 });
  return prefix;
}

async function relayTurn(bench: Bench, expected: Expected): Promise<Figure> {
  const { data, cluster } = bench;
  const topicPrefix = await freshTopics(cluster);
  const { brokers } = cluster;
  const { messageCount } = expected;
  const task: Task = { kind: 'deliver', data, brokers, topicPrefix, messageCount };
  const figure = await runInFork<Figure>(import.meta.url, task);
  const reader = await openReader(cluster.brokers, `${topicPrefix}${TOPICS.batches}`);
  for (const batchId of expected.idsByBatch.keys()) await reader.sealed(batchId);
  await reader.close();
  reader.verify(expected);
  return figure;
}

/** Transactions of a second, one partition as a batch has, everything else as it comes. */
async function performanceTurn({ cluster }: Bench, expected: Expected): Promise<Figure> {
  prefixes += 1;
  const topic = `p${prefixes}`;
  const admin = clientOf(cluster.brokers).admin();
  await admin.connect();
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
  await admin.disconnect();
  const servers = `--bootstrap-server ${cluster.brokers.join(',')} --topic ${topic}`;
  const records = `--num-records ${expected.messageCount} --record-size ${expected.meanBytes}`;
  const transactions = `--transactional-id ${topic} --transaction-duration-ms 1000`;
  const args = `${servers} ${records} ${transactions} --throughput -1`.split(' ');
  const output = await runTool('producerPerformance', args);
  const [, perSecond] = /records sent, ([\d.]+) records\/sec.*\n?$/.exec(output.trim()) ?? [];
  if (perSecond === undefined) throw new Error(output);
  return { perSecond: Number(perSecond), cpuUs: NaN };
}

type Serving = {
  readonly process: ChildProcess;
  readonly role: () => string;
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
};

function startServing(task: Task): Serving {
  const child = fork(fileURLToPath(import.meta.url), ['--task', JSON.stringify(task)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let role = '';
  child.on('message', (said) => void (role = String(said)));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { process: child, role: () => role, end };
}

/** When each writer's first progress record was read, in order. */
async function openProgress(brokers: readonly string[], topic: string) {
  const consumer = clientOf(brokers).consumer({ groupId: `bench-${topic}`, maxWaitTimeInMs: 20 });
  const firstAtMs = new Map<string, number>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      const { writer } = JSON.parse(String(message.value)) as { readonly writer: string };
      if (!firstAtMs.has(writer)) firstAtMs.set(writer, performance.now());
    },
  });
  return { writers: () => [...firstAtMs.values()], close: () => consumer.disconnect() };
}

type Seconds = { readonly batches: readonly number[]; readonly takeovers: readonly number[] };

/**
 * A relay runs, and payroll reads beside it. A batch is sealed: from the log to its last message.
 * Another one is sealed, and the relay killed in the middle of it: to the first transaction of the
 * relay that waited.
 */
async function live(bench: Bench, rounds: number, before: Expected): Promise<Seconds> {
  const { system, cluster, data, lines } = bench;
  const topicPrefix = await freshTopics(cluster);
  const task: Task = { kind: 'serve', data, brokers: cluster.brokers, topicPrefix };
  const reader = await openReader(cluster.brokers, `${topicPrefix}${TOPICS.batches}`);
  const progress = await openProgress(cluster.brokers, `${topicPrefix}${TOPICS.progress}`);
  const [batches, takeovers, batchIds]: [number[], number[], string[]] = [[], [], []];
  let active = startServing(task);
  let standby: Serving | null = null;
  try {
    for (const batchId of before.idsByBatch.keys()) await reader.sealed(batchId);
    for (let round = 1; round <= rounds; round += 1) {
      const whole = await prepareBatch(system, `B-whole-${round}`, lines);
      const cut = await prepareBatch(system, `B-cut-${round}`, lines);
      // Where a batch is one transaction, the other relay finds nothing left to do.
      const after = await prepareBatch(system, `B-after-${round}`, 1);
      standby = startServing(task);
      const waiting = standby;
      await until(() => waiting.role() === 'standby', 'another relay stands by');
      // Nobody approves a batch in the second in which it was prepared.
      await system.projections.waitFor(OUTGOING, await system.store.head(), WAIT_MS);
      batchIds.push(whole.batchId, cut.batchId, after.batchId);
      await whole.seal();
      const sealedMs = performance.now();
      batches.push(((await reader.sealed(whole.batchId)) - sealedMs) / 1_000);
      const [read, writers] = [reader.count(), progress.writers().length];
      await cut.seal();
      await until(() => reader.count() > read, 'the first of it is read');
      const killedMs = performance.now();
      await active.end('SIGKILL');
      active = standby;
      standby = null;
      await after.seal();
      await until(() => progress.writers().length > writers, 'the other one goes on');
      takeovers.push(((progress.writers()[writers] ?? NaN) - killedMs) / 1_000);
      await reader.sealed(after.batchId);
      const [took, gap] = [batches.at(-1)?.toFixed(2), takeovers.at(-1)?.toFixed(2)];
      console.log(`round ${round}, a batch in ${took} s, taken over after ${gap} s`);
    }
    reader.verify(await expectedOf(system, batchIds));
    return { batches, takeovers };
  } finally {
    for (const serving of [active, standby]) await serving?.end('SIGKILL');
    await reader.close();
    await progress.close();
  }
}

function report(
  figures: ReadonlyMap<string, readonly Figure[]>,
  { batches, takeovers }: Seconds,
  { meanBytes, messageCount }: Expected,
  isSmoke: boolean,
): void {
  const perSecond = (name: string) => (figures.get(name) ?? []).map((one) => one.perSecond);
  const cpuUs = median((figures.get('relay') ?? []).map((one) => one.cpuUs));
  const ratio = ratioOf(perSecond('relay'), perSecond('ProducerPerformance'));
  printTable(
    `${whole(messageCount)} messages of ${meanBytes} bytes with their headers (medians)`,
    ['', 'messages/s', 'MB/s', 'CPU µs a message'],
    [...figures.keys()].map((name) => {
      const rate = median(perSecond(name));
      const cpu = name === 'relay' ? cpuUs.toFixed(1) : '';
      return [name, whole(rate), ((rate * meanBytes) / 1e6).toFixed(1), cpu];
    }),
  );
  const [worstBatch, worstTakeover] = [Math.max(...batches), Math.max(...takeovers)];
  printTable(
    'A relay that runs, and a reader of committed messages beside it, in seconds',
    ['', 'median', 'longest'],
    [
      ['a sealed batch, from the log to its last message', batches, worstBatch] as const,
      ['kill -9 to the first transaction of the other', takeovers, worstTakeover] as const,
    ].map(([what, all, worst]) => [what, median(all).toFixed(2), worst.toFixed(2)]),
  );
  const least = (what: string, measured: number, wanted: number, unit: string): Target => ({
    what,
    measured,
    wanted,
    sense: 'at least',
    unit,
  });
  const most = (what: string, all: readonly number[], wanted: number): Target => ({
    what,
    measured: median(all),
    wanted,
    sense: 'at most',
    unit: 's',
  });
  const rate = median(perSecond('relay'));
  const targets = [
    least('relay, of ProducerPerformance', ratio, WANTED_RATIO, '×'),
    least('relay', rate, WANTED_PER_SECOND, 'messages/s'),
    most('a sealed batch', batches, WANTED_BATCH_SECONDS),
    most('takeover', takeovers, WANTED_TAKEOVER_SECONDS),
  ];
  printTargets(targets, isSmoke);
}

async function measure(bench: Bench, rounds: number, isSmoke: boolean): Promise<void> {
  const { system, lines, cluster } = bench;
  const batchIds: string[] = [];
  for (let n = 1; n <= BATCHES; n += 1) {
    const { batchId, seal } = await prepareBatch(system, `B-${n}`, lines);
    await seal();
    batchIds.push(batchId);
  }
  const projecting = system.keepProjecting();
  await system.projections.waitFor(['outgoing'], await system.store.head(), WAIT_MS);
  await projecting.stop();
  const expected = await expectedOf(system, batchIds);
  printMachine(await versionOf(system), [`Kafka on ${cluster.brokers.join(', ')}`]);
  const entrants = new Map([
    ['relay', () => relayTurn(bench, expected)],
    ['ProducerPerformance', () => performanceTurn(bench, expected)],
  ]);
  const figures = await takeTurns(rounds, entrants, (round, name, { perSecond }) => {
    const load = loadavg()[0]?.toFixed(1);
    console.log(`round ${round}, ${name}: ${whole(perSecond)} messages/s (load ${load})`);
  });
  const seconds = await live(bench, rounds, expected);
  report(figures, seconds, expected, isSmoke);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
    },
  });
  const isSmoke = values.smoke;
  const rounds = isSmoke ? 1 : Number(values.rounds);
  const place = placeFor(undefined, 'relay');
  const data = join(place, 'data');
  let cluster: Cluster | undefined;
  try {
    cluster = await startCluster({ dir: await mkdtemp(join(tmpdir(), 'merit-bench-kafka-')) });
    const system = await openFolder(data, 'own');
    try {
      const lines = isSmoke ? SMOKE_LINES : LINES;
      await measure({ system, cluster, data, lines }, rounds, isSmoke);
    } finally {
      await system.close();
    }
  } finally {
    await cluster?.discard();
    await removePlace(place);
  }
}

const task = ownTask<Task>();
if (task === null) await main();
else if (task.kind === 'serve') await serve(task);
else await answerTask(deliver(task));
