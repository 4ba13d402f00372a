import type { Admin } from 'kafkajs';
import { TOPICS } from '#contracts';
import { encodeProgress, type ProgressRecord, type Written } from './progress.js';
import { takeOver } from './takeover.js';
import { fakeConsumer, fakeOffsets, fakeProducer, listedSource } from './testing.js';

const POLICIES: Readonly<Record<string, string>> = {
  [TOPICS.tiers]: 'compact',
  [TOPICS.progress]: 'compact',
};

const record = (over: Partial<ProgressRecord> = {}): ProgressRecord => ({
  version: 1,
  sent: { position: '00000000000000000002', ordinal: 0 },
  messageId: 'id-second',
  writer: 'w',
  serial: 2,
  partitions: { [TOPICS.results]: 3 },
  ...over,
});

function fakeAdmin(calls: string[], high: number): Admin {
  const admin = {
    ...fakeOffsets(calls, 0, high),
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    listTopics: () => Promise.resolve(Object.values(TOPICS)),
    describeConfigs: ({ resources }: { resources: { name: string }[] }) =>
      Promise.resolve({
        resources: resources.map(({ name }) => ({
          resourceName: name,
          configEntries: [
            { configName: 'cleanup.policy', configValue: POLICIES[name] ?? 'delete' },
          ],
        })),
      }),
    fetchTopicMetadata: ({ topics }: { topics: string[] }) =>
      Promise.resolve({
        topics: topics.map((name) => ({ name, partitions: Array.from({ length: 6 }) })),
      }),
  };
  return admin as unknown as Admin;
}

/** A takeover over a log of two messages, with this progress in Kafka. */
async function take(
  progress: ProgressRecord | null,
  texts = ['first', 'second'],
  scannedTo?: string,
  written: Written = { committed: null, attempted: null },
) {
  const calls: string[] = [];
  const values = progress === null ? [] : [encodeProgress(progress)];
  const fetches = [{ values, lastOffset: 1 }];
  const kafka = {
    ...fakeProducer(calls).kafka,
    ...fakeConsumer(calls, [], 'merit.relay', fetches),
    admin: () => fakeAdmin(calls, 2),
  };
  const listed = listedSource(texts.map((text) => ({ topic: TOPICS.results, key: 'k', text })));
  const source =
    scannedTo === undefined ? listed : { ...listed, scannedTo: () => Promise.resolve(scannedTo) };
  const taken = takeOver(kafka, source, written, {
    topicPrefix: '',
    requestTimeoutMs: 1_000,
    transactionTimeoutMs: 2_000,
    progressTimeoutMs: 2_000,
    signal: new AbortController().signal,
  });
  return { taken, calls };
}

describe('taking over', () => {
  it('fences first, reads the progress then, and sends nothing before (rule 4)', async () => {
    const { taken, calls } = await take(record());
    await taken;
    expect(calls).toEqual(['connect', 'transaction', 'abort', 'offsets', 'seek 0', 'read to 1']);
  });

  it('goes on after what was delivered, on the partitions of the first day', async () => {
    const { taken } = await take(record());
    const { progress, partitions } = await taken;
    expect(progress).toEqual(record());
    expect(partitions).toMatchObject({ [TOPICS.results]: 3, [TOPICS.batches]: 6 });
  });

  it('begins at the beginning when nothing was ever delivered', async () => {
    const { taken } = await take(null);
    expect((await taken).progress).toBeNull();
  });

  const ELSEWHERE = { position: '00000000000000000004/00000000000000000004', ordinal: 3 };

  it('finds its place by the message in a log that has moved to another store', async () => {
    const { taken } = await take(record({ sent: ELSEWHERE, messageId: 'id-first' }));
    const place = { position: '00000000000000000001', ordinal: 0 };
    expect((await taken).progress).toEqual(record({ sent: place, messageId: 'id-first' }));
  });

  it('knows that progress again when it takes over once more before anything was sent', async () => {
    const moved = record({ sent: ELSEWHERE, messageId: 'id-first' });
    const { progress: committed } = await (await take(moved)).taken;
    const { taken } = await take(moved, undefined, undefined, { committed, attempted: null });
    expect((await taken).progress).toEqual(committed);
    const { taken: older } = await take(moved, undefined, undefined, {
      committed: record(),
      attempted: null,
    });
    await expect(older).rejects.toMatchObject({ code: 'relay-progress-lost' });
  });

  it('waits for a moved log whose messages are not all known yet', async () => {
    const progress = record({ sent: ELSEWHERE, messageId: 'id-third' });
    const { taken } = await take(progress, ['first', 'second'], '00000000000000000001');
    await expect(taken).rejects.toMatchObject({ code: 'relay-progress-ahead' });
  });

  it.each([
    ['a message that a moved log does not have', record({ sent: ELSEWHERE, messageId: 'id-x' })],
    ['a message that the log does not have', record({ messageId: 'id-other' })],
    ['a place beyond the log', record({ sent: { position: '00000000000000000009', ordinal: 0 } })],
    [
      'a place that the log leaves empty',
      record({ sent: { position: '00000000000000000001', ordinal: 7 } }),
    ],
  ])('stops, and lets go of the producer, over progress of %s', async (_, progress) => {
    const { taken, calls } = await take(progress);
    await expect(taken).rejects.toMatchObject({ code: 'relay-progress-foreign' });
    expect(calls.at(-1)).toBe('disconnect');
  });
});
