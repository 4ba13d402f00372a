import {
  type AssessmentStreamCommand,
  assessmentStreamAggregate,
  commandOfFact,
  complaintAggregate,
  type FactSources,
  findSale,
  firstRecordEventId,
  type Intent,
  type Outcome,
  periodOfFact,
  recordKindOf,
  recordOfFact,
} from '#commands';
import type { OriginalCredit } from '#contexts/conduct';
import { complaintStream } from '#contexts/conduct';
import type { ComplaintRow, DatasetRow, RowGroup, SalesCreditRow } from '#dataset';
import { assessmentStream, compareInstants, DomainError, isAfter } from '#kernel';
import {
  cycleOf,
  employmentOf,
  memberOf,
  type Organisation,
  periodOfInstant,
  schemeFor,
} from '#read-models/organisation';
import { decideAppealRow, fileAppealRow } from './appeals.js';
import {
  acceptLater,
  count,
  countFirst,
  type ImportRun,
  lineKey,
  refuse,
  refuseLater,
  rowEnvelope,
} from './import-run.js';
import { aboutGoal, goalSayings, isOldNews } from './old-news.js';

/** Rows that become events of a person's assessment stream. */
type FactRow = Exclude<DatasetRow, { kind: 'complaint' | 'appeal' | 'appeal-decision' }>;

/** A row with the stream that it is addressed to. */
type Addressed = { readonly row: FactRow; readonly period: string; readonly stream: string };

/** Decides groups side by side: what one group's rows hang on is in that group. */
export async function decideGroups(run: ImportRun, groups: readonly RowGroup[]): Promise<void> {
  const org = await run.engine.organisation.current();
  const streams = new Set<string>();
  for (const { rows } of groups) {
    for (const row of rows) {
      const stream = isFact(row) ? address(row, org)?.stream : undefined;
      if (stream !== undefined) streams.add(stream);
    }
  }
  await run.engine.handler.prefetch(assessmentStreamAggregate, [...streams]);
  const news = await newsOf(run, org, groups);
  await Promise.all(news.map((group) => decideGroup(run, org, group)));
}

/** Leaves out goals that an earlier import told already and that were revised live since. */
async function newsOf(
  run: ImportRun,
  org: Organisation,
  groups: readonly RowGroup[],
): Promise<readonly RowGroup[]> {
  if (run.isFirst) return groups;
  const streams = new Set<string>();
  for (const { rows } of groups) {
    for (const row of rows) if (row.kind === 'goal') streams.add(address(row, org)?.stream ?? '');
  }
  const sayings = await goalSayings(run.engine.log, [...streams]);
  if (sayings.size === 0) return groups;
  const isNews = (row: DatasetRow): boolean => {
    if (row.kind !== 'goal') return true;
    const stream = address(row, org)?.stream ?? '';
    if (!isOldNews(sayings.get(aboutGoal(stream, row.indicatorId)), row.target)) return true;
    countRow(run, row, { kind: 'repeated' });
    return false;
  };
  return groups.map((group) => ({ ...group, rows: group.rows.filter(isNews) }));
}

async function decideGroup(run: ImportRun, org: Organisation, group: RowGroup): Promise<void> {
  const sales = new Map<string, OriginalCredit>();
  const rows = group.rows.filter((row) => isKnownPerson(run, org, row));
  if (isContested(group)) {
    for (const row of salesFirst(rows)) await decideSegment(run, org, [row], sales);
    return;
  }
  let segment: DatasetRow[] = [];
  for (const row of rows) {
    segment.push(row);
    // An appeal disputes what was recorded before it, and its decision is what later rows meet.
    if (row.kind !== 'appeal' && row.kind !== 'appeal-decision') continue;
    await decideSegment(run, org, segment, sales);
    segment = [];
  }
  await decideSegment(run, org, segment, sales);
}

/** One id twice, or several people: then only the order in time says which row holds the id. */
function isContested({ accountManagerIds, rows }: RowGroup): boolean {
  if (accountManagerIds.length > 1) return true;
  const seen = new Set<string>();
  for (const row of rows) {
    if (!isFact(row)) continue;
    const key = `${row.kind} ${recordOfFact(row).recordId}`;
    if (seen.has(key)) return true;
    seen.add(key);
  }
  return false;
}

