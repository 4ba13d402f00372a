import type { WithheldDifference } from '#contexts/bonus-batches';
import type { Sql } from '#projections';
import type { Organisation } from '#read-models/organisation';
import type { BatchLine } from '#rules';
import { type Extent, extentHolds } from './people.js';

type DifferenceRow = {
  id: string;
  period: string;
  of_kind: BatchLine['of'];
  reference: string;
  unit_id: string;
  difference: string;
  causes: string;
  by_office: boolean;
};

export type OpenDifferences = {
  readonly lines: readonly BatchLine[];
  readonly withheld: readonly WithheldDifference[];
};

/**
 * corrections: per line the difference between what is due and what was posted. An appeal never
 * takes money away: differences of a person's period that sum to less than 0 stay open and are
 * reported, unless a correction by the office is among what made them. A difference goes into the
 * next batch sealed whose extent holds the person.
 */
export async function openDifferences(
  sql: Sql,
  org: Organisation,
  extent: Extent,
): Promise<OpenDifferences> {
  const open = await sql.query<DifferenceRow>(
    `select account_manager_id as id, period, of_kind, reference, unit_id,
       (due_minor - posted_minor)::text as difference, causes, by_office
     from settlement_line where due_minor <> posted_minor
     order by account_manager_id, period, of_kind, reference`,
  );
  const rows = open.filter(({ id }) => extentHolds(org, extent, id));
  const lines: BatchLine[] = [];
  const withheld: WithheldDifference[] = [];
  for (const group of groupsOf(rows)) {
    const first = group[0] as DifferenceRow;
    const sum = group.reduce((total, { difference }) => total + BigInt(difference), 0n);
    if (sum < 0n && !group.some(({ by_office }) => by_office)) {
      const { id, period } = first;
      withheld.push({ accountManagerId: id, period, sumMinor: sum.toString() });
    } else {
      lines.push(...group.map(toCorrection));
    }
  }
  return { lines, withheld };
}

function groupsOf(rows: readonly DifferenceRow[]): DifferenceRow[][] {
  const groups: DifferenceRow[][] = [];
  for (const row of rows) {
    const last = groups.at(-1);
    const first = last?.[0];
    if (last && first?.id === row.id && first.period === row.period) last.push(row);
    else groups.push([row]);
  }
  return groups;
}

function toCorrection(row: DifferenceRow): BatchLine {
  return {
    accountManagerId: row.id,
    period: row.period,
    kind: 'correction',
    of: row.of_kind,
    reference: row.reference,
    amountMinor: row.difference,
    cause: (JSON.parse(row.causes) as string[]).join(';'),
    unitId: row.unit_id,
  };
}
