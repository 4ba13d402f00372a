import type { Scope } from './events.js';

/** The unit and its ancestors, by unit, in the tree that the pay period froze. */
export type UnitPaths = { readonly get: (unitId: string) => readonly string[] | undefined };

/** Does a scope hold who stands at the end of this path: the own unit and its ancestors? */
export function scopeHolds(unitIds: Scope, unitPath: readonly string[]): boolean {
  return unitIds === '*' || unitPath.some((unitId) => unitIds.includes(unitId));
}

/**
 * bonus: scopes do not overlap within a pay period. Two overlap where a unit of one is, or stands
 * above, a unit of the other: then somebody could be in both. Paths and not people decide: nobody
 * may stand there yet.
 */
export function scopesOverlap(a: Scope, b: Scope, unitPaths: UnitPaths): boolean {
  if (a === '*' || b === '*') return true;
  const pathOf = (unitId: string): readonly string[] => unitPaths.get(unitId) ?? [unitId];
  return (
    a.some((unitId) => scopeHolds(b, pathOf(unitId))) ||
    b.some((unitId) => scopeHolds(a, pathOf(unitId)))
  );
}
