import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { IHeaders, Producer } from 'kafkajs';
import { type Engine, payrollInboxAggregate } from '#commands';
import { bonusBatchStream } from '#contexts/bonus-batches';
import { payrollInboxStream } from '#contexts/payroll-inbox';
import { TOPICS } from '#contracts';
import { nameBasedId } from '#kernel';
import { createLogger, type KafkaSetting } from '#platform';
import { dues, verifyLedger } from '#read-models/bonus-ledger';
import { openTestKafka, type TestKafka } from '../../../test/support/kafka.js';
import { runSql, withDatabase } from '../../../test/support/database.js';
import { openTestSystem, type TestSystem } from '../../../test/support/system.js';
import {
  DEAD_LETTER_HEADERS,
  type Inbound,
  type InboundOptions,
  type InboundStatus,
  startInbound,
} from './index.js';
import { groupOf } from './session.js';
import { answer, sealedBatch, type TestAnswer, UNREADABLE } from './testing.js';

const LIMIT_MS = 60_000;
const LOOK_MS = 20;
/** The least that a broker lets a group have. */
const QUICK: Partial<InboundOptions> = {
  sessionTimeoutMs: 6_000,
  heartbeatMs: 500,
  firstRetryMs: 50,
  longestRetryMs: 500,
  replayLookMs: 100,
};

let opened: TestSystem;
let engine: Engine;
let kafka: TestKafka;
let producer: Producer;
let relays: Inbound[] = [];

beforeAll(async () => {
  opened = await openTestSystem();
  ({ engine } = opened.system);
  opened.system.keepProjecting();
}, LIMIT_MS);
afterAll(() => opened.close());

beforeEach(async () => {
  kafka = await openTestKafka();
  await kafka.createTopics();
  producer = kafka.client().producer({ allowAutoTopicCreation: false });
  await producer.connect();
}, LIMIT_MS);
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
  await producer.disconnect();
  await kafka.close();
}, LIMIT_MS);

function start(of: Engine = engine, brokers = kafka.brokers): Inbound {
  const { topicPrefix } = kafka;
  const setting: KafkaSetting = { brokers, ssl: false, sasl: null, topicPrefix };
  const logger = createLogger({ level: 'silent' });
  const clock = () => new Date('2026-04-12T09:00:00+08:00');
  const relay = startInbound({ engine: of, kafka: setting, clock, logger }, QUICK);
  relays.push(relay);
  return relay;
}

