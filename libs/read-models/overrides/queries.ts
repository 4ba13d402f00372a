import type { Sql } from '#projections';
import type { OverrideKind } from './projection.js';

/** One override, without its reason: that is sealed in the log under `reasonEventId`. */
export type OverrideEntry = {
  readonly entryId: string;
  readonly atKey: string;
  readonly period: string;
  readonly kind: OverrideKind;
  readonly accountManagerId: string | null;
  readonly recordId: string | null;
  readonly who: string;
  readonly approvedBy: string | null;
  readonly at: string;
  readonly eventId: string;
  readonly reasonEventId: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
};

export type OverrideFilter = {
  readonly period: string;
  readonly kind?: OverrideKind;
  readonly accountManagerId?: string;
};

export type OverridePage = {
  readonly after: { readonly atKey: string; readonly entryId: string } | null;
  readonly limit: number;
};

/**
 * Overrides of a period in the order of their times. An incomplete person is one when somebody
 * acknowledged that before publishing; the time and the event are those of the acknowledgement.
 */
export async function overridePage(
  sql: Sql,
  { period, kind, accountManagerId }: OverrideFilter,
  { after, limit }: OverridePage,
): Promise<readonly OverrideEntry[]> {
  const rows = await sql.query<Omit<OverrideEntry, 'detail'> & { readonly detail: string }>(
    `select * from (
       select entry_id as "entryId", at_key as "atKey", period, kind,
         account_manager_id as "accountManagerId", record_id as "recordId", actor_id as who,
         approver_id as "approvedBy", at, entry_id as "eventId",
         reason_event_id as "reasonEventId", detail
       from override_entry where period = $1 and is_effective
       union all
       select e.entry_id, c.started_key, e.period, e.kind, e.account_manager_id, null,
         c.acknowledged_by, null, c.started_at, c.started_event_id, c.started_event_id, e.detail
       from override_entry e join override_cycle c on c.period = e.period
       where e.period = $1 and not e.is_effective and e.kind = 'incomplete-acknowledged'
         and c.acknowledged_by is not null and c.is_published
     ) o
     where ($2::text is null or kind = $2)
       and ($3::text is null or "accountManagerId" = $3)
       and ("atKey", "entryId") > ($4, $5)
     order by "atKey", "entryId" limit $6`,
    [
      period,
      kind ?? null,
      accountManagerId ?? null,
      after?.atKey ?? '',
      after?.entryId ?? '',
      limit,
    ],
  );
  return rows.map((row) => ({
    ...row,
    detail: JSON.parse(row.detail) as Readonly<Record<string, unknown>>,
  }));
}