/** A return is decided after its sale, also one at the same instant that stands before it. */
function salesFirst(rows: readonly DatasetRow[]): readonly DatasetRow[] {
  const rank = (row: DatasetRow): number => {
    if (!isFact(row)) return row.kind === 'complaint' ? 0 : 2;
    return isReturn(row) ? 1 : 0;
  };
  return [...rows].sort((a, b) => {
    if (a.at === null || b.at === null) return Number(a.at !== null) - Number(b.at !== null);
    return compareInstants(a.at, b.at) || rank(a) - rank(b);
  });
}

function isFact(row: DatasetRow): row is FactRow {
  return row.kind !== 'complaint' && row.kind !== 'appeal' && row.kind !== 'appeal-decision';
}

function isKnownPerson(run: ImportRun, org: Organisation, row: DatasetRow): boolean {
  const { accountManagerId } = row;
  if (employmentOf(org, accountManagerId)) return true;
  if (run.refusedLines.has(lineKey(row))) return false;
  const error = new DomainError('unknown-account-manager', { accountManagerId });
  refuse(run, row, error);
  const earlier = row.kind === 'goal' ? row.supersededLines : [];
  for (const line of earlier) refuse(run, { file: row.file, line }, error);
  return false;
}

function address(row: FactRow, org: Organisation): Addressed | null {
  const period = periodOfFact(row, org);
  if (period === null) return null;
  return { row, period, stream: assessmentStream(row.accountManagerId, period) };
}

/** Complaints are raised first and returns decided last: what they hang on is then decided. */
async function decideSegment(
  run: ImportRun,
  org: Organisation,
  rows: readonly DatasetRow[],
  sales: Map<string, OriginalCredit>,
): Promise<void> {
  for (const row of rows) if (row.kind === 'complaint') await raiseComplaint(run, org, row);
  const facts = rows.filter(isFact).filter((row) => !run.refusedLines.has(lineKey(row)));
  const returns = facts.filter(isReturn);
  await decideFacts(
    run,
    org,
    facts.filter((row) => !isReturn(row)),
    sales,
  );
  await lookUpSales(run, returns, sales);
  await decideFacts(run, org, returns, sales);
  for (const row of rows) {
    if (row.kind === 'appeal') await fileAppealRow(run, org, row);
    if (row.kind === 'appeal-decision') await decideAppealRow(run, org, row);
  }
}

function isReturn(row: FactRow): row is SalesCreditRow {
  return row.kind === 'sales-credit' && row.originalCreditId !== undefined;
}

async function decideFacts(
  run: ImportRun,
  org: Organisation,
  rows: readonly FactRow[],
  sales: Map<string, OriginalCredit>,
): Promise<void> {
  const byStream = new Map<string, Addressed[]>();
  for (const row of rows) {
    const addressed = address(row, org);
    if (!addressed) refuseWithoutPeriod(run, org, row);
    else {
      const known = byStream.get(addressed.stream);
      if (known) known.push(addressed);
      else byStream.set(addressed.stream, [addressed]);
    }
  }
  const sources: FactSources = {
    org,
    sealedAtOf: (period) => run.sealedAtByPeriod.get(period) ?? null,
    saleOf: (creditId) => sales.get(creditId) ?? null,
  };
  for (const [stream, addressed] of byStream) {
    const intents = addressed.map(({ row, period }) => toIntent(run, row, period, sources));
    const { handler } = run.engine;
    const outcomes = await handler.decideAll(assessmentStreamAggregate, stream, intents);
    for (const [index, where] of addressed.entries()) {
      const outcome = await asFirstTold(run, org, where, outcomes[index] as Outcome);
      countRow(run, where.row, outcome);
      noteSale(where, outcome, sales);
    }
  }
}

function toIntent(
  run: ImportRun,
  row: FactRow,
  period: string,
  sources: FactSources,
): Intent<AssessmentStreamCommand, void> {
  const { recordId, occurredAt, actorId } = recordOfFact(row);
  const names = { recordId, occurredAt: occurredAt ?? run.earliestOpenedAt };
  return {
    command: commandOfFact(row, period, sources),
    facts: () => undefined,
    envelope: rowEnvelope(run, row, { ...names, ...(actorId ? { actorId } : {}) }),
  };
}

/** Only what the log took: of two people's sales with one id the later is refused by the log. */
function noteSale(
  { row, period }: Addressed,
  outcome: Outcome,
  sales: Map<string, OriginalCredit>,
): void {
  if (row.kind !== 'sales-credit' || isReturn(row) || outcome.kind === 'refused') return;
  const { accountManagerId, productId, creditedAt, creditId } = row;
  sales.set(creditId, { accountManagerId, period, productId, creditedAt });
}

