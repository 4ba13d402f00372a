import kafkajs from 'kafkajs';
import type { RelayOptions } from '../../apps/relay/index.js';
import { RELAY_NAME } from '../../apps/relay/takeover.js';
import { TOPICS } from '#contracts';
import type { KafkaProxy } from '../support/kafka-proxy.js';
import { openTestKafka, type TestKafka } from '../support/kafka.js';
import {
  expectAllOnce,
  hasSent,
  openRelayedSystem,
  type RelayedSystem,
  until,
  untilDelivered,
} from './lib/relayed-system.js';

/**
 * Transactions that Kafka counts as ended and whose markers are missing. A cluster that is killed
 * as a whole leaves one now and then (relay-brokers.kafka.spec.ts); here each is made on purpose:
 * partitions join a transaction only to all appearances, on a broker that does not look.
 */
const OPTIONS: RelayOptions = {
  outbound: { requestTimeoutMs: 700, idleLookMs: 50, firstRetryMs: 10, longestRetryMs: 200 },
};
const UNCHECKED = { name: 'transaction.partition.verification.enable', value: 'false' };
/** More attempts than kafkajs makes. */
const ALL_ATTEMPTS = 14;

const EVERYWHERE = [TOPICS.progress, TOPICS.batches, TOPICS.results, TOPICS.tiers];

let relayed: RelayedSystem;
let kafka: TestKafka;
let proxy: KafkaProxy;

beforeAll(async () => {
  relayed = await openRelayedSystem({ people: 3, months: 1, linesEach: 20 });
  kafka = await openTestKafka({ own: true });
  await kafka.createTopics();
  proxy = await kafka.proxied();
  await stopChecking();
});
afterAll(async () => {
  await relayed?.close();
  await kafka?.close();
});

const reach = (): Pick<TestKafka, 'brokers' | 'topicPrefix'> => ({
  brokers: proxy.brokers,
  topicPrefix: kafka.topicPrefix,
});

async function stopChecking(): Promise<void> {
  const admin = kafka.client().admin();
  await admin.connect();
  try {
    const type = kafkajs.ConfigResourceTypes.BROKER;
    const broker = { type, name: '1', configEntries: [UNCHECKED] };
    await admin.alterConfigs({ validateOnly: false, resources: [broker] });
  } finally {
    await admin.disconnect();
  }
}

/** Leaves a record in each topic, as a relay does that is killed in a transaction. */
async function leaveOpen(): Promise<void> {
  const transactionalId = kafka.topicPrefix + RELAY_NAME;
  const client = kafka.client({ brokers: [...proxy.brokers] });
  const producer = client.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  const times = EVERYWHERE.length;
  const joining = proxy.add({ api: 'add-partitions-to-txn', kind: 'pretend', times });
  await producer.connect();
  try {
    const transaction = await producer.transaction();
    for (const topic of EVERYWHERE) {
      const messages = [{ key: 'left', value: 'open', partition: 0 }];
      await transaction.send({ topic: `${kafka.topicPrefix}${topic}`, messages });
    }
    expect(joining.hits()).toBe(times);
  } finally {
    joining.remove(); // what one that failed has left would strike the next attempt
    await producer.disconnect();
  }
}

describe('a transaction without its end', () => {
  it('never shows, whatever is delivered after it', async () => {
    // The broker answers before it goes by its new setting.
    await until(
      () =>
        leaveOpen().then(
          () => true,
          () => false,
        ),
      () => 'a transaction left open',
    );
    const first = await relayed.relay(kafka, OPTIONS);
    await untilDelivered(relayed, first);
    await first.stop();
    await expectAllOnce(kafka, relayed);

    await leaveOpen();
    await relayed.seal('2026-08-second', 20);
    const second = await relayed.relay(kafka, OPTIONS);
    await untilDelivered(relayed, second);
    await second.stop();
    await expectAllOnce(kafka, relayed);
  });

  it('is sent again by the relay that was told of it that it is committed', async () => {
    const relay = await relayed.relay(reach(), OPTIONS);
    await untilDelivered(relayed, relay);
    const joining = proxy.add({ api: 'add-partitions-to-txn', kind: 'pretend', times: 2 });
    await relayed.seal('2026-08-told', 20);
    const told = await relayed.lastSent();
    await until(
      () => hasSent(relay, told),
      () => `told: ${JSON.stringify(relay.status())}`,
    );
    expect(joining.hits()).toBe(2); // progress and batches: one transaction
    proxy.add({ api: 'add-partitions-to-txn', kind: 'refuse', times: ALL_ATTEMPTS });
    await relayed.seal('2026-08-after', 20);
    await untilDelivered(relayed, relay);
    expect(relay.status().outbound.counts.takeovers).toBeGreaterThan(1);
    await relay.stop();
    await expectAllOnce(kafka, relayed);
  });
});
