import { compareCodePoints } from '#kernel';
import type { Scheme } from './scheme.js';

type Place = { readonly position: string; readonly unitPath: readonly string[] };

/** Why a version does not apply to somebody, or what another one has before it. */
export type SchemeVerdict =
  | 'in-force'
  | 'not-yet-effective'
  | 'no-longer-effective'
  | 'position-not-in-scope'
  | 'unit-not-in-scope'
  | 'nearer-unit-precedes'
  | 'later-effective-from-precedes'
  | 'higher-version-precedes'
  | 'scheme-id-precedes';

export type ConsideredScheme = {
  readonly scheme: Scheme;
  readonly verdict: SchemeVerdict;
  /** Steps from the own unit up to the nearest in scope; null: every unit, or none in scope. */
  readonly unitDistance: number | null;
};

/**
 * scoring: of the versions in effect whose scope holds the person, the one scoped to the nearest
 * unit (`*` is farthest), then the later `effectiveFrom`, then the higher version. Two schemes
 * equal in all of these are told apart by id, so that every machine takes the same.
 */
export function schemeInForce(
  schemes: readonly Scheme[],
  person: Place,
  period: string,
): Scheme | null {
  return bestOf(schemes, person, period)?.scheme ?? null;
}

/** Every version with its verdict: the one in force first, then in the order given. */
export function considerSchemes(
  schemes: readonly Scheme[],
  person: Place,
  period: string,
): readonly ConsideredScheme[] {
  const best = bestOf(schemes, person, period);
  const considered = schemes.map((scheme): ConsideredScheme => {
    const distance = distanceOf(scheme, person.unitPath);
    const unitDistance = distance === Number.POSITIVE_INFINITY ? null : distance;
    const verdict = refusalOf(scheme, person, period) ?? verdictBeside(scheme, distance, best);
    return { scheme, verdict, unitDistance };
  });
  const isInForce = ({ verdict }: ConsideredScheme) => verdict === 'in-force';
  return [...considered.filter(isInForce), ...considered.filter((one) => !isInForce(one))];
}

type Best = { readonly scheme: Scheme; readonly distance: number };

function bestOf(schemes: readonly Scheme[], person: Place, period: string): Best | null {
  let best: Best | null = null;
  for (const scheme of schemes) {
    if (refusalOf(scheme, person, period) !== null) continue;
    const distance = distanceOf(scheme, person.unitPath);
    if (distance === null) continue;
    if (best === null || precedes(scheme, distance, best)) best = { scheme, distance };
  }
  return best;
}

function refusalOf(scheme: Scheme, person: Place, period: string): SchemeVerdict | null {
  if (scheme.effectiveFrom > period) return 'not-yet-effective';
  if (scheme.effectiveTo !== undefined && scheme.effectiveTo < period) {
    return 'no-longer-effective';
  }
  if (!scheme.scope.positions.includes(person.position)) return 'position-not-in-scope';
  return distanceOf(scheme, person.unitPath) === null ? 'unit-not-in-scope' : null;
}

function verdictBeside(scheme: Scheme, distance: number | null, best: Best | null): SchemeVerdict {
  if (best === null || best.scheme === scheme) return 'in-force';
  if (distance !== best.distance) return 'nearer-unit-precedes';
  if (scheme.effectiveFrom !== best.scheme.effectiveFrom) return 'later-effective-from-precedes';
  return scheme.version === best.scheme.version ? 'scheme-id-precedes' : 'higher-version-precedes';
}

/** Steps from the person's own unit to the nearest one in scope; null: none. */
function distanceOf({ scope }: Scheme, unitPath: readonly string[]): number | null {
  if (scope.units === '*') return Number.POSITIVE_INFINITY;
  const { units } = scope;
  const distance = unitPath.findIndex((unitId) => units.includes(unitId));
  return distance < 0 ? null : distance;
}

function precedes(scheme: Scheme, distance: number, best: Best): boolean {
  if (distance !== best.distance) return distance < best.distance;
  if (scheme.effectiveFrom !== best.scheme.effectiveFrom) {
    return scheme.effectiveFrom > best.scheme.effectiveFrom;
  }
  if (scheme.version !== best.scheme.version) return scheme.version > best.scheme.version;
  return compareCodePoints(scheme.schemeId, best.scheme.schemeId) < 0;
}
