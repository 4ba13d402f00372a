/**
 * Rule 6: `idempotent`, `maxInFlightRequests: 1`, `acks: -1`, an explicit partitioner, no topics
 * made by asking for them.
 */
import kafkajs, { type ICustomPartitioner, type Message } from 'kafkajs';
import { clientOf, connectProducer, sendLanes, throwAway, wordsOf } from './lib/client.js';
import { type Lab, showRule } from './lib/cluster.js';
import { committed, compare, readTopic } from './lib/read.js';
import type { Part, Sight } from './lib/report.js';
import { openWire } from './lib/wire.js';

const LINES = 10;
const linesOf = (prefix: string): Message[] =>
  Array.from({ length: LINES }, (_, at) => ({
    partition: 0,
    key: 'batch',
    value: `${prefix}-${at}`,
  }));
const valuesOf = (lines: readonly Message[]): string[] => lines.map(({ value }) => String(value));

/** Outside a transaction: in one, kafkajs numbers its batches whatever is said. */
async function idempotence(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const wire = openWire(({ api, nth }) =>
      api === 'Produce' && nth === 1 ? 'answer lost' : 'passes',
    );
    const kafka = clientOf({ brokers: lab.brokers, wire });
    const idempotent = rule === 'with';
    const options = { transactionalId: undefined, idempotent };
    const producer = await connectProducer(kafka, '', options);
    const lines = linesOf(`${lab.seed}`);
    await producer.send({ topic, messages: lines });
    await producer.disconnect();
    wire.close();
    const { missing, twice } = compare(await committed(clientOf(lab), topic), valuesOf(lines));
    return {
      what: `idempotent: ${idempotent}`,
      rule,
      seen: `of ${LINES} lines ${missing} missing, ${twice} twice`,
      isAsSaid: rule === 'without' ? twice > 0 : missing + twice === 0,
    };
  };
  return {
    title: 'The answer to a send is lost',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

/** How much one connection may owe at a time. Produce requests wait for each other in any case. */
async function inFlight(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 8);
    const wire = openWire();
    const kafka = clientOf({ brokers: lab.brokers, wire });
    const options = rule === 'with' ? {} : { maxInFlightRequests: undefined };
    const producer = await connectProducer(kafka, lab.name('relay'), options);
    const transaction = await producer.transaction();
    const lanes = Array.from({ length: 8 }, (_, partition) => ({
      topic,
      partition,
      messages: linesOf(`${partition}`),
    }));
    await sendLanes(transaction, lanes);
    await transaction.commit();
    await producer.disconnect();
    wire.close();
    const most = wire.mostInFlight();
    return {
      what: rule === 'with' ? 'maxInFlightRequests: 1' : 'maxInFlightRequests not given',
      rule,
      seen: `${most} unanswered at a time, at most`,
      isAsSaid: rule === 'without' ? most > 1 : most === 1,
    };
  };
  return {
    title: 'Requests of one connection while 8 partitions are sent to',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

const SEND_MS = 2_000;

/** The leader takes a message that its followers never see, and is lost. */
async function acks(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const kafka = clientOf(lab);
    const producer = await connectProducer(kafka, '', {
      transactionalId: undefined,
      idempotent: false,
      retry: { retries: 0 },
    });
    await producer.send({ topic, acks: -1, messages: linesOf('before') });
    const leader = await leaderOf(lab, topic);
    const followers = lab.cluster.nodeIds.filter((id) => id !== leader);
    for (const id of followers) pause(lab, id, 'SIGSTOP');
    const lines = linesOf('after');
    let timer: NodeJS.Timeout | undefined;
    const acknowledged = await Promise.race([
      producer
        .send({ topic, acks: rule === 'with' ? -1 : 1, messages: lines })
        .then(() => true)
        .catch(() => false),
      new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), SEND_MS);
      }),
    ]);
    clearTimeout(timer);
    await lab.cluster.killNode(leader);
    for (const id of followers) pause(lab, id, 'SIGCONT');
    throwAway(producer);
    await lab.cluster.startNode(leader);
    const { missing } = compare(await committed(clientOf(lab), topic), valuesOf(lines));
    return {
      what: rule === 'with' ? 'acks: -1' : 'acks: 1',
      rule,
      seen: `${acknowledged ? 'acknowledged' : 'not acknowledged'}, ${missing} of ${LINES} missing`,
      isAsSaid: rule === 'without' ? acknowledged && missing > 0 : !acknowledged,
    };
  };
  return {
    title: 'Leader killed before its followers have what it took',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

function pause(lab: Lab, id: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const pid = lab.cluster.pidOf(id);
  if (pid !== null) process.kill(pid, signal);
}

async function leaderOf(lab: Lab, topic: string): Promise<number> {
  const admin = clientOf(lab).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  return topics[0]?.partitions[0]?.leader ?? 0;
}

const BATCHES = 20;

/** Partitions are added to the topic in the middle of every batch. */
async function partitioner(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 2);
    const kafka = clientOf(lab);
    const createPartitioner: ICustomPartitioner | undefined =
      rule === 'without' ? kafkajs.Partitioners.DefaultPartitioner : undefined;
    const keys = Array.from({ length: BATCHES }, (_, at) => `batch-${lab.seed}-${at}`);
    const sendHalf = async (half: string): Promise<void> => {
      const options = createPartitioner ? { createPartitioner } : {};
      const producer = await connectProducer(kafka, lab.name('relay'), options);
      const transaction = await producer.transaction();
      for (const [at, key] of keys.entries()) {
        // The number that the first day had, whatever was added since.
        const partition = at % 2;
        const message = { key, value: `${half} half` };
        const named = rule === 'with' ? { ...message, partition } : message;
        await transaction.send({ topic, messages: [named] });
      }
      await transaction.commit();
      await producer.disconnect();
    };
    await sendHalf('first');
    const admin = kafka.admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] });
    await admin.disconnect();
    await lab.untilLed(topic, 6);
    await sendHalf('second');
    const { seen } = await readTopic(kafka, topic);
    const places = new Map<string, Set<number>>();
    for (const { key, partition } of seen) {
      places.set(key, (places.get(key) ?? new Set()).add(partition));
    }
    const torn = [...places.values()].filter(({ size }) => size > 1).length;
    return {
      what: rule === 'with' ? 'explicit partition' : 'partition by key',
      rule,
      seen: `${torn} of ${places.size} batches lie in two partitions, without order`,
      isAsSaid: rule === 'without' ? torn > 0 : torn === 0 && places.size === BATCHES,
    };
  };
  return {
    title: 'Partitions are added between two halves of a batch',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

/** The last byte of a Metadata request says whether the broker should make unknown topics. */
async function autoCreation(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    let asked = false;
    const topic = lab.name('misspelt');
    const wire = openWire(({ api, frame }) => {
      if (api === 'Metadata' && frame.includes(topic)) asked ||= frame.at(-1) === 1;
      return 'passes';
    });
    const kafka = clientOf({ brokers: lab.brokers, wire });
    const options = rule === 'with' ? {} : { allowAutoTopicCreation: undefined };
    const producer = await connectProducer(kafka, lab.name('relay'), options);
    const transaction = await producer.transaction();
    const outcome = await transaction
      .send({ topic, messages: linesOf('x') })
      .then(() => 'sent', wordsOf);
    throwAway(producer);
    wire.close();
    return {
      what: rule === 'with' ? 'allowAutoTopicCreation: false' : 'allowAutoTopicCreation not given',
      rule,
      seen: `${asked ? 'asks' : 'does not ask'} the broker to make it: ${outcome.split(':')[0]}`,
      isAsSaid: asked === (rule === 'without'),
    };
  };
  const sights = await Promise.all([sightOf('without'), sightOf('with')]);
  return { title: 'A topic whose name is wrong', sights };
}

await showRule({
  rule: 'rule 6',
  title: 'idempotent, one request in flight, acks of all, explicit partitions, no made topics',
  nodes: 3,
  parts: [idempotence, inFlight, partitioner, autoCreation, acks],
});