async function stop(relay: Inbound): Promise<void> {
  relays = relays.filter((other) => other !== relay);
  await relay.stop();
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still not: ${what}`);
    await wait(LOOK_MS);
  }
}

const newBatch = async (people?: readonly string[]): Promise<string> => {
  const batchId = `batch-${randomUUID().slice(0, 8)}`;
  await sealedBatch(engine, batchId, people);
  return batchId;
};

/** In one partition, unless said otherwise: in the order in which they are sent. */
async function send(messages: readonly TestAnswer[], partition: number | null = 0): Promise<void> {
  const topic = kafka.topicPrefix + TOPICS.acknowledgements;
  const records = messages.map(({ key, value, headers }) => ({
    key,
    value,
    headers: Object.fromEntries(
      Object.entries(headers).filter(([, text]) => text !== undefined),
    ) as IHeaders,
    ...(partition === null ? {} : { partition }),
  }));
  await producer.send({ topic, acks: -1, messages: records });
}

const metCount = ({ counts }: InboundStatus): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
const met = (relay: Inbound, count: number) =>
  until(`${count} messages met`, () => metCount(relay.status()) >= count);

async function saidOf(batchId: string): Promise<string[]> {
  const said: string[] = [];
  for await (const events of engine.store.readStream(bonusBatchStream(batchId))) {
    for (const { type, data } of events) {
      if (!('messageId' in data)) continue;
      const { amountMinor = '' } = data as { amountMinor?: string };
      said.push(`${type.replace(/^.*\.(\w+)\.v1$/, '$1')} ${amountMinor}`.trim());
    }
  }
  return said;
}

const deadLetters = async () =>
  (await kafka.readCommitted(TOPICS.deadLetters)).map(({ key, value, headers }) => ({
    key,
    value,
    code: headers[DEAD_LETTER_HEADERS.code],
    id: headers[DEAD_LETTER_HEADERS.id],
    headers,
  }));

async function release(keyDigest: string, ...discardedInboxIds: string[]): Promise<void> {
  const at = new Date().toISOString();
  await engine.handler.decide(payrollInboxAggregate, payrollInboxStream(keyDigest), {
    command: {
      type: 'payroll-inbox.ReleaseKey',
      data: { keyDigest, releasedBy: 'ADMIN-1', discardedInboxIds },
    },
    facts: () => undefined,
    envelope: {
      commandId: randomUUID(),
      actor: { id: 'ADMIN-1', role: 'admin' },
      occurredAt: at,
      recordedAt: at,
    },
  });
}

/** What the group says is done; another relay begins there. */
async function committed(): Promise<readonly string[]> {
  const admin = kafka.client().admin();
  await admin.connect();
  try {
    const topic = kafka.topicPrefix + TOPICS.acknowledgements;
    const groupId = groupOf(kafka.topicPrefix);
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return (found?.partitions ?? [])
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ offset }) => offset);
  } finally {
    await admin.disconnect();
  }
}

it('takes what payroll accepts, rejects, settles and returns, each once', async () => {
  const [batchId, disputed] = [await newBatch(), await newBatch()];
  const relay = start();
  const messages = [
    answer('accepted', batchId, `${batchId}-1`),
    answer('settled', batchId, `${batchId}-2`),
    answer('returned', batchId, `${batchId}-3`, { accountManagerId: 'AM2' }),
    answer('rejected', disputed, `${disputed}-1`, {
      reasons: [{ code: 'sum-differs', expected: '2', actual: '3' }, { code: 'hash-differs' }],
    }),
  ];
  await send([...messages, ...messages]);
  await met(relay, 8);
  expect(relay.status().counts).toMatchObject({ taken: 4, repeated: 4 });
  const said = ['BatchAcknowledged', 'PaymentSettled 10000', 'PaymentReturned 10000'];
  expect(await saidOf(batchId)).toEqual(said);
  expect(await saidOf(disputed)).toEqual(['BatchRejected']);
  const head = await engine.log.head();
  const seen = await engine.readModels.at(head, ['bonus-ledger'], async (sql) => ({
    dues: (await dues(sql, batchId)).dues,
    wrong: await verifyLedger(sql),
  }));
  expect(seen).toMatchObject({
    dues: [
      { accountManagerId: 'AM1', settledMinor: '10000', returnedMinor: '0' },
      { accountManagerId: 'AM2', settledMinor: '0', returnedMinor: '10000' },
    ],
    wrong: [],
  });
  expect(await deadLetters()).toEqual([]);
});

it('does not see what payroll has sent and not committed', async () => {
  const batchId = await newBatch();
  const relay = start();
  const transactional = kafka.client().producer({
    transactionalId: `${kafka.topicPrefix}payroll`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await transactional.connect();
  const transaction = await transactional.transaction();
  const { key, value, headers } = answer('accepted', batchId, `${batchId}-1`);
  const topic = kafka.topicPrefix + TOPICS.acknowledgements;
  await transaction.send({ topic, messages: [{ key, value, headers, partition: 0 }] });
  await transaction.abort();
  await transactional.disconnect();
  await send([answer('settled', batchId, `${batchId}-2`)]);
  await met(relay, 1);
  expect(await saidOf(batchId)).toEqual(['PaymentSettled 10000']);
});

it('puts what it cannot read among the dead letters as it came, and parks its key alone', async () => {
  const good = await newBatch();
  const spoiled = await Promise.all(
    UNREADABLE.map(async ([code, spoil]) => {
      const batchId = await newBatch();
      return { code, batchId, message: spoil(answer('accepted', batchId, `${batchId}-1`)) };
    }),
  );
  const relay = start();
  const messages = spoiled.map(({ message }) => message);
  // The same messages again are others: their key is parked by then.
  await send([...messages, ...messages, answer('accepted', good, `${good}-1`)]);
  await met(relay, 2 * messages.length + 1);
  expect(relay.status().counts).toMatchObject({
    unreadable: messages.length,
    'set-aside': messages.length,
    taken: 1,
  });
  const letters = await deadLetters();
  expect(letters.map(({ code }) => code)).toEqual(UNREADABLE.map(([code]) => code));
  expect(new Set(letters.map(({ id }) => id)).size).toBe(letters.length);
  for (const [index, { message }] of spoiled.entries()) {
    expect(letters[index]).toMatchObject({
      key: message.key,
      value: message.value === null ? null : message.value.toString(),
      headers: {
        ...Object.fromEntries(Object.entries(message.headers).filter(([, text]) => text)),
        [DEAD_LETTER_HEADERS.topic]: kafka.topicPrefix + TOPICS.acknowledgements,
        [DEAD_LETTER_HEADERS.partition]: '0',
        [DEAD_LETTER_HEADERS.offset]: String(index),
      },
    });
  }
  expect(await saidOf(good)).toEqual(['BatchAcknowledged']);
});

it('leaves out the value of a dead letter that would be too large for its topic', async () => {
  const batchId = await newBatch();
  const topic = kafka.topicPrefix + TOPICS.deadLetters;
  const admin = kafka.client().admin();
  await admin.connect();
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      { type: 2, name: topic, configEntries: [{ name: 'max.message.bytes', value: '20000' }] },
    ],
  });
  await admin.disconnect();
  const value = 'x'.repeat(100_000);
  // A broker answers that a setting is taken before it goes by it.
  const probe = { topic, acks: -1, messages: [{ key: 'probe', value }] };
  const isRefused = async (error: Error) => /too large|larger than/i.test(error.message);
  await until('the smaller limit is in force', () =>
    producer.send(probe).then(() => false, isRefused),
  );
  const relay = start();
  await send([{ ...answer('accepted', batchId, `${batchId}-1`), value }]);
  await met(relay, 1);
  expect((await deadLetters()).filter(({ key }) => key !== 'probe')).toMatchObject([
    {
      key: batchId,
      code: 'value-too-long',
      headers: {
        [DEAD_LETTER_HEADERS.omittedSha256]: expect.stringMatching(/^[0-9a-f]{64}$/),
        [DEAD_LETTER_HEADERS.offset]: '0',
      },
    },
  ]);
});

it('puts what is refused among the dead letters, and goes on with its key', async () => {
  const batchId = await newBatch();
  const relay = start();
  await send([
    answer('settled', batchId, `${batchId}-1`, { amountMinor: '10001' }),
    answer('accepted', `${batchId}-none`, `${batchId}-2`),
    answer('settled', batchId, `${batchId}-3`),
    answer('returned', batchId, `${batchId}-3`),
    answer('settled', batchId, `${batchId}-4`),
  ]);
  await met(relay, 5);
  expect(relay.status().counts).toMatchObject({ refused: 4, taken: 1 });
  expect(await saidOf(batchId)).toEqual(['PaymentSettled 10000']);
  expect((await deadLetters()).map(({ code }) => code)).toEqual([
    'amount-exceeds-due',
    'unknown-batch',
    'message-id-reused',
    'amount-exceeds-due',
  ]);
});

describe('after a release', () => {
  async function parked() {
    const [batchId, other] = [await newBatch(), await newBatch()];
    await send([
      { ...answer('accepted', batchId, `${batchId}-1`), value: '{' },
      answer('accepted', other, `${other}-1`),
      answer('settled', batchId, `${batchId}-2`, { amountMinor: '4000' }),
      answer('settled', other, `${other}-2`, { amountMinor: '10001' }),
      answer('returned', batchId, `${batchId}-3`, { amountMinor: '4000' }),
      answer('settled', other, `${other}-3`),
      answer('settled', batchId, `${batchId}-4`, { amountMinor: '6000' }),
    ]);
    const ends = [
      'BatchAcknowledged', // of the other one
      'PaymentSettled 10000',
    ];
    return { batchId, other, ends };
  }
  const inOrder = ['PaymentSettled 4000', 'PaymentReturned 4000', 'PaymentSettled 6000'];

  async function parkedKey(): Promise<{ keyDigest: string; inboxId: string }> {
    let found: { keyDigest: string; inboxId: string } | null = null;
    const options = { streamPrefixes: ['payroll-inbox-'] };
    for await (const events of engine.log.readAll(options)) {
      for (const { data } of events) {
        const { parksKey, origin, keyDigest, inboxId } = data as {
          parksKey?: boolean;
          origin?: { topic: string };
          keyDigest: string;
          inboxId: string;
        };
        if (parksKey !== true || !origin?.topic.startsWith(kafka.topicPrefix)) continue;
        found = { keyDigest, inboxId };
      }
    }
    if (!found) throw new Error('no key is parked');
    return found;
  }

  it('reads the topic again from the first message that waits, in order, and moves nothing twice', async () => {
    const relay = start();
    const { batchId, other, ends } = await parked();
    await met(relay, 7);
    expect([await saidOf(batchId), await saidOf(other)]).toEqual([[], ends]);
    const { keyDigest, inboxId } = await parkedKey();
    await release(keyDigest, inboxId);
    await until('the rest is taken', async () => (await saidOf(batchId)).length === 3);
    await send([answer('accepted', batchId, `${batchId}-5`)]);
    await until('the next one is taken', async () => (await saidOf(batchId)).length === 4);
    expect(await saidOf(batchId)).toEqual([...inOrder, 'BatchAcknowledged']);
    expect(await saidOf(other)).toEqual(ends);
    expect(await deadLetters()).toHaveLength(2);
  });

  it('goes on where a relay that ended left it', async () => {
    const first = start();
    const { batchId, other, ends } = await parked();
    await met(first, 7);
    await stop(first);
    expect((await committed())[0]).toBe('7');
    const { keyDigest, inboxId } = await parkedKey();
    await release(keyDigest, inboxId);
    start();
    await until('the rest is taken', async () => (await saidOf(batchId)).length === 3);
    expect([await saidOf(batchId), await saidOf(other)]).toEqual([inOrder, ends]);
  });

  it('parks the key again when nobody gave the unreadable message up', async () => {
    const relay = start();
    const { batchId } = await parked();
    await met(relay, 7);
    const { keyDigest, inboxId } = await parkedKey();
    await release(keyDigest);
    await until('it is unreadable again', () => relay.status().counts.unreadable === 2);
    await met(relay, 14);
    expect(await saidOf(batchId)).toEqual([]);
    await release(keyDigest, inboxId);
    await until('the rest is taken', async () => (await saidOf(batchId)).length === 3);
    expect(await saidOf(batchId)).toEqual(inOrder);
  });

  it('takes what Kafka still has, when it has deleted what waited first', async () => {
    const relay = start();
    const { batchId } = await parked();
    await met(relay, 7);
    await stop(relay);
    const { keyDigest, inboxId } = await parkedKey();
    await release(keyDigest, inboxId);
    const admin = kafka.client().admin();
    await admin.connect();
    const topic = kafka.topicPrefix + TOPICS.acknowledgements;
    await admin.fetchTopicOffsets(topic); // kafkajs deletes of topics that it has met alone
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
    await admin.disconnect();
    start();
    await until('the last is taken', async () => (await saidOf(batchId)).length === 1);
    // What was returned had not been settled before: it came out of the clearing.
    await until('all are', async () => (await saidOf(batchId)).length === 2);
    expect(await saidOf(batchId)).toEqual(['PaymentReturned 4000', 'PaymentSettled 6000']);
  });
});

/** People whose payments tell the order in which they were taken. */
const peopleOf = (count: number) =>
  Array.from({ length: count }, (_, index) => `AM${String(index).padStart(4, '0')}`);
const paymentsOf = (batchId: string, people: readonly string[]) =>
  people.map((accountManagerId) =>
    answer('settled', batchId, nameBasedId(batchId, accountManagerId), { accountManagerId }),
  );
async function paidPeople(batchId: string): Promise<string[]> {
  const paid: string[] = [];
  for await (const events of engine.store.readStream(bonusBatchStream(batchId))) {
    for (const { type, data } of events) {
      if (!type.includes('PaymentSettled')) continue;
      paid.push((data as { accountManagerId: string }).accountManagerId);
    }
  }
  return paid;
}

it('takes nothing twice when its note of what is done is lost', async () => {
  const people = peopleOf(250);
  const batchId = await newBatch(people);
  const proxy = await kafka.proxied();
  const lost = proxy.add({ api: 'offset-commit', kind: 'refuse', times: 1_000 });
  const first = start(engine, proxy.brokers);
  await send(paymentsOf(batchId, people));
  await lost.struck;
  await stop(first);
  expect((await committed()).every((offset) => offset === '-1')).toBe(true);
  const second = start();
  await met(second, people.length);
  const { taken, repeated } = second.status().counts;
  expect([taken + repeated, repeated >= 100]).toEqual([people.length, true]);
  expect(await paidPeople(batchId)).toEqual(people);
});

it('shares the partitions with another, which takes over what it leaves', async () => {
  const batches = await Promise.all(Array.from({ length: 12 }, () => newBatch(peopleOf(25))));
  const all = peopleOf(25).flatMap((id) => batches.flatMap((batchId) => paymentsOf(batchId, [id])));
  const first = start();
  await send(all.slice(0, 100), null);
  await met(first, 30);
  const second = start();
  await send(all.slice(100, 200), null);
  await until('the other has something to do', () => metCount(second.status()) > 10);
  const third = start();
  await stop(first);
  await send(all.slice(200), null);
  await until('the third has something to do', () => metCount(third.status()) > 0);
  await until('everybody is paid', async () => {
    const paid = await Promise.all(batches.map(paidPeople));
    return paid.every(({ length }) => length === 25);
  });
  for (const batchId of batches) expect(await paidPeople(batchId)).toEqual(peopleOf(25));
  expect(await deadLetters()).toEqual([]);
});

it('goes on by itself after Kafka was away', async () => {
  const people = peopleOf(60);
  const batchId = await newBatch(people);
  const proxy = await kafka.proxied();
  const relay = start(engine, proxy.brokers);
  const payments = paymentsOf(batchId, people);
  await send(payments.slice(0, 20));
  await met(relay, 20);
  proxy.refuse();
  await send(payments.slice(20));
  await until('it says so', () => relay.status().trouble !== null);
  proxy.resume();
  await until('all are paid', async () => (await paidPeople(batchId)).length === 60);
  await until('nothing stands in the way', () => relay.status().trouble === null);
  expect(await paidPeople(batchId)).toEqual(people);
});

it('holds a message back while PostgreSQL is away, longer than its group waits for the silent', async () => {
  const people = peopleOf(40);
  const batchId = await newBatch(people);
  const relay = start();
  const payments = paymentsOf(batchId, people);
  await send(payments.slice(0, 10));
  await met(relay, 10);
  const { name, superuserUrl } = opened.database;
  const elsewhere = withDatabase(superuserUrl, 'postgres');
  await runSql(elsewhere, `alter database ${name} allow_connections false`);
  await runSql(
    elsewhere,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
  );
  await send(payments.slice(10));
  await until('it says so', () => relay.status().trouble !== null);
  // Time itself is what is waited for: a member that is silent for so long is thrown out.
  await wait((QUICK.sessionTimeoutMs ?? 0) + 2_000);
  const admin = kafka.client().admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([groupOf(kafka.topicPrefix)]);
  await admin.disconnect();
  expect(groups[0]).toMatchObject({ state: 'Stable', members: [{}] });
  await runSql(elsewhere, `alter database ${name} allow_connections true`);
  await until('all are paid', async () => {
    return (await paidPeople(batchId).catch(() => [])).length === people.length;
  });
  expect(await paidPeople(batchId)).toEqual(people);
  expect(relay.status().counts).toMatchObject({ refused: 0, unreadable: 0 });
  expect(await deadLetters()).toEqual([]);
});
