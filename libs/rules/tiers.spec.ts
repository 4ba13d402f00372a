import type { ResultStatus } from './results.js';
import type { Scheme } from './scheme.js';
import { schemeOf } from './testing.js';
import {
  type TierRow,
  type TierState,
  initialTierState,
  promotionOutlook,
  tierStep,
} from './tiers.js';

const scheme = schemeOf();
const BOTH = ['certificate', 'coaching'];

type Step = {
  readonly grade?: string;
  readonly status?: ResultStatus;
  readonly scheme?: Scheme;
  readonly capabilities?: readonly string[];
};

function chain(steps: readonly Step[], from: TierState = initialTierState(scheme)): TierRow[] {
  let state = from;
  return steps.map((step, at) => {
    const next = tierStep(state, {
      scheme: step.scheme ?? scheme,
      period: `2026-0${at + 1}`,
      status: step.status ?? (step.grade ? 'published' : 'not-assessed'),
      grade: step.grade ?? null,
      capabilities: step.capabilities ?? BOTH,
    });
    state = next.state;
    return next.row;
  });
}

const excellent = { grade: 'excellent' };
const competent = { grade: 'competent' };
const basic = { grade: 'basic' };
const incompetent = { grade: 'incompetent' };

const at = (tier: number): TierState => ({ ...initialTierState(scheme), tier });

const brief = (rows: readonly TierRow[]) =>
  rows.map(({ tier, nextTier, movement, streak }) => `${tier}→${nextTier} ${movement} ${streak}`);

describe('promotion', () => {
  it('moves up in the next period after enough in a row, and starts counting anew', () => {
    expect(brief(chain([excellent, excellent, excellent, excellent, excellent]))).toEqual([
      '3→3 none 1',
      '3→2 promoted 0',
      '2→2 none 1',
      '2→1 promoted 0',
      '1→1 none 1',
    ]);
  });

  it('is broken by a lower grade', () => {
    expect(brief(chain([excellent, competent, excellent]))).toEqual([
      '3→3 none 1',
      '3→3 none 0',
      '3→3 none 1',
    ]);
  });

  it('counts a grade better than the one named', () => {
    const lower = schemeOf({
      tiers: { ...scheme.tiers, promote: { grade: 'competent', consecutive: 2 } },
    });
    const rows = chain([
      { ...excellent, scheme: lower },
      { ...competent, scheme: lower },
    ]);
    expect(rows[1]?.movement).toBe('promoted');
  });

  it('is withheld without a capability, keeps the streak, and names what is missing in gate order', () => {
    const without = { ...excellent, capabilities: [] };
    const rows = chain([without, without, without, excellent], at(2));
    expect(rows.map(({ promotionWithheld }) => promotionWithheld)).toEqual([
      [],
      ['certificate', 'coaching'],
      ['certificate', 'coaching'],
      [],
    ]);
    expect(brief(rows)).toEqual(['2→2 none 1', '2→2 none 2', '2→2 none 3', '2→1 promoted 0']);
  });

  it('goes on counting at the best tier', () => {
    expect(brief(chain([excellent, excellent, excellent], at(1)))).toEqual([
      '1→1 none 1',
      '1→1 none 2',
      '1→1 none 3',
    ]);
  });
});

describe('demotion', () => {
  it('moves down after enough in a row and resets all streaks', () => {
    expect(brief(chain([basic, basic, basic], at(1)))).toEqual([
      '1→1 none 0',
      '1→2 demoted 0',
      '2→2 none 0',
    ]);
  });

  it('counts a worse grade for the rule of a better one', () => {
    const lax = schemeOf({
      tiers: { ...scheme.tiers, demote: [{ grade: 'basic', consecutive: 2 }] },
    });
    const rows = chain(
      [
        { ...incompetent, scheme: lax },
        { ...basic, scheme: lax },
      ],
      at(1),
    );
    expect(brief(rows)).toEqual(['1→1 none 0', '1→2 demoted 0']);
  });

  it('moves one tier only where two rules hold', () => {
    expect(brief(chain([basic, incompetent], at(1)))).toEqual(['1→1 none 0', '1→2 demoted 0']);
  });

  it('requires an improvement plan at the lowest tier instead, and resets streaks', () => {
    const rows = chain([incompetent, basic, basic, basic]);
    expect(rows.map(({ improvementPlanRequired }) => improvementPlanRequired)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(rows.every(({ movement, nextTier }) => movement === 'none' && nextTier === 3)).toBe(
      true,
    );
  });

  it('comes before promotion where both hold', () => {
    const odd = schemeOf({
      tiers: {
        ...scheme.tiers,
        promote: { grade: 'basic', consecutive: 1 },
        demote: [{ grade: 'competent', consecutive: 1 }],
      },
    });
    expect(brief(chain([{ ...competent, scheme: odd }], at(2)))).toEqual(['2→3 demoted 0']);
  });
});

describe('freezing', () => {
  it('keeps tier and streaks for periods not assessed or incomplete, and reports nothing', () => {
    const rows = chain(
      [
        { ...excellent, capabilities: [] },
        { ...excellent, capabilities: [] },
        { capabilities: [] },
        { status: 'incomplete', capabilities: [] },
        excellent,
      ],
      at(2),
    );
    expect(brief(rows)).toEqual([
      '2→2 none 1',
      '2→2 none 2',
      '2→2 none 2',
      '2→2 none 2',
      '2→1 promoted 0',
    ]);
    expect(rows[2]?.promotionWithheld).toEqual([]);
  });

  it('does not break a demotion streak', () => {
    expect(brief(chain([basic, {}, basic], at(1)))[2]).toBe('1→2 demoted 0');
  });
});

describe('a change of scheme', () => {
  const other = schemeOf({ schemeId: 'pilot' });
  const newer = schemeOf({ version: 2 });

  it('resets streaks at the first period under it, also one not assessed', () => {
    expect(brief(chain([excellent, { ...excellent, scheme: other }]))).toEqual([
      '3→3 none 1',
      '3→3 none 1',
    ]);
    expect(brief(chain([excellent, { scheme: other }, excellent]))).toEqual([
      '3→3 none 1',
      '3→3 none 0',
      '3→3 none 1',
    ]);
    expect(brief(chain([basic, { ...basic, scheme: other }], at(1)))[1]).toBe('1→1 none 0');
  });

  it('keeps the tier, and a new version of the same scheme keeps the streaks', () => {
    expect(brief(chain([excellent, { ...excellent, scheme: newer }]))[1]).toBe('3→2 promoted 0');
  });

  it('keeps a demotion streak by its grade where a version reorders the rules', () => {
    const reordered = schemeOf({
      version: 2,
      tiers: { ...scheme.tiers, demote: scheme.tiers.demote.toReversed() },
    });
    expect(brief(chain([basic, { ...basic, scheme: reordered }], at(1)))[1]).toBe('1→2 demoted 0');
  });
});

describe('the outlook', () => {
  it('says what is missing and when a move is possible at the earliest', () => {
    const { state } = tierStep(initialTierState(scheme), {
      scheme,
      period: '2026-12',
      status: 'published',
      grade: 'excellent',
      capabilities: [],
    });
    expect(promotionOutlook(scheme, state, '2026-12', [])).toEqual({
      targetTier: 2,
      streak: 1,
      neededStreak: 2,
      missingCapabilities: ['certificate'],
      earliestPeriod: '2027-01',
    });
    expect(promotionOutlook(scheme, at(1), '2026-12', [])).toMatchObject({
      targetTier: null,
      earliestPeriod: null,
    });
  });
});
