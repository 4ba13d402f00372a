import kafkajs, { type Admin } from 'kafkajs';
import { TOPICS, type Topic } from '#contracts';
import { DomainError } from '#kernel';

/** What must become of old messages: a batch in a compacted topic would lose all lines but one. */
const CLEANUP: Readonly<Record<Topic, 'compact' | 'delete'>> = {
  [TOPICS.batches]: 'delete',
  [TOPICS.results]: 'delete',
  [TOPICS.tiers]: 'compact',
  [TOPICS.acknowledgements]: 'delete',
  [TOPICS.progress]: 'compact',
  [TOPICS.deadLetters]: 'delete',
};

/** How many partitions each topic has, by its name without prefix. */
export type PartitionCounts = Readonly<Record<string, number>>;

/**
 * Error: DomainError `kafka-topics-unfit`, which names each topic that is missing or whose old
 * messages would go otherwise than the contract says.
 */
export async function requireTopics(
  admin: Pick<Admin, 'listTopics' | 'fetchTopicMetadata' | 'describeConfigs'>,
  topics: readonly Topic[],
  prefix: string,
): Promise<PartitionCounts> {
  const existing = new Set(await admin.listTopics());
  const missing = topics.filter((topic) => !existing.has(prefix + topic));
  if (missing.length > 0) {
    throw unfit(missing.map((topic) => `${prefix}${topic} is missing`));
  }
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((topic) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name: prefix + topic,
      configNames: ['cleanup.policy'],
    })),
  });
  const wrong = topics.flatMap((topic) => {
    const config = resources.find(({ resourceName }) => resourceName === prefix + topic);
    const policy = config?.configEntries.find(
      ({ configName }) => configName === 'cleanup.policy',
    )?.configValue;
    const fits = policy === CLEANUP[topic];
    return fits ? [] : [`${prefix}${topic} has cleanup.policy=${policy}, not ${CLEANUP[topic]}`];
  });
  if (wrong.length > 0) throw unfit(wrong);
  const metadata = await admin.fetchTopicMetadata({
    topics: topics.map((topic) => prefix + topic),
  });
  return Object.fromEntries(
    metadata.topics.map(({ name, partitions }) => [name.slice(prefix.length), partitions.length]),
  );
}

function unfit(problems: readonly string[]): DomainError {
  return new DomainError(
    'kafka-topics-unfit',
    { problems },
    `${problems.join('; ')}: npm run kafka -- topics makes them as they must be`,
  );
}

/**
 * The partitions that keys are spread over: those of the first day, whatever was added since. A key
 * that moved to another partition would be read out of order, and the compacted topic would keep
 * its old state for ever. Fewer than that, and the topic is another one.
 */
export function keptPartitions(
  found: PartitionCounts,
  recorded: PartitionCounts | null,
): PartitionCounts {
  const kept: Record<string, number> = { ...found };
  for (const [topic, count] of Object.entries(recorded ?? {})) {
    const now = found[topic];
    if (now === undefined) continue;
    if (now < count) throw unfit([`${topic} has ${now} partitions and had ${count}`]);
    kept[topic] = count;
  }
  return kept;
}
