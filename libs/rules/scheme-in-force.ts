import { compareCodePoints } from '#kernel';
import type { Scheme } from './scheme.js';

/**
 * scoring: of the versions in effect whose scope holds the person, the one scoped to the nearest
 * unit (`*` is farthest), then the later `effectiveFrom`, then the higher version. Two schemes
 * equal in all of these are told apart by id, so that every machine takes the same.
 */
export function schemeInForce(
  schemes: readonly Scheme[],
  person: { readonly position: string; readonly unitPath: readonly string[] },
  period: string,
): Scheme | null {
  let best: { readonly scheme: Scheme; readonly distance: number } | null = null;
  for (const scheme of schemes) {
    if (scheme.effectiveFrom > period) continue;
    if (scheme.effectiveTo !== undefined && scheme.effectiveTo < period) continue;
    if (!scheme.scope.positions.includes(person.position)) continue;
    const distance = distanceOf(scheme, person.unitPath);
    if (distance === null) continue;
    if (best === null || precedes(scheme, distance, best)) best = { scheme, distance };
  }
  return best?.scheme ?? null;
}

/** Steps from the person's own unit to the nearest one in scope; null: none. */
function distanceOf({ scope }: Scheme, unitPath: readonly string[]): number | null {
  if (scope.units === '*') return Number.POSITIVE_INFINITY;
  const { units } = scope;
  const distance = unitPath.findIndex((unitId) => units.includes(unitId));
  return distance < 0 ? null : distance;
}

function precedes(
  scheme: Scheme,
  distance: number,
  best: { readonly scheme: Scheme; readonly distance: number },
): boolean {
  if (distance !== best.distance) return distance < best.distance;
  if (scheme.effectiveFrom !== best.scheme.effectiveFrom) {
    return scheme.effectiveFrom > best.scheme.effectiveFrom;
  }
  if (scheme.version !== best.scheme.version) return scheme.version > best.scheme.version;
  return compareCodePoints(scheme.schemeId, best.scheme.schemeId) < 0;
}
