import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { IN_POSTGRESQL } from '../../apps/merit/log.js';
import { relay as startRelaying } from '../../apps/merit/relaying.js';
import { openSystem, type System } from '../../apps/merit/system.js';
import type { Relay } from '../../apps/relay/index.js';
import { type OutgoingMessage, TOPICS } from '#contracts';
import { createLogger, readConfiguration } from '#platform';
import { outgoingMessages } from '#read-models/outgoing';
import { assertValidMessage } from '../../libs/contracts/testing.js';
import {
  type EventStoreDoubleProcess,
  startEventStoreDouble,
} from '../support/eventstoredb/process.js';
import { openTestKafka, type ReadMessage, type TestKafka } from '../support/kafka.js';
import { merit } from '../support/merit.js';
import { importFolder, openTestSystem, type TestSystem } from '../support/system.js';

const LIMIT_MS = 240_000;
const OUTGOING = [TOPICS.batches, TOPICS.results, TOPICS.tiers] as const;
/** So small that a stop meets a batch in the middle. */
const SMALL = {
  outbound: { limits: { messages: 7, bytes: 100_000, sendMessages: 3, sendBytes: 50_000 } },
};

let kafka: TestKafka;
let opened: TestSystem;
let double: EventStoreDoubleProcess;
let folder: string;
let moved: System | null = null;

beforeAll(async () => {
  [kafka, opened, double] = await Promise.all([
    openTestKafka(),
    openTestSystem(IN_POSTGRESQL),
    startEventStoreDouble(),
  ]);
  await kafka.createTopics();
  folder = await mkdtemp(join(tmpdir(), 'merit-moved-'));
}, LIMIT_MS);
afterAll(async () => {
  await moved?.close();
  await opened?.close();
  await double?.close();
  await kafka?.close();
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

/** The same organisation as it had been recorded after so many months. */
function datasetOf(periods: number): string {
  const dir = join(folder, `months-${periods}`);
  writeOrganisation(dir, { ...DEMO, people: 9, factsPercent: 20, hasOddities: false, periods });
  return dir;
}

async function until(what: () => string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS / 2;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still not: ${what()}`);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
}

/** Everything that goes out, from scratch, with where the last of it stands. */
async function outgoingOf({ projections, store, engine }: System) {
  await engine.readModels.at(await store.head(), ['outgoing', 'tiers'], async () => null);
  const messages: OutgoingMessage[] = [];
  let last = { position: '', ordinal: 0 };
  for await (const part of outgoingMessages({ projections, log: store.sealedView }, null)) {
    for (const message of part.messages) assertValidMessage(message);
    messages.push(...part.messages);
    last = part.sent.at(-1) ?? last;
  }
  return { messages, last };
}

const relayOver = (system: System): Promise<Relay> =>
  startRelaying(
    system,
    { ...kafka, ssl: false, sasl: null },
    createLogger({ level: 'silent' }),
    SMALL,
  );

async function delivered(system: System, relay: Relay): Promise<void> {
  const { last } = await outgoingOf(system);
  await until(
    () => `delivered to ${JSON.stringify(last)}: ${JSON.stringify(relay.status().outbound)}`,
    () => {
      const { role, sent } = relay.status().outbound;
      if (role === 'refused') throw new Error(JSON.stringify(relay.status().outbound));
      return sent?.position === last.position && sent.ordinal === last.ordinal;
    },
  );
}

type Shown = Pick<ReadMessage, 'key' | 'headers' | 'value'>;

/** All but its place in the log, which is the new one's for what is sent from there. */
function textOf({ key, headers, value }: Shown): string {
  const { ce_position: _position, ...others } = headers;
  return JSON.stringify([key, Object.entries(others).sort(), value]);
}

async function expectAllOnce(system: System): Promise<number> {
  const { messages } = await outgoingOf(system);
  let count = 0;
  for (const topic of OUTGOING) {
    const seen = await kafka.readCommitted(topic);
    const partitions = new Map<number, ReadMessage[]>();
    for (const one of seen) {
      partitions.set(one.partition, [...(partitions.get(one.partition) ?? []), one]);
    }
    const due = messages.filter((message) => message.topic === topic);
    for (const [, read] of partitions) {
      const keys = new Set(read.map(({ key }) => key));
      const wanted = due.filter(({ key }) => keys.has(key));
      expect(read.map(textOf)).toEqual(wanted.map(textOf));
      const positions = read.map(({ headers }) => headers['ce_position'] ?? '');
      expect(positions).toEqual(positions.toSorted());
    }
    expect(seen.length).toBe(due.length);
    expect(new Set(seen.map(({ headers }) => headers['ce_id'])).size).toBe(seen.length);
    count += seen.length;
  }
  return count;
}

describe('a log that moves to EventStoreDB behind a relay', () => {
  it(
    'is delivered once and in order, from where the relay was in the middle',
    async () => {
      const { system, env } = opened;
      system.keepProjecting();
      await importFolder(system, datasetOf(3));
      const before = await outgoingOf(system);
      const sentOf = (relay: Relay): number => relay.status().outbound.counts.messages;
      const first = await relayOver(system);
      const half = Math.floor(before.messages.length / 2);
      await until(
        () => `half of it: ${JSON.stringify(first.status().outbound)}`,
        () => sentOf(first) >= half,
      );
      await first.stop();
      expect(sentOf(first)).toBeLessThan(before.messages.length);
      await system.close();

      const movedEnv = { ...env, EVENT_STORE_URL: double.url };
      await merit(['copy-log'], movedEnv);
      await merit(['rebuild'], movedEnv);
      moved = await openSystem(readConfiguration(movedEnv), 'attach');
      moved.keepProjecting();
      const rest = await relayOver(moved);
      await delivered(moved, rest);
      await rest.stop();
      expect(sentOf(first) + sentOf(rest)).toBe(before.messages.length);
      expect(await expectAllOnce(moved)).toBe(before.messages.length);
    },
    LIMIT_MS,
  );

  it(
    'is delivered on with what is published and sealed there',
    async () => {
      if (!moved) throw new Error('it has not moved');
      const relay = await relayOver(moved);
      const before = (await outgoingOf(moved)).messages.length;
      await importFolder(moved, datasetOf(5));
      await delivered(moved, relay);
      expect(relay.status().outbound).toMatchObject({ role: 'active', trouble: null });
      expect(await expectAllOnce(moved)).toBeGreaterThan(before);
      await relay.stop();
      const again = await relayOver(moved);
      await delivered(moved, again);
      expect(again.status().outbound.counts.messages).toBe(0);
      await again.stop();
    },
    LIMIT_MS,
  );
});
