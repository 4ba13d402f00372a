/**
 * Rule 1: one partition a send, named. kafkajs sends to all leaders at once and, when one of them
 * refuses, repeats for every leader that has not answered yet: for those whose request is still on
 * its way, too, and under new sequence numbers, which no broker takes for a repetition.
 */
import type { Message, Transaction } from 'kafkajs';
import {
  clientOf,
  connectProducer,
  CONCURRENT,
  countOf,
  sendLanes,
  sendProgress,
} from './lib/client.js';
import { type Lab, showRule } from './lib/cluster.js';
import { committed, compare, placesOf, type Seen } from './lib/read.js';
import type { Part, Sight } from './lib/report.js';

const PARTITIONS = [0, 1, 2];
const TRANSACTIONS = 60;
const MOST_TRIES = 3;
const MESSAGES = 150; // a partition and transaction
const PADDING = 'x'.repeat(600);

type Send = (
  transaction: Transaction,
  topic: string,
  progress: string,
  messages: Message[],
) => Promise<void>;

const atOnce: Send = async (transaction, topic, _, messages) => {
  await transaction.send({ topic, messages });
};

const oneByOne: Send = async (transaction, topic, progress, messages) => {
  await sendProgress(transaction, progress, 'here');
  const lanes = PARTITIONS.map((partition) => ({
    topic,
    partition,
    messages: messages.filter((message) => message.partition === partition),
  }));
  await sendLanes(transaction, lanes);
};

async function deliver(lab: Lab, send: Send) {
  const topic = await lab.createTopic('batches', PARTITIONS.length);
  const progress = await lab.createTopic('progress', 1);
  const heard = new Map<string, number>();
  const kafka = clientOf({ brokers: lab.brokers, heard });
  const producer = await connectProducer(kafka, lab.name('relay'));
  const expected: string[] = [];
  for (let n = 0; n < TRANSACTIONS; n += 1) {
    const messages = PARTITIONS.flatMap((partition) =>
      Array.from({ length: MESSAGES }, (_, at) => ({
        partition,
        key: 'batch',
        value: `<${lab.seed}-${n}-${partition}-${at}> ${PADDING}`,
      })),
    );
    expected.push(...messages.map(({ value }) => value));
    const transaction = await producer.transaction();
    await send(transaction, topic, progress, messages);
    await transaction.commit();
  }
  await producer.disconnect();
  const seen = await committed(kafka, topic);
  return { topic, seen, ...compare(seen, expected), refusals: countOf(heard, CONCURRENT) };
}

type Delivered = Awaited<ReturnType<typeof deliver>>;

const told = ({ seen, twice, missing, refusals }: Delivered): string =>
  `${seen.length} in the committed log, ${twice} twice, ${missing} missing; ` +
  `${refusals} refusals met`;

/** The log's own word: the same message at two offsets, under two sequence numbers. */
async function proofOf(lab: Lab, { topic, seen }: Delivered): Promise<string> {
  const known = new Set<string>();
  const doubled = seen.find(({ value }) => known.size === known.add(value).size) as Seen;
  const [name] = doubled.value.split(' ');
  const places = await placesOf(lab.cluster, topic, { ...doubled, value: `${name}` });
  return places.join(', ');
}

async function healthy(lab: Lab): Promise<Part> {
  const sights: Sight[] = [];
  for (let n = 1; n <= MOST_TRIES && sights.length === 0; n += 1) {
    const delivered = await deliver(lab, atOnce);
    const isAsSaid = delivered.twice > 0;
    if (!isAsSaid && n < MOST_TRIES) continue;
    const seen = told(delivered);
    sights.push({ what: 'one send over three partitions', rule: 'without', seen, isAsSaid });
    if (!isAsSaid) break;
    const proof = await proofOf(lab, delivered);
    const what = 'one of them, by DumpLogSegments';
    sights.push({ what, rule: 'without', seen: proof, isAsSaid: proof.includes(',') });
  }
  const delivered = await deliver(lab, oneByOne);
  const { missing, twice, foreign } = delivered;
  sights.push({
    what: 'one send a partition',
    rule: 'with',
    seen: told(delivered),
    isAsSaid: missing + twice + foreign === 0,
  });
  const sent = TRANSACTIONS * MESSAGES * PARTITIONS.length;
  const title = `${sent} messages to healthy brokers, ${TRANSACTIONS} transactions of 3 partitions`;
  return { title, sights };
}

await showRule({
  rule: 'rule 1',
  title: 'one partition a send, with an explicit partition',
  nodes: 3,
  parts: [healthy],
});
