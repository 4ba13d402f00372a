import { TOPICS } from '#contracts';
import { murmurPartition, partitionsBy } from './partitions.js';
import { keptPartitions } from './topics.js';

describe('partitions', () => {
  /** Hashes of Kafka's own test of murmur2, in `UtilsTest.java`. */
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('are those of Java: %s', (key, hash) => {
    for (const count of [1, 6, 97]) {
      expect(murmurPartition(key, count)).toBe((hash & 0x7fffffff) % count);
    }
  });

  it('are the same for a key whatever was asked before', () => {
    const partitionOf = partitionsBy({ [TOPICS.results]: 6, [TOPICS.tiers]: 3 });
    const once = ['a', 'b', 'a', 'c'].map((key) => partitionOf(TOPICS.results, key));
    expect(once).toEqual(['a', 'b', 'a', 'c'].map((key) => murmurPartition(key, 6)));
    expect(partitionOf(TOPICS.tiers, 'c')).toBe(murmurPartition('c', 3));
    expect(() => partitionOf('merit.other', 'c')).toThrow('no partitions are known');
  });

  it('keep all batches in one, so that they are met in the order of their sealing', () => {
    const partitionOf = partitionsBy({ [TOPICS.batches]: 3 });
    const batchIds = ['2026-01-all', '2026-02-all', '2026-03-all', '2026-04-north'];
    expect(batchIds.map((key) => partitionOf(TOPICS.batches, key))).toEqual([0, 0, 0, 0]);
  });

  it('that were added later are left alone: a key must not move', () => {
    expect(keptPartitions({ a: 12, b: 3 }, { a: 6 })).toEqual({ a: 6, b: 3 });
    expect(keptPartitions({ a: 12 }, null)).toEqual({ a: 12 });
  });

  it('cannot have become fewer: it would be another topic', () => {
    expect(() => keptPartitions({ a: 3 }, { a: 6 })).toThrow(
      expect.objectContaining({ code: 'kafka-topics-unfit' }),
    );
  });
});
