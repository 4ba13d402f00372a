import { TOPICS } from '#contracts';
import { openTestKafka, type TestKafka } from '../../test/support/kafka.js';
import { createKafka } from './connection.js';
import { openDelivery } from './delivery.js';
import { type Relay, startRelay } from './index.js';
import { murmurPartition } from './partitions.js';
import { decodeProgress } from './progress.js';
import { requireTopics } from './topics.js';
import { type ListedSource, listedSource, type SourceMessage } from './testing.js';

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const SMALL = { messages: 7, bytes: 1_000_000, sendMessages: 3, sendBytes: 100_000 };

let kafka: TestKafka;
const relays: Relay[] = [];

beforeEach(async () => {
  kafka = await openTestKafka();
});

afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  await kafka?.close();
});

/** A lease that everybody has: what holds two relays apart is Kafka alone. */
const freeLease = () =>
  Promise.resolve({ lost: new AbortController().signal, release: () => undefined });

function relayOf(source: ListedSource, brokers = kafka.brokers): Relay {
  const relay = startRelay(
    {
      source,
      kafka: { brokers, ssl: false, sasl: null, topicPrefix: kafka.topicPrefix },
      takeLease: freeLease,
      logger: SILENT,
      clock: () => new Date(),
    },
    { outbound: { limits: SMALL, fencedRestMs: 500, idleLookMs: 100 } },
  );
  relays.push(relay);
  return relay;
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within half a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A changed setting of a topic takes a moment to be known. */
async function whenRefused(attempt: () => Promise<unknown>): Promise<Error> {
  for (;;) {
    const error = await attempt().then(
      () => null,
      (refusal: Error) => refusal,
    );
    if (error) return error;
  }
}

const results = (count: number, people = 5): SourceMessage[] =>
  Array.from({ length: count }, (_, n) => ({
    topic: TOPICS.results,
    key: `AM${n % people}`,
    text: `${n}`,
  }));

const textsOf = (messages: readonly { value: string | null }[]): string[] =>
  messages.map(({ value }) => (JSON.parse(value ?? '{}') as { text: string }).text);

const inOrder = (texts: readonly string[]): string[] =>
  texts.toSorted((a, b) => Number(a) - Number(b));

const delivered = (relay: Relay, source: ListedSource) => async (): Promise<void> => {
  const head = await source.head();
  await until(
    () => relay.status().outbound.deliveredTo === head,
    `delivered to ${head}: ${JSON.stringify(relay.status())}`,
  );
};

/** Everything, once, in order within each partition, each key where Java would put it. */
async function expectDelivered(sent: readonly SourceMessage[]): Promise<void> {
  const read = await kafka.readCommitted(TOPICS.results);
  const texts = textsOf(read);
  expect(inOrder(texts)).toEqual(sent.map(({ text }) => text));
  for (const partition of new Set(read.map((message) => message.partition))) {
    const own = textsOf(read.filter((message) => message.partition === partition));
    expect(own).toEqual(inOrder(own));
  }
  const counts = await partitionCount(TOPICS.results);
  for (const { key, partition } of read) {
    expect(partition).toBe(murmurPartition(key ?? '', counts));
  }
}

async function partitionCount(topic: string): Promise<number> {
  const admin = kafka.client().admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [kafka.topicPrefix + topic] });
    return topics[0]?.partitions.length ?? 0;
  } finally {
    await admin.disconnect();
  }
}

