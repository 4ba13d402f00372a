import { type Scope, scopeHolds } from '#contexts/bonus-batches';
import { compareCodePoints, DomainError } from '#kernel';
import type { Sql } from '#projections';
import {
  cohort,
  employmentOf,
  memberOf,
  type Organisation,
  unitPathOf,
  units,
} from '#read-models/organisation';

/** What a batch is for: a pay period, and whom. */
export type Extent = { readonly period: string; readonly unitIds: Scope };

/** Where the pay period sees a person: the frozen unit of its cohort, else the last unit known. */
export function pathOfPerson(
  org: Organisation,
  period: string,
  accountManagerId: string,
): readonly string[] {
  const member = memberOf(org, accountManagerId, period);
  if (member) return member.unitPath;
  const unitId = employmentOf(org, accountManagerId)?.unitId;
  return unitId === undefined ? [] : unitPathOf(org, period, unitId);
}

export function extentHolds(
  org: Organisation,
  { period, unitIds }: Extent,
  accountManagerId: string,
): boolean {
  return unitIds === '*' || scopeHolds(unitIds, pathOfPerson(org, period, accountManagerId));
}

/**
 * The pay period's cohort, and who has only returns in it or is named for one that may be on its
 * way; by code point, then the latter.
 */
export async function peopleOf(
  sql: Sql,
  org: Organisation,
  extent: Extent,
  named: readonly string[],
): Promise<readonly string[]> {
  const members = cohort(org, extent.period);
  const returners = await returnersOutside(sql, org, extent);
  const outside = named.filter((id) => memberOf(org, id, extent.period) === null);
  const everybody = [...members, ...new Set([...returners, ...outside.sort(compareCodePoints)])];
  return everybody.filter((id) => extentHolds(org, extent, id));
}

/** People with a return in the period who are not in its cohort: their seller may have left. */
export async function returnersOutside(
  sql: Sql,
  org: Organisation,
  extent: Extent,
): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `select distinct account_manager_id as id from settlement_return where period = $1 order by 1`,
    [extent.period],
  );
  return rows
    .map(({ id }) => id)
    .filter((id) => memberOf(org, id, extent.period) === null && extentHolds(org, extent, id));
}

/** Paths of all units as the pay period sees them. */
export function unitPathsOf(
  org: Organisation,
  period: string,
): ReadonlyMap<string, readonly string[]> {
  return new Map(units(org).map(({ unitId }) => [unitId, unitPathOf(org, period, unitId)]));
}

export function refuseUnknownUnits(org: Organisation, unitIds: Scope): void {
  if (unitIds === '*') return;
  const unitId = unitIds.find((each) => !org.units.has(each));
  if (unitId !== undefined) throw new DomainError('unknown-unit', { unitId });
}
