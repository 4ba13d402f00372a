import kafkajs from 'kafkajs';
import { TOPICS } from '#contracts';
import type { PartitionOf } from './plan.js';
import type { PartitionCounts } from './topics.js';

const BATCHES_PARTITION = 0;

/** The partition that Java's default partitioner gives to a key: murmur2 of its bytes. */
export function murmurPartition(key: string, partitionCount: number): number {
  // The function of kafkajs looks at the number of partitions alone, and at who leads them only
  // for a message without key.
  const partitionMetadata = Array.from({ length: partitionCount }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  const message = { key, value: null };
  return kafkajs.Partitioners.DefaultPartitioner()({ topic: '', partitionMetadata, message });
}

/**
 * Batches go one after the other in one partition, however many there are: what a person owes is
 * carried from one batch to the next sealed, so payroll has to meet them in the order of their
 * sealing. Elsewhere a key has its partition; the last key of each topic is remembered.
 */
export function partitionsBy(counts: PartitionCounts): PartitionOf {
  const last = new Map<string, { readonly key: string; readonly partition: number }>();
  return (topic, key) => {
    if (topic === TOPICS.batches) return BATCHES_PARTITION;
    const known = last.get(topic);
    if (known?.key === key) return known.partition;
    const count = counts[topic];
    if (count === undefined) throw new RangeError(`no partitions are known of ${topic}`);
    const partition = murmurPartition(key, count);
    last.set(topic, { key, partition });
    return partition;
  };
}
