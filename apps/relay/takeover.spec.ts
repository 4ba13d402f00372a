import type { Admin } from 'kafkajs';
import { TOPICS } from '#contracts';
import { encodeProgress, type ProgressRecord } from './progress.js';
import { type Memory, takeOver } from './takeover.js';
import {
  fakeConsumer,
  type FakeFetch,
  fakeOffsets,
  fakeProducer,
  listedSource,
} from './testing.js';

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

function remembering(
  written: Partial<Memory> = {},
): Memory & { readonly isForgotten: () => boolean } {
  let isForgotten = false;
  const forget = (): void => void (isForgotten = true);
  return { committed: null, attempted: null, forget, ...written, isForgotten: () => isForgotten };
}

/** Lets everything go on that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type InKafka = Partial<FakeFetch> & { readonly isEmpty?: boolean; readonly isWilling?: boolean };

/** A takeover over a log of two messages, with this progress in Kafka. */
async function take(
  progress: ProgressRecord | null,
  texts = ['first', 'second'],
  scannedTo?: string,
  memory: Memory = remembering(),
  { isEmpty = false, isWilling = true, ...fetch }: InKafka = {},
) {
  const calls: string[] = [];
  const values = progress === null ? [] : [encodeProgress(progress)];
  const fetches = [{ values, lastOffset: 1, ...fetch }];
  const producer = fakeProducer(calls);
  producer.isWilling = isWilling;
  const kafka = {
    ...producer.kafka,
    ...fakeConsumer(calls, [], 'merit.relay', fetches),
    admin: () => fakeAdmin(calls, isEmpty ? 0 : 2),
  };
  const listed = listedSource(texts.map((text) => ({ topic: TOPICS.results, key: 'k', text })));
  const source =
    scannedTo === undefined ? listed : { ...listed, scannedTo: () => Promise.resolve(scannedTo) };
  const taken = takeOver(kafka, source, memory, {
    topicPrefix: '',
    requestTimeoutMs: 1_000,
    transactionTimeoutMs: 2_000,
    progressTimeoutMs: 2_000,
    signal: new AbortController().signal,
  });
  return { taken, calls, producer };
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
    const { taken } = await take(moved, undefined, undefined, remembering({ committed }));
    expect((await taken).progress).toEqual(committed);
    const later = remembering({ committed: record() });
    const { taken: older } = await take(moved, undefined, undefined, later);
    await expect(older).rejects.toMatchObject({ code: 'relay-progress-lost' });
  });

  const LATER = record({ sent: { position: '00000000000000000003', ordinal: 0 }, serial: 3 });
  const OPEN = { highWatermark: 5 };
  /** One throwaway record a partition: that is how it joins the transaction that is aborted. */
  const joined = [TOPICS.batches, TOPICS.results, TOPICS.tiers, TOPICS.progress].flatMap((topic) =>
    Array.from({ length: 6 }, (_, partition) => `send ${topic}/${partition}`),
  );

  it('aborts what Kafka has left without its end, in every partition', async () => {
    const { taken, calls } = await take(record(), undefined, undefined, remembering(), OPEN);
    expect(await taken).toMatchObject({ progress: record(), hasAborted: true });
    const fenced = ['connect', 'transaction', 'abort'];
    const read = ['offsets', 'seek 0', 'read to 1'];
    expect(calls).toEqual([...fenced, ...read, 'transaction', ...joined, 'abort']);
  });

  it('forgets, before it aborts, what it was told to be committed and is not', async () => {
    const memory = remembering({ committed: LATER });
    const inKafka = { ...OPEN, isWilling: false };
    const { taken, producer } = await take(record(), undefined, undefined, memory, inKafka);
    while (producer.sends.length === 0) await turn();
    expect(memory.isForgotten()).toBe(true);
    producer.sends[0]?.fail(new Error('cut'));
    await expect(taken).rejects.toThrow('cut');
  });

  it('does not go on from progress that has gone back while all is ended', async () => {
    const memory = remembering({ committed: LATER });
    const { taken } = await take(record(), undefined, undefined, memory);
    await expect(taken).rejects.toMatchObject({ code: 'relay-progress-lost' });
    expect(memory.isForgotten()).toBe(false);
  });

  it('aborts before the first message, when nothing tells whether something is open', async () => {
    const empty = { isEmpty: true };
    const { taken, calls } = await take(null, undefined, undefined, remembering(), empty);
    expect(await taken).toMatchObject({ progress: null, hasAborted: false });
    const asked = ['connect', 'transaction', 'abort', 'offsets'];
    expect(calls).toEqual([...asked, 'transaction', ...joined, 'abort']);
  });

  it('does not begin anew in topics that have lost all that it wrote', async () => {
    const memory = remembering({ committed: record() });
    const { taken } = await take(null, undefined, undefined, memory, { isEmpty: true });
    await expect(taken).rejects.toMatchObject({ code: 'relay-progress-lost' });
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
