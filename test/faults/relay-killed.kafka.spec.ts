import { fork } from 'node:child_process';
import path from 'node:path';
import { createRandom } from '../fuzz/random.js';
import type { RelayOptions } from '../../apps/relay/index.js';
import { openTestKafka, type TestKafka } from '../support/kafka.js';
import { type RelayProcess, startRelayProcess } from './lib/relay-processes.js';
import {
  expectAllOnce,
  openRelayedSystem,
  type RelayedSystem,
  until,
} from './lib/relayed-system.js';

const KILLS = Number(process.env['MERIT_TEST_KILLS'] ?? 20);
const SEED = Number(process.env['MERIT_TEST_SEED'] ?? Date.now() % 1_000_000);
/** Frames of one life: those of taking over, and of some twenty transactions. */
const FRAMES_EACH = 160;
const MESSAGES_EACH = 100;
const JITTER_MS = 4;
const OPTIONS: RelayOptions = {
  outbound: {
    limits: { messages: 5, bytes: 1_000_000, sendMessages: 3, sendBytes: 100_000 },
    fencedRestMs: 100,
    idleLookMs: 50,
    firstRetryMs: 10,
    longestRetryMs: 200,
  },
};

let relayed: RelayedSystem;
let kafka: TestKafka;
const processes: RelayProcess[] = [];

const startOne = (reach: Pick<TestKafka, 'brokers' | 'topicPrefix'>): RelayProcess => {
  const started = startRelayProcess(relayed, reach, OPTIONS);
  processes.push(started);
  return started;
};

beforeAll(async () => {
  const linesEach = Math.ceil((KILLS * MESSAGES_EACH) / 6);
  relayed = await openRelayedSystem({ people: 12, linesEach });
});
afterAll(() => relayed?.close());
beforeEach(async () => {
  kafka = await openTestKafka();
  await kafka.createTopics();
});
afterEach(async () => {
  for (const one of processes.splice(0)) {
    one.kill();
    await one.ended;
  }
  await kafka?.close();
});

/** Until one of them has delivered the last there is; it is the one that is given. */
async function untilAllDelivered(...all: readonly RelayProcess[]): Promise<RelayProcess> {
  const last = await relayed.lastSent();
  let done: RelayProcess | undefined;
  await until(
    async () => {
      for (const one of all) {
        const sent = (await one.ask())?.status.outbound.sent;
        if (sent?.position === last.position && sent.ordinal === last.ordinal) done = one;
      }
      return done !== undefined;
    },
    () => `delivered to ${JSON.stringify(last)}`,
    180_000,
  );
  return done as RelayProcess;
}

describe('a relay that is killed', () => {
  it(`delivers all of it once over ${KILLS} kills at random moments`, async () => {
    const random = createRandom(SEED);
    const proxy = await kafka.proxied();
    const reach = { brokers: proxy.brokers, topicPrefix: kafka.topicPrefix };
    const moments: string[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const frame = 1 + random.below(FRAMES_EACH);
      const struck = proxy.atFrame(frame);
      const one = startOne(reach);
      await Promise.race([struck, one.ended]);
      await new Promise((resolve) => void setTimeout(resolve, random.below(JITTER_MS)));
      one.kill();
      await one.ended;
      moments.push(`${frame}:${await struck}`);
    }
    await untilAllDelivered(startOne(reach));
    process.stdout.write(`seed ${SEED}, killed at ${moments.join(' ')}\n`);
    await expectAllOnce(kafka, relayed);
  }, 1_800_000);

  it('is followed by the one that waits, which goes on in the middle', async () => {
    const both = [startOne(kafka), startOne(kafka)];
    const roles = async () =>
      Promise.all(both.map(async (one) => (await one.ask())?.status.outbound));
    await until(
      async () => (await roles()).some((one) => (one?.counts.messages ?? 0) > 20),
      () => 'one at work',
    );
    const at = (await roles()).findIndex((one) => one?.role === 'active');
    const [first, second] = [both[at], both[1 - at]];
    if (!first || !second) throw new Error('nobody was active');
    first.kill();
    const killedAt = Date.now();
    await until(
      async () => ((await second.ask())?.status.outbound.counts.messages ?? 0) > 0,
      () => 'the other one at work',
    );
    const tookMs = Date.now() - killedAt;
    process.stdout.write(`taken over ${tookMs} ms after kill -9 (target: 3000)\n`);
    await untilAllDelivered(second);
    await expectAllOnce(kafka, relayed);
  }, 300_000);

  it('delivers all of it once when two are started at once', async () => {
    const both = [startOne(kafka), startOne(kafka), startOne(kafka)];
    await untilAllDelivered(...both);
    await expectAllOnce(kafka, relayed);
    const active = await Promise.all(both.map((one) => one.ask()));
    expect(active.filter((one) => one?.status.outbound.role === 'active')).toHaveLength(1);
  }, 300_000);
});

/** The command itself, as an operator starts it. */
describe('merit relay', () => {
  it('delivers, is killed, and another one goes on', async () => {
    const run = path.join(process.cwd(), 'apps/merit/run.mjs');
    const { NODE_OPTIONS: _, ...own } = process.env;
    const start = () =>
      fork(run, ['relay'], {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: {
          ...own,
          ...relayed.env,
          KAFKA_BROKERS: kafka.brokers.join(','),
          KAFKA_TOPIC_PREFIX: kafka.topicPrefix,
          MERIT_LOG_LEVEL: 'error',
        },
      });
    const expected = (await relayed.expected()).length;
    const first = start();
    try {
      const count = async (): Promise<number> => {
        const read = ['merit.payroll.batches.v1', 'merit.results.v1', 'merit.tiers.v1'];
        const all = await Promise.all(read.map((topic) => kafka.readCommitted(topic)));
        return all.reduce((sum, { length }) => sum + length, 0);
      };
      await until(
        async () => (await count()) === expected,
        () => 'everything delivered',
      );
      first.kill('SIGKILL');
      await relayed.seal('2026-08-all', 250);
      const second = start();
      try {
        await until(
          async () => (await count()) === expected + 252,
          () => 'the next batch',
        );
        await expectAllOnce(kafka, relayed);
      } finally {
        second.kill('SIGKILL');
      }
    } finally {
      first.kill('SIGKILL');
    }
  }, 300_000);
});
