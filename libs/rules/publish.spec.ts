import { sha256Hex } from '#kernel';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { type Member, type Publication, publish } from './publish.js';
import type { Ceiling, Scheme } from './scheme.js';
import { scorecard } from './scorecard.js';
import { contextOf, factsOf, metricIndicator, metricOf, schemeOf } from './testing.js';

const SALES = metricIndicator({
  defaultTarget: '100',
  formula: { type: 'linear', cap: '120' },
  missing: 'block',
});

type Person = {
  readonly id: string;
  readonly score: string | null;
  readonly facts?: Partial<RecordedFacts>;
  readonly context?: Partial<AssessmentContext>;
};

function memberOf(scheme: Scheme, { id, score, facts, context }: Person): Member {
  const own = contextOf({ accountManagerId: id, ...context });
  const metrics = score === null ? [] : [metricOf(score)];
  return {
    scheme,
    context: own,
    card: scorecard(scheme, own, factsOf({ metrics, ...facts })),
  };
}

const schemeWith = (ceilings: readonly Ceiling[], more: Partial<Scheme> = {}): Scheme =>
  schemeOf({ indicators: [SALES], ceilings, ...more });

const ceiling = (more: Partial<Ceiling> = {}): Ceiling => ({
  grade: 'excellent',
  sharePercent: '50',
  minimumCohort: 4,
  scope: 'company',
  ...more,
});

function publishWith(
  ceilings: readonly Ceiling[],
  people: readonly Person[],
  pools: ReadonlyMap<string, string> = new Map(),
): Publication {
  const scheme = schemeWith(ceilings);
  return publish(
    people.map((person) => memberOf(scheme, person)),
    pools,
  );
}

const gradesOf = ({ results }: Publication): Record<string, string | null> =>
  Object.fromEntries(results.map(({ accountManagerId, grade }) => [accountManagerId, grade]));

const ids = (...scores: readonly (string | null)[]): Person[] =>
  scores.map((score, at) => ({ id: `P${at}`, score }));

describe('ceilings', () => {
  it('lets the first floor(N·share/100) holders keep the grade; the others get the next lower', () => {
    const { results } = publishWith([ceiling()], ids('100', '99', '98', '97', '50'));
    expect(results.map(({ grade }) => grade)).toEqual([
      'excellent',
      'excellent',
      'competent',
      'competent',
      'incompetent',
    ]);
    expect(results.map(({ ceilingApplied }) => ceilingApplied)).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
    const { score, hash } = results[1]!.rankingKey!;
    expect(results[4]!.ceilings).toEqual([
      {
        grade: 'excellent',
        inForce: true,
        cohortCount: 5,
        placeCount: 2,
        holderCount: 2,
        lastHolder: {
          score,
          hash,
          heaviest: '99/1',
          feedback: null,
          deducted: '0',
          earlierScore: null,
        },
      },
    ]);
  });

  it('keeps everyone equal to the last within the places in all but the hash', () => {
    const people = ids('100', '95', '95', '95', '94');
    expect(gradesOf(publishWith([ceiling()], people))).toEqual({
      P0: 'excellent',
      P1: 'excellent',
      P2: 'excellent',
      P3: 'excellent',
      P4: 'competent',
    });
    const earlierResult = { period: '2026-02', resultVersion: 1, score: '1.00' };
    const differing = people.map((person) =>
      person.id === 'P2' ? person : { ...person, context: { earlierResult } },
    );
    expect(gradesOf(publishWith([ceiling()], differing))).toMatchObject({
      P1: 'excellent',
      P2: 'competent',
      P3: 'excellent',
    });
  });

  it('is not in force below the minimum cohort of people with a score', () => {
    const people = [...ids('100', '99', '98'), { id: 'X', score: null }];
    const { results } = publishWith([ceiling()], people);
    expect(results.map(({ grade }) => grade)).toEqual([
      'excellent',
      'excellent',
      'excellent',
      null,
    ]);
    expect(results[3]).toMatchObject({
      status: 'incomplete',
      ceilings: [{ inForce: false, cohortCount: 3, holderCount: 3 }],
    });
  });

  it('asks ten people where the scheme names no minimum cohort', () => {
    const nine = ids(...Array.from({ length: 9 }, () => '95'));
    const without: Ceiling = { grade: 'excellent', sharePercent: '0', scope: 'company' };
    expect(publishWith([without], nine).results[0]?.grade).toBe('excellent');
    expect(publishWith([without], [...nine, { id: 'Z', score: '95' }]).results[0]?.grade).toBe(
      'competent',
    );
  });

  it('gives nobody a place where the share is less than one', () => {
    const { results } = publishWith(
      [ceiling({ sharePercent: '24.99' })],
      ids('99', '98', '1', '1'),
    );
    expect(results.map(({ grade }) => grade).slice(0, 2)).toEqual(['competent', 'competent']);
    expect(results[0]!.ceilings[0]).toMatchObject({
      placeCount: 0,
      holderCount: 0,
      lastHolder: null,
    });
  });

  it('counts N over all with a score, not over the holders, and takes a whole place exactly', () => {
    const people = ids('99', '98', '1', '1');
    const { results } = publishWith([ceiling({ sharePercent: '25' })], people);
    expect(results[0]!.grade).toBe('excellent');
    expect(results[1]!.grade).toBe('competent');
  });

  it('acts per own unit where its scope is the unit', () => {
    const inUnit = (unit: string, people: readonly Person[]) =>
      people.map((person) => ({
        ...person,
        id: `${unit}-${person.id}`,
        context: { unitPath: [unit, 'R', 'HQ'] },
      }));
    const publication = publishWith(
      [ceiling({ scope: 'unit' })],
      [...inUnit('A', ids('99', '98', '97', '96')), ...inUnit('B', ids('95', '94', '93'))],
    );
    expect(Object.values(gradesOf(publication))).toEqual([
      'excellent',
      'excellent',
      'competent',
      'competent',
      'excellent',
      'excellent',
      'excellent',
    ]);
    expect(publication.results[6]?.ceilings[0]).toMatchObject({ inForce: false, cohortCount: 3 });
  });

  it('acts per scheme version', () => {
    const [one, two] = [schemeWith([ceiling()]), schemeWith([ceiling()], { version: 2 })];
    const members = [
      ...ids('99', '98', '97').map((person) => memberOf(one, person)),
      ...ids('99', '98', '97').map((person) => memberOf(two, { ...person, id: `Q${person.id}` })),
    ];
    expect(publish(members, new Map()).results.every(({ grade }) => grade === 'excellent')).toBe(
      true,
    );
  });

  it('lets the next ceiling in order act on the grades as they stand then', () => {
    const people = ids('100', '99', '80', '79', '78', '77');
    const [top, second] = [
      ceiling({ sharePercent: '17' }),
      ceiling({ grade: 'competent', sharePercent: '34' }),
    ];
    // One place at the top; two of {P1 by ceiling, P2 … P5} below it.
    expect(Object.values(gradesOf(publishWith([top, second], people)))).toEqual([
      'excellent',
      'competent',
      'competent',
      'basic',
      'basic',
      'basic',
    ]);
    // The other way round P1 joins those who were already asked.
    expect(Object.values(gradesOf(publishWith([second, top], people)))).toEqual([
      'excellent',
      'competent',
      'competent',
      'competent',
      'basic',
      'basic',
    ]);
  });

  it('does not let somebody capped by a veto compete for the higher grade', () => {
    const vetoes = [{ recordId: 'V1', code: 'integrity-breach' }];
    const people: Person[] = [
      { id: 'P0', score: '110', facts: { vetoes } },
      { id: 'P1', score: '95' },
      { id: 'P2', score: '94' },
      { id: 'P3', score: '93' },
    ];
    const publication = publishWith([ceiling({ sharePercent: '25' })], people);
    expect(gradesOf(publication)).toMatchObject({ P0: 'basic', P1: 'excellent', P2: 'competent' });
    expect(publication.results[0]?.ceilingApplied).toBe(false);
  });
});

