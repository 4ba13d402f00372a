import type { ResultCorrected } from '#contexts/assessment';
import {
  type BatchLinesProposed,
  type BatchPrepared,
  type BatchSealed,
  bonusBatchStream,
} from '#contexts/bonus-batches';
import type { SalesReturned } from '#contexts/conduct';
import type { CyclePublished } from '#contexts/cycles';
import type { EventStore, Position, RecordedEvent } from '#event-store';
import { assessmentStream, canonicalJson, parseAssessmentStream } from '#kernel';
import { type Projection, type Sql, upsertRows } from '#projections';
import { createOrganisationFollower, type OrganisationFollower } from '#read-models/organisation';
import type { BatchLine } from '#rules';
import { assessmentsAt, dueOf, personDues, struckOriginals } from './dues.js';
import { SettlementBatchRow, SettlementLineRow, SettlementReturnRow } from './table.js';

type Log = Pick<EventStore, 'readStreams' | 'readAll'>;

/**
 * What settlement still has to do: for every line of a sealed period what is due, what is posted,
 * and which appeals made the difference. Decisions after a sealing are few, so each is worked
 * out from the person's own streams as they stood at its position.
 */
export function settlementProjection(): Projection {
  const follower = createOrganisationFollower(['scheme-', 'cycle-']);
  return {
    name: 'settlement',
    entities: [SettlementLineRow, SettlementReturnRow, SettlementBatchRow],
    keyOf: (event) => event.stream,
    fresh: settlementProjection,
    project: async (batch, sql, log) => {
      await recordReturns(batch.events, sql);
      for (const event of batch.events) {
        if (event.type === 'bonus-batches.BatchSealed.v1') await seal(event, sql, log);
        else if (event.type === 'bonus-batches.BatchRejected.v1') await reject(event, sql, log);
        else if (event.type === 'assessment.ResultCorrected.v1') {
          await correct(event, { sql, log, follower });
        } else if (event.type === 'cycles.CyclePublished.v1') {
          await publishLate(event, { sql, log, follower });
        }
      }
    },
  };
}

async function recordReturns(events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const rows = events.flatMap(({ type, stream, data }) => {
    if (type !== 'conduct.SalesReturned.v1') return [];
    const whose = parseAssessmentStream(stream);
    const { creditId, original } = data as SalesReturned['data'];
    return [
      {
        credit_id: creditId,
        account_manager_id: whose?.accountManagerId,
        period: whose?.period,
        original_credit_id: original.creditId,
      },
    ];
  });
  const columns = {
    credit_id: 'text',
    account_manager_id: 'text',
    period: 'text',
    original_credit_id: 'text',
  };
  await upsertRows(sql, 'settlement_return', { columns, key: ['credit_id'] }, rows);
}

const LINE_KEY = ['account_manager_id', 'period', 'of_kind', 'reference'] as const;
const LINE_COLUMNS = {
  account_manager_id: 'text',
  period: 'text',
  of_kind: 'text',
  reference: 'text',
  unit_id: 'text',
  due_minor: 'numeric',
  posted_minor: 'numeric',
  causes: 'text',
  by_office: 'boolean',
} as const;

/** A batch's own lines are due as they were posted; a correction is posted towards what is due. */
async function seal(event: RecordedEvent, sql: Sql, log: Log): Promise<void> {
  const { batchId, payPeriod } = event.data as BatchSealed['data'];
  const { lines, prepared } = await sealedLines(event, log);
  const own = lines.filter(({ kind }) => kind !== 'correction').map(toOwnRow);
  await upsertRows(sql, 'settlement_line', { columns: LINE_COLUMNS, key: LINE_KEY }, own);
  const corrections = lines.filter(({ kind }) => kind === 'correction');
  await sql.query(POST_CORRECTIONS, keysAndAmounts(corrections));
  const columns = { batch_id: 'text', pay_period: 'text', unit_ids: 'text' };
  const unitIds = prepared.unitIds === '*' ? '*' : canonicalJson(prepared.unitIds);
  await upsertRows(sql, 'settlement_batch', { columns, key: ['batch_id'] }, [
    { batch_id: batchId, pay_period: payPeriod, unit_ids: unitIds },
  ]);
}

function toOwnRow(line: BatchLine): Record<string, unknown> {
  return {
    account_manager_id: line.accountManagerId,
    period: line.period,
    of_kind: line.of,
    reference: line.reference,
    unit_id: line.unitId,
    due_minor: line.amountMinor,
    posted_minor: line.amountMinor,
    causes: '[]',
    by_office: false,
  };
}

