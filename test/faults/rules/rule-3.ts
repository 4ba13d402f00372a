/**
 * Rule 3: after a rejected send, commit or abort never commit, and throw the producer away; a
 * failed commit may have been one; one awaited send at a time for a partition.
 */
import type { Message, Transaction } from 'kafkajs';
import {
  clientOf,
  connectProducer,
  QUICK,
  sendLanes,
  sendProgress,
  throwAway,
} from './lib/client.js';
import { type Lab, showRule } from './lib/cluster.js';
import { committed, compare } from './lib/read.js';
import type { Part, Sight } from './lib/report.js';
import { takeOver } from './lib/take-over.js';
import { openWire, type Request } from './lib/wire.js';

const PORTION = 10;
const linesOf = (prefix: string, portion: number): Message[] =>
  Array.from({ length: PORTION }, (_, at) => ({
    partition: 0,
    key: 'batch',
    value: `${prefix}-${portion}-${at}`,
  }));
const valuesOf = (portions: readonly (readonly Message[])[]): string[] =>
  portions.flat().map(({ value }) => String(value));

/** Portions of a batch follow each other; nothing gets through from the second one on. */
async function tornBatch(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const progress = await lab.createTopic('progress', 1);
    const prefix = `${lab.seed}`;
    let isBroken = true;
    const wire = openWire(({ api, frame }) =>
      isBroken && api === 'Produce' && frame.includes(`${prefix}-2-0`) ? 'request lost' : 'passes',
    );
    const retry = { ...QUICK, retries: 6 };
    const kafka = clientOf({ brokers: lab.brokers, wire, retry });
    const id = lab.name('relay');
    const portions = [1, 2, 3].map((portion) => linesOf(prefix, portion));
    const deliver = async (transaction: Transaction, isCareful: boolean): Promise<void> => {
      await sendProgress(transaction, progress, prefix);
      for (const messages of portions) {
        const sent = sendLanes(transaction, [{ topic, partition: 0, messages }]);
        await (isCareful ? sent : sent.catch(() => undefined));
      }
    };
    const producer = await connectProducer(kafka, id);
    const transaction = await producer.transaction();
    let outcome = 'commit succeeded';
    if (rule === 'without') {
      await deliver(transaction, false);
      await transaction.commit().catch(() => (outcome = 'commit failed'));
      await producer.disconnect();
    } else {
      await deliver(transaction, true).catch(() => throwAway(producer));
      isBroken = false;
      const next = await takeOver(kafka, id, progress);
      const again = await next.producer.transaction();
      await deliver(again, true);
      await again.commit();
      await next.producer.disconnect();
    }
    wire.close();
    const expected = valuesOf(portions);
    const { missing, twice } = compare(await committed(clientOf(lab), topic), expected);
    const isTorn = missing > 0 && missing < expected.length;
    return {
      what: rule === 'without' ? 'commit all the same' : 'another producer, all again',
      rule,
      seen: `${outcome}: of ${expected.length} lines ${missing} missing, ${twice} twice`,
      isAsSaid: rule === 'without' ? isTorn : missing + twice === 0,
    };
  };
  return {
    title: 'A send fails in the middle of a batch',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

type Loss = 'request lost' | 'answer lost';
type Belief = 'taken for failed' | 'taken for done' | 'looked up';

/** The commit's request or its answer is lost: the client hears the same of both. */
async function unknownOutcome(lab: Lab): Promise<Part> {
  const sightOf = async (loss: Loss, belief: Belief): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const progress = await lab.createTopic('progress', 1);
    const fateOf = ({ api, nth }: Request) => (api === 'EndTxn' && nth === 1 ? loss : 'passes');
    const wire = openWire(fateOf);
    const kafka = clientOf({ brokers: lab.brokers, wire });
    const id = lab.name('relay');
    const lines = linesOf(`${lab.seed}`, 1);
    const deliver = async (transaction: Transaction): Promise<void> => {
      await sendProgress(transaction, progress, 'sent');
      await sendLanes(transaction, [{ topic, partition: 0, messages: lines }]);
      await transaction.commit();
    };
    const producer = await connectProducer(kafka, id);
    const failure = await deliver(await producer.transaction()).then(
      () => 'no error',
      (error: Error) => error.name,
    );
    throwAway(producer);
    const next = await takeOver(kafka, id, progress);
    const isDone = belief === 'looked up' ? next.progress === 'sent' : belief === 'taken for done';
    if (!isDone) await deliver(await next.producer.transaction());
    await next.producer.disconnect();
    wire.close();
    const { missing, twice } = compare(await committed(clientOf(lab), topic), valuesOf([lines]));
    const rule = belief === 'looked up' ? 'with' : 'without';
    return {
      what: `${loss}, ${belief}`,
      rule,
      seen: `${failure}: of ${PORTION} lines ${missing} missing, ${twice} twice`,
      isAsSaid: rule === 'without' ? missing + twice > 0 : missing + twice === 0,
    };
  };
  return {
    title: 'A commit fails',
    sights: [
      await sightOf('answer lost', 'taken for failed'),
      await sightOf('request lost', 'taken for done'),
      await sightOf('answer lost', 'looked up'),
      await sightOf('request lost', 'looked up'),
    ],
  };
}

const REQUEST_MS = 400;

/**
 * The broker is slow to answer the first of two sends. kafkajs takes its sequence numbers back and
 * gives them to the second, which the broker knows already and leaves out; then it repeats the
 * first under new numbers.
 */
async function oneAtATime(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule']): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const progress = await lab.createTopic('progress', 1);
    const firsts = [1, 2].map((portion) => `${lab.seed}-${portion}-0`);
    let held = 0;
    const wire = openWire(({ api, frame }) => {
      // Whichever of them goes first.
      const isLine = api === 'Produce' && firsts.some((first) => frame.includes(first));
      const isFirst = isLine && (held += 1) === 1;
      return isFirst ? { answerLateMs: 3 * REQUEST_MS } : 'passes';
    });
    const config = { requestTimeout: REQUEST_MS };
    const kafka = clientOf({ brokers: lab.brokers, wire, config });
    const producer = await connectProducer(kafka, lab.name('relay'));
    const portions = [1, 2].map((portion) => linesOf(`${lab.seed}`, portion));
    const lanes = portions.map((messages) => [{ topic, partition: 0, messages }]);
    const transaction = await producer.transaction();
    await sendProgress(transaction, progress, 'sent');
    if (rule === 'without') await Promise.all(lanes.map((lane) => sendLanes(transaction, lane)));
    else for (const lane of lanes) await sendLanes(transaction, lane);
    await transaction.commit();
    await producer.disconnect();
    wire.close();
    const { missing, twice } = compare(await committed(clientOf(lab), topic), valuesOf(portions));
    return {
      what: rule === 'without' ? 'two sends at once' : 'one awaited send after the other',
      rule,
      seen: `all sends succeeded: of ${2 * PORTION} lines ${missing} missing, ${twice} twice`,
      isAsSaid: rule === 'without' ? missing > 0 && twice > 0 : missing + twice === 0,
    };
  };
  return {
    title: 'An answer comes after the time-out, two sends to one partition',
    sights: [await sightOf('without'), await sightOf('with')],
  };
}

await showRule({
  rule: 'rule 3',
  title: 'after a failure never commit, another producer; one awaited send a partition',
  nodes: 1,
  parts: [tornBatch, unknownOutcome, oneAtATime],
});
