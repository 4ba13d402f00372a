/**
 * Rule 2: in a transaction the progress record goes first and alone, then the partitions with
 * `Promise.allSettled`; no `sendOffsets`.
 */
import type { Message, Transaction } from 'kafkajs';
import {
  clientOf,
  connectProducer,
  type Lane,
  sendLanes,
  sendProgress,
  throwAway,
  wordsOf,
} from './lib/client.js';
import { type Lab, showRule } from './lib/cluster.js';
import { committed, compare } from './lib/read.js';
import type { Part, Sight } from './lib/report.js';
import { takeOver } from './lib/take-over.js';
import { openWire } from './lib/wire.js';

const TRANSACTIONS = 40;
const LANES = [0, 1, 2];
const MOST_TRIES = 8;

const linesOf = (prefix: string, partition: number, count: number): Message[] =>
  Array.from({ length: count }, (_, at) => ({
    partition,
    key: 'batch',
    value: `${prefix}-${partition}-${at} ${'x'.repeat(300)}`,
  }));

/** The broker refuses the first request after a commit while it still writes the last markers. */
async function progressOrder(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', LANES.length);
    const progress = await lab.createTopic('progress', 1);
    const wire = openWire();
    const kafka = clientOf({ brokers: lab.brokers, wire });
    const producer = await connectProducer(kafka, lab.name('relay'));
    for (let n = 0; n < TRANSACTIONS; n += 1) {
      const transaction = await producer.transaction();
      const lanes = LANES.map((partition) => ({
        topic,
        partition,
        messages: linesOf(`${lab.seed}-${n}`, partition, 10),
      }));
      if (rule === 'with') await sendProgress(transaction, progress, `${n}`);
      await sendLanes(transaction, lanes);
      if (rule === 'without') await sendProgress(transaction, progress, `${n}`);
      await transaction.commit();
    }
    await producer.disconnect();
    wire.close();
    const [lines, records] = [wire.refusedOf(topic), wire.refusedOf(progress)];
    return {
      what: rule === 'without' ? 'progress last' : 'progress first and alone',
      rule,
      seen: `refused and repeated: lines ${lines} times, the progress record ${records} times`,
      isAsSaid: rule === 'without' ? lines > 0 : lines === 0,
    };
  };
  return {
    title: `CONCURRENT_TRANSACTIONS at the start of ${TRANSACTIONS} transactions`,
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

/** Not alone: progress and lines in one `sendBatch` are two partitions in one send (rule 1). */
async function progressAlone(lab: Lab): Promise<Part> {
  const deliver = async (rule: Sight['rule']) => {
    const topic = await lab.createTopic('batches', LANES.length);
    const progress = await lab.createTopic('progress', 1);
    const kafka = clientOf({ brokers: lab.brokers });
    const producer = await connectProducer(kafka, lab.name('relay'));
    const expected: string[] = [];
    for (let n = 0; n < TRANSACTIONS; n += 1) {
      const partition = n % LANES.length;
      const messages = linesOf(`${lab.seed}-${n}`, partition, 500);
      expected.push(...messages.map(({ value }) => String(value)));
      const transaction = await producer.transaction();
      if (rule === 'with') {
        await sendProgress(transaction, progress, `${n}`);
        await sendLanes(transaction, [{ topic, partition, messages }]);
      } else {
        const record = { key: 'relay', value: `${n}`, partition: 0 };
        await transaction.sendBatch({
          topicMessages: [
            { topic: progress, messages: [record] },
            { topic, messages },
          ],
        });
      }
      await transaction.commit();
    }
    await producer.disconnect();
    const lines = compare(await committed(kafka, topic), expected);
    const numbers = Array.from({ length: TRANSACTIONS }, (_, n) => `${n}`);
    const records = compare(await committed(kafka, progress), numbers);
    return { lines, records };
  };
  const sights: Sight[] = [];
  for (const rule of ['without', 'with'] as const) {
    for (let n = 1; n <= MOST_TRIES; n += 1) {
      const { lines, records } = await deliver(rule);
      const doubled = lines.twice + records.twice;
      if (rule === 'without' && doubled === 0 && n < MOST_TRIES) continue;
      sights.push({
        what: rule === 'without' ? 'progress and lines in one send' : 'progress alone',
        rule,
        seen: `twice in the committed log: ${lines.twice} lines, ${records.twice} progress records`,
        isAsSaid: rule === 'without' ? doubled > 0 : doubled + lines.missing === 0,
      });
      break;
    }
  }
  return { title: 'Progress in the send of others', sights };
}

const TOO_LARGE = 'y'.repeat(2_000_000);

/**
 * Two partitions: the broker refuses one for good, the other's request is lost and repeated later.
 * Whoever does not wait for the second begins the next transaction while kafkajs still holds the
 * messages of the last one, and the repetition goes into the new one.
 */
async function allSettled(lab: Lab): Promise<Part> {
  const topics = await Promise.all([lab.createTopic('batches', 2), lab.createTopic('progress', 1)]);
  const sights: Sight[] = [];
  for (const rule of ['without', 'with'] as const) {
    for (let n = 1; n <= MOST_TRIES; n += 1) {
      const sight = await failHalf(lab, rule, topics, `${lab.seed}-${rule}-${n}`);
      if (rule === 'without' && !sight.isAsSaid && n < MOST_TRIES) continue;
      sights.push(sight);
      break;
    }
  }
  return { title: 'One of two sends of a transaction fails, all is sent again', sights };
}

async function failHalf(
  lab: Lab,
  rule: Sight['rule'],
  [topic, progress]: readonly string[],
  prefix: string,
): Promise<Sight> {
  if (topic === undefined || progress === undefined) throw new RangeError('two topics');
  let lost = 0;
  const wire = openWire(({ api, frame }) => {
    const isSecond = api === 'Produce' && frame.includes(`${prefix}-1-0 `);
    return isSecond && (lost += 1) === 1 ? 'request lost' : 'passes';
  });
  const kafka = clientOf({ brokers: lab.brokers, wire });
  const transactionalId = lab.name('relay');
  let producer = await connectProducer(kafka, transactionalId);
  const lanes: Lane[] = [0, 1].map((partition) => ({
    topic,
    partition,
    messages: linesOf(prefix, partition, 10),
  }));
  const tooLarge = [{ key: 'batch', value: TOO_LARGE, partition: 0 }];
  const failing = lanes.map((lane, at) => (at === 0 ? { ...lane, messages: tooLarge } : lane));
  const first = await producer.transaction();
  await sendProgress(first, progress, 'first');
  if (rule === 'without') {
    const sends = failing.map(({ topic, partition, messages }) =>
      first.send({ topic, messages: messages.map((one) => ({ ...one, partition })) }),
    );
    for (const send of sends) send.catch(() => undefined);
    await Promise.all(sends).catch(() => first.abort());
  } else {
    await sendLanes(first, failing).catch(() => undefined);
    throwAway(producer);
    ({ producer } = await takeOver(kafka, transactionalId, progress));
  }
  const second = await producer.transaction();
  await sendProgress(second, progress, 'second');
  await sendLanes(second, lanes);
  await second.commit();
  await producer.disconnect();
  wire.close();
  const expected = lanes.flatMap(({ messages }) => messages.map(({ value }) => String(value)));
  const seen = (await committed(clientOf(lab), topic)).filter(({ value }) =>
    value.startsWith(`${prefix}-`),
  );
  const { twice, missing } = compare(seen, expected);
  return {
    what: rule === 'without' ? 'Promise.all, abort, again' : 'allSettled, another producer',
    rule,
    seen: `${expected.length} lines sent again: ${twice} twice in the log, ${missing} missing`,
    isAsSaid: rule === 'without' ? twice > 0 : twice + missing === 0,
  };
}

/** `sendOffsets` does not repeat what the broker refuses for the moment; `send` does. */
async function offsets(lab: Lab): Promise<Part> {
  const groupTopic = await lab.createTopic('batches', 1);
  const progress = await lab.createTopic('progress', 1);
  const begin: Record<Sight['rule'], (transaction: Transaction) => Promise<unknown>> = {
    without: (transaction) =>
      transaction.sendOffsets({
        consumerGroupId: 'relay',
        topics: [{ topic: groupTopic, partitions: [{ partition: 0, offset: '1' }] }],
      }),
    with: (transaction) => sendProgress(transaction, progress, 'here'),
  };
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const kafka = clientOf(lab);
    const producer = await connectProducer(kafka, lab.name('relay'));
    let [failed, words] = [0, ''];
    for (let n = 0; n < TRANSACTIONS; n += 1) {
      const transaction = await producer.transaction();
      try {
        await begin[rule](transaction);
      } catch (error) {
        failed += 1;
        words ||= wordsOf(error);
      }
      const messages = linesOf(`${rule}-${n}`, 0, 1);
      await sendLanes(transaction, [{ topic: groupTopic, partition: 0, messages }]);
      // What came before is of no account here: the next transaction meets its markers.
      await transaction.commit();
    }
    await producer.disconnect();
    return {
      what: rule === 'without' ? 'progress by sendOffsets' : 'progress by send',
      rule,
      seen: `failed in ${failed} of ${TRANSACTIONS} transactions ${words.slice(0, 60)}`.trimEnd(),
      isAsSaid: rule === 'without' ? failed > 0 : failed === 0,
    };
  };
  return {
    title: 'Progress as offsets of a consumer group',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

await showRule({
  rule: 'rule 2',
  title: 'progress first and alone, then all partitions to their end, no sendOffsets',
  nodes: 3,
  parts: [progressOrder, progressAlone, allSettled, offsets],
});