/** Payroll refused the batch: what it posted is open again, and its period not sealed any more. */
async function reject(event: RecordedEvent, sql: Sql, log: Log): Promise<void> {
  const { batchId } = event.data as { batchId: string };
  const { lines } = await sealedLines(event, log);
  const own = lines.filter(({ kind }) => kind !== 'correction');
  const [ids, periodsOf, kinds, references] = keysAndAmounts(own);
  await sql.query(DELETE_LINES, [ids, periodsOf, kinds, references]);
  const corrections = lines.filter(({ kind }) => kind === 'correction');
  await sql.query(UNPOST_CORRECTIONS, keysAndAmounts(corrections));
  await sql.query('delete from settlement_batch where batch_id = $1', [batchId]);
}

async function sealedLines(
  { stream, position, data }: RecordedEvent,
  log: Log,
): Promise<{ lines: readonly BatchLine[]; prepared: BatchPrepared['data'] }> {
  const { batchId } = data as { batchId: string };
  if (stream !== bonusBatchStream(batchId)) throw new Error(`${stream} is not of ${batchId}`);
  let lines: BatchLine[] = [];
  let prepared: BatchPrepared['data'] | null = null;
  for await (const events of log.readStreams([stream], { until: position })) {
    for (const event of events) {
      if (event.type === 'bonus-batches.BatchLinesProposed.v1') {
        const { part, lines: proposed } = event.data as BatchLinesProposed['data'];
        lines = part === 1 ? [...proposed] : [...lines, ...proposed];
      } else if (event.type === 'bonus-batches.BatchPrepared.v1') {
        prepared = event.data as BatchPrepared['data'];
        if (prepared.lineCount === 0) lines = [];
      }
    }
  }
  if (!prepared) throw new Error(`${stream} was sealed and never prepared`);
  return { lines, prepared };
}

type Work = { readonly sql: Sql; readonly log: Log; readonly follower: OrganisationFollower };

/** appeals: each line's difference cites the appeals whose decisions changed what is due for it. */
async function correct(event: RecordedEvent, work: Work): Promise<void> {
  const data = event.data as ResultCorrected['data'];
  const { accountManagerId, citing, corrections } = data;
  const cause = citing.kind === 'appeal' ? citing.appealId : null;
  await updateDues(accountManagerId, event.position, cause, work);
  const struck = corrections.flatMap((correction) =>
    correction.type === 'strike' ? [correction.recordId] : [],
  );
  if (struck.length === 0) return;
  const returns = await work.sql.query<{ id: string; period: string }>(
    `select distinct account_manager_id as id, period from settlement_return
     where original_credit_id = any($1::text[]) order by 1, 2`,
    [struck],
  );
  for (const { id, period } of returns) {
    await updateClawbacks(id, period, event.position, cause, work);
  }
}

/** A cycle published after the batch of a later period was sealed moves tiers there. */
async function publishLate(event: RecordedEvent, work: Work): Promise<void> {
  const { period } = event.data as CyclePublished['data'];
  const people = await work.sql.query<{ id: string }>(
    `select distinct account_manager_id as id from settlement_line where period > $1 order by 1`,
    [period],
  );
  for (const { id } of people) await updateDues(id, event.position, null, work, false);
}

type LineRow = {
  period: string;
  of_kind: string;
  reference: string;
  unit_id: string;
  due_minor: string;
  posted_minor: string;
  causes: string;
  by_office: boolean;
};

async function updateDues(
  accountManagerId: string,
  position: Position,
  appealId: string | null,
  { sql, log, follower }: Work,
  byOffice = appealId === null,
): Promise<void> {
  const batches = await sql.query<{ pay_period: string; unit_ids: string }>(
    'select pay_period, unit_ids from settlement_batch',
  );
  if (batches.length === 0) return;
  const org = await follower.at(position, log);
  const dues = await personDues(log, org, accountManagerId, position);
  const due = [...dues].flatMap(([period, lines]) => {
    const sealed = batches.some(({ pay_period, unit_ids }) => {
      if (pay_period !== period) return false;
      return unit_ids === '*' || lines.some(({ unitId }) => unit_ids.includes(`"${unitId}"`));
    });
    return sealed ? [...lines] : [];
  });
  const rows = (await linesOf(sql, accountManagerId)).filter(({ period }) => dues.has(period));
  await writeChanged(sql, accountManagerId, rows, due, { appealId, byOffice });
}

