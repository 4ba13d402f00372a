import type { RelayOptions } from '../../apps/relay/index.js';
import { type FaultRule, isCommit, type KafkaProxy } from '../support/kafka-proxy.js';
import { openTestKafka, type TestKafka } from '../support/kafka.js';
import {
  expectAllOnce,
  hasSent,
  openRelayedSystem,
  type RelayedSystem,
  until,
  untilDelivered,
} from './lib/relayed-system.js';

/** Small transactions, so that a fault meets one in the middle; a quick end of what is lost. */
const OPTIONS: RelayOptions = {
  outbound: {
    limits: { messages: 40, bytes: 1_000_000, sendMessages: 10, sendBytes: 100_000 },
    requestTimeoutMs: 700,
    fencedRestMs: 100,
    idleLookMs: 100,
    firstRetryMs: 10,
    longestRetryMs: 200,
  },
};

let relayed: RelayedSystem;
let kafka: TestKafka;
let proxy: KafkaProxy;

beforeAll(async () => {
  relayed = await openRelayedSystem();
});
afterAll(() => relayed?.close());
beforeEach(async () => {
  kafka = await openTestKafka();
  await kafka.createTopics();
  proxy = await kafka.proxied();
});
afterEach(() => kafka?.close());

async function deliverThrough(): Promise<void> {
  const reach = { brokers: proxy.brokers, topicPrefix: kafka.topicPrefix };
  const relay = await relayed.relay(reach, OPTIONS);
  await untilDelivered(relayed, relay);
  await relay.stop();
}

describe('a relay that loses answers', () => {
  const faults: readonly [what: string, rule: FaultRule][] = [
    ['produce requests', { api: 'produce', kind: 'refuse' }],
    ['the answers of produce requests', { api: 'produce', kind: 'lose' }],
    ['the answers of produce requests, silently', { api: 'produce', kind: 'swallow' }],
    ['commits', { api: 'end-txn', kind: 'refuse', when: isCommit }],
    ['the answers of commits', { api: 'end-txn', kind: 'lose', when: isCommit }],
    ['the answers of commits, silently', { api: 'end-txn', kind: 'swallow', when: isCommit }],
    ['the answers of partitions joining', { api: 'add-partitions-to-txn', kind: 'lose' }],
  ];

  it.each(faults)('delivers all of it once when it loses %s', async (_, rule) => {
    // Each of the first ones once, then one in the middle, then so many in a row that the client
    // gives up and the transaction fails.
    const early = proxy.add({ ...rule, times: 1 });
    const later = proxy.add({ ...rule, skip: 7, times: 1 });
    const lasting = proxy.add({ ...rule, skip: 12, times: rule.kind === 'swallow' ? 3 : 14 });
    await deliverThrough();
    expect(early.hits() + lasting.hits()).toBeGreaterThan(1);
    expect(later.hits()).toBe(1);
    await expectAllOnce(kafka, relayed);
  });

  // The relay aborts by beginning anew: InitProducerId ends what the producer before left open.
  const abortFaults = ['refuse', 'lose', 'swallow'] as const;
  it.each(abortFaults)('delivers all of it once when its aborts meet: %s', async (kind) => {
    const failing = [5, 9, 14].map((skip) =>
      proxy.add({ api: 'end-txn', kind: 'refuse', skip, times: 12 }),
    );
    const aborts = [1, 3].map((skip) =>
      proxy.add({ api: 'init-producer-id', kind, skip, times: kind === 'swallow' ? 1 : 2 }),
    );
    await deliverThrough();
    for (const fault of [...failing, ...aborts]) expect(fault.hits()).toBeGreaterThan(0);
    await expectAllOnce(kafka, relayed);
  });

  it('delivers all of it once over connections that are cut again and again', async () => {
    const reach = { brokers: proxy.brokers, topicPrefix: kafka.topicPrefix };
    const relay = await relayed.relay(reach, OPTIONS);
    let cuts = 0;
    const last = await relayed.lastSent();
    const seen = (): number => proxy.seen('produce') + proxy.seen('end-txn');
    for (let at = 9; !hasSent(relay, last); at = seen() + 9) {
      await until(
        () => hasSent(relay, last) || seen() >= at,
        () => `${at} requests`,
      );
      proxy.cut();
      cuts += 1;
    }
    await untilDelivered(relayed, relay);
    await relay.stop();
    expect(cuts).toBeGreaterThan(2);
    await expectAllOnce(kafka, relayed);
  });
});
