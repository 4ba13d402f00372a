import { type BonusBatchEvent, bonusBatchStream } from '#contexts/bonus-batches';
import type { Position, RecordedEvent } from '#event-store';
import { canonicalJson } from '#kernel';
import { insertRows, type Projection, type Sql, upsertRows } from '#projections';
import {
  addToAccounts,
  approve,
  forgetDues,
  pay,
  type Payment,
  propose,
  reversePending,
  reversePosted,
  seal,
} from './postings.js';
import {
  LedgerAccountRow,
  LedgerBatchRow,
  LedgerDueRow,
  LedgerEntryRow,
  LedgerLineRow,
  LedgerSourceRow,
} from './table.js';

type Fact = RecordedEvent & BonusBatchEvent;

/**
 * Double entry, from batches and what payroll says of them. One key for all: a receivable and
 * what was returned go from batch to batch, so that rows of one batch depend on those before it.
 * A batch that cannot be projected therefore parks the ledger as a whole, and the retry projects
 * what was set aside in the order of the log, as a rebuild would.
 */
export function bonusLedgerProjection(): Projection {
  return {
    name: 'bonus-ledger',
    entities: [
      LedgerBatchRow,
      LedgerLineRow,
      LedgerSourceRow,
      LedgerEntryRow,
      LedgerAccountRow,
      LedgerDueRow,
    ],
    streamPrefixes: [bonusBatchStream('')],
    keyOf: () => 'ledger',
    project: async ({ events }, sql) => {
      const facts = events.filter(isFact);
      const batches = await readBatches(sql, facts);
      const sources: Record<string, unknown>[] = [];
      for (const run of runsOf(facts)) {
        const posted = await post(run, batches, sql);
        for (const fact of run.facts) fold(batches, fact);
        const [first, last] = [posted[0], posted.at(-1)];
        if (!first || !last) continue;
        // At once: an approval asks for receivables, a sealing for what is payable.
        await addToAccounts(sql, first.position, last.position);
        sources.push(...posted.map(toSource));
      }
      await insertRows(sql, 'ledger_source', SOURCES, sources);
      await upsertRows(sql, 'ledger_batch', BATCHES, [...batches.values()].map(toRow));
    },
  };
}

type Move = 'propose' | 'approve' | 'supersede' | 'seal' | 'reject' | 'pay' | 'none';

const MOVE_OF: Readonly<Record<BonusBatchEvent['type'], Move>> = {
  'bonus-batches.BatchLinesProposed.v1': 'propose',
  'bonus-batches.BatchPrepared.v1': 'none',
  'bonus-batches.BatchSuperseded.v1': 'supersede',
  'bonus-batches.BatchApproved.v1': 'approve',
  'bonus-batches.BatchSealed.v1': 'seal',
  'bonus-batches.BatchAcknowledged.v1': 'none',
  'bonus-batches.BatchRejected.v1': 'reject',
  'bonus-batches.PaymentSettled.v1': 'pay',
  'bonus-batches.PaymentReturned.v1': 'pay',
};

const isFact = (event: RecordedEvent): event is Fact => Object.hasOwn(MOVE_OF, event.type);

type Run = { readonly move: Move; readonly facts: Fact[] };

/** A batch of 70,000 lines or payments is hundreds of events: neighbours of a kind go together. */
function runsOf(facts: readonly Fact[]): readonly Run[] {
  const runs: Run[] = [];
  for (const fact of facts) {
    const move = MOVE_OF[fact.type];
    const last = runs.at(-1);
    const joins =
      move === 'none' || ((move === 'propose' || move === 'pay') && move === last?.move);
    if (last && joins) last.facts.push(fact);
    else runs.push({ move, facts: [fact] });
  }
  return runs;
}

type Status = 'open' | 'prepared' | 'superseded' | 'approved' | 'sealed' | 'rejected';

type LedgerBatch = {
  batch_id: string;
  pay_period: string;
  generation: number;
  status: Status;
  unit_ids: string | null;
  currency: string | null;
  line_count: number | null;
  sum_minor: string | null;
  sha256: string | null;
  prepared_by: string | null;
  replaces_batch_id: string | null;
  withheld: string | null;
  approved_by: string | null;
  approved_position: Position | null;
  sealed_position: Position | null;
  sealed_at: string | null;
  acknowledged: boolean;
  rejection_code: string | null;
  rejection_codes: string | null;
};

type Batches = Map<string, LedgerBatch>;

/** Those that the facts are of, and those whose approved amounts a sealing leaves alone. */
async function readBatches(sql: Sql, facts: readonly Fact[]): Promise<Batches> {
  const rows = await sql.query<LedgerBatch>(
    `select * from ledger_batch where status = 'approved' or batch_id = any($1::text[])`,
    [[...new Set(facts.map(({ data }) => data.batchId))]],
  );
  return new Map(rows.map((row) => [row.batch_id, row]));
}

function batchOf(batches: Batches, { position, type, data }: Fact): LedgerBatch {
  const batch = batches.get(data.batchId);
  if (!batch) throw new Error(`${position}: ${type} of batch ${data.batchId}, which has no lines`);
  return batch;
}

/** Posts a run, before its facts are folded; gives the facts that posted something. */
async function post(run: Run, batches: Batches, sql: Sql): Promise<readonly Fact[]> {
  const [fact] = run.facts;
  if (!fact || run.move === 'none') return [];
  if (run.move === 'propose') {
    const parts = run.facts.filter((each) => each.type === 'bonus-batches.BatchLinesProposed.v1');
    await propose(sql, parts);
    return parts;
  }
  if (run.move === 'pay') {
    const payments = run.facts.flatMap((each) => toPayment(batches, each));
    await pay(
      sql,
      payments.map(({ payment }) => payment),
    );
    return payments.map(({ source }) => source);
  }
  await postSingle(run.move, fact, batches, sql);
  return [fact];
}

