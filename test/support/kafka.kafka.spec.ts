import type { Kafka, Producer } from 'kafkajs';
import { isCommit, type KafkaProxy } from './kafka-proxy.js';
import { openTestKafka, type TestKafka } from './kafka.js';

const TOPIC = 'merit.payroll.batches.v1';

async function transactionalProducer(kafka: Kafka, transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    transactionTimeout: 10_000,
    createPartitioner: () => () => 0,
  });
  await producer.connect();
  return producer;
}

async function sendOne(producer: Producer, topic: string, value: string): Promise<void> {
  const transaction = await producer.transaction();
  await transaction.send({ topic, acks: -1, messages: [{ partition: 0, key: 'k', value }] });
  await transaction.commit();
}

describe('the broker of the tests', () => {
  let kafka: TestKafka;
  let proxy: KafkaProxy;
  let direct: Producer;
  const topic = (): string => `${kafka.topicPrefix}${TOPIC}`;
  const values = async (): Promise<(string | null)[]> =>
    (await kafka.readCommitted(TOPIC)).map(({ value }) => value);

  beforeAll(async () => {
    kafka = await openTestKafka();
    await kafka.createTopics();
    proxy = await kafka.proxied();
    direct = await transactionalProducer(kafka.client(), `${kafka.topicPrefix}direct`);
  });
  afterAll(async () => {
    await direct.disconnect();
    await kafka.close();
  });

  it('shows what was committed, and not what was aborted, up to the very end', async () => {
    await sendOne(direct, topic(), 'one');
    const transaction = await direct.transaction();
    await transaction.send({ topic: topic(), acks: -1, messages: [{ partition: 0, value: 'no' }] });
    await transaction.abort();
    expect(await values()).toEqual(['one']);
    expect(await kafka.consoleConsumer(TOPIC)).toEqual(['k\tone']);
  });

  it('never makes a topic that nobody asked for', async () => {
    const producer = kafka.client({ retry: { retries: 1, initialRetryTime: 20 } }).producer();
    await producer.connect();
    const sent = producer.send({ topic: `${kafka.topicPrefix}else`, messages: [{ value: '1' }] });
    await expect(sent).rejects.toThrow('This server does not host this topic-partition');
    await producer.disconnect();
  });

  describe('behind a proxy', () => {
    const through = (transactionalId: string): Promise<Producer> =>
      transactionalProducer(
        kafka.client({
          brokers: [...proxy.brokers],
          requestTimeout: 1_000,
          retry: { initialRetryTime: 20, retries: 1 },
        }),
        `${kafka.topicPrefix}${transactionalId}`,
      );

    it('is reached by the proxy alone', async () => {
      const producer = await through('passing');
      const before = proxy.seen('produce');
      await sendOne(producer, topic(), 'two');
      expect(proxy.seen('produce')).toBe(before + 1);
      await producer.disconnect();
      expect(await values()).toEqual(['one', 'two']);
    });

    it('carries out a commit whose answer it loses', async () => {
      const producer = await through('lost');
      const fault = proxy.add({ api: 'end-txn', kind: 'lose', times: 9, when: isCommit });
      await expect(sendOne(producer, topic(), 'three')).rejects.toThrow('Closed connection');
      expect(isCommit(await fault.struck)).toBe(true);
      fault.remove();
      await producer.disconnect();
      expect(await values()).toEqual(['one', 'two', 'three']);
    });

    it('keeps a request from the broker', async () => {
      const producer = await through('refused');
      const fault = proxy.add({ api: 'produce', kind: 'refuse', times: 9 });
      const transaction = await producer.transaction();
      const sent = transaction.send({
        topic: topic(),
        acks: -1,
        messages: [{ partition: 0, value: 'never' }],
      });
      await expect(sent).rejects.toThrow('Closed connection');
      fault.remove();
      expect(fault.hits()).toBeGreaterThan(0);
      await transaction.abort();
      await producer.disconnect();
      expect(await values()).toEqual(['one', 'two', 'three']);
    });

    it('hangs, then goes on with what came meanwhile', async () => {
      const producer = await through('hanging');
      await sendOne(producer, topic(), 'four');
      proxy.hang();
      const sent = sendOne(producer, topic(), 'five');
      expect(await values()).toEqual(['one', 'two', 'three', 'four']);
      proxy.resume();
      await sent.catch(() => undefined); // slow machines: the client's second may be over
      await producer.disconnect();
    });
  });
});