/** A complaint decided in a month without a cycle waits; anything else belongs to no period. */
function refuseWithoutPeriod(run: ImportRun, org: Organisation, row: FactRow): void {
  const { accountManagerId } = row;
  const waits =
    row.kind === 'complaint-decision' && !isOutsideAnyScheme(org, accountManagerId, row.decidedAt);
  if (waits) return;
  refuse(run, row, new DomainError('outside-cohort', { accountManagerId }));
}

/** Does the month have a cycle, and no scheme of the person's to read the instant by? */
function isOutsideAnyScheme(org: Organisation, accountManagerId: string, instant: string): boolean {
  const month = instant.slice(0, 7); // by the instant's own offset: there is no zone to ask
  return cycleOf(org, month) !== null && schemeFor(org, accountManagerId, month) === null;
}

async function raiseComplaint(run: ImportRun, org: Organisation, row: ComplaintRow): Promise<void> {
  const { complaintId, accountManagerId, customerId, category, raisedAt, upheld, decidedAt } = row;
  const decision = upheld !== null && decidedAt !== null ? { decision: { upheld, decidedAt } } : {};
  const [outcome] = await run.engine.handler.decideAll(
    complaintAggregate,
    complaintStream(complaintId),
    [
      {
        command: {
          type: 'conduct.RaiseComplaint',
          data: { complaintId, accountManagerId, customerId, category, raisedAt, ...decision },
        },
        facts: () => ({ decisionInCohort: decisionInCohort(org, row) }),
        envelope: rowEnvelope(run, row, { recordId: complaintId, occurredAt: raisedAt }),
      },
    ],
  );
  countFirst(run, row, outcome as Outcome);
}

/** Null: undecided, or the month of the decision has no cycle and the complaint waits. */
function decisionInCohort(org: Organisation, row: ComplaintRow): boolean | null {
  const { decidedAt, accountManagerId } = row;
  if (decidedAt === null) return null;
  const period = periodOfInstant(org, accountManagerId, decidedAt);
  if (period === null) return isOutsideAnyScheme(org, accountManagerId, decidedAt) ? false : null;
  return memberOf(org, accountManagerId, period) !== null;
}

/** Sales of other groups and earlier stretches are in the log. */
async function lookUpSales(
  run: ImportRun,
  returns: readonly SalesCreditRow[],
  sales: Map<string, OriginalCredit>,
): Promise<void> {
  for (const { originalCreditId } of returns) {
    if (originalCreditId === undefined || sales.has(originalCreditId)) continue;
    const sale = await findSale(run.engine.store, originalCreditId);
    if (sale) sales.set(originalCreditId, sale);
  }
}

const CLOSED_CODES = new Set(['collection-closed', 'batch-sealed']);

/**
 * An import repeated after its periods are frozen tells the same refusals as the first time: a row
 * in time whose id another record holds was refused for its id, before anything was frozen.
 */
async function asFirstTold(
  run: ImportRun,
  org: Organisation,
  { row, period }: Addressed,
  outcome: Outcome,
): Promise<Outcome> {
  if (outcome.kind !== 'refused' || !CLOSED_CODES.has(outcome.error.code)) return outcome;
  const isEarning = row.kind === 'sales-credit' || row.kind === 'award';
  const cutOff = isEarning ? run.sealedAtByPeriod.get(period) : cycleOf(org, period)?.closedAt;
  const kind = recordKindOf(row);
  if (kind === null || row.at === null || (cutOff && isAfter(row.at, cutOff))) return outcome;
  const { recordId } = recordOfFact(row);
  const event = await run.engine.store.eventById(firstRecordEventId(kind, recordId));
  if (!event) return outcome;
  return { kind: 'refused', error: new DomainError('record-id-reused', { recordId }) };
}

function countRow(run: ImportRun, row: FactRow, outcome: Outcome): void {
  if (row.kind === 'complaint-decision') {
    if (outcome.kind === 'refused') refuseLater(run, row, outcome.error);
    if (outcome.kind === 'accepted') acceptLater(run, row);
    return;
  }
  count(run, row, outcome);
  if (row.kind !== 'goal') return;
  for (const line of row.supersededLines) count(run, { file: row.file, line }, outcome);
}