describe('results', () => {
  it('stand by account manager id by code point, with exact and rounded figures', () => {
    const publication = publishWith(
      [],
      [
        { id: '\u{1F600}', score: '90' },
        { id: '\uFF21', score: '90' },
        { id: 'a', score: '33.335' },
      ],
    );
    expect(publication.results.map(({ accountManagerId }) => accountManagerId)).toEqual([
      'a',
      '\uFF21',
      '\u{1F600}',
    ]);
    expect(publication.results[0]).toMatchObject({
      indicators: { sales: { exact: '6667/200', score: '33.34', how: 'scored' } },
      total: '6667/200',
      score: '33.34',
      rankingKey: { hash: sha256Hex('2026-03:a') },
    });
  });

  it('of people not assessed hold no indicators, key or ceilings', () => {
    const publication = publishWith(
      [ceiling()],
      [{ id: 'P0', score: '90', context: { eligibleDays: 3 } }],
    );
    expect(publication.results[0]).toMatchObject({
      status: 'not-assessed',
      indicators: {},
      score: null,
      grade: null,
      rankingKey: null,
      ceilings: [],
      teamShare: null,
    });
  });
});

describe('team pools', () => {
  it('share among the published people whose own unit it is, by score × eligible days', () => {
    const publication = publishWith(
      [],
      [
        { id: 'P0', score: '90', context: { eligibleDays: 20 } },
        { id: 'P1', score: '60', context: { eligibleDays: 10 } },
        { id: 'P2', score: null },
        { id: 'P3', score: '100', context: { unitPath: ['U2', 'HQ'] } },
        { id: 'P4', score: '100', context: { eligibleDays: 2 } },
      ],
      new Map([
        ['U1', '100000'],
        ['U3', '500'],
        ['HQ', '700'],
      ]),
    );
    // 1800 : 600
    expect(publication.results.map(({ teamShare }) => teamShare?.amountMinor ?? null)).toEqual([
      '75000',
      '25000',
      null,
      null,
      null,
    ]);
    expect(publication.unpaidPools).toEqual(['HQ', 'U3']);
  });

  it('give what is left to the largest remainders, equal ones by smaller id', () => {
    const publication = publishWith([], ids('50', '50', '50'), new Map([['U1', '100']]));
    expect(publication.results.map(({ teamShare }) => teamShare?.amountMinor)).toEqual([
      '34',
      '33',
      '33',
    ]);
  });

  it('prefer the largest remainder to the smaller id', () => {
    const shares = (...scores: readonly string[]) =>
      publishWith([], ids(...scores), new Map([['U1', '10']])).results.map(
        ({ teamShare }) => teamShare?.amountMinor,
      );
    // 3.2, 3.3, 3.5
    expect(shares('32', '33', '35')).toEqual(['3', '3', '4']);
    // 2.6, 3.7, 3.7
    expect(shares('26', '37', '37')).toEqual(['2', '4', '4']);
  });

  it('are not paid where all scores are 0.00', () => {
    const publication = publishWith([], ids('0', '0.001'), new Map([['U1', '100']]));
    expect(publication.unpaidPools).toEqual(['U1']);
    expect(publication.results.every(({ teamShare }) => teamShare === null)).toBe(true);
  });
});
