import { randomUUID } from 'node:crypto';
import type { Consumer } from 'kafkajs';
import type { RelayOptions } from '../../apps/relay/index.js';
import { TOPICS } from '#contracts';
import { runSql } from '../support/database.js';
import { openTestKafka, type TestKafka } from '../support/kafka.js';
import {
  expectAllOnce,
  openRelayedSystem,
  type RelayedSystem,
  until,
  untilDelivered,
} from './lib/relayed-system.js';

const OPTIONS: RelayOptions = {
  outbound: {
    limits: { messages: 10, bytes: 1_000_000, sendMessages: 5, sendBytes: 100_000 },
    fencedRestMs: 100,
    idleLookMs: 100,
    firstRetryMs: 10,
    longestRetryMs: 300,
  },
};

let relayed: RelayedSystem;
let kafka: TestKafka;

beforeAll(async () => {
  relayed = await openRelayedSystem({ months: 4, linesEach: 300 });
});
afterAll(() => relayed?.close());
beforeEach(async () => {
  kafka = await openTestKafka();
  await kafka.createTopics();
});
afterEach(() => kafka?.close());

describe('payroll in a group', () => {
  it('sees each batch once and in order while its members come and go', async () => {
    const relay = await relayed.relay(kafka, OPTIONS);
    const topic = `${kafka.topicPrefix}${TOPICS.batches}`;
    const groupId = `${kafka.topicPrefix}payroll-${randomUUID()}`;
    // As payroll does: what a rebalance gives a second time is known by its id.
    const seen = new Map<string, { partition: number; offset: bigint; key: string }>();
    let repeated = 0;
    let joined = 0;
    const join = async (): Promise<Consumer> => {
      const consumer = kafka.client().consumer({ groupId, maxWaitTimeInMs: 50 });
      consumer.on(consumer.events.GROUP_JOIN, () => void (joined += 1));
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ partition, message: { key, headers, offset } }) => {
          const id = String(headers?.['ce_id']);
          const at = { partition, offset: BigInt(offset), key: String(key) };
          const known = seen.get(id);
          if (known === undefined) seen.set(id, at);
          else if (known.offset === at.offset && known.partition === partition) repeated += 1;
          else throw new Error(`${id} stands at two places`);
        },
      });
      return consumer;
    };
    const expected = (await relayed.expected()).filter(({ topic: of }) => of === TOPICS.batches);
    const members = [await join()];
    for (const share of [0.2, 0.4, 0.6, 0.8]) {
      await until(
        () => seen.size > expected.length * share,
        () => `${seen.size} of ${expected.length} seen`,
      );
      if (share === 0.4 || share === 0.8) await members.shift()?.disconnect();
      else members.push(await join());
    }
    await until(
      () => seen.size >= expected.length,
      () => `${seen.size} of ${expected.length} seen`,
    );
    await untilDelivered(relayed, relay);
    await Promise.all(members.map((one) => one.disconnect()));
    expect(joined).toBeGreaterThan(3);
    process.stdout.write(`${joined} times a member joined, ${repeated} messages came again\n`);
    const order = [...seen]
      .sort(([, a], [, b]) => a.partition - b.partition || Number(a.offset - b.offset))
      .map(([id, { key }]) => ({ id, key }));
    for (const key of new Set(order.map((one) => one.key))) {
      const ids = order.filter((one) => one.key === key).map(({ id }) => id);
      const due = expected.filter((one) => one.key === key).map(({ headers }) => headers['ce_id']);
      expect(ids).toEqual(due);
    }
    expect(order).toHaveLength(expected.length);
    await relay.stop();
    await expectAllOnce(kafka, relayed);
  }, 180_000);
});

describe('PostgreSQL', () => {
  it('is lost in the middle and comes back: everything is delivered once', async () => {
    const relay = await relayed.relay(kafka, OPTIONS);
    const { database } = relayed;
    const sent = (): number => relay.status().outbound.counts.messages;
    const admin = new URL(database.superuserUrl);
    admin.pathname = '/postgres';
    const allow = (allowed: boolean) =>
      runSql(admin.href, `ALTER DATABASE ${database.name} ALLOW_CONNECTIONS ${allowed}`);
    const end = () =>
      runSql(
        admin.href,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}'`,
      );
    for (const from of [100, 400, 800]) {
      await until(
        () => sent() > from,
        () => `${from} sent`,
      );
      await allow(false);
      try {
        await end();
        await until(
          () => relay.status().outbound.trouble !== null,
          () => `a trouble that is told: ${JSON.stringify(relay.status().outbound)}`,
        );
      } finally {
        await allow(true);
      }
    }
    await untilDelivered(relayed, relay);
    await relay.stop();
    await expectAllOnce(kafka, relayed);
  }, 180_000);
});

describe('two relays that both believe to be the one', () => {
  it('throw each other out, and everything is delivered once', async () => {
    const options: RelayOptions = {
      outbound: { ...OPTIONS.outbound, lease: { askEveryMs: 20, silenceMs: 400 } },
    };
    const both = [await relayed.relay(kafka, options), await relayed.relay(kafka, options)];
    const taken = (): number =>
      both.reduce((sum, one) => sum + one.status().outbound.counts.takeovers, 0);
    const { database } = relayed;
    // The lease is taken from whoever has it, over and over, in the middle of transactions.
    for (const times of [1, 2, 3, 4]) {
      await until(
        () => taken() >= times,
        () => `${times} takeovers`,
      );
      await runSql(
        database.superuserUrl,
        `SELECT pg_terminate_backend(l.pid) FROM pg_locks l
         JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'merit relay'
           AND a.datname = current_database()`,
      );
    }
    await untilDelivered(relayed, ...both);
    await Promise.all(both.map((one) => one.stop()));
    expect(taken()).toBeGreaterThan(3);
    await expectAllOnce(kafka, relayed);
  }, 180_000);
});