function toPayment(batches: Batches, fact: Fact): { payment: Payment; source: Fact }[] {
  const isReturn = fact.type === 'bonus-batches.PaymentReturned.v1';
  if (!isReturn && fact.type !== 'bonus-batches.PaymentSettled.v1') return [];
  const { position, data } = fact;
  const { pay_period: payPeriod } = batchOf(batches, fact);
  return [{ payment: { position, data, isReturn, payPeriod }, source: fact }];
}

async function postSingle(
  move: 'approve' | 'supersede' | 'seal' | 'reject',
  fact: Fact,
  batches: Batches,
  sql: Sql,
): Promise<void> {
  const { position } = fact;
  const batch = batchOf(batches, fact);
  const { batch_id: batchId, generation, approved_position, sealed_position } = batch;
  if (move === 'approve') return approve(sql, position, batchId, generation);
  if (approved_position === null) {
    if (move === 'supersede') return reversePending(sql, position, batchId, generation);
    throw new Error(`${position}: ${fact.type} of batch ${batchId}, which is not approved`);
  }
  if (move === 'seal') {
    const others = [...batches.values()]
      .filter((other) => other.status === 'approved' && other !== batch)
      .map((other) => ({ batchId: other.batch_id, payPeriod: other.pay_period }));
    return seal(sql, position, batchId, others);
  }
  if (move === 'reject') {
    if (sealed_position === null) throw new Error(`${position}: batch ${batchId} is not sealed`);
    // First clearing → payable. The rest goes too: every line is proposed anew, by the batch that
    // replaces this one or as a correction, and would otherwise be paid twice.
    await reversePosted(sql, position, sealed_position);
  }
  await reversePosted(sql, position, approved_position);
  await forgetDues(sql, batchId);
}

function fold(batches: Batches, fact: Fact): void {
  switch (fact.type) {
    case 'bonus-batches.BatchLinesProposed.v1':
      openGeneration(batches, fact.data);
      return;
    case 'bonus-batches.BatchPrepared.v1': {
      const { data } = fact;
      Object.assign(openGeneration(batches, data), {
        status: 'prepared',
        unit_ids: data.unitIds === '*' ? '*' : canonicalJson(data.unitIds),
        currency: data.currency,
        line_count: data.lineCount,
        sum_minor: data.sumMinor,
        sha256: data.sha256,
        prepared_by: data.preparedBy,
        replaces_batch_id: data.replacesBatchId,
        withheld: canonicalJson(data.withheld),
      } satisfies Partial<LedgerBatch>);
      return;
    }
    default:
      foldLater(batchOf(batches, fact), fact);
  }
}

function foldLater(batch: LedgerBatch, fact: Fact): void {
  switch (fact.type) {
    case 'bonus-batches.BatchApproved.v1':
      batch.status = 'approved';
      batch.approved_by = fact.data.approvedBy;
      batch.approved_position = fact.position;
      return;
    case 'bonus-batches.BatchSuperseded.v1':
      batch.status = 'superseded';
      batch.approved_by = null;
      batch.approved_position = null;
      return;
    case 'bonus-batches.BatchSealed.v1':
      batch.status = 'sealed';
      batch.sealed_position = fact.position;
      batch.sealed_at = fact.data.sealedAt;
      return;
    case 'bonus-batches.BatchAcknowledged.v1':
      batch.acknowledged = true;
      return;
    case 'bonus-batches.BatchRejected.v1':
      batch.status = 'rejected';
      batch.rejection_code = fact.data.reasonCode;
      batch.rejection_codes = canonicalJson(fact.data.reasonCodes ?? [fact.data.reasonCode]);
      return;
    default:
  }
}

function openGeneration(
  batches: Batches,
  data: { readonly batchId: string; readonly payPeriod: string; readonly generation: number },
): LedgerBatch {
  const known = batches.get(data.batchId);
  if (known?.generation === data.generation) return known;
  const batch: LedgerBatch = {
    batch_id: data.batchId,
    pay_period: data.payPeriod,
    generation: data.generation,
    status: 'open',
    unit_ids: null,
    currency: null,
    line_count: null,
    sum_minor: null,
    sha256: null,
    prepared_by: null,
    replaces_batch_id: null,
    withheld: null,
    approved_by: null,
    approved_position: null,
    sealed_position: null,
    sealed_at: null,
    acknowledged: false,
    rejection_code: null,
    rejection_codes: null,
  };
  batches.set(data.batchId, batch);
  return batch;
}

const toRow = ({ ...row }: LedgerBatch): Record<string, unknown> => row;

const BATCHES = {
  columns: {
    batch_id: 'text',
    pay_period: 'text',
    generation: 'integer',
    status: 'text',
    unit_ids: 'text',
    currency: 'text',
    line_count: 'integer',
    sum_minor: 'numeric',
    sha256: 'text',
    prepared_by: 'text',
    replaces_batch_id: 'text',
    withheld: 'text',
    approved_by: 'text',
    approved_position: 'text',
    sealed_position: 'text',
    sealed_at: 'text',
    acknowledged: 'boolean',
    rejection_code: 'text',
    rejection_codes: 'text',
  },
  key: ['batch_id'],
} as const;

const toSource = ({ position, id, type, data }: Fact): Record<string, unknown> => ({
  position,
  event_id: id,
  event_type: type,
  batch_id: data.batchId,
});

const SOURCES = {
  columns: { position: 'text', event_id: 'uuid', event_type: 'text', batch_id: 'text' },
  key: ['position'],
} as const;
