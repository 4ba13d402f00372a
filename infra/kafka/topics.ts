import { readFile } from 'node:fs/promises';
import type { Admin, DescribeConfigResponse, Kafka } from 'kafkajs';
import { until } from './pids.js';
import { sourceFile } from './project.js';
import { KafkaTrouble } from './trouble.js';

export type TopicPlan = {
  readonly name: string; // without a prefix
  readonly partitions: number;
  readonly replication: number;
  readonly settings: Readonly<Record<string, string>>;
};

export type TopicOptions = {
  /** Before every name: several systems on one cluster. */
  readonly prefix?: string;
  /** Copies on a cluster that is smaller than topics.json asks for; settings follow. */
  readonly replication?: number;
  /** Tells what differs and changes nothing. */
  readonly check?: boolean;
};

export type TopicReport = {
  readonly topic: string;
  readonly outcome: 'created' | 'as-planned' | 'altered' | 'differs';
  /** What was altered, or would be. */
  readonly changes: readonly string[];
  /** What nothing can change while messages are in the topic. */
  readonly fixed: readonly string[];
};

const ADMIN_MS = 30_000;
/** The protocol's number; as an import of kafkajs Node's modules do not see it. */
const TOPIC_RESOURCE = 2;
/** `DYNAMIC_TOPIC_CONFIG`: set for this very topic, by whomever. */
const OF_TOPIC = 1;
const EXISTS = 'TOPIC_ALREADY_EXISTS';

/** Every topic of the system as topics.json has it: the one place that says so. */
export async function topicPlans(replication?: number): Promise<TopicPlan[]> {
  const file = JSON.parse(await readFile(sourceFile('topics.json'), 'utf8')) as {
    replication: number;
    topics: Record<string, { partitions: number; settings: Record<string, string> }>;
  };
  const copies = replication ?? file.replication;
  return Object.entries(file.topics).map(([name, { partitions, settings }]) => {
    const inSync = Math.min(Number(settings['min.insync.replicas'] ?? 1), copies);
    const fitting = { ...settings, 'min.insync.replicas': String(inSync) };
    return { name, partitions, replication: copies, settings: fitting };
  });
}

/**
 * Makes the topics that are missing and brings the settings of the others to the plan; what others
 * have set beside it stays. Can be repeated, also after it was cut off. Never changes a partition
 * count: a key's messages would go on in another partition, and lose their order.
 */
export async function applyTopics(
  kafka: Kafka,
  options: TopicOptions = {},
): Promise<TopicReport[]> {
  const plans = (await topicPlans(options.replication)).map((plan) => ({
    ...plan,
    name: `${options.prefix ?? ''}${plan.name}`,
  }));
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = plans.filter(({ name }) => !existing.has(name));
    if (missing.length > 0 && options.check !== true) {
      await create(admin, missing);
      await untilLed(admin, missing);
    }
    const present = plans.filter(({ name }) => existing.has(name));
    return [
      ...missing.map(({ name }) => report(name, options.check ? 'differs' : 'created')),
      ...(await compare(admin, present, options.check === true)),
    ].sort((a, b) => (a.topic < b.topic ? -1 : 1));
  } finally {
    await admin.disconnect();
  }
}

const report = (topic: string, outcome: 'created' | 'differs'): TopicReport => ({
  topic,
  outcome,
  changes: outcome === 'differs' ? ['it is missing'] : [],
  fixed: [],
});

async function create(admin: Admin, plans: readonly TopicPlan[]): Promise<void> {
  try {
    await admin.createTopics({
      // kafkajs gives up when a broker has not heard of the topic yet; see `untilLed`.
      waitForLeaders: false,
      timeout: ADMIN_MS,
      topics: plans.map(({ name, partitions, replication, settings }) => ({
        topic: name,
        numPartitions: partitions,
        replicationFactor: replication,
        configEntries: Object.entries(settings).map(([entry, value]) => ({ name: entry, value })),
      })),
    });
  } catch (error) {
    // KafkaJSAggregateError: one fault a topic. Two that create at once are both content.
    const faults = (error as { errors?: { type?: string; message: string; topic?: string }[] })
      .errors ?? [error as Error & { type?: string; topic?: string }];
    const real = faults.filter(({ type }) => type !== EXISTS);
    if (real.length === 0) return;
    const [{ type, message, topic } = { type: '', message: '', topic: '' }] = real;
    const hint =
      type === 'INVALID_REPLICATION_FACTOR'
        ? ` (${plans[0]?.replication} copies need as many brokers; for a smaller cluster` +
          ` say --replication)`
        : '';
    throw new KafkaTrouble(`topic ${topic ?? ''} could not be created: ${message}${hint}`);
  }
}

