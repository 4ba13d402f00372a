import type { BonusBatchEvent } from '#contexts/bonus-batches';
import { createMemoryEventStore, type EventStore, type RecordedEvent } from '#event-store';
import { nameBasedId } from '#kernel';
import { createAppPool } from '#platform';
import type { Sql } from '#projections';
import { type BatchLine, compareBatchLines, controlTotals } from '#rules';
import { createTestDatabase } from '../../../test/support/database.js';
import { BEGIN_SNAPSHOT, hashTables } from '../../projections/compare.js';
import { inTransaction, schemaOf, toSql } from '../../projections/context.js';
import { feed, type Member } from '../../projections/feed.js';
import {
  createGeneration,
  nextGeneration,
  readDefinitions,
} from '../../projections/generations.js';
import { bonusLedgerProjection } from './projection.js';

/** For this folder's specs: events of batches in, a ledger of its own out, on real PostgreSQL. */

export type Fact = BonusBatchEvent;

export const line = (
  accountManagerId: string,
  amountMinor: number,
  change: Partial<BatchLine> = {},
): BatchLine => ({
  accountManagerId,
  period: '2026-01',
  kind: 'award',
  of: change.kind === undefined || change.kind === 'correction' ? 'award' : change.kind,
  reference: '',
  amountMinor: String(amountMinor),
  cause: '',
  unitId: 'U1',
  ...change,
});

export type BatchPlan = {
  readonly batchId: string;
  readonly payPeriod: string;
  readonly generation?: number;
  readonly lines: readonly BatchLine[];
  readonly linesAPart?: number;
  readonly replacesBatchId?: string;
  readonly unitIds?: '*' | readonly string[];
};

/** The events of a batch from its first part to where it is to stand. */
export function prepared(plan: BatchPlan): Fact[] {
  const {
    batchId,
    payPeriod,
    generation = 1,
    linesAPart = 2,
    replacesBatchId = null,
    unitIds = '*',
  } = plan;
  const lines = [...plan.lines].sort(compareBatchLines);
  const facts: Fact[] = [];
  for (let from = 0; from < lines.length; from += linesAPart) {
    const part = from / linesAPart + 1;
    const own = lines.slice(from, from + linesAPart);
    const data = { batchId, payPeriod, generation, part, lines: own };
    facts.push({ type: 'bonus-batches.BatchLinesProposed.v1', data });
  }
  facts.push({
    type: 'bonus-batches.BatchPrepared.v1',
    data: {
      batchId,
      payPeriod,
      generation,
      unitIds,
      currency: 'CNY',
      ...controlTotals(lines),
      preparedBy: 'OFFICE',
      replacesBatchId,
      withheld: [],
    },
  });
  return facts;
}

export const approved = (plan: BatchPlan): Fact => ({
  type: 'bonus-batches.BatchApproved.v1',
  data: {
    batchId: plan.batchId,
    generation: plan.generation ?? 1,
    sha256: controlTotals(plan.lines).sha256,
    approvedBy: 'APPROVER',
  },
});

export const sealed = (plan: BatchPlan): Fact => ({
  type: 'bonus-batches.BatchSealed.v1',
  data: {
    batchId: plan.batchId,
    payPeriod: plan.payPeriod,
    generation: plan.generation ?? 1,
    ...controlTotals(plan.lines),
    sealedAt: '2026-04-20T12:00:00+08:00',
  },
});

export const wholeBatch = (plan: BatchPlan): Fact[] => [
  ...prepared(plan),
  approved(plan),
  sealed(plan),
];

export const superseded = ({ batchId, generation = 1 }: BatchPlan): Fact => ({
  type: 'bonus-batches.BatchSuperseded.v1',
  data: { batchId, generation, reason: 'result-corrected' },
});

export const acknowledged = (batchId: string): Fact => ({
  type: 'bonus-batches.BatchAcknowledged.v1',
  data: { batchId, messageId: `acknowledged ${batchId}` },
});

export const rejected = (batchId: string): Fact => ({
  type: 'bonus-batches.BatchRejected.v1',
  data: { batchId, messageId: `rejected ${batchId}`, reasonCode: 'totals-differ' },
});

