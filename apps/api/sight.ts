import { DomainError } from '#kernel';
import type { Caller } from '#platform';
import {
  accountManagers,
  cycleOf,
  employmentOf,
  type Organisation,
  unitsAtOrBelow,
} from '#read-models/organisation';
import { maySee, requireSight, unitsOf } from './authority.js';

/** What a list of people may show: everybody, or these alone. */
export type Whose = 'everybody' | readonly string[];

/** Of a board: all of it, or nothing before its cycle is published. */
export type BoardSight = 'all' | 'published';

const COMPANY = '*';

/**
 * Whose records a list shows to the caller; asked for one person, that one or an error. Errors:
 * DomainError `outside-authority`.
 */
export function whoseRecords(
  org: Organisation,
  caller: Caller,
  accountManagerId: string | undefined,
): Whose {
  if (accountManagerId !== undefined) {
    requireSight(org, caller, accountManagerId);
    return [accountManagerId];
  }
  // Nobody is called this: who sees that, sees everybody.
  if (maySee(org, caller, '')) return 'everybody';
  const seen = new Set<string>();
  if (caller.roles.includes('account-manager')) seen.add(caller.id);
  if (caller.roles.includes('manager')) {
    const units = unitsOf(org, caller.id);
    for (const id of accountManagers(org)) {
      if (units.has(employmentOf(org, id)?.unitId ?? '')) seen.add(id);
    }
  }
  return [...seen].sort();
}

/** Nothing has to be known of the organisation for them: a read of the log less for each query. */
export const seesEveryBoard = ({ roles }: Caller): boolean =>
  roles.some((role) => role === 'office' || role === 'auditor');

/**
 * How much of a unit's board the caller sees: office and auditor every one, managers those of their
 * units and below, account managers the published ones. Error: DomainError `outside-authority`.
 */
export function boardSight(org: Organisation, caller: Caller, unitId: string): BoardSight {
  const { id, roles } = caller;
  if (seesEveryBoard(caller)) return 'all';
  if (roles.includes('manager') && managesUnit(org, id, unitId)) return 'all';
  if (roles.includes('account-manager')) return 'published';
  throw new DomainError('outside-authority', { unitId });
}

/** The company's board is theirs in whose units everybody stands. */
function managesUnit(org: Organisation, managerId: string, unitId: string): boolean {
  const units = unitsOf(org, managerId);
  if (unitId !== COMPANY) return units.has(unitId);
  const all = unitsAtOrBelow(org, COMPANY);
  return all.size > 0 && [...all].every((unit) => units.has(unit));
}

/** Error: DomainError `outside-authority` while the period is not published. */
export function requireBoard(
  org: Organisation,
  sight: BoardSight,
  { period, unitId }: { readonly period: string; readonly unitId: string },
): void {
  if (sight === 'all' || cycleOf(org, period)?.publishedAt) return;
  throw new DomainError('outside-authority', { period, unitId }, 'the board is not published');
}