/** Until every partition has a leader: a client that comes at once finds its topics. */
async function untilLed(admin: Admin, plans: readonly TopicPlan[]): Promise<void> {
  let reason = '';
  const areLed = async (): Promise<boolean> => {
    try {
      const names = plans.map(({ name }) => name);
      const { topics } = await admin.fetchTopicMetadata({ topics: names });
      return plans.every(({ name, partitions: planned }) => {
        const partitions = topics.find((topic) => topic.name === name)?.partitions ?? [];
        return partitions.length >= planned && partitions.every(({ leader }) => leader >= 0);
      });
    } catch (error) {
      reason = `: ${(error as Error).message}`;
      return false;
    }
  };
  if (await until(areLed, ADMIN_MS)) return;
  throw new KafkaTrouble(`the new topics have no leaders after ${ADMIN_MS} ms${reason}`);
}

async function compare(
  admin: Admin,
  plans: readonly TopicPlan[],
  isCheck: boolean,
): Promise<TopicReport[]> {
  if (plans.length === 0) return [];
  const { topics } = await admin.fetchTopicMetadata({ topics: plans.map(({ name }) => name) });
  const settings = await settingsOf(admin, plans);
  const reports: TopicReport[] = [];
  const altered: TopicPlan[] = [];
  for (const plan of plans) {
    const entries = settings.get(plan.name) ?? [];
    const changes = changesOf(plan, entries);
    const fixed = fixedDifferences(
      plan,
      topics.find(({ name }) => name === plan.name)?.partitions ?? [],
    );
    if (changes.length > 0 && !isCheck) {
      // This request replaces all of the topic's own settings: those beside the plan go along.
      const own = entries.flatMap(({ configName, configValue, configSource }) =>
        configSource === OF_TOPIC ? [[configName, configValue] as const] : [],
      );
      const merged = { ...Object.fromEntries(own), ...plan.settings };
      const configEntries = Object.entries(merged).map(([name, value]) => ({ name, value }));
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: TOPIC_RESOURCE, name: plan.name, configEntries }],
      });
      altered.push(plan);
    }
    const isSame = changes.length === 0 && fixed.length === 0;
    const isDone = changes.length > 0 && !isCheck && fixed.length === 0;
    const outcome = isSame ? 'as-planned' : isDone ? 'altered' : 'differs';
    reports.push({ topic: plan.name, outcome, changes, fixed });
  }
  await untilTaken(admin, altered);
  return reports;
}

type Entries = DescribeConfigResponse['resources'][number]['configEntries'];

async function settingsOf(
  admin: Admin,
  plans: readonly TopicPlan[],
): Promise<ReadonlyMap<string, Entries>> {
  if (plans.length === 0) return new Map();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: plans.map(({ name }) => ({ type: TOPIC_RESOURCE, name })),
  });
  return new Map(resources.map(({ resourceName, configEntries }) => [resourceName, configEntries]));
}

function changesOf({ settings }: TopicPlan, entries: Entries): readonly string[] {
  const found = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  return Object.entries(settings).flatMap(([name, value]) =>
    found.get(name) === value ? [] : [`${name}: ${found.get(name) ?? 'unset'} → ${value}`],
  );
}

/** A cluster answers that a setting is altered a moment before its brokers know of it. */
async function untilTaken(admin: Admin, altered: readonly TopicPlan[]): Promise<void> {
  const areTaken = async (): Promise<boolean> => {
    const settings = await settingsOf(admin, altered);
    return altered.every((plan) => changesOf(plan, settings.get(plan.name) ?? []).length === 0);
  };
  if (await until(areTaken, ADMIN_MS)) return;
  throw new KafkaTrouble(`the altered settings are not in force after ${ADMIN_MS} ms`);
}

function fixedDifferences(
  plan: TopicPlan,
  partitions: readonly { readonly replicas: readonly number[] }[],
): string[] {
  const copies = Math.min(...partitions.map(({ replicas }) => replicas.length));
  return [
    ...(partitions.length === plan.partitions
      ? []
      : [`partitions: ${partitions.length}, planned ${plan.partitions} (would reorder keys)`]),
    ...(copies === plan.replication
      ? []
      : [`copies: ${copies}, planned ${plan.replication} (kafka-reassign-partitions moves them)`]),
  ];
}
