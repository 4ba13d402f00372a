import type { RelayOptions } from '../../apps/relay/index.js';
import { TOPICS } from '#contracts';
import { openTestKafka, type TestKafka } from '../support/kafka.js';
import { startRelayProcess } from './lib/relay-processes.js';
import {
  expectAllOnce,
  openRelayedSystem,
  type RelayedSystem,
  until,
  untilDelivered,
} from './lib/relayed-system.js';

const OPTIONS: RelayOptions = {
  outbound: {
    limits: { messages: 25, bytes: 1_000_000, sendMessages: 10, sendBytes: 100_000 },
    requestTimeoutMs: 2_000,
    fencedRestMs: 100,
    idleLookMs: 100,
    firstRetryMs: 10,
    longestRetryMs: 500,
  },
};
const MIB = 1024 ** 2;
/** The relay keeps a transaction or two; a batch of this size held as a whole would be more. */
const MOST_GROWTH_BYTES = 100 * MIB;
const BATCH_LINES = 800;

let relayed: RelayedSystem;
let kafka: TestKafka;

beforeAll(async () => {
  relayed = await openRelayedSystem({ months: 2, linesEach: BATCH_LINES });
});
afterAll(() => relayed?.close());
afterEach(() => kafka?.close());

async function startUntilSent(count: number) {
  await kafka.createTopics();
  const relay = await relayed.relay(kafka, OPTIONS);
  const sent = (): number => relay.status().outbound.counts.messages;
  await until(
    () => sent() > count,
    () => `${count} sent: ${JSON.stringify(relay.status())}`,
  );
  return { relay, sent };
}

async function leaderOf(topic: string, partition: number): Promise<number> {
  const admin = kafka.client().admin();
  await admin.connect();
  try {
    const name = `${kafka.topicPrefix}${topic}`;
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const own = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition);
    return own?.leader ?? -1;
  } finally {
    await admin.disconnect();
  }
}

describe('one broker', () => {
  beforeEach(async () => {
    kafka = await openTestKafka({ own: true });
  });

  it('is killed and started again in the middle of a batch', async () => {
    const { relay, sent } = await startUntilSent(100);
    await kafka.killNode(1);
    const before = sent();
    await kafka.startNode(1);
    await untilDelivered(relayed, relay);
    expect(before).toBeLessThan(sent());
    await relay.stop();
    await expectAllOnce(kafka, relayed);
  });

  it('is restarted in order in the middle of a batch', async () => {
    const { relay, sent } = await startUntilSent(300);
    await kafka.stopNode(1);
    const before = sent();
    await kafka.startNode(1);
    await untilDelivered(relayed, relay);
    expect(before).toBeLessThan(sent());
    await relay.stop();
    await expectAllOnce(kafka, relayed);
  });

  it('is gone for a while: the relay waits in little memory, and goes on', async () => {
    await kafka.createTopics();
    const { limits: _, ...timings } = OPTIONS.outbound ?? {};
    const relay = startRelayProcess(relayed, kafka, { outbound: timings });
    try {
      const ask = async () => {
        const told = await relay.ask();
        if (told === null) throw new Error('the relay ended');
        return told;
      };
      const sent = async () => (await ask()).status.outbound.counts.messages;
      await until(
        async () => (await sent()) > 100,
        () => 'one hundred sent',
      );
      await kafka.stopNode(1);
      // Who has nothing to send does not miss Kafka.
      await relayed.seal('2026-08-gone', 500);
      await until(
        async () => (await ask()).status.outbound.trouble !== null,
        () => 'a trouble that is told',
      );
      const before = (await ask()).rssBytes;
      await relayed.seal('2026-09-gone', 10_000);
      let most = 0;
      let looks = 0;
      await until(
        async () => {
          most = Math.max(most, (await ask()).rssBytes);
          looks += 1;
          return looks > 600;
        },
        () => 'a while without Kafka',
      );
      process.stdout.write(
        `without Kafka the relay took ${Math.round(before / MIB)}, then at most ` +
          `${Math.round(most / MIB)} MiB\n`,
      );
      expect(most - before).toBeLessThan(MOST_GROWTH_BYTES);
      await kafka.startNode(1);
      const last = await relayed.lastSent();
      await until(
        async () => {
          const told = (await ask()).status.outbound.sent;
          return told?.position === last.position && told.ordinal === last.ordinal;
        },
        () => 'everything sent',
        240_000,
      );
      await expectAllOnce(kafka, relayed);
    } finally {
      relay.kill();
      await relay.ended;
    }
  }, 400_000);
});

describe('three brokers', () => {
  it('change leaders under a batch: each of them is killed in its turn', async () => {
    kafka = await openTestKafka({ nodes: 3 });
    const { relay, sent } = await startUntilSent(60);
    let killed = 0;
    for (const partition of [0, 1, 2]) {
      const leader = await leaderOf(TOPICS.batches, partition);
      const at = sent();
      await kafka.killNode(leader);
      killed += 1;
      await until(
        async () => (await leaderOf(TOPICS.batches, partition)) !== leader,
        () => `another leader than ${leader}`,
      );
      await until(
        () => sent() > at + 40,
        () => `more than ${at} sent with a broker less: ${JSON.stringify(relay.status().outbound)}`,
      );
      await kafka.startNode(leader);
    }
    await untilDelivered(relayed, relay);
    expect(killed).toBe(3);
    await relay.stop();
    await expectAllOnce(kafka, relayed);
  }, 300_000);
});