describe('the relay', () => {
  it('delivers everything once and in order, over many transactions and partitions', async () => {
    await kafka.createTopics();
    const source = listedSource(results(50));
    const relay = relayOf(source);
    await delivered(relay, source)();
    source.add(...results(60).slice(50));
    await delivered(relay, source)();
    await expectDelivered(results(60));
    // Rules 2 and 5: each transaction but the first meets the markers of the last, and none fails.
    expect(relay.status().outbound.counts).toMatchObject({ messages: 60, failedTransactions: 0 });
    const records = await kafka.readCommitted(TOPICS.progress);
    const sent = records.map(({ value }) => decodeProgress(value ?? '').sent.position);
    expect(sent).toEqual(sent.toSorted());
    expect(sent.at(-1)).toBe(await source.head());
  });

  it('goes on where another one stopped, in the middle of what stands at one position', async () => {
    await kafka.createTopics();
    const first = listedSource(results(20), 100);
    const one = relayOf(first);
    await until(() => one.status().outbound.counts.messages === 20, 'the first twenty');
    await one.stop();
    expect(one.status().outbound).toMatchObject({ role: 'stopped', deliveredTo: null });
    const more = listedSource(results(45), 100);
    const two = relayOf(more);
    const head = await more.head();
    await until(() => two.status().outbound.deliveredTo === head, 'the whole position');
    // Not before its last message: the position is the same as that of the first.
    expect(two.status().outbound.counts.messages).toBe(25);
    await expectDelivered(results(45));
  });

  it('throws the other one out that has the lease too, and both deliver each message once', async () => {
    await kafka.createTopics();
    const all = results(400);
    const sources = [listedSource([...all]), listedSource([...all])];
    const both = sources.map((source) => relayOf(source));
    const head = await sources[0]?.head();
    await until(
      () => both.some((relay) => relay.status().outbound.deliveredTo === head),
      'one of them at the end',
    );
    await expectDelivered(all);
  });

  it('is fenced by taking over, not by connecting (rule 4)', async () => {
    await kafka.createTopics();
    const client = await createKafka(
      { brokers: kafka.brokers, ssl: false, sasl: null },
      { clientId: 'test', logger: SILENT },
    );
    const options = {
      transactionalId: `${kafka.topicPrefix}fenced`,
      topicPrefix: kafka.topicPrefix,
      transactionTimeoutMs: 10_000,
      requestTimeoutMs: 5_000,
    };
    const progress = { topic: TOPICS.progress, partition: 0, key: 'k', value: '1' };
    const old = await openDelivery(client, options);
    await old.deliver(progress, []);
    const connected = client.producer({
      idempotent: true,
      transactionalId: options.transactionalId,
    });
    await connected.connect();
    await old.deliver({ ...progress, value: '2' }, []);
    const next = await openDelivery(client, options);
    await expect(old.deliver({ ...progress, value: '3' }, [])).rejects.toThrow(/epoch/i);
    const read = await kafka.readCommitted(TOPICS.progress);
    expect(read.map(({ value }) => value)).toEqual(['1', '2']);
    await Promise.all([old.close(), next.close(), connected.disconnect()]);
  });

  it('leaves no transaction open when it stops: readers need not wait', async () => {
    await kafka.createTopics();
    const source = listedSource(results(500));
    const relay = relayOf(source);
    await until(() => relay.status().outbound.counts.transactions > 2, 'some transactions');
    await relay.stop();
    const { messages } = relay.status().outbound.counts;
    expect(await kafka.readCommitted(TOPICS.results)).toHaveLength(messages);
  });

  it('says which topics are missing, and begins when they are there', async () => {
    const source = listedSource(results(3));
    const relay = relayOf(source);
    await until(() => relay.status().outbound.trouble !== null, 'a trouble');
    expect(relay.status().outbound).toMatchObject({
      role: 'standby',
      trouble: {
        code: 'kafka-topics-unfit',
        message: expect.stringMatching(
          /merit\.payroll\.batches\.v1 is missing.*npm run kafka -- topics/,
        ),
      },
    });
    await kafka.createTopics();
    await delivered(relay, source)();
    expect(relay.status().outbound.trouble).toBeNull();
  });

  it('refuses a topic of batches that is compacted', async () => {
    await kafka.createTopics();
    const admin = kafka.client().admin();
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: 2, // a topic
          name: kafka.topicPrefix + TOPICS.batches,
          configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
    });
    const refusal = await whenRefused(() =>
      requireTopics(admin, [TOPICS.batches], kafka.topicPrefix),
    );
    await admin.disconnect();
    expect(refusal.message).toMatch(/cleanup\.policy=compact, not delete/);
    const relay = relayOf(listedSource(results(3)));
    await until(() => relay.status().outbound.trouble !== null, 'a trouble');
    expect(relay.status().outbound.trouble?.message).toMatch(/cleanup\.policy=compact, not delete/);
  });

  it('stops when the progress in Kafka is of another log, and sends nothing', async () => {
    await kafka.createTopics();
    const source = listedSource(results(10));
    const relay = relayOf(source);
    await delivered(relay, source)();
    await relay.stop();
    const restored = relayOf(listedSource(results(4)));
    expect(await restored.refused).toMatchObject({ code: 'relay-progress-foreign' });
    const others = results(30).map((message) => ({ ...message, text: `1000${message.text}` }));
    const foreign = relayOf(listedSource(others));
    expect(await foreign.refused).toMatchObject({ code: 'relay-progress-foreign' });
    expect(foreign.status().outbound.role).toBe('refused');
    await expectDelivered(results(10));
  });

  it('tells that brokers cannot be reached', async () => {
    const relay = relayOf(listedSource(results(1)), ['127.0.0.1:1']);
    await until(() => relay.status().outbound.trouble !== null, 'a trouble');
    expect(relay.status().outbound.role).toBe('standby');
    expect(relay.status().outbound.trouble?.message).toMatch(/ECONNREFUSED|127\.0\.0\.1:1/);
  });
});
