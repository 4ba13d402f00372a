import type { Engine } from '#commands';
import { type Scope, scopeHolds } from '#contexts/bonus-batches';
import type { Position } from '#event-store';
import { canonicalJson } from '#kernel';
import type { Sql } from '#projections';
import type { Organisation } from '#read-models/organisation';
import type { BatchLine } from '#rules';
import { personDues } from './dues.js';

/** corrections: what is due and in no sealed batch yet is shown as pending. */
export type PendingDifference = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly sumMinor: string;
  /** An appeal never takes money away: below 0 together, and no correction by the office. */
  readonly withheld: boolean;
  readonly lines: readonly {
    readonly of: string;
    readonly reference: string;
    readonly unitId: string;
    readonly dueMinor: string;
    readonly postedMinor: string;
    readonly differenceMinor: string;
    readonly causes: readonly string[];
  }[];
};

export type PendingFilter = {
  readonly accountManagerId?: string | undefined;
  readonly period?: string | undefined;
  readonly unitIds?: readonly string[] | undefined; // whose pools pay
};

type Row = {
  id: string;
  period: string;
  of_kind: string;
  reference: string;
  unit_id: string;
  due: string;
  posted: string;
  causes: string;
  by_office: boolean;
};

/** Differences by account manager and period, a page of `limit` after `after`. */
export async function pendingDifferences(
  sql: Sql,
  { accountManagerId, period, unitIds }: PendingFilter,
  page: { readonly after: readonly [string, string] | null; readonly limit: number },
): Promise<{ readonly items: readonly PendingDifference[]; readonly isLast: boolean }> {
  const rows = await sql.query<Row>(
    `select l.account_manager_id as id, l.period, l.of_kind, l.reference, l.unit_id,
       l.due_minor::text as due, l.posted_minor::text as posted, l.causes, l.by_office
     from (
       select distinct account_manager_id, period from settlement_line
       where due_minor <> posted_minor
         and ($1::text is null or account_manager_id = $1) and ($2::text is null or period = $2)
         and ($3::text[] is null or unit_id = any($3::text[]))
         and (account_manager_id, period) > ($4, $5)
       order by 1, 2 limit $6
     ) g
     join settlement_line l using (account_manager_id, period)
     where l.due_minor <> l.posted_minor
     order by l.account_manager_id, l.period, l.of_kind, l.reference`,
    [
      accountManagerId ?? null,
      period ?? null,
      unitIds ?? null,
      page.after?.[0] ?? '',
      page.after?.[1] ?? '',
      page.limit,
    ],
  );
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = canonicalJson([row.id, row.period]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const items = [...groups.values()].map(toDifference);
  return { items, isLast: items.length < page.limit };
}

function toDifference(rows: readonly Row[]): PendingDifference {
  const [first] = rows as [Row];
  const differenceOf = ({ due, posted }: Row): bigint => BigInt(due) - BigInt(posted);
  const sum = rows.reduce((total, row) => total + differenceOf(row), 0n);
  return {
    accountManagerId: first.id,
    period: first.period,
    sumMinor: sum.toString(),
    withheld: sum < 0n && !rows.some(({ by_office }) => by_office),
    lines: rows.map((row) => ({
      of: row.of_kind,
      reference: row.reference,
      unitId: row.unit_id,
      dueMinor: row.due,
      postedMinor: row.posted,
      differenceMinor: differenceOf(row).toString(),
      causes: JSON.parse(row.causes) as string[],
    })),
  };
}

export type UnsettledPeriod = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly sumMinor: string;
  readonly lines: readonly BatchLine[];
};

/** One person's published periods that no sealed batch holds yet, with what is due for them. */
export async function unsettledPeriods(
  engine: Engine,
  org: Organisation,
  accountManagerId: string,
  position: Position,
): Promise<readonly UnsettledPeriod[]> {
  const sealed = await engine.readModels.at(position, ['settlement'], (sql) =>
    sql.query<{ pay_period: string; unit_ids: string }>(
      'select pay_period, unit_ids from settlement_batch',
    ),
  );
  const dues = await personDues(engine.log, org, accountManagerId, position);
  return [...dues]
    .filter(([period, { unitPath }]) => !isSealed(sealed, period, unitPath))
    .map(([period, { lines }]) => ({
      accountManagerId,
      period,
      sumMinor: lines.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n).toString(),
      lines,
    }))
    .filter(({ lines }) => lines.length > 0);
}

/** Is the period sealed for who stands at the end of the path? */
export function isSealed(
  batches: readonly { readonly pay_period: string; readonly unit_ids: string }[],
  period: string,
  unitPath: readonly string[],
): boolean {
  return batches.some(({ pay_period, unit_ids }) => {
    if (pay_period !== period) return false;
    return unit_ids === '*' || scopeHolds(JSON.parse(unit_ids) as Scope, unitPath);
  });
}
