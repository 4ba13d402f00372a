import { DomainError } from '#kernel';
import type { AccessRecord, Caller, Role } from '#platform';
import {
  accountManagers,
  employmentOf,
  type Organisation,
  unitsAtOrBelow,
} from '#read-models/organisation';

/** Roles that may see every person: the assessment itself is their work. */
const SEES_EVERYBODY: ReadonlySet<Role> = new Set(['office', 'auditor', 'reviewer', 'approver']);

/**
 * Who may see what is recorded and decided about a person, from the roles that the route admits
 * and from the organisation's history: account managers see themselves, managers their units and
 * those below. No other role sees a person by name.
 */
export function maySee(org: Organisation, caller: Caller, accountManagerId: string): boolean {
  const { id, roles } = caller;
  if (roles.some((role) => SEES_EVERYBODY.has(role))) return true;
  if (roles.includes('account-manager') && id === accountManagerId) return true;
  if (!roles.includes('manager')) return false;
  const unitId = employmentOf(org, accountManagerId)?.unitId;
  return unitId !== undefined && unitsOf(org, id).has(unitId);
}

/**
 * A refusal is recorded by the problem filter, with the account manager that the error names.
 * Error: DomainError `outside-authority`.
 */
export function requireSight(org: Organisation, caller: Caller, accountManagerId: string): void {
  if (maySee(org, caller, accountManagerId)) return;
  throw new DomainError('outside-authority', { accountManagerId });
}

/**
 * Notes for the auditor that the caller was shown somebody else's score, statement, trace or
 * evaluations (`what`). `null`: a list of several people. Own reads are not noted.
 */
export function seen(
  { access }: { readonly access: AccessRecord },
  caller: Caller,
  accountManagerId: string | null,
  what: string,
): void {
  access.readOf(caller, accountManagerId, what);
}

/** A manager's units take a look at everybody: kept while the organisation does not move. */
const unitsByManager = new WeakMap<
  Organisation,
  { readonly position: string; readonly byId: Map<string, ReadonlySet<string>> }
>();

/**
 * A manager's units: those in which somebody names him as supervisor, and all below them. History
 * says so, never the token.
 */
export function unitsOf(org: Organisation, callerId: string): ReadonlySet<string> {
  let kept = unitsByManager.get(org);
  if (kept?.position !== org.position) {
    kept = { position: org.position, byId: new Map() };
    unitsByManager.set(org, kept);
  }
  const known = kept.byId.get(callerId);
  if (known) return known;
  const units = managedUnits(org, callerId);
  kept.byId.set(callerId, units);
  return units;
}

function managedUnits(org: Organisation, callerId: string): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const accountManagerId of accountManagers(org)) {
    const employment = employmentOf(org, accountManagerId);
    if (employment?.supervisorId !== callerId || employment.leftOn !== null) continue;
    if (seen.has(employment.unitId)) continue;
    for (const unitId of unitsAtOrBelow(org, employment.unitId)) seen.add(unitId);
  }
  return seen;
}
