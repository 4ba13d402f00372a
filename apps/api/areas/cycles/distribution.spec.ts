import { schemeOf } from '../../../../libs/rules/testing.js';
import { distributionOf, expectedCeilings, publishedCeilings } from './distribution.js';

const count = (unitId: string, grade: string | null, people: number) => ({
  schemeId: 'field-service',
  schemeVersion: 1,
  unitId,
  status: grade === null ? 'incomplete' : 'published',
  grade,
  count: people,
});

describe('the grades against the ceilings', () => {
  const scheme = schemeOf({
    ceilings: [
      { grade: 'excellent', sharePercent: '20', scope: 'company', minimumCohort: 10 },
      { grade: 'competent', sharePercent: '50', scope: 'unit', minimumCohort: 6 },
    ],
  });
  const counts = [
    count('U1', 'excellent', 4),
    count('U1', 'competent', 2),
    count('U1', null, 3),
    count('U2', 'basic', 5),
  ];

  it('are counted without those who have no score', () => {
    const shown = distributionOf(scheme, counts, true, []);
    expect(shown.grades.map((one) => one.count)).toEqual([4, 2, 5, 0]);
    expect(shown.withoutScore).toEqual({ incomplete: 3 });
    expect(shown.units.map(({ unitId, grades }) => [unitId, grades[0]?.count])).toEqual([
      ['U1', 4],
      ['U2', 0],
    ]);
  });

  it('show who finds no place, and count him at the next ceiling', () =>
    expect(expectedCeilings(scheme, counts)).toEqual([
      {
        grade: 'excellent',
        scope: 'company',
        unitId: null,
        inForce: true,
        cohortCount: 11,
        sharePercent: '20',
        placeCount: 2,
        holderCount: 4,
        overBy: 2,
        freePlaces: 0,
      },
      {
        grade: 'competent',
        scope: 'unit',
        unitId: 'U1',
        inForce: true,
        cohortCount: 6,
        sharePercent: '50',
        placeCount: 3,
        holderCount: 4, // two by score, two that the first ceiling moves there
        overBy: 1,
        freePlaces: 0,
      },
      {
        grade: 'competent',
        scope: 'unit',
        unitId: 'U2',
        inForce: false, // five people are fewer than six
        cohortCount: 5,
        sharePercent: '50',
        placeCount: 2,
        holderCount: 0,
        overBy: 0,
        freePlaces: 2,
      },
    ]));

  it('are those of the publication once there was one', () => {
    const outcome = (grade: string, cohortCount: number, holderCount: number) => ({
      grade,
      inForce: true,
      cohortCount,
      placeCount: 2,
      holderCount,
      lastHolder: null,
    });
    const of = (unitId: string, ceilings: ReturnType<typeof outcome>[]) => ({
      schemeId: 'field-service',
      schemeVersion: 1,
      unitId,
      ceilings,
    });
    const shown = publishedCeilings(scheme, [
      of('U1', [outcome('excellent', 11, 3), outcome('competent', 6, 2)]),
      of('U2', [outcome('excellent', 11, 3), outcome('competent', 5, 1)]),
    ]);
    expect(shown.map((one) => [one.unitId, one.grade, one.holderCount, one.overBy])).toEqual([
      [null, 'excellent', 3, 1],
      ['U1', 'competent', 2, 0],
      ['U2', 'competent', 1, 0],
    ]);
  });
});
