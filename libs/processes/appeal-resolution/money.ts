import type { Sql } from '#projections';
import type { PeriodDues } from '#processes/settlement';
import type { Decision } from './resolve.js';

/** What a decision changes of one line of pay, in minor units. */
type LineEffect = {
  readonly period: string;
  readonly kind: string;
  readonly reference: string;
  readonly dueBeforeMinor: string;
  readonly dueAfterMinor: string;
  /** Posted so far by sealed batches; null: the period's batch is not sealed and takes the line. */
  readonly postedMinor: string | null;
  /** What the next batch sealed would post, unless it is withheld; null as above. */
  readonly pendingMinor: string | null;
};

export type MoneyEffect = {
  readonly lines: readonly LineEffect[]; // that change
  /** An appeal never takes money away: differences of a period below 0 together are not posted. */
  readonly withheld: readonly { readonly period: string; readonly sumMinor: string }[];
};

type Dues = ReadonlyMap<string, PeriodDues>;

type PostedRow = {
  period: string;
  of_kind: string;
  reference: string;
  posted: string;
  by_office: boolean;
};

export async function moneyEffect(
  sql: Sql,
  { accountManagerId, citing }: Pick<Decision, 'accountManagerId' | 'citing'>,
  before: Dues,
  after: Dues,
): Promise<MoneyEffect> {
  const rows = await sql.query<PostedRow>(
    `select period, of_kind, reference, posted_minor::text as posted, by_office
     from settlement_line where account_manager_id = $1`,
    [accountManagerId],
  );
  const sealed = await sealedPeriods(sql, before);
  const lines = allLines(before, after, rows, sealed);
  const officePeriods = new Set(rows.filter((row) => row.by_office).map(({ period }) => period));
  return {
    lines: lines.filter((line) => line.dueBeforeMinor !== line.dueAfterMinor),
    withheld: citing.kind === 'office' ? [] : withheldOf(lines, officePeriods),
  };
}

/** Periods of which a batch that holds the person is sealed. */
async function sealedPeriods(sql: Sql, dues: Dues): Promise<ReadonlySet<string>> {
  const batches = await sql.query<{ period: string; unit_ids: string }>(
    'select pay_period as period, unit_ids from settlement_batch',
  );
  const sealed = new Set<string>();
  for (const { period, unit_ids } of batches) {
    const path = dues.get(period)?.unitPath ?? [];
    const unitIds = unit_ids === '*' ? null : (JSON.parse(unit_ids) as string[]);
    if (unitIds === null || unitIds.some((unitId) => path.includes(unitId))) sealed.add(period);
  }
  return sealed;
}

function allLines(
  before: Dues,
  after: Dues,
  rows: readonly PostedRow[],
  sealed: ReadonlySet<string>,
): readonly LineEffect[] {
  type Found = { period: string; kind: string; reference: string; was: string; is: string };
  const found = new Map<string, Found>();
  const at = (period: string, kind: string, reference: string): Found => {
    const key = JSON.stringify([period, kind, reference]);
    const known = found.get(key) ?? { period, kind, reference, was: '0', is: '0' };
    found.set(key, known);
    return known;
  };
  for (const [period, { lines }] of before) {
    for (const { of, reference, amountMinor } of lines) at(period, of, reference).was = amountMinor;
  }
  for (const [period, { lines }] of after) {
    for (const { of, reference, amountMinor } of lines) at(period, of, reference).is = amountMinor;
  }
  const posted = new Map<Found, string>();
  for (const row of rows) posted.set(at(row.period, row.of_kind, row.reference), row.posted);
  return [...found.values()].map((line) => {
    const { period, kind, reference, was, is } = line;
    const postedMinor = sealed.has(period) ? (posted.get(line) ?? '0') : null;
    const pendingMinor = postedMinor === null ? null : String(BigInt(is) - BigInt(postedMinor));
    const due = { dueBeforeMinor: was, dueAfterMinor: is };
    return { period, kind, reference, ...due, postedMinor, pendingMinor };
  });
}

function withheldOf(
  lines: readonly LineEffect[],
  officePeriods: ReadonlySet<string>,
): MoneyEffect['withheld'] {
  const sums = new Map<string, bigint>();
  for (const { period, pendingMinor } of lines) {
    if (pendingMinor === null || officePeriods.has(period)) continue;
    sums.set(period, (sums.get(period) ?? 0n) + BigInt(pendingMinor));
  }
  return [...sums]
    .filter(([, sum]) => sum < 0n)
    .map(([period, sum]) => ({ period, sumMinor: String(sum) }));
}
