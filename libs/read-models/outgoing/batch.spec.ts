import { bonusBatches, bonusBatchStream, preparing } from '#contexts/bonus-batches';
import type { BonusBatchCommand } from '#contexts/bonus-batches';
import type { OutgoingMessage } from '#contracts';
import type { EventStore } from '#event-store';
import { nameBasedId } from '#kernel';
import { type BatchLine, controlTotals } from '#rules';
import { createMemoryEventStore } from '../../event-store/memory/memory-event-store.js';
import { assertValidMessage } from '../../contracts/testing.js';
import { batchMessages, MAX_PORTION } from './index.js';

const AT = '2026-04-10T09:00:00+08:00';
const batchId = 'B-2026-04';
const payPeriod = '2026-04';

const lines = (count: number, amountMinor: string): BatchLine[] =>
  Array.from({ length: count }, (_, index) => ({
    accountManagerId: `AM${String(index).padStart(5, '0')}`,
    period: '2026-03',
    kind: 'base',
    of: 'base',
    reference: '',
    amountMinor,
    cause: '',
    unitId: 'U1',
  }));

/** Decides commands on the batch and appends what they give. */
async function play(log: EventStore, commands: readonly BonusBatchCommand[]): Promise<void> {
  const stream = bonusBatchStream(batchId);
  let state = bonusBatches.initialState();
  let revision = -1;
  for await (const events of log.readStream(stream)) {
    for (const event of events) {
      state = bonusBatches.evolve(state, event as never);
      revision = event.revision;
    }
  }
  for (const command of commands) {
    const facts = { overlappingBatchIds: [], dueMinor: null };
    for (const event of bonusBatches.decide(command, state, facts)) {
      revision += 1;
      await log.append(stream, revision === 0 ? 'none' : revision - 1, [
        {
          ...event,
          id: nameBasedId(stream, revision),
          metadata: {
            occurredAt: AT,
            recordedAt: AT,
            actor: { id: 'OFFICE-1', role: 'office' },
            commandId: `c${revision}`,
            correlationId: 'c',
            causationId: 'c',
            schemaVersion: 1,
          },
        },
      ]);
      state = bonusBatches.evolve(state, event);
    }
  }
}

const prepared = (all: readonly BatchLine[]): readonly BonusBatchCommand[] =>
  preparing({
    batchId,
    payPeriod,
    unitIds: ['U1'],
    currency: 'CNY',
    preparedBy: 'OFFICE-1',
    replacesBatchId: null,
    withheld: [],
    lines: all,
  });

const sealedWith = (all: readonly BatchLine[]): readonly BonusBatchCommand[] => {
  const { sha256 } = controlTotals(all);
  return [
    ...prepared(all),
    {
      type: 'bonus-batches.ApproveBatch',
      data: { batchId, sha256, approvedBy: 'APPROVER-1' },
    },
    { type: 'bonus-batches.SealBatch', data: { batchId, sha256, sealedAt: AT } },
  ];
};

async function messagesOf(log: EventStore, from?: number): Promise<OutgoingMessage[]> {
  const all: OutgoingMessage[] = [];
  for await (const messages of batchMessages(log, batchId, from)) {
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.length).toBeLessThanOrEqual(MAX_PORTION);
    for (const message of messages) assertValidMessage(message);
    all.push(...messages);
  }
  return all;
}

