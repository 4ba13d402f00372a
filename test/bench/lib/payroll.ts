/** Sealed batches of a national size in the log, and what a payroll system reads of them. */
import { randomUUID } from 'node:crypto';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import type { System } from '../../../apps/merit/system.js';
import {
  bonusBatches,
  type BonusBatchCommand,
  bonusBatchStream,
  preparing,
} from '../../../libs/contexts/bonus-batches/index.js';
import type { OutgoingMessage } from '../../../libs/contracts/index.js';
import type { NewEvent, Position } from '../../../libs/event-store/index.js';
import { batchMessages } from '../../../libs/read-models/outgoing/index.js';
import { type BatchLine, controlTotals } from '../../../libs/rules/index.js';

const AT = '2026-04-10T09:00:00+08:00';
const EVENTS_AN_APPEND = 5; // below the log's 512 KiB

/** Commission and pay of a month: what a line looks like. */
const linesOf = (count: number): BatchLine[] =>
  Array.from({ length: count }, (_, at) => ({
    accountManagerId: `AM-${String(at >> 1).padStart(6, '0')}`,
    period: '2026-03',
    kind: at % 2 === 0 ? 'base' : 'commission',
    of: at % 2 === 0 ? 'base' : 'commission',
    reference: at % 2 === 0 ? '' : `SALE-2026-03-${String(at).padStart(8, '0')}`,
    amountMinor: String(100_000 + ((at * 7_919) % 900_000)),
    cause: '',
    unitId: `branch-${at % 40}-team-${at % 700}`,
  }));

/** Everything of a batch but its seal, and the seal. */
export type WaitingBatch = { readonly batchId: string; readonly seal: () => Promise<Position> };

/** A batch that is approved; `seal` appends the last event. */
export async function prepareBatch(
  { store }: Pick<System, 'store'>,
  batchId: string,
  lineCount: number,
): Promise<WaitingBatch> {
  const stream = bonusBatchStream(batchId);
  const lines = linesOf(lineCount);
  const { sha256 } = controlTotals(lines);
  let state = bonusBatches.initialState();
  let events: NewEvent[] = [];
  let revision = -1;
  const flush = async (): Promise<Position> => {
    const expected = revision < 0 ? 'none' : revision;
    const appended = await store.append(stream, expected, events);
    ({ revision } = appended);
    events = [];
    return appended.position;
  };
  const decide = async (command: BonusBatchCommand): Promise<void> => {
    const facts = { overlappingBatchIds: [], dueMinor: null };
    for (const event of bonusBatches.decide(command, state, facts)) {
      state = bonusBatches.evolve(state, event);
      events.push({ ...event, id: randomUUID(), metadata: metadataOf(batchId) });
      if (events.length === EVENTS_AN_APPEND) await flush();
    }
  };
  const whole = { batchId, payPeriod: '2026-04', unitIds: '*', currency: 'CNY' } as const;
  const rest = { preparedBy: 'OFFICE-1', replacesBatchId: null, withheld: [], lines } as const;
  for (const command of preparing({ ...whole, ...rest })) await decide(command);
  const approvedBy = 'APPROVER-1';
  await decide({ type: 'bonus-batches.ApproveBatch', data: { batchId, sha256, approvedBy } });
  if (events.length > 0) await flush();
  const seal = async (): Promise<Position> => {
    await decide({ type: 'bonus-batches.SealBatch', data: { batchId, sha256, sealedAt: AT } });
    return flush();
  };
  return { batchId, seal };
}

const metadataOf = (id: string) => ({
  occurredAt: AT,
  recordedAt: AT,
  actor: { id: 'OFFICE-1', role: 'office' },
  commandId: id,
  correlationId: id,
  causationId: id,
  schemaVersion: 1,
});

/** What has to arrive of each batch: ids in order. And how large a message is. */
export type Expected = {
  readonly idsByBatch: ReadonlyMap<string, readonly string[]>;
  readonly messageCount: number;
  readonly meanBytes: number;
};

export async function expectedOf(
  { store }: Pick<System, 'store'>,
  batchIds: readonly string[],
): Promise<Expected> {
  const idsByBatch = new Map<string, readonly string[]>();
  let [messageCount, bytes] = [0, 0];
  for (const batchId of batchIds) {
    const ids: string[] = [];
    for await (const messages of batchMessages(store.sealedView, batchId)) {
      for (const message of messages) {
        ids.push(message.headers['ce_id'] ?? '');
        bytes += sizeOf(message);
      }
    }
    idsByBatch.set(batchId, ids);
    messageCount += ids.length;
  }
  return { idsByBatch, messageCount, meanBytes: Math.round(bytes / messageCount) };
}

const LENGTH_BYTES = 2; // of a header's name and of its value, most of the time

/** Key, value and headers as they stand in the log. */
const sizeOf = ({ key, value, headers }: OutgoingMessage): number =>
  Object.entries(headers).reduce(
    (sum, [name, text]) => sum + name.length + Buffer.byteLength(text) + LENGTH_BYTES,
    key.length + Buffer.byteLength(value ?? ''),
  );

export const clientOf = (brokers: readonly string[]): Kafka =>
  new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 10 },
  });

export type Reader = {
  /** Resolves with the time (of `performance`) at which the batch's last message was read. */
  readonly sealed: (batchId: string) => Promise<number>;
  readonly count: () => number;
  /** Throws unless exactly this was read of these batches, each message once and in order. */
  readonly verify: (expected: Expected) => void;
  readonly close: () => Promise<void>;
};

const READ_MS = 120_000;
const SEALED = 'org.meritledger.payroll.batch-sealed.v1';

/** Reads committed messages from the start. */
export async function openReader(brokers: readonly string[], topic: string): Promise<Reader> {
  const ids = new Map<string, string[]>();
  const sealedAtMs = new Map<string, number>();
  const next = new Map<number, bigint>();
  let [count, wake] = [0, (): void => undefined];
  const consumer: Consumer = clientOf(brokers).consumer({
    groupId: `bench-${randomUUID()}`,
    maxWaitTimeInMs: 50,
    maxBytesPerPartition: 4_000_000,
    allowAutoTopicCreation: false,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch: { partition, messages } }) => {
      for (const { key, headers, offset } of messages) {
        if (BigInt(offset) < (next.get(partition) ?? 0n)) continue; // the group began again
        next.set(partition, BigInt(offset) + 1n);
        const batchId = String(key);
        const own = ids.get(batchId) ?? [];
        if (own.length === 0) ids.set(batchId, own);
        own.push(String(headers?.['ce_id']));
        count += 1;
        if (String(headers?.['ce_type']) === SEALED) sealedAtMs.set(batchId, performance.now());
      }
      wake();
    },
  });
  const sealed = async (batchId: string): Promise<number> => {
    const endMs = performance.now() + READ_MS;
    for (;;) {
      const atMs = sealedAtMs.get(batchId);
      if (atMs !== undefined) return atMs;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`${batchId}: ${ids.get(batchId)?.length ?? 0} were read`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        wake = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const verify = ({ idsByBatch }: Expected): void => {
    for (const [batchId, wanted] of idsByBatch) {
      const read = ids.get(batchId) ?? [];
      const at = wanted.findIndex((id, index) => read[index] !== id);
      if (at !== -1) throw new Error(`${batchId}: message ${at} is not the next one`);
      if (read.length > wanted.length) throw new Error(`${batchId}: ${read.length} were read`);
    }
  };
  return { sealed, count: () => count, verify, close: () => consumer.disconnect() };
}
