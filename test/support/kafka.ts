import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type IHeaders, Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { kafkaLog } from '#platform/kafka-log';
import { applyTopics, type Cluster, runTool, startCluster } from '../../infra/kafka/index.js';
import { type KafkaProxy, openKafkaProxy } from './kafka-proxy.js';

/** Where the run's broker is; written by the global set-up, read by every worker. */
export const TEST_KAFKA_VARIABLE = 'MERIT_TEST_KAFKA';
const RUN_FOLDER = /^merit-kafka-test-(\d+)-/;
const READ_MS = 60_000;

export type ReadMessage = {
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
};

export type TestKafkaOptions = {
  /** Three: a cluster of one's own, with three copies of everything. */
  readonly nodes?: 1 | 3;
  /** A broker of one's own, which may be killed; the shared one may not. */
  readonly own?: boolean;
};

export type TestKafka = {
  readonly brokers: readonly string[];
  /** Fresh for each call: before every topic, transactional id and group id. */
  readonly topicPrefix: string;
  /** Those of infra/kafka/topics.json, with the prefix. */
  readonly createTopics: () => Promise<void>;
  readonly client: (options?: Partial<KafkaConfig>) => Kafka;
  /**
   * What a read_committed consumer sees of the topic (its name without the prefix), up to its end
   * as of now, in order within each partition. Waits for a transaction that is still open.
   */
  readonly readCommitted: (topic: string) => Promise<ReadMessage[]>;
  /** The same by Kafka's own console consumer: `key⇥value` lines; ends after `idleMs` of rest. */
  readonly consoleConsumer: (topic: string, idleMs?: number) => Promise<string[]>;
  /** Clients that are given its `brokers` reach the cluster by it alone. */
  readonly proxied: () => Promise<KafkaProxy>;
  readonly nodeIds: readonly number[];
  /** As `kill -9` does. Needs `own` or three nodes, like stop and start. */
  readonly killNode: (id: number) => Promise<void>;
  readonly stopNode: (id: number) => Promise<void>;
  /** On the same port and folder; resolves when the cluster counts it in. */
  readonly startNode: (id: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** A folder that goes with the run, also when the run is killed: the next one sweeps it. */
async function runFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(RUN_FOLDER.exec(name)?.[1] ?? 0);
    if (pid === 0 || isAlive(pid)) continue;
    await rm(path.join(tmpdir(), name), { recursive: true, force: true });
  }
  return mkdtemp(path.join(tmpdir(), `merit-kafka-test-${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export type SharedKafka = { readonly stop: () => Promise<void> };

/** The one broker of a run. */
export async function startSharedKafka(): Promise<SharedKafka> {
  const given = process.env['MERIT_TEST_KAFKA_BROKERS'];
  if (given !== undefined && given !== '') {
    process.env[TEST_KAFKA_VARIABLE] = JSON.stringify(given.split(','));
    return { stop: async () => undefined };
  }
  const cluster = await startCluster({ dir: await runFolder() });
  process.env[TEST_KAFKA_VARIABLE] = JSON.stringify(cluster.brokers);
  return { stop: () => cluster.discard() };
}

function sharedBrokers(): readonly string[] {
  const text = process.env[TEST_KAFKA_VARIABLE];
  if (text === undefined) throw new Error('no broker: run these tests with npm run test:kafka');
  return JSON.parse(text) as string[];
}

export async function openTestKafka(options: TestKafkaOptions = {}): Promise<TestKafka> {
  const nodes = options.nodes ?? 1;
  const own =
    nodes === 3 || options.own === true
      ? await startCluster({ dir: await runFolder(), nodes })
      : null;
  const brokers = own?.brokers ?? sharedBrokers();
  const topicPrefix = `t${randomUUID().slice(0, 8)}.`;
  const proxies: KafkaProxy[] = [];
  const client = (config: Partial<KafkaConfig> = {}): Kafka =>
    new Kafka({
      clientId: 'merit-test',
      brokers: [...brokers],
      ...kafkaLog(logLevel.NOTHING, () => undefined),
      retry: { initialRetryTime: 20, retries: 10 },
      ...config,
    });
  return {
    brokers,
    topicPrefix,
    client,
    createTopics: async () => {
      const reports = await applyTopics(client(), { prefix: topicPrefix, replication: nodes });
      const differing = reports.filter(({ outcome }) => outcome === 'differs');
      if (differing.length > 0) throw new Error(`topics differ: ${JSON.stringify(differing)}`);
    },
    readCommitted: (topic) => readCommitted(client(), `${topicPrefix}${topic}`),
    consoleConsumer: (topic, idleMs = 3_000) =>
      readByConsole(brokers, `${topicPrefix}${topic}`, idleMs),
    proxied: async () => {
      const proxy = await openKafkaProxy(brokers);
      proxies.push(proxy);
      return proxy;
    },
    ...nodesOf(own),
    close: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await own?.discard();
    },
  };
}

type Nodes = Pick<TestKafka, 'nodeIds' | 'killNode' | 'stopNode' | 'startNode'>;

function nodesOf(cluster: Cluster | null): Nodes {
  const ours = (): Cluster => {
    if (cluster !== null) return cluster;
    throw new Error('the shared broker stays: openTestKafka({ own: true }) gives one to kill');
  };
  return {
    nodeIds: cluster?.nodeIds ?? [1],
    killNode: async (id) => ours().killNode(id),
    stopNode: async (id) => ours().stopNode(id),
    startNode: async (id) => ours().startNode(id),
  };
}

const asText = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name, String(value ?? '')]),
  );

/**
 * Offsets without a message (markers, what was aborted) are consumed too: only the event at the
 * end of a batch tells of them.
 */
async function readCommitted(kafka: Kafka, topic: string): Promise<ReadMessage[]> {
  for (let ends = await endsOf(kafka, topic); ;) {
    const read = ends.size === 0 ? [] : await readTo(kafka, topic, new Map(ends));
    // kafkajs asks for the last stable offset: what was committed a moment ago lies behind it
    // until its markers are written.
    const now = await endsOf(kafka, topic);
    if ([...now].every(([partition, end]) => ends.get(partition) === end)) return read;
    ends = now;
  }
}

async function readTo(
  kafka: Kafka,
  topic: string,
  ends: Map<number, bigint>,
): Promise<ReadMessage[]> {
  const consumer = kafka.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 100 });
  const read: ReadMessage[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        const left = [...ends].map(([partition, end]) => `${partition} to ${end}`).join(', ');
        reject(new Error(`${topic} cannot be read to its end (${left}): an open transaction?`));
      }, READ_MS);
      // One that begins again by itself met a coordinator that was only just starting.
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        const end = ends.get(payload.partition);
        const next = BigInt(payload.lastOffset) + 1n;
        // Up to the high watermark: before it a transaction may be open still.
        if (end !== undefined && next >= end && next >= BigInt(payload.highWatermark)) {
          ends.delete(payload.partition);
        }
        if (ends.size === 0) resolve();
      });
      void consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch: { partition, messages } }) => {
            for (const { offset, key, headers, value } of messages) {
              read.push({
                partition,
                offset,
                key: key?.toString() ?? null,
                headers: asText(headers),
                value: value?.toString() ?? null,
              });
            }
          },
        })
        .catch(reject);
    });
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
  return read.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

/** The end of every partition that has something in it. */
async function endsOf(kafka: Kafka, topic: string): Promise<Map<number, bigint>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return new Map(
      offsets.flatMap(({ partition, high, low }) =>
        BigInt(high) > BigInt(low) ? [[partition, BigInt(high)] as const] : [],
      ),
    );
  } finally {
    await admin.disconnect();
  }
}

async function readByConsole(
  brokers: readonly string[],
  topic: string,
  idleMs: number,
): Promise<string[]> {
  const output = await runTool('consoleConsumer', [
    '--bootstrap-server',
    brokers.join(','),
    '--topic',
    topic,
    '--from-beginning',
    '--isolation-level',
    'read_committed',
    '--formatter-property',
    'print.key=true',
    '--timeout-ms',
    String(idleMs),
  ]);
  return output.split('\n').filter((line) => line !== '');
}