describe('the messages of a sealed batch', () => {
  const all = lines(1_203, '200000');
  let log: EventStore;
  let messages: readonly OutgoingMessage[];

  beforeAll(async () => {
    log = createMemoryEventStore();
    // An earlier generation was given up when its lines were no longer what is due.
    await play(log, [
      ...prepared(lines(700, '100000')),
      { type: 'bonus-batches.SupersedeBatch', data: { batchId, reason: 'lines-changed' } },
      ...sealedWith(all),
    ]);
    messages = await messagesOf(log);
  });

  it('frame the lines of the sealed generation, in canonical order', () => {
    expect(messages.length).toBe(all.length + 2);
    const contents = messages.map(({ value }) => JSON.parse(value ?? '') as object);
    const { lineCount, sumMinor, sha256 } = controlTotals(all);
    expect(contents[0]).toEqual({
      batchId,
      payPeriod,
      generation: 2,
      unitScope: ['U1'],
      currency: 'CNY',
      lineCount,
      replacesBatchId: null,
    });
    expect(contents.slice(1, -1)).toEqual(
      all.map((line, index) => ({ batchId, ordinal: index + 1, ...line })),
    );
    expect(contents.at(-1)).toEqual({ batchId, lineCount, sumMinor, sha256, sealedAt: AT });
  });

  it('have ids of their own and the position of the seal', async () => {
    expect(new Set(messages.map(({ headers }) => headers['ce_id'])).size).toBe(messages.length);
    const positions = new Set(messages.map(({ headers }) => headers['ce_position']));
    expect([...positions]).toEqual([await log.head()]);
    expect(new Set(messages.map(({ key }) => key))).toEqual(new Set([batchId]));
  });

  it('go on from any ordinal with exactly the rest', async () => {
    for (const from of [1, 2, 199, 200, 201, 1_000, 1_001, 1_202, 1_203, 1_204, 1_205]) {
      expect(await messagesOf(log, from)).toEqual(messages.slice(from));
    }
  });

  it('are found from the middle on without what stands before', async () => {
    let lineCount = 0;
    const counted: Pick<EventStore, 'readStream'> = {
      async *readStream(stream, options) {
        for await (const events of log.readStream(stream, options)) {
          for (const { data } of events) {
            lineCount += (data as { readonly lines?: readonly object[] }).lines?.length ?? 0;
          }
          yield events;
        }
      },
    };
    for await (const portion of batchMessages(counted, batchId, 1_203)) {
      expect(portion).toHaveLength(1);
    }
    // The last part twice, and what the search for the seal meets.
    expect(lineCount).toBeLessThan(500);
  });

  it('go on from any ordinal where bytes, not lines, ended the parts', async () => {
    const longer = lines(450, '100').map((line, index) => ({
      ...line,
      reference: `${index % 7 === 0 ? 'R'.repeat(200) : '销'.repeat(180)}`,
    }));
    const uneven = createMemoryEventStore();
    await play(uneven, sealedWith(longer));
    const whole = await messagesOf(uneven);
    for (let from = 1; from <= 452; from += 13) {
      expect(await messagesOf(uneven, from)).toEqual(whole.slice(from));
    }
  });

  it('are the same when payroll has answered for everybody', async () => {
    await play(log, [
      { type: 'bonus-batches.AcknowledgeBatch', data: { batchId, messageId: 'M0' } },
      ...all.slice(0, 50).map(({ accountManagerId, amountMinor }, index) => ({
        type: 'bonus-batches.SettlePayment' as const,
        data: { batchId, accountManagerId, amountMinor, messageId: `M${index + 1}` },
      })),
    ]);
    expect(await messagesOf(log)).toEqual(messages);
  });

  it('are two for a batch without lines', async () => {
    const empty = createMemoryEventStore();
    await play(empty, sealedWith([]));
    const [opened, sealed, ...rest] = await messagesOf(empty);
    expect(opened?.headers['ce_type']).toBe('org.meritledger.payroll.batch-opened.v1');
    expect(sealed?.headers['ce_type']).toBe('org.meritledger.payroll.batch-sealed.v1');
    expect(rest).toEqual([]);
  });

  it('are none before the seal, and none of a batch that nobody knows', async () => {
    const open = createMemoryEventStore();
    await expect(messagesOf(open)).rejects.toMatchObject({ code: 'unknown-batch' });
    await play(open, prepared(all));
    await expect(messagesOf(open)).rejects.toMatchObject({ code: 'batch-not-sealed' });
  });
});
