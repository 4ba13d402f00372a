import { TOPICS } from '#contracts';
import { type Delivery, openDelivery } from './delivery.js';
import type { Lane } from './plan.js';
import { type FakeProducer, fakeProducer } from './testing.js';

const OPTIONS = {
  transactionalId: 'x-relay',
  topicPrefix: 'x-',
  transactionTimeoutMs: 7_000,
  requestTimeoutMs: 3_000,
};
const PROGRESS = { topic: TOPICS.progress, partition: 0, key: 'relay', value: '{}' };

const lane = (partition: number, ...sends: string[][]): Lane => ({
  topic: TOPICS.batches,
  partition,
  sends: sends.map((texts) =>
    texts.map((text) => ({ key: 'k', value: Buffer.from(text), headers: {}, partition })),
  ),
});

/** Lets everything go on that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function open(): Promise<{ fake: FakeProducer; delivery: Delivery }> {
  const fake = fakeProducer();
  const delivery = await openDelivery(fake.kafka, OPTIONS);
  fake.calls.length = 0;
  return { fake, delivery };
}

/** A delivery whose progress record has gone out. */
async function begun(lanes: readonly Lane[]) {
  const { fake, delivery } = await open();
  const delivered = delivery.deliver(PROGRESS, lanes).then(
    () => 'committed',
    (error: Error) => error.message,
  );
  await turn();
  fake.calls.length = 0;
  fake.sends.shift()?.succeed();
  await turn();
  return { fake, delivery, delivered };
}

