import type { RelayOptions } from '../../apps/relay/index.js';
import {
  type FaultRule,
  isCommit,
  type KafkaProxy,
  type ProxiedRequest,
} from '../support/kafka-proxy.js';
import { openTestKafka, type TestKafka } from '../support/kafka.js';
import {
  expectAllOnce,
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

const isAbort = (request: ProxiedRequest): boolean => !isCommit(request);

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
    ['the answers of aborts', { api: 'end-txn', kind: 'lose', when: isAbort }],
    ['aborts', { api: 'end-txn', kind: 'refuse', when: isAbort }],
    ['the answers of partitions joining', { api: 'add-partitions-to-txn', kind: 'lose' }],
    ['the answers of producers beginning', { api: 'init-producer-id', kind: 'lose' }],
  ];

  it.each(faults)('delivers all of it once when it loses %s', async (_, rule) => {
    // Each of the first ones once, then one in the middle, then so many in a row that the client
    // gives up and the transaction fails.
    const early = proxy.add({ ...rule, times: 1 });
    const later = proxy.add({ ...rule, skip: 7, times: 1 });
    const lasting = proxy.add({ ...rule, skip: 12, times: rule.kind === 'swallow' ? 3 : 14 });
    await deliverThrough();
    expect(early.hits() + later.hits() + lasting.hits()).toBeGreaterThan(0);
    await expectAllOnce(kafka, relayed);
  });

  it('delivers all of it once over connections that are cut again and again', async () => {
    const reach = { brokers: proxy.brokers, topicPrefix: kafka.topicPrefix };
    const relay = await relayed.relay(reach, OPTIONS);
    let cuts = 0;
    for (let at = 60; at < 800; at += 60) {
      const seen = (): number => proxy.seen('produce') + proxy.seen('end-txn');
      const head = await relayed.system.store.head();
      const isDone = (): boolean => (relay.status().outbound.deliveredTo ?? '') >= head;
      await until(
        () => isDone() || seen() > at / 4,
        () => `${at / 4} requests`,
      );
      if (isDone()) break;
      proxy.cut();
      cuts += 1;
    }
    await untilDelivered(relayed, relay);
    await relay.stop();
    expect(cuts).toBeGreaterThan(2);
    await expectAllOnce(kafka, relayed);
  });
});