/** A struck sale takes the clawbacks of its returns with it, whoever's and whenever they are. */
async function updateClawbacks(
  accountManagerId: string,
  period: string,
  position: Position,
  appealId: string | null,
  { sql, log, follower }: Work,
): Promise<void> {
  const rows = (await linesOf(sql, accountManagerId)).filter(
    (row) => row.period === period && row.of_kind === 'clawback',
  );
  const unitId = rows[0]?.unit_id;
  if (unitId === undefined) return; // not sealed, or nothing was posted: nothing to move
  const states = await assessmentsAt(log, [assessmentStream(accountManagerId, period)], position);
  const struckSales = await struckOriginals(log, states.values(), position);
  const org = await follower.at(position, log);
  const [scheme] = [...org.schemes.values()].flatMap((versions) => [...versions.values()]);
  const [state] = states.values();
  if (!state || !scheme) return;
  const due = dueOf({
    accountManagerId,
    period,
    state: { ...state, credits: [], awards: [] },
    scheme: scheme.scheme, // rates of returns are frozen with them; no other line is asked for
    unitId,
    tier: null,
    isPublished: false,
    struckSales,
  });
  await writeChanged(sql, accountManagerId, rows, due, { appealId, byOffice: appealId === null });
}

function linesOf(sql: Sql, accountManagerId: string): Promise<readonly LineRow[]> {
  return sql.query<LineRow>(
    `select period, of_kind, reference, unit_id, due_minor::text, posted_minor::text, causes,
       by_office
     from settlement_line where account_manager_id = $1`,
    [accountManagerId],
  );
}

async function writeChanged(
  sql: Sql,
  accountManagerId: string,
  rows: readonly LineRow[],
  due: readonly BatchLine[],
  by: { readonly appealId: string | null; readonly byOffice: boolean },
): Promise<void> {
  const keyOf = (period: string, kind: string, reference: string): string =>
    canonicalJson([period, kind, reference]);
  const known = new Map(
    rows.map((row) => [keyOf(row.period, row.of_kind, row.reference), row] as const),
  );
  const now = new Map(
    due.map((line) => [keyOf(line.period, line.of, line.reference), line] as const),
  );
  const changed: Record<string, unknown>[] = [];
  for (const key of new Set([...known.keys(), ...now.keys()])) {
    const row = known.get(key);
    const line = now.get(key);
    const dueMinor = line?.amountMinor ?? '0';
    if (dueMinor === (row?.due_minor ?? '0')) continue;
    const causes = JSON.parse(row?.causes ?? '[]') as string[];
    const { appealId } = by;
    if (appealId !== null && !causes.includes(appealId)) causes.push(appealId);
    changed.push({
      account_manager_id: accountManagerId,
      period: row?.period ?? line?.period,
      of_kind: row?.of_kind ?? line?.of,
      reference: row?.reference ?? line?.reference,
      unit_id: row?.unit_id ?? line?.unitId,
      due_minor: dueMinor,
      posted_minor: row?.posted_minor ?? '0',
      causes: canonicalJson(causes),
      by_office: by.byOffice || (row?.by_office ?? false),
    });
  }
  await upsertRows(sql, 'settlement_line', { columns: LINE_COLUMNS, key: LINE_KEY }, changed);
}

function keysAndAmounts(
  lines: readonly BatchLine[],
): [string[], string[], string[], string[], string[]] {
  return [
    lines.map(({ accountManagerId }) => accountManagerId),
    lines.map(({ period }) => period),
    lines.map(({ of }) => of),
    lines.map(({ reference }) => reference),
    lines.map(({ amountMinor }) => amountMinor),
  ];
}

const KEYS = `unnest($1::text[], $2::text[], $3::text[], $4::text[])
    as k(account_manager_id, period, of_kind, reference)`;
const KEYS_AND_AMOUNTS = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[])
    as k(account_manager_id, period, of_kind, reference, amount_minor)`;
const SAME_LINE = `l.account_manager_id = k.account_manager_id and l.period = k.period
    and l.of_kind = k.of_kind and l.reference = k.reference`;

const POST_CORRECTIONS = `
  update settlement_line l
  set posted_minor = l.posted_minor + k.amount_minor, causes = '[]', by_office = false
  from ${KEYS_AND_AMOUNTS} where ${SAME_LINE}`;
const UNPOST_CORRECTIONS = `
  update settlement_line l set posted_minor = l.posted_minor - k.amount_minor
  from ${KEYS_AND_AMOUNTS} where ${SAME_LINE}`;
const DELETE_LINES = `delete from settlement_line l using ${KEYS} where ${SAME_LINE}`;