let messageNumber = 0;

const payment = (batchId: string, accountManagerId: string, amountMinor: number) => {
  messageNumber += 1;
  const messageId = `message ${messageNumber}`;
  return { batchId, accountManagerId, amountMinor: String(amountMinor), messageId };
};

export const settled = (batchId: string, accountManagerId: string, amountMinor: number): Fact => ({
  type: 'bonus-batches.PaymentSettled.v1',
  data: payment(batchId, accountManagerId, amountMinor),
});

export const returned = (batchId: string, accountManagerId: string, amountMinor: number): Fact => ({
  type: 'bonus-batches.PaymentReturned.v1',
  data: payment(batchId, accountManagerId, amountMinor),
});

export async function append(store: EventStore, facts: readonly Fact[]): Promise<void> {
  for (const [index, { type, data }] of facts.entries()) {
    const id = nameBasedId('ledger-spec', await store.head(), String(index));
    const at = '2026-04-20T12:00:00+08:00';
    const metadata = {
      occurredAt: at,
      recordedAt: at,
      actor: { id: 'OFFICE', role: 'office' },
      commandId: id,
      correlationId: id,
      causationId: id,
      schemaVersion: 1,
    };
    await store.append(`bonus-batch-${data.batchId}`, 'any', [{ id, type, data, metadata }]);
  }
}

export type Ledger = {
  /** As who writes: what a spec spoils on purpose stays spoilt. */
  readonly query: <Result>(query: (sql: Sql) => Promise<Result>) => Promise<Result>;
  readonly hash: () => Promise<string>;
};

export type LedgerBench = {
  /** A fresh ledger from these facts; `cuts`: after how many of them a batch ends. */
  readonly project: (facts: readonly Fact[], cuts?: readonly number[]) => Promise<Ledger>;
  readonly close: () => Promise<void>;
};

export async function openLedgerBench(): Promise<LedgerBench> {
  const database = await createTestDatabase();
  const pool = createAppPool(database.appUrl);
  const projections = [bonusLedgerProjection()];
  const [projection] = projections;
  if (!projection) throw new Error('unreachable');
  const empty = { pool, appUrl: database.appUrl, store: createMemoryEventStore(), projections };
  const definitions = await readDefinitions(empty);
  return {
    async project(facts, cuts = []) {
      const context = { ...empty, store: createMemoryEventStore() };
      await append(context.store, facts);
      const events: RecordedEvent[] = [];
      for await (const page of context.store.readAll()) events.push(...page);
      const generation = await nextGeneration(context);
      await inTransaction(pool, 'BEGIN', (connection) =>
        createGeneration(connection, generation, definitions, 'unlogged'),
      );
      const standing = { generation, position: '', fence: 0, parkedKeys: new Set<string>() };
      const member: Member = { projection, standing };
      let from = 0;
      for (const to of [...new Set([...cuts, events.length])].toSorted((a, b) => a - b)) {
        const after = events[from - 1]?.position ?? '';
        const until = events[to - 1]?.position ?? '';
        const batch = { events: events.slice(from, to), after, until };
        const outcomes = to > from ? await feed(context, [member], batch) : [];
        for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'moved' });
        expect([...member.standing.parkedKeys]).toEqual([]);
        from = to;
      }
      return {
        query: (query) =>
          inTransaction(pool, 'BEGIN', async (connection) => {
            await connection.query(`SET LOCAL search_path = ${schemaOf(generation)}`);
            return query(toSql(connection));
          }),
        hash: () =>
          inTransaction(pool, BEGIN_SNAPSHOT, (connection) =>
            hashTables(connection, definitions, 'bonus-ledger', generation),
          ),
      };
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** Accounts with something posted, or pending, by name. */
export async function balances(
  ledger: Ledger,
  phase: 'posted' | 'pending' = 'posted',
): Promise<Record<string, number>> {
  const rows = await ledger.query((sql) =>
    sql.query<{ account: string; amount: string }>(
      `select account, ${phase}_minor::text as amount from ledger_account
       where ${phase}_minor <> 0 order by account`,
    ),
  );
  return Object.fromEntries(rows.map(({ account, amount }) => [account, Number(amount)]));
}
