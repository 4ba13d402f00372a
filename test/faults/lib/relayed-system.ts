import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { relay } from '../../../apps/merit/relaying.js';
import type { Relay, RelayOptions } from '../../../apps/relay/index.js';
import {
  bonusBatches,
  type BonusBatchCommand,
  bonusBatchStream,
  preparing,
} from '#contexts/bonus-batches';
import { type OutgoingMessage, TOPICS } from '#contracts';
import { nameBasedId } from '#kernel';
import { createLogger, readKeyEncryptionKey } from '#platform';
import { outgoingMessages, type Sent } from '#read-models/outgoing';
import { type BatchLine, controlTotals } from '#rules';
import { assertValidMessage } from '../../../libs/contracts/testing.js';
import { append, publication, schemeFacts } from '../../../libs/read-models/tiers/testing.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import type { TestKafka } from '../../support/kafka.js';
import { openOutgoingSystem, type OutgoingSystem } from './outgoing-system.js';

const AT = '2026-09-10T09:00:00+08:00';
const GRADES = ['excellent', 'excellent', 'competent', 'incompetent', 'incompetent'] as const;
const PERIODS = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05', '2026-06'] as const;
const UNTIL_MS = 90_000;

/** A log with results, tiers and sealed batches, and what of it a payroll must see. */
export type RelayedSystem = {
  readonly system: OutgoingSystem;
  readonly database: TestDatabase;
  /** For a process of its own (relay-process.ts). */
  readonly env: Readonly<Record<string, string>>;
  readonly publish: (period: string) => Promise<void>;
  readonly seal: (batchId: string, lineCount: number) => Promise<void>;
  /** Everything that goes out, from scratch, once the read models are at the log's end. */
  readonly expected: () => Promise<readonly OutgoingMessage[]>;
  /** The last of it. */
  readonly lastSent: () => Promise<Sent>;
  /** A relay in this process; stopped by `close` if not before. */
  readonly relay: (kafka: Reach, options?: RelayOptions) => Promise<Relay>;
  readonly close: () => Promise<void>;
};

type Reach = Pick<TestKafka, 'brokers' | 'topicPrefix'>;

export const settingOf = ({ brokers, topicPrefix }: Reach) =>
  ({ brokers, ssl: false, sasl: null, topicPrefix }) as const;

