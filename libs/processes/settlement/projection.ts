import type { ResultCorrected } from '#contexts/assessment';
import {
  type BatchLinesProposed,
  type BatchPrepared,
  type BatchSealed,
  bonusBatchStream,
  type ScopeClaimed,
  scopeHolds,
} from '#contexts/bonus-batches';
import type { SalesReturned } from '#contexts/conduct';
import type { CyclePublished } from '#contexts/cycles';
import type { EventStore, Position, RecordedEvent } from '#event-store';
import { assessmentStream, canonicalJson, parseAssessmentStream } from '#kernel';
import { type Projection, type Sql, upsertRows } from '#projections';
import { createOrganisationFollower, type OrganisationFollower } from '#read-models/organisation';
import type { BatchLine } from '#rules';
import { EVERYBODY } from './changes.js';
import { assessmentsAt, dueOf, type PeriodDues, personDues, struckOriginals } from './dues.js';
import { isSealed } from './pending.js';
import {
  SettlementBatchRow,
  SettlementChangeRow,
  SettlementClaimRow,
  SettlementLineRow,
  SettlementReturnRow,
} from './table.js';

type Log = Pick<EventStore, 'readStreams' | 'readAll'>;

/** What it reads of the log; `project` looks at no other. */
const READ_BY_SETTLEMENT: ReadonlySet<string> = new Set([
  'conduct.SalesReturned.v1',
  'bonus-batches.ScopeClaimed.v1',
  'bonus-batches.ScopeReleased.v1',
  'bonus-batches.BatchSealed.v1',
  'bonus-batches.BatchRejected.v1',
  'assessment.ResultCorrected.v1',
  'cycles.CyclePublished.v1',
]);

/**
 * What settlement still has to do: for every line of a sealed period what is due, what is posted,
 * and which appeals made the difference. Decisions after a sealing are few, so each is worked
 * out from the person's own streams as they stood at its position.
 */
