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
const NO_LEADER = -1;
const LEADER_KILLS = 3;

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

/** All batches stand in one partition: who leads it is who the relay sends to. */
async function leaderOfBatches(): Promise<number> {
  const admin = kafka.client().admin();
  await admin.connect();
  try {
    const name = `${kafka.topicPrefix}${TOPICS.batches}`;
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const [partition] = topics[0]?.partitions ?? [];
    return partition?.leader ?? NO_LEADER;
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
      let told = '';
      await until(
        async () => {
          const { status } = await ask();
          told = JSON.stringify(status.outbound);
          const { sent: place } = status.outbound;
          return place?.position === last.position && place.ordinal === last.ordinal;
        },
        () => `everything sent: ${told}`,
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
  it('change leaders under a batch: whoever leads is killed, again and again', async () => {
    kafka = await openTestKafka({ nodes: 3 });
    const { relay, sent } = await startUntilSent(60);
    for (let killed = 0; killed < LEADER_KILLS; killed += 1) {
      const leader = await leaderOfBatches();
      expect(kafka.nodeIds).toContain(leader);
      const at = sent();
      await kafka.killNode(leader);
      await until(
        async () => ![leader, NO_LEADER].includes(await leaderOfBatches()),
        () => `another leader than ${leader}`,
      );
      await until(
        () => sent() > at + 40,
        () => `more than ${at} sent with a broker less: ${JSON.stringify(relay.status().outbound)}`,
      );
      await kafka.startNode(leader);
    }
    await untilDelivered(relayed, relay);
    await relay.stop();
    await expectAllOnce(kafka, relayed);
  }, 300_000);
});