describe('a delivery', () => {
  it('sends to one partition at a time, which is given explicitly (rule 1)', async () => {
    const { fake, delivered } = await begun([lane(2, ['a', 'b']), lane(5, ['c'])]);
    expect(fake.calls).toEqual([
      'send x-merit.payroll.batches.v1/2',
      'send x-merit.payroll.batches.v1/5',
    ]);
    for (const { messages } of fake.sends) {
      expect(new Set(messages.map(({ partition }) => partition)).size).toBe(1);
    }
    for (const { succeed } of fake.sends) succeed();
    expect(await delivered).toBe('committed');
  });

  it('refuses a send over several partitions, and one whose partition is not given (rule 1)', async () => {
    const mixed = { ...lane(1, ['a', 'b']) };
    const sends = mixed.sends.map(([a, b]) => (a && b ? [a, { ...b, partition: 2 }] : []));
    const { fake, delivered } = await begun([{ ...mixed, sends }]);
    expect(await delivered).toBe('a send is of one partition');
    expect(fake.calls).toEqual([]);
  });

  it('sends the progress record first and alone (rule 2)', async () => {
    const { fake, delivery } = await open();
    const delivered = delivery.deliver(PROGRESS, [lane(0, ['a'])]);
    await turn();
    expect(fake.calls).toEqual(['transaction', 'send x-merit.relay.progress.v1/0']);
    fake.sends.shift()?.succeed();
    await turn();
    expect(fake.calls.slice(2)).toEqual(['send x-merit.payroll.batches.v1/0']);
    fake.sends.shift()?.succeed();
    await delivered;
    expect(fake.calls.slice(3)).toEqual(['commit']);
  });

  it('waits for every partition when one has failed (rule 2)', async () => {
    const { fake, delivered } = await begun([lane(0, ['a']), lane(1, ['b'])]);
    const outcome = { text: '' };
    void delivered.then((text) => (outcome.text = text));
    fake.sends[0]?.fail(new Error('gone'));
    await turn();
    expect(outcome.text).toBe('');
    fake.sends[1]?.succeed();
    expect(await delivered).toBe('gone');
  });

  it('never commits after a send that failed (rule 3)', async () => {
    const { fake, delivered } = await begun([lane(0, ['a']), lane(1, ['b'])]);
    fake.sends[0]?.fail(new Error('gone'));
    fake.sends[1]?.succeed();
    await delivered;
    expect(fake.calls).not.toContain('commit');
  });

  it('has one send of a partition under way, and none after one that failed (rule 3)', async () => {
    const { fake, delivered } = await begun([lane(0, ['a'], ['b'], ['c'])]);
    expect(fake.sends).toHaveLength(1);
    fake.sends[0]?.succeed();
    await turn();
    expect(fake.sends).toHaveLength(2);
    fake.sends[1]?.fail(new Error('gone'));
    expect(await delivered).toBe('gone');
    expect(fake.sends).toHaveLength(2);
  });

  it.each(['progress', 'send', 'commit'])(
    'is over after a failed %s: the producer is not used again (rule 3)',
    async (what) => {
      const { fake, delivery } = await open();
      fake.isWilling = what === 'commit';
      fake.commit = () => Promise.reject(new Error('no answer'));
      const delivered = delivery.deliver(PROGRESS, [lane(0, ['a'])]).catch(() => 'failed');
      await turn();
      if (what === 'send') fake.sends.shift()?.succeed();
      await turn();
      fake.sends[0]?.fail(new Error('gone'));
      expect(await delivered).toBe('failed');
      fake.calls.length = 0;
      await expect(delivery.deliver(PROGRESS, [])).rejects.toThrow('goes on after it has failed');
      expect(fake.calls).toEqual([]);
    },
  );

  it('fences by a transaction that is ended at once, which connecting does not (rule 4)', async () => {
    const fake = fakeProducer();
    await openDelivery(fake.kafka, OPTIONS);
    expect(fake.calls).toEqual(['connect', 'transaction', 'abort']);
  });

  it('gives transactions little time, so that an abandoned one is over soon (rule 5)', async () => {
    const fake = fakeProducer();
    await openDelivery(fake.kafka, OPTIONS);
    expect(fake.configs[0]).toMatchObject({ transactionTimeout: 7_000 });
    // `retry` here would replace that of the client for sends and leave it for the coordinator.
    expect(fake.configs[0]).not.toHaveProperty('retry');
  });

  it('numbers what it sends, one request at a time, to topics that exist (rule 6)', async () => {
    const fake = fakeProducer();
    const delivery = await openDelivery(fake.kafka, OPTIONS);
    expect(fake.configs[0]).toMatchObject({
      transactionalId: 'x-relay',
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
    const { createPartitioner } = fake.configs[0] as {
      createPartitioner: () => (given: { message: { partition?: number } }) => number;
    };
    expect(createPartitioner()({ message: { partition: 3 } })).toBe(3);
    expect(() => createPartitioner()({ message: {} })).toThrow('without a partition');
    const delivered = delivery.deliver(PROGRESS, [lane(0, ['a'])]);
    for (let sends = 0; sends < 2; sends += 1) {
      await turn();
      expect(fake.sends[0]).toMatchObject({ acks: -1, timeout: 3_000 });
      fake.sends.shift()?.succeed();
    }
    await delivered;
  });

  it('aborts what is open, one partition after the other, and can deliver then', async () => {
    const { fake, delivery } = await open();
    const places = [PROGRESS, { topic: TOPICS.tiers, partition: 2 }];
    const aborted = delivery.abortOpen(places);
    for (const { topic, partition } of places) {
      await turn();
      const send = fake.sends.shift();
      expect(send).toMatchObject({ topic: `x-${topic}`, messages: [{ partition, value: null }] });
      expect(fake.sends).toEqual([]);
      send?.succeed();
    }
    await aborted;
    expect(fake.calls.at(-1)).toBe('abort');
    fake.isWilling = true;
    await delivery.deliver(PROGRESS, []);
    expect(fake.calls.at(-1)).toBe('commit');
  });

  it('is over when it could not abort (rule 3)', async () => {
    const { fake, delivery } = await open();
    const aborted = delivery.abortOpen([PROGRESS]);
    await turn();
    fake.sends.shift()?.fail(new Error('cut'));
    await expect(aborted).rejects.toThrow('cut');
    expect(fake.calls).not.toContain('abort');
    await expect(delivery.deliver(PROGRESS, [])).rejects.toThrow(RangeError);
  });
});
