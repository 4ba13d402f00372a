import { instantSortKey } from '#kernel';
import type { Sql } from '#projections';

export const OPEN_STATES = ['filed', 'accepted', 'in-review'] as const;
export const APPEAL_STATES = [
  ...OPEN_STATES,
  'decided',
  'reviewed',
  'inadmissible',
  'withdrawn',
] as const;
export type CaseState = (typeof APPEAL_STATES)[number];

export type AppealCase = {
  readonly appealId: string;
  readonly accountManagerId: string;
  readonly period: string;
  readonly unitId: string;
  readonly status: CaseState;
  readonly filedAt: string;
  readonly step: 'accept' | 'decide' | null;
  readonly dueOn: string | null;
  readonly escalatedAt: string | null;
  readonly reviewerId: string | null;
  readonly outcome: string | null;
  readonly decidedAt: string | null;
  readonly reviewDueOn: string | null;
};

/** Null: whatever it is. */
export type CaseFilter = {
  readonly states: readonly string[];
  readonly period: string | null;
  readonly unitId: string | null; // it and those below it then
  readonly reviewerId: string | null;
  readonly accountManagerId: string | null;
};

const CASE_COLUMNS = `appeal_id as "appealId", account_manager_id as "accountManagerId", period,
  unit_id as "unitId", status, filed_at as "filedAt", step, due_on as "dueOn",
  escalated_at as "escalatedAt", reviewer_id as "reviewerId", outcome, decided_at as "decidedAt",
  review_due_on as "reviewDueOn"`;

const jsonText = (value: string | null): string | null =>
  value === null ? null : JSON.stringify(value);

/** By the next due day, those with none last; by the index `appeal_case_sort`. */
export async function casePage(
  sql: Sql,
  filter: CaseFilter,
  page: {
    readonly after: { readonly sortOn: string; readonly appealId: string } | null;
    readonly limit: number;
  },
): Promise<readonly AppealCase[]> {
  return sql.query(
    `select ${CASE_COLUMNS} from appeal_case
     where (sort_on, appeal_id) > ($1, $2) and status = any($3::text[])
       and ($4::text is null or period = $4)
       and ($5::text is null or strpos(unit_path, $5) > 0)
       and ($6::text is null or reviewer_id = $6)
       and ($7::text is null or account_manager_id = $7)
     order by sort_on, appeal_id limit $8`,
    [
      page.after?.sortOn ?? '',
      page.after?.appealId ?? '',
      filter.states,
      filter.period,
      jsonText(filter.unitId),
      filter.reviewerId,
      filter.accountManagerId,
      page.limit,
    ],
  );
}

export type CaseCount = {
  readonly period: string;
  readonly status: CaseState;
  readonly count: number;
  readonly overdueCount: number;
};

/** How many appeals of the units are where, for who may not see whose they are. */
export async function caseCounts(
  sql: Sql,
  unitIds: readonly string[],
  period: string | null,
  now: string,
): Promise<readonly CaseCount[]> {
  return sql.query<CaseCount>(
    `select period, status, count(*)::integer as count,
       (count(*) filter (where due_key <= $3))::integer as "overdueCount"
     from appeal_case
     where unit_id = any($1::text[]) and ($2::text is null or period = $2)
     group by period, status order by period, status`,
    [unitIds, period, instantSortKey(now)],
  );
}

/** A step that was not done by the end of its day. */
export type OverdueStep = {
  readonly appealId: string;
  readonly accountManagerId: string;
  readonly period: string;
  readonly unitId: string;
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly reviewerId: string | null;
  readonly step: 'accept' | 'decide';
  readonly dueOn: string;
  readonly escalatedAt: string | null; // null: just now due, its escalation is under way
  readonly doneAt: string | null;
};

export type OverdueFilter = {
  readonly now: string;
  readonly done: boolean; // also those that were done since
  readonly step: string | null;
  readonly period: string | null;
  readonly unitId: string | null;
};
export type OverdueCursor = {
  readonly dueOn: string;
  readonly appealId: string;
  readonly step: string;
};

const OVERDUE = `
  select c.appeal_id, e.step, e.due_on, e.escalated_at, e.done_at
  from appeal_escalation e join appeal_case c on c.appeal_id = e.appeal_id
  where $2 or e.done_at is null
  union all
  select appeal_id, step, due_on, null, null from appeal_case
  where due_key <= $1 and escalated_at is null`;

/** Longest overdue first. */
export async function overdueSteps(
  sql: Sql,
  filter: OverdueFilter,
  page: { readonly after: OverdueCursor | null; readonly limit: number },
): Promise<readonly OverdueStep[]> {
  return sql.query<OverdueStep>(
    `select o.appeal_id as "appealId", c.account_manager_id as "accountManagerId", c.period,
       c.unit_id as "unitId", c.scheme_id as "schemeId", c.scheme_version as "schemeVersion",
       c.reviewer_id as "reviewerId", o.step, o.due_on as "dueOn",
       o.escalated_at as "escalatedAt", o.done_at as "doneAt"
     from (${OVERDUE}) o join appeal_case c on c.appeal_id = o.appeal_id
     where (o.due_on, o.appeal_id, o.step) > ($3, $4, $5)
       and ($6::text is null or o.step = $6) and ($7::text is null or c.period = $7)
       and ($8::text is null or strpos(c.unit_path, $8) > 0)
     order by o.due_on, o.appeal_id, o.step limit $9`,
    [
      instantSortKey(filter.now),
      filter.done,
      page.after?.dueOn ?? '',
      page.after?.appealId ?? '',
      page.after?.step ?? '',
      filter.step,
      filter.period,
      jsonText(filter.unitId),
      page.limit,
    ],
  );
}

export type OfficeCorrection = {
  readonly correctionId: string;
  readonly accountManagerId: string;
  readonly period: string;
  readonly status: 'proposed' | 'approved';
  readonly proposedBy: string;
  readonly proposedAt: string;
  readonly approvedBy: string | null;
  readonly approvedAt: string | null;
  readonly onBehalfOf: string | null;
};

export async function correctionPage(
  sql: Sql,
  filter: {
    readonly status: string | null;
    readonly period: string | null;
    readonly accountManagerId: string | null;
  },
  page: { readonly after: string; readonly limit: number },
): Promise<readonly OfficeCorrection[]> {
  return sql.query<OfficeCorrection>(
    `select correction_id as "correctionId", account_manager_id as "accountManagerId", period,
       status, proposed_by as "proposedBy", proposed_at as "proposedAt",
       approved_by as "approvedBy", approved_at as "approvedAt", on_behalf_of as "onBehalfOf"
     from office_correction
     where correction_id > $1 and ($2::text is null or status = $2)
       and ($3::text is null or period = $3)
       and ($4::text is null or account_manager_id = $4)
     order by correction_id limit $5`,
    [page.after, filter.status, filter.period, filter.accountManagerId, page.limit],
  );
}