export function settlementProjection(): Projection {
  const follower = createOrganisationFollower(['scheme-', 'cycle-']);
  return {
    name: 'settlement',
    entities: [
      SettlementLineRow,
      SettlementReturnRow,
      SettlementBatchRow,
      SettlementClaimRow,
      SettlementChangeRow,
    ],
    keyOf: (event) => event.stream,
    concerns: ({ type }) => READ_BY_SETTLEMENT.has(type),
    fresh: settlementProjection,
    project: async (batch, sql, log) => {
      await recordReturns(batch.events, sql);
      for (const event of batch.events) {
        if (event.type === 'bonus-batches.ScopeClaimed.v1') await claim(event, sql);
        else if (event.type === 'bonus-batches.ScopeReleased.v1') await release(event, sql);
        else if (event.type === 'bonus-batches.BatchSealed.v1') {
          await seal(event, { sql, log, follower });
        } else if (event.type === 'bonus-batches.BatchRejected.v1') await reject(event, sql, log);
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

async function claim({ data, position }: RecordedEvent, sql: Sql): Promise<void> {
  const { batchId, generation } = data as ScopeClaimed['data'];
  const columns = { batch_id: 'text', generation: 'integer', position: 'text' } as const;
  await upsertRows(sql, 'settlement_claim', { columns, key: ['batch_id'] }, [
    { batch_id: batchId, generation, position },
  ]);
}

async function release({ data }: RecordedEvent, sql: Sql): Promise<void> {
  const { batchId } = data as { batchId: string };
  await sql.query('delete from settlement_claim where batch_id = $1', [batchId]);
}

/**
 * A batch's own lines are due as they were posted, a correction is posted towards what is due;
 * then what was decided while the batch was on its way is due beside it.
 */
async function seal(event: RecordedEvent, work: Work): Promise<void> {
  const { sql, log } = work;
  const { batchId, payPeriod } = event.data as BatchSealed['data'];
  const { lines, prepared } = await sealedLines(event, log);
  const own = lines.filter(({ kind }) => kind !== 'correction').map(toOwnRow);
  await insertOwn(sql, own);
  const corrections = lines.filter(({ kind }) => kind === 'correction');
  await sql.query(POST_CORRECTIONS, keysAndAmounts(corrections));
  await writeCauses(sql, corrections, withoutPosted);
  const columns = { batch_id: 'text', pay_period: 'text', unit_ids: 'text' };
  const unitIds = prepared.unitIds === '*' ? '*' : canonicalJson(prepared.unitIds);
  await upsertRows(sql, 'settlement_batch', { columns, key: ['batch_id'] }, [
    { batch_id: batchId, pay_period: payPeriod, unit_ids: unitIds },
  ]);
  await takeDecidedMeanwhile(event, prepared, work);
}

/** What later batches posted for a line of a batch rejected since stays posted beside it. */
async function insertOwn(sql: Sql, rows: readonly Record<string, unknown>[]): Promise<void> {
  const names = Object.keys(LINE_COLUMNS);
  const casts = Object.values(LINE_COLUMNS).map((type, index) => `$${index + 1}::${type}[]`);
  await sql.query(
    `insert into settlement_line as l (${names.join(', ')})
     select * from unnest(${casts.join(', ')})
     on conflict (${LINE_KEY.join(', ')}) do update set
       posted_minor = l.posted_minor + excluded.posted_minor,
       due_minor = l.posted_minor + excluded.posted_minor, causes = '[]', by_office = false`,
    names.map((name) => rows.map((row) => row[name])),
  );
}

type CausesRow = { posted: readonly string[]; standing: readonly string[]; isOpen: boolean };

/** corrections: cited are decisions since a line was last posted; a later one stays to be cited. */
const withoutPosted = ({ posted, standing, isOpen }: CausesRow): readonly string[] => {
  if (!isOpen) return [];
  const since = standing.filter((appealId) => !posted.includes(appealId));
  // The same appeal decided once more, by its review, while its first decision was on its way.
  return since.length > 0 ? since : standing;
};

const withUnposted = ({ posted, standing }: CausesRow): readonly string[] => [
  ...posted,
  ...standing.filter((appealId) => !posted.includes(appealId)),
];

async function writeCauses(
  sql: Sql,
  lines: readonly BatchLine[],
  change: (row: CausesRow) => readonly string[],
): Promise<void> {
  if (lines.length === 0) return;
  const cited = lines.map(({ cause }) => canonicalJson(cause === '' ? [] : cause.split(';')));
  const [ids, periodsOf, kinds, references] = keysAndAmounts(lines);
  const keys = [ids, periodsOf, kinds, references];
  const rows = await sql.query<{ ordinal: string; posted: string; causes: string; open: boolean }>(
    `select k.ordinal, k.cited as posted, l.causes, l.due_minor <> l.posted_minor as open
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
       as k(account_manager_id, period, of_kind, reference, cited, ordinal)
     join settlement_line l on ${SAME_LINE} order by k.ordinal`,
    [...keys, cited],
  );
  const at = rows.map(({ ordinal }) => Number(ordinal) - 1);
  const causes = rows.map(({ posted, causes: standing, open }) =>
    canonicalJson(
      change({
        posted: JSON.parse(posted) as string[],
        standing: JSON.parse(standing) as string[],
        isOpen: open,
      }),
    ),
  );
  await sql.query(
    `update settlement_line l set causes = k.causes
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
       as k(account_manager_id, period, of_kind, reference, causes) where ${SAME_LINE}`,
    [...keys.map((column) => at.map((index) => column[index])), causes],
  );
}

type ChangeRow = {
  id: string;
  period: string;
  position: Position;
  appeal_id: string;
  by_office: boolean;
};

/**
 * corrections: a decision is in the batch or in the next one, never lost. Lines were worked out at
 * a position between their claim and the sealing; each decision since the claim is looked at
 * again. Those that the lines hold already leave no difference.
 */
async function takeDecidedMeanwhile(
  event: RecordedEvent,
  prepared: BatchPrepared['data'],
  work: Work,
): Promise<void> {
  const { sql } = work;
  const { batchId, generation, payPeriod } = prepared;
  const changes = await sql.query<ChangeRow>(
    `select c.account_manager_id as id, c.period, c.position, c.appeal_id, c.by_office
     from settlement_change c
     join settlement_claim k on k.batch_id = $1 and k.generation = $2
     where c.position > k.position and c.position < $3 and c.period <= $4
     order by c.position, c.account_manager_id, c.period`,
    [batchId, generation, event.position, payPeriod],
  );
  const moved = new Set<string>();
  for (const change of changes) {
    for (const id of await whomever(sql, change, payPeriod)) {
      moved.add(id);
      const { position, appeal_id, by_office: byOffice } = change;
      const appealId = appeal_id === '' ? null : appeal_id;
      const decision = { position, appealId, byOffice, only: payPeriod };
      await updateDues(id, decision, work);
      if (change.period === payPeriod) await updateClawbacks(id, payPeriod, decision, work);
    }
  }
  await sql.query(FORGET_CAUSES, [[...moved], payPeriod]);
}

async function whomever(sql: Sql, { id }: ChangeRow, payPeriod: string): Promise<string[]> {
  if (id !== EVERYBODY) return [id];
  const rows = await sql.query<{ id: string }>(
    `select distinct account_manager_id as id from settlement_line where period = $1 order by 1`,
    [payPeriod],
  );
  return rows.map((row) => row.id);
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

/**
 * Payroll refused the batch: what it posted is open again, and its period not sealed any more.
 * What later batches posted for its lines stays posted.
 */
async function reject(event: RecordedEvent, sql: Sql, log: Log): Promise<void> {
  const { batchId } = event.data as { batchId: string };
  const { lines, prepared } = await sealedLines(event, log);
  await sql.query(UNPOST, keysAndAmounts(lines));
  const own = lines.filter(({ kind }) => kind !== 'correction');
  const [ids, periodsOf, kinds, references] = keysAndAmounts(own);
  await sql.query(FORGET_DUES, [ids, periodsOf, kinds, references]);
  await forgetOpen(event, prepared, sql, log);
  const corrections = lines.filter(({ kind }) => kind === 'correction');
  await writeCauses(sql, corrections, withUnposted);
  await sql.query(BY_OFFICE, keysAndAmounts(takenAway(corrections)));
  await sql.query('delete from settlement_batch where batch_id = $1', [batchId]);
}

/** Lines that only later batches had are worked out anew with the rest of the period, too. */
async function forgetOpen(
  { position }: RecordedEvent,
  { payPeriod, unitIds }: BatchPrepared['data'],
  sql: Sql,
  log: Log,
): Promise<void> {
  const open = await sql.query<{ id: string }>(
    `select distinct account_manager_id as id from settlement_line
     where period = $1 and due_minor <> posted_minor order by 1`,
    [payPeriod],
  );
  const streamOf = (id: string): string => assessmentStream(id, payPeriod);
  const states = await assessmentsAt(
    log,
    open.map(({ id }) => streamOf(id)),
    position,
  );
  const held = open
    .map(({ id }) => id)
    .filter((id) => scopeHolds(unitIds, states.get(streamOf(id))?.frozen?.unitPath ?? []));
  await sql.query(
    `update settlement_line set due_minor = posted_minor, causes = '[]', by_office = false
     where period = $1 and account_manager_id = any($2::text[]) and due_minor <> posted_minor`,
    [payPeriod, held],
  );
  await sql.query(
    'delete from settlement_line where period = $1 and due_minor = 0 and posted_minor = 0',
    [payPeriod],
  );
}

/** Differences of a period that sum to less than 0 are posted where the office is behind them. */
function takenAway(corrections: readonly BatchLine[]): readonly BatchLine[] {
  const keyOf = ({ accountManagerId, period }: BatchLine): string =>
    canonicalJson([accountManagerId, period]);
  const sums = new Map<string, bigint>();
  for (const line of corrections) {
    sums.set(keyOf(line), (sums.get(keyOf(line)) ?? 0n) + BigInt(line.amountMinor));
  }
  return corrections.filter((line) => (sums.get(keyOf(line)) ?? 0n) < 0n);
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
  const { accountManagerId, period: disputed, citing, corrections } = data;
  const { position } = event;
  const appealId = citing.kind === 'appeal' ? citing.appealId : null;
  const decision = { position, appealId, byOffice: appealId === null };
  await updateDues(accountManagerId, decision, work);
  const struck = corrections.flatMap((correction) =>
    correction.type === 'strike' ? [correction.recordId] : [],
  );
  const returns =
    struck.length === 0
      ? []
      : await work.sql.query<{ id: string; period: string }>(
          `select distinct account_manager_id as id, period from settlement_return
           where original_credit_id = any($1::text[]) order by 1, 2`,
          [struck],
        );
  for (const { id, period } of returns) await updateClawbacks(id, period, decision, work);
  const moved = [{ id: accountManagerId, period: disputed }, ...returns];
  await recordChanges(work.sql, moved, decision);
}

/** A cycle published after the batch of a later period was sealed moves tiers there. */
async function publishLate(event: RecordedEvent, work: Work): Promise<void> {
  const { period } = event.data as CyclePublished['data'];
  const { position } = event;
  const people = await work.sql.query<{ id: string }>(
    `select distinct account_manager_id as id from settlement_line where period > $1 order by 1`,
    [period],
  );
  const decision = { position, appealId: null, byOffice: false };
  for (const { id } of people) await updateDues(id, decision, work);
  await recordChanges(work.sql, [{ id: EVERYBODY, period }], decision);
}

type Decision = {
  readonly position: Position;
  readonly appealId: string | null;
  readonly byOffice: boolean;
  readonly only?: string; // one period
};

async function recordChanges(
  sql: Sql,
  moved: readonly { readonly id: string; readonly period: string }[],
  { position, appealId, byOffice }: Decision,
): Promise<void> {
  const columns = {
    account_manager_id: 'text',
    period: 'text',
    position: 'text',
    appeal_id: 'text',
    by_office: 'boolean',
  } as const;
  const rows = new Map(
    moved.map(({ id, period }) => [
      canonicalJson([id, period]),
      {
        account_manager_id: id,
        period,
        position,
        appeal_id: appealId ?? '',
        by_office: byOffice,
      },
    ]),
  );
  const key = ['account_manager_id', 'period', 'position'] as const;
  await upsertRows(sql, 'settlement_change', { columns, key }, [...rows.values()]);
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
  decision: Decision,
  { sql, log, follower }: Work,
): Promise<void> {
  const { position, only } = decision;
  const batches = await sql.query<{ pay_period: string; unit_ids: string }>(
    'select pay_period, unit_ids from settlement_batch where $1::text is null or pay_period = $1',
    [only ?? null],
  );
  if (batches.length === 0) return;
  const org = await follower.at(position, log);
  const dues = await personDues(log, org, accountManagerId, position);
  const sealed = [...dues].filter(([period, { unitPath }]) => isSealed(batches, period, unitPath));
  const periodsOf = new Set(sealed.map(([period]) => period));
  const rows = (await linesOf(sql, accountManagerId)).filter(({ period }) => periodsOf.has(period));
  const due = sealed.flatMap(([, { lines }]: [string, PeriodDues]) => [...lines]);
  await writeChanged(sql, accountManagerId, rows, due, decision);
}

/** A struck sale takes the clawbacks of its returns with it, whoever's and whenever they are. */
async function updateClawbacks(
  accountManagerId: string,
  period: string,
  decision: Decision,
  { sql, log, follower }: Work,
): Promise<void> {
  const { position } = decision;
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
  await writeChanged(sql, accountManagerId, rows, due, decision);
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
  set posted_minor = l.posted_minor + k.amount_minor,
    by_office = l.by_office and l.due_minor <> l.posted_minor + k.amount_minor
  from ${KEYS_AND_AMOUNTS} where ${SAME_LINE}`;
const UNPOST = `
  update settlement_line l set posted_minor = l.posted_minor - k.amount_minor
  from ${KEYS_AND_AMOUNTS} where ${SAME_LINE}`;
/** Nothing is open for a period that is not sealed: its next batch works out what is due. */
const FORGET_DUES = `
  update settlement_line l set due_minor = l.posted_minor, causes = '[]', by_office = false
  from ${KEYS} where ${SAME_LINE}`;
const BY_OFFICE = `
  update settlement_line l set by_office = true
  from ${KEYS_AND_AMOUNTS} where ${SAME_LINE}`;
const FORGET_CAUSES = `
  update settlement_line set causes = '[]', by_office = false
  where account_manager_id = any($1::text[]) and period = $2 and due_minor = posted_minor`;
