import { compareCodePoints } from '#kernel';
import type { CeilingOutcomes, GradeCount } from '#read-models/scores';
import { placesOf, type Scheme } from '#rules';

/** One ceiling in one scope, with the figures that decide whom it lets keep the grade. */
export type CeilingFigures = {
  readonly grade: string;
  readonly scope: 'company' | 'unit';
  readonly unitId: string | null; // null: the company
  readonly inForce: boolean; // N is at least the minimum
  readonly cohortCount: number; // N: people of the scheme version with a score
  readonly sharePercent: string;
  readonly placeCount: number;
  /** Who has the grade: before publication by score and veto, after it who kept it. */
  readonly holderCount: number;
  readonly overBy: number; // holders without a place; equals of the last one keep the grade
  readonly freePlaces: number;
};

export type SchemeDistribution = {
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly provisional: boolean;
  readonly grades: readonly { readonly grade: string; readonly count: number }[]; // best first
  readonly withoutScore: Readonly<Record<string, number>>; // by status
  readonly units: readonly {
    readonly unitId: string;
    readonly grades: readonly { readonly grade: string; readonly count: number }[];
  }[];
  readonly ceilings: readonly CeilingFigures[];
};

type Counts = readonly GradeCount[];

/** The grades of one scheme version's people; ceilings that act on them are added by the caller. */
export function distributionOf(
  scheme: Scheme,
  counts: Counts,
  provisional: boolean,
  ceilings: readonly CeilingFigures[],
): SchemeDistribution {
  const units = [...new Set(counts.map(({ unitId }) => unitId))].sort(compareCodePoints);
  const withoutScore: Record<string, number> = {};
  for (const { grade, status, count } of counts) {
    if (grade === null) withoutScore[status] = (withoutScore[status] ?? 0) + count;
  }
  return {
    schemeId: scheme.schemeId,
    schemeVersion: scheme.version,
    provisional,
    grades: byGrade(scheme, counts),
    withoutScore,
    units: units.map((unitId) => ({
      unitId,
      grades: byGrade(
        scheme,
        counts.filter((count) => count.unitId === unitId),
      ),
    })),
    ceilings,
  };
}

const byGrade = (scheme: Scheme, counts: Counts) =>
  scheme.grades.map(({ id }) => ({
    grade: id,
    count: sum(counts.filter(({ grade }) => grade === id)),
  }));

const sum = (counts: Counts): number => counts.reduce((total, { count }) => total + count, 0);

/**
 * What the ceilings would do now, in the scheme's order: who finds no place gets the next grade and
 * may meet the next ceiling there. Equals of the last holder are counted as if they found none.
 */
export function expectedCeilings(scheme: Scheme, counts: Counts): CeilingFigures[] {
  const cells = cellsOf(scheme, counts);
  const units = [...new Set(cells.map(({ unitId }) => unitId))].sort(compareCodePoints);
  return scheme.ceilings.flatMap((ceiling) => {
    const { grade, scope, sharePercent, minimumCohort = 10 } = ceiling;
    return (scope === 'company' ? [null] : units).map((unitId) => {
      const inScope = cells.filter((cell) => unitId === null || cell.unitId === unitId);
      const cohortCount = inScope.reduce((total, { count }) => total + count, 0);
      const inForce = cohortCount >= minimumCohort;
      const placeCount = placesOf(cohortCount, sharePercent);
      const holders = inScope.filter((cell) => cell.grade === grade);
      const holderCount = holders.reduce((total, { count }) => total + count, 0);
      const overBy = inForce ? Math.max(0, holderCount - placeCount) : 0;
      moveDown(inScope, grade, scheme.grades, overBy);
      const freePlaces = Math.max(0, placeCount - holderCount);
      const figures = { inForce, cohortCount, sharePercent, placeCount, holderCount };
      return { grade, scope, unitId, ...figures, overBy, freePlaces };
    });
  });
}

type Cell = { readonly unitId: string; readonly grade: string; count: number };

/** Every unit with every grade, also where nobody has it yet. */
function cellsOf(scheme: Scheme, counts: Counts): Cell[] {
  const units = [...new Set(counts.map(({ unitId }) => unitId))];
  return units.flatMap((unitId) =>
    scheme.grades.map(({ id: grade }) => ({
      unitId,
      grade,
      count: sum(counts.filter((one) => one.unitId === unitId && one.grade === grade)),
    })),
  );
}

/** Which unit loses how many only the ranking knows: a later ceiling of units counts roughly. */
function moveDown(
  cells: readonly Cell[],
  grade: string,
  grades: Scheme['grades'],
  overBy: number,
): void {
  const next = grades[grades.findIndex(({ id }) => id === grade) + 1]?.id;
  let left = overBy;
  for (const from of cells.filter((cell) => cell.grade === grade)) {
    const to = cells.find((cell) => cell.grade === next && cell.unitId === from.unitId);
    if (!to) continue;
    const taken = Math.min(left, from.count);
    from.count -= taken;
    to.count += taken;
    left -= taken;
  }
}

/** What they did at publication. */
export function publishedCeilings(
  scheme: Scheme,
  outcomes: readonly CeilingOutcomes[],
): CeilingFigures[] {
  return scheme.ceilings.flatMap((ceiling, index) => {
    const { grade, scope, sharePercent } = ceiling;
    const scopes = scope === 'company' ? outcomes.slice(0, 1) : outcomes;
    return scopes.flatMap(({ unitId, ceilings }) => {
      const outcome = ceilings[index];
      if (!outcome) return [];
      const { inForce, cohortCount, placeCount, holderCount } = outcome;
      const figures = { inForce, cohortCount, sharePercent, placeCount, holderCount };
      return {
        grade,
        scope,
        unitId: scope === 'company' ? null : unitId,
        ...figures,
        overBy: inForce ? Math.max(0, holderCount - placeCount) : 0,
        freePlaces: Math.max(0, placeCount - holderCount),
      };
    });
  });
}
