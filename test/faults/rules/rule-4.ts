/**
 * Rule 4: take over by `transaction()` and `abort()`, which fence; then read progress
 * `read_committed` to the end, markers counted; then send.
 */
import type { Message } from 'kafkajs';
import {
  clientOf,
  connectProducer,
  sendLanes,
  sendProgress,
  throwAway,
  wordsOf,
} from './lib/client.js';
import { type Lab, showRule } from './lib/cluster.js';
import { committed, compare, readTopic } from './lib/read.js';
import type { Part, Sight } from './lib/report.js';
import { readProgress, readToEnd, takeOver, type TakenOver } from './lib/take-over.js';

const LINES = 10;
const linesOf = (prefix: string): Message[] =>
  Array.from({ length: LINES }, (_, at) => ({
    partition: 0,
    key: 'batch',
    value: `${prefix}-${at}`,
  }));
const valuesOf = (lines: readonly Message[]): string[] => lines.map(({ value }) => String(value));

type Kafka = ReturnType<typeof clientOf>;
type Newcomer = (kafka: Kafka, id: string, progress: string) => Promise<TakenOver>;

const byConnect: Newcomer = async (kafka, id, progress) => {
  const producer = await connectProducer(kafka, id);
  return { producer, progress: await readProgress(kafka, progress) };
};

/** The first relay stood still between its sends and its commit, and goes on. */
async function twoRelays(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule'], newcomer: Newcomer): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const progress = await lab.createTopic('progress', 1);
    const id = lab.name('relay');
    const kafka = clientOf(lab);
    const lines = linesOf(`${lab.seed}`);
    const first = await connectProducer(kafka, id);
    const open = await first.transaction();
    await sendProgress(open, progress, 'sent');
    await sendLanes(open, [{ topic, partition: 0, messages: lines }]);

    const second = await newcomer(kafka, id, progress);
    const outcome = await open.commit().then(
      () => 'committed',
      (error: unknown) => `refused (${wordsOf(error).split(':')[0]})`,
    );
    throwAway(first);
    if (second.progress !== 'sent') {
      const transaction = await second.producer.transaction();
      await sendProgress(transaction, progress, 'sent');
      await sendLanes(transaction, [{ topic, partition: 0, messages: lines }]);
      await transaction.commit();
    }
    await second.producer.disconnect();
    const { missing, twice } = compare(await committed(kafka, topic), valuesOf(lines));
    return {
      what: rule === 'without' ? 'connect(), read progress, send' : 'fence, read progress, send',
      rule,
      seen: `the first relay ${outcome}; of ${LINES} lines ${missing} missing, ${twice} twice`,
      isAsSaid: rule === 'without' ? twice > 0 : missing + twice === 0 && outcome !== 'committed',
    };
  };
  return {
    title: 'A second relay starts while the first has a transaction open',
    sights: [await sightOf('without', byConnect), await sightOf('with', takeOver)],
  };
}

/** The first relay ended in the middle of a transaction: its progress was never committed. */
async function uncommittedProgress(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const progress = await lab.createTopic('progress', 1);
    const id = lab.name('relay');
    const kafka = clientOf(lab);
    const lines = linesOf(`${lab.seed}`);
    const first = await connectProducer(kafka, id);
    const open = await first.transaction();
    await sendProgress(open, progress, 'sent');
    await sendLanes(open, [{ topic, partition: 0, messages: lines }]);
    throwAway(first);

    const second = await takeOver(kafka, id, progress);
    const everything = await readTopic(kafka, progress, { readUncommitted: true });
    const last = rule === 'without' ? everything.seen.at(-1)?.value : second.progress;
    if (last !== 'sent') {
      const transaction = await second.producer.transaction();
      await sendLanes(transaction, [{ topic, partition: 0, messages: lines }]);
      await transaction.commit();
    }
    await second.producer.disconnect();
    const { missing, twice } = compare(await committed(kafka, topic), valuesOf(lines));
    return {
      what: rule === 'without' ? 'progress read uncommitted' : 'progress read committed',
      rule,
      seen: `progress ${last ?? 'none'}; of ${LINES} lines ${missing} missing, ${twice} twice`,
      isAsSaid: rule === 'without' ? missing > 0 : missing + twice === 0,
    };
  };
  return {
    title: 'The first relay ended before its commit',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

const GIVE_UP_MS = 6_000;

/** The last offset before the end is a marker's: no message ever has it. */
async function toTheEnd(lab: Lab): Promise<Part> {
  const progress = await lab.createTopic('progress', 1);
  const kafka = clientOf(lab);
  const producer = await connectProducer(kafka, lab.name('relay'));
  const transaction = await producer.transaction();
  await sendProgress(transaction, progress, 'sent');
  await transaction.commit();
  // Only then is the marker written for certain.
  const after = await producer.transaction();
  await sendProgress(after, progress, 'sent again');
  await after.commit();
  await producer.disconnect();
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const startedMs = performance.now();
    const endsBy = rule === 'without' ? 'offset of a message' : 'lastOffset of a batch';
    const { isWhole } = await readToEnd(kafka, progress, endsBy, GIVE_UP_MS);
    const took = ((performance.now() - startedMs) / 1_000).toFixed(1);
    return {
      what: `until the ${endsBy}`,
      rule,
      seen: isWhole ? `came to the end in ${took} s` : `never came to the end (${took} s)`,
      isAsSaid: rule === 'without' ? !isWhole : isWhole,
    };
  };
  return {
    title: 'Reading progress up to the end of its partition',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

await showRule({
  rule: 'rule 4',
  title: 'take over by fencing, then read progress, then send',
  nodes: 1,
  parts: [twoRelays, uncommittedProgress, toTheEnd],
});
