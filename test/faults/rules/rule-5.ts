/**
 * Rule 5: retries on `new Kafka(…)`, quick and finite; a short transaction time-out.
 */
import { performance } from 'node:perf_hooks';
import kafkajs, { type RetryOptions } from 'kafkajs';
import {
  clientOf,
  connectProducer,
  DEFAULTS,
  QUICK,
  sendLanes,
  sendProgress,
  throwAway,
} from './lib/client.js';
import { type Lab, showRule } from './lib/cluster.js';
import { readTopic } from './lib/read.js';
import type { Part, Sight } from './lib/report.js';
import { openWire } from './lib/wire.js';

const RETRIES: Record<Sight['rule'], RetryOptions> = { without: DEFAULTS, with: QUICK };
const TRANSACTIONS = 25;

const line = (value: string) => ({ partition: 0, key: 'batch', value });
const secondsSince = (startedMs: number): string =>
  ((performance.now() - startedMs) / 1_000).toFixed(1);

/** The broker refuses a transaction's first request while it writes the last one's markers. */
async function smallTransactions(lab: Lab): Promise<Part> {
  const meanMsOf = async (rule: Sight['rule']): Promise<number> => {
    const topic = await lab.createTopic('batches', 1);
    const progress = await lab.createTopic('progress', 1);
    const producer = await connectProducer(
      clientOf({ brokers: lab.brokers, retry: RETRIES[rule] }),
      lab.name('relay'),
    );
    const deliver = async (n: number): Promise<void> => {
      const transaction = await producer.transaction();
      await sendProgress(transaction, progress, `${n}`);
      await sendLanes(transaction, [{ topic, partition: 0, messages: [line(`${n}`)] }]);
      await transaction.commit();
    };
    await deliver(0);
    const startedMs = performance.now();
    for (let n = 1; n <= TRANSACTIONS; n += 1) await deliver(n);
    const meanMs = (performance.now() - startedMs) / TRANSACTIONS;
    await producer.disconnect();
    return meanMs;
  };
  const [slow, quick] = [await meanMsOf('without'), await meanMsOf('with')];
  return {
    title: `${TRANSACTIONS} transactions of one line, one after the other`,
    sights: [
      {
        what: 'initialRetryTime 300 ms (default)',
        rule: 'without',
        seen: `${slow.toFixed(0)} ms a transaction`,
        isAsSaid: slow > 1.5 * quick,
      },
      {
        what: 'initialRetryTime 20 ms',
        rule: 'with',
        seen: `${quick.toFixed(0)} ms a transaction`,
        isAsSaid: slow > 1.5 * quick,
      },
    ],
  };
}

const ENDLESS_MS = 25_000;

/** kafkajs says: `idempotent: true` brings endless retries. It never does; what is given counts. */
async function endlessRetries(lab: Lab): Promise<Part> {
  const sightOf = async (what: string, rule: Sight['rule'], retry: object): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    let isGone = false;
    const wire = openWire(() => (isGone ? 'request lost' : 'passes'));
    const kafka = new kafkajs.Kafka({
      brokers: [...lab.brokers],
      socketFactory: wire.socketFactory,
      logLevel: kafkajs.logLevel.NOTHING,
      ...retry,
    });
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    await producer.send({ topic, messages: [line('before')] });
    isGone = true;
    const startedMs = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const outcome = await Promise.race([
      producer.send({ topic, messages: [line('after')] }).then(
        () => 'sent',
        () => 'gave up',
      ),
      new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve('still trying'), ENDLESS_MS);
      }),
    ]);
    clearTimeout(timer);
    const seen = `${outcome} after ${secondsSince(startedMs)} s`;
    throwAway(producer);
    wire.close();
    return { what, rule, seen, isAsSaid: outcome === 'gave up' };
  };
  const [byDefault, byRule] = await Promise.all([
    sightOf('said to be endless: idempotent alone', 'without', {}),
    sightOf('said to be finite: retry on new Kafka', 'with', { retry: QUICK }),
  ]);
  return { title: 'The broker is gone: how long a send is tried', sights: [byDefault, byRule] };
}

const DEFAULT_TIMEOUT_MS = 60_000;
const SHORT_TIMEOUT_MS = 3_000;
/** The coordinator looks for transactions that are over their time every 10 s. */
const HELD_MS = 30_000;

/** A relay ends amid a transaction and none takes over; another's message comes after. */
async function abandoned(lab: Lab): Promise<Part> {
  const sightOf = async (rule: Sight['rule'], transactionTimeout: number): Promise<Sight> => {
    const topic = await lab.createTopic('batches', 1);
    const kafka = clientOf(lab);
    const ended = await connectProducer(kafka, lab.name('relay'), { transactionTimeout });
    const open = await ended.transaction();
    await sendLanes(open, [{ topic, partition: 0, messages: [line('never committed')] }]);
    throwAway(ended);
    const startedMs = performance.now();
    const other = await connectProducer(kafka, lab.name('other'));
    const transaction = await other.transaction();
    await sendLanes(transaction, [{ topic, partition: 0, messages: [line('committed')] }]);
    await transaction.commit();
    await other.disconnect();
    const { isWhole } = await readTopic(kafka, topic, { limitMs: HELD_MS });
    const after = secondsSince(startedMs);
    return {
      what: `transactionTimeout ${transactionTimeout / 1_000} s`,
      rule,
      seen: `committed message ${isWhole ? `read after ${after} s` : `not read in ${after} s`}`,
      isAsSaid: rule === 'without' ? !isWhole : isWhole,
    };
  };
  const sights = await Promise.all([
    sightOf('without', DEFAULT_TIMEOUT_MS),
    sightOf('with', SHORT_TIMEOUT_MS),
  ]);
  return { title: 'A transaction is abandoned before a committed one', sights };
}

await showRule({
  rule: 'rule 5',
  title: 'quick and finite retries, a short transaction time-out',
  nodes: 1,
  parts: [smallTransactions, endlessRetries, abandoned],
});