/** People × six months of results and tiers with a batch behind each, or what is asked for. */
export async function openRelayedSystem({
  people = 12,
  months = Number(PERIODS.length),
  linesEach = 60,
} = {}): Promise<RelayedSystem> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(path.join(tmpdir(), 'merit-relayed-'));
  const kekFile = path.join(folder, 'key-encryption-key');
  await readKeyEncryptionKey(kekFile, { create: true });
  const env = {
    DATABASE_URL: database.appUrl,
    DATABASE_OWNER_URL: database.ownerUrl,
    MERIT_KEK_FILE: kekFile,
    MERIT_DATA: folder,
  };
  const system = await openOutgoingSystem(env);
  system.keepProjecting();
  const relays: Relay[] = [];
  const publish = (period: string): Promise<void> =>
    append(system.store, publication(period, gradesOf(period, people), `${period}-28`));
  const seal = (batchId: string, lineCount: number): Promise<void> =>
    sealBatch(system, batchId, lineCount);
  await append(system.store, schemeFacts);
  for (const period of PERIODS.slice(0, months)) {
    await publish(period);
    await seal(`${period}-all`, linesEach);
  }
  return {
    system,
    database,
    env,
    publish,
    seal,
    expected: async () => (await expectedOf(system)).messages,
    lastSent: async () => (await expectedOf(system)).last,
    relay: async (kafka, options = {}) => {
      const logger = createLogger({ level: 'silent' });
      const started = await relay(system, settingOf(kafka), logger, options);
      // The relay's own connection can be ended once.
      let ended: Promise<void> | null = null;
      const stop = (): Promise<void> => (ended ??= started.stop());
      relays.push({ ...started, stop });
      return { ...started, stop };
    },
    close: async () => {
      await Promise.all(relays.map((one) => one.stop()));
      await system.close();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Grades that move tiers up and down. */
function gradesOf(period: string, people: number): Record<string, string> {
  const month = Number(period.slice(5));
  const entries = Array.from({ length: people }, (_, index) => {
    const grade = GRADES[(index + month) % GRADES.length] ?? 'competent';
    return [`AM${String(index).padStart(3, '0')}`, grade] as const;
  });
  return Object.fromEntries(entries);
}

async function sealBatch(
  { store }: OutgoingSystem,
  batchId: string,
  lineCount: number,
): Promise<void> {
  const lines = Array.from({ length: lineCount }, (_, index): BatchLine => ({
    accountManagerId: `AM${String(index).padStart(5, '0')}`,
    period: '2026-06',
    kind: 'base',
    of: 'base',
    reference: '',
    amountMinor: String(100_000 + index),
    cause: '',
    unitId: 'U1',
  }));
  const { sha256 } = controlTotals(lines);
  const commands: BonusBatchCommand[] = [
    ...preparing({
      batchId,
      payPeriod: '2026-07',
      unitIds: ['U1'],
      currency: 'CNY',
      preparedBy: 'OFFICE-1',
      replacesBatchId: null,
      withheld: [],
      lines,
    }),
    { type: 'bonus-batches.ApproveBatch', data: { batchId, sha256, approvedBy: 'APPROVER-1' } },
    { type: 'bonus-batches.SealBatch', data: { batchId, sha256, sealedAt: AT } },
  ];
  const stream = bonusBatchStream(batchId);
  const metadata = {
    occurredAt: AT,
    recordedAt: AT,
    actor: { id: 'OFFICE-1', role: 'office' },
    correlationId: batchId,
    causationId: batchId,
    schemaVersion: 1,
  } as const;
  let state = bonusBatches.initialState();
  let revision = -1;
  for (const command of commands) {
    const facts = { overlappingBatchIds: [], dueMinor: null };
    for (const event of bonusBatches.decide(command, state, facts)) {
      revision += 1;
      const id = nameBasedId(stream, revision);
      const stored = { ...event, id, metadata: { ...metadata, commandId: id } };
      await store.append(stream, 'any', [stored]);
      state = bonusBatches.evolve(state, event);
    }
  }
}

async function expectedOf({
  store,
  projections,
}: OutgoingSystem): Promise<{ messages: OutgoingMessage[]; last: Sent }> {
  await projections.waitFor(['outgoing', 'tiers'], await store.head(), UNTIL_MS);
  const all: OutgoingMessage[] = [];
  let last: Sent = { position: '', ordinal: 0 };
  const deps = { projections, log: store.sealedView };
  for await (const { messages, sent } of outgoingMessages(deps, null)) {
    for (const message of messages) assertValidMessage(message);
    all.push(...messages);
    last = sent.at(-1) ?? last;
  }
  return { messages: all, last };
}

/** What a read_committed consumer must see and what it sees, each as `topic key ce_id value`. */
export async function views(
  kafka: TestKafka,
  relayed: Pick<RelayedSystem, 'expected'>,
): Promise<{ readonly seen: string[]; readonly expected: string[] }> {
  const expected: string[] = [];
  const seen: string[] = [];
  const messages = await relayed.expected();
  for (const topic of [TOPICS.batches, TOPICS.results, TOPICS.tiers]) {
    const read = await kafka.readCommitted(topic);
    const due = messages.filter((message) => message.topic === topic);
    seen.push(...read.map((message) => `${message.partition} ${textOf(topic, message)}`));
    // Which partition a key goes to is the relay's choice; that it is one, and that the order
    // within it is that of what goes out, is not.
    const partitionOf = new Map(read.map(({ key, partition }) => [key, partition]));
    const placed = due.map((message) => ({ message, at: partitionOf.get(message.key) ?? -1 }));
    const ordered = placed.toSorted((a, b) => a.at - b.at); // stable: the order stays within one
    expected.push(...ordered.map(({ message, at }) => `${at} ${textOf(topic, message)}`));
  }
  return { seen, expected };
}

type Shown = {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
};

const textOf = (topic: string, { key, headers, value }: Shown): string =>
  `${topic} ${key} ${JSON.stringify(Object.entries(headers).sort())} ${value}`;

/** No more, no less, in order; the first difference when there is one. */
export async function expectAllOnce(
  kafka: TestKafka,
  relayed: Pick<RelayedSystem, 'expected'>,
): Promise<number> {
  const { seen, expected } = await views(kafka, relayed);
  const at = expected.findIndex((line, index) => line !== seen[index]);
  const first = at === -1 ? null : { at, seen: seen[at], expected: expected[at] };
  expect({ first, count: seen.length }).toEqual({ first: null, count: expected.length });
  return seen.length;
}

export async function until(
  holds: () => boolean | Promise<boolean>,
  what: () => string,
  withinMs = UNTIL_MS,
): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what()}`);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
}

export const hasSent = (relay: Pick<Relay, 'status'>, { position, ordinal }: Sent): boolean => {
  const { sent } = relay.status().outbound;
  return sent?.position === position && sent.ordinal === ordinal;
};

/** Until one of these relays has delivered everything that the log holds now. */
export async function untilDelivered(
  relayed: RelayedSystem,
  ...relays: readonly Relay[]
): Promise<void> {
  const last = await relayed.lastSent();
  await until(
    () => relays.some((one) => hasSent(one, last)),
    () => `delivered: ${JSON.stringify(relays.map((one) => one.status().outbound))}`,
  );
}
