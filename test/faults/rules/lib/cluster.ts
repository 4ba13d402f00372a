/** A cluster for one script, on free ports and in a folder that is removed at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Admin } from 'kafkajs';
import { type Cluster, KafkaTrouble, startCluster } from '../../../../infra/kafka/index.js';
import { clientOf } from './client.js';
import { type Part, printVerdict } from './report.js';

export type Lab = {
  readonly cluster: Cluster;
  readonly brokers: readonly string[];
  readonly seed: number;
  /** A name nobody has used. */
  readonly name: (what: string) => string;
  readonly createTopic: (what: string, partitions: number) => Promise<string>;
  /** Resolves when so many partitions have a leader each. */
  readonly untilLed: (topic: string, partitions: number) => Promise<void>;
};

const LED_MS = 20_000;
const LED_POLL_MS = 50;

type Script = {
  readonly rule: string;
  readonly title: string;
  readonly nodes: 1 | 3;
  readonly parts: readonly ((lab: Lab) => Promise<Part>)[];
};

const seedOf = (): number => {
  const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' } } });
  if (!/^\d{1,9}$/.test(values.seed)) throw new KafkaTrouble('--seed must be a whole number');
  return Number(values.seed);
};

function labOf(cluster: Cluster, nodes: 1 | 3, seed: number): Lab {
  let names = 0;
  const untilLed = async (topic: string, count: number): Promise<void> => {
    const admin = clientOf({ brokers: cluster.brokers }).admin();
    await admin.connect();
    await waitForLeaders(admin, topic, count);
    await admin.disconnect();
  };
  const name = (what: string): string => `${what}-${(names += 1)}`;
  return {
    cluster,
    brokers: cluster.brokers,
    seed,
    name,
    untilLed,
    createTopic: async (what, numPartitions) => {
      const topic = name(what);
      const admin = clientOf({ brokers: cluster.brokers }).admin();
      await admin.connect();
      await admin.createTopics({
        topics: [{ topic, numPartitions, replicationFactor: nodes }],
        waitForLeaders: false, // it gives up where a broker has not heard of the topic yet
      });
      await admin.disconnect();
      await untilLed(topic, numPartitions);
      return topic;
    },
  };
}

async function waitForLeaders(admin: Admin, topic: string, count: number): Promise<void> {
  const endMs = performance.now() + LED_MS;
  for (;;) {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({
      topics: [],
    }));
    const led = topics[0]?.partitions.filter(({ leader }) => leader >= 0).length ?? 0;
    if (led === count) return;
    if (performance.now() > endMs) throw new Error(`${topic} has no leaders after ${LED_MS} ms`);
    await setTimeout(LED_POLL_MS);
  }
}

/** Starts the brokers, shows the rule and sets the exit code: 1 unless all of it was shown. */
export async function showRule({ rule, title, nodes, parts }: Script): Promise<void> {
  const startedMs = performance.now();
  const seed = seedOf();
  console.log(`${rule}: ${title}\nseed ${seed}, ${nodes} ${nodes === 1 ? 'broker' : 'brokers'}`);
  const dir = await mkdtemp(join(tmpdir(), 'merit-rules-'));
  let cluster: Cluster | undefined;
  const end = async (): Promise<void> => {
    await cluster?.discard();
    await rm(dir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().finally(() => process.exit(1)));
  }
  try {
    cluster = await startCluster({ dir, nodes });
    const shown: Part[] = [];
    const lab = labOf(cluster, nodes, seed);
    for (const part of parts) shown.push(await part(lab));
    if (!printVerdict(rule, shown)) process.exitCode = 1;
  } catch (error) {
    console.error(error instanceof KafkaTrouble ? error.message : error);
    process.exitCode = 1;
  } finally {
    await end();
  }
  console.log(`${rule}: ${((performance.now() - startedMs) / 1_000).toFixed(0)} s`);
  // Producers that were thrown away may still be trying.
  process.exit();
}
