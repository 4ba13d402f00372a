import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Partitioners } from 'kafkajs';
import { type OutgoingMessage, TOPICS } from '#contracts';
import { createRandom } from '../../test/fuzz/random.js';
import { openTestKafka, type TestKafka } from '../../test/support/kafka.js';
import {
  paidIn,
  runConsumer,
  startConsumer,
  takePaymentFiles,
} from '../../test/support/payroll-consumer.js';
import { linesOf, messagesOf } from './testing.js';

const KILLS = 14;
const SEED = 20260410;
const BATCHES = 4;
const PEOPLE = 300;
const LINES_EACH = 10;

let kafka: TestKafka;
let folder: string;
let running: ChildProcess | null = null;

beforeAll(async () => {
  kafka = await openTestKafka();
  await kafka.createTopics();
  folder = await mkdtemp(path.join(tmpdir(), 'merit-payroll-killed-'));
}, 120_000);
afterAll(async () => {
  running?.kill('SIGKILL');
  await kafka?.close();
  await rm(folder, { recursive: true, force: true });
});

async function produce(messages: readonly OutgoingMessage[]): Promise<void> {
  const producer = kafka.client().producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let from = 0; from < messages.length; from += 1_000) {
    await producer.send({
      topic: `${kafka.topicPrefix}${TOPICS.batches}`,
      acks: -1,
      messages: messages
        .slice(from, from + 1_000)
        .map(({ key, headers, value }) => ({ key, headers: { ...headers }, value })),
    });
  }
  await producer.disconnect();
}

/** Message ids of what payroll told, by batch. */
async function answers(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const ids = new Map<string, Set<string>>();
  for (const { key, headers } of await kafka.readCommitted(TOPICS.acknowledgements)) {
    const ofBatch = ids.get(key ?? '') ?? new Set();
    ids.set(key ?? '', ofBatch.add(headers['ce_id'] ?? ''));
  }
  return ids;
}

it('pays each batch once, killed at any moment', async () => {
  const amounts: Record<string, number[]> = {};
  for (let person = 0; person < PEOPLE; person += 1) {
    const id = `am-${String(person).padStart(5, '0')}`;
    amounts[id] = Array.from({ length: LINES_EACH }, (_, index) => index + 1);
  }
  const netMinor = String((LINES_EACH * (LINES_EACH + 1)) / 2);
  const batchIds = Array.from({ length: BATCHES }, (_, index) => `2026-0${index + 1}-all`);
  const batches = batchIds.map((batchId) => messagesOf(linesOf(amounts), { batchId }));
  const state = path.join(folder, 'state');
  const bank = path.join(folder, 'bank');
  const random = createRandom(SEED);

  // All but the ends of the batches: the rest of each comes while the consumer is being killed.
  await produce(batches.flatMap((messages) => messages.slice(0, 1_500)));
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Of the same group, it would wait for the session of the killed one to end: another group
    // reads at once, and everything again.
    const group = kill % 4 === 0 ? [] : ['--group', `group-${kill}`];
    const consumer = startConsumer(['follow', ...group], state, kafka);
    running = consumer.child;
    if (kill % 3 !== 0) await consumer.said(/following/);
    if (kill % 3 === 2) await produce(batches[(kill - 2) / 3]?.slice(1_500) ?? []);
    await new Promise((resolve) => void setTimeout(resolve, random.below(1_500)));
    consumer.child.kill('SIGKILL');
    await consumer.ended;
    await takePaymentFiles(state, bank);
  }
  await produce(batches.flatMap((messages) => messages.slice(-1)));

  const last = startConsumer(['follow'], state, kafka);
  running = last.child;
  const status = async () =>
    (await runConsumer(['status'], state))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { batchId: string; state: string; isAnswered: boolean });
  const deadline = Date.now() + 60_000;
  for (;;) {
    const known = await status();
    if (known.filter(({ isAnswered }) => isAnswered).length === BATCHES) break;
    await new Promise((resolve) => void setTimeout(resolve, 500));
    if (Date.now() > deadline) throw new Error(`not all decided: ${JSON.stringify(known)}`);
  }
  last.child.kill('SIGTERM');
  expect((await last.ended).code).toBe(0);
  await takePaymentFiles(state, bank);

  expect((await readdir(bank)).sort()).toEqual(batchIds.map((id) => `${id}.csv`));
  for (const batchId of batchIds) {
    const paid = await paidIn(path.join(bank, `${batchId}.csv`));
    expect(paid.size).toBe(PEOPLE);
    expect(new Set(paid.values())).toEqual(new Set([netMinor]));
  }
  expect((await status()).map(({ state: one }) => one)).toEqual(batchIds.map(() => 'accepted'));
  const told = await answers();
  expect([...told.keys()].sort()).toEqual(batchIds);
  for (const ids of told.values()) expect(ids.size).toBe(1);
}, 240_000);
