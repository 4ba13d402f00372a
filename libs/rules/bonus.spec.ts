import { sha256Hex } from '#kernel';
import {
  type BatchLine,
  type DueInput,
  canonicalLine,
  compareBatchLines,
  controlTotals,
  dueLines,
} from './bonus.js';
import type { PublishedResult } from './results.js';
import type { BonusScheme } from './scheme.js';
import { schemeOf } from './testing.js';

const result = (more: Partial<PublishedResult> = {}): PublishedResult => ({
  accountManagerId: 'AM1',
  period: '2026-03',
  schemeId: 'field-service',
  schemeVersion: 1,
  unitPath: ['U1', 'HQ'],
  status: 'published',
  eligibleDays: 22,
  workdays: 22,
  indicators: {},
  total: '95/1',
  score: '95.00',
  grade: 'competent',
  ceilingApplied: false,
  rankingKey: null,
  ceilings: [],
  teamShare: null,
  ...more,
});

const none = { credits: [], returns: [], awards: [] };

function due(more: Partial<DueInput>, bonus: Partial<BonusScheme> = {}): string[] {
  const usual = schemeOf();
  const scheme = schemeOf({ bonus: { ...usual.bonus, ...bonus } });
  const lines = dueLines({
    scheme,
    accountManagerId: 'AM1',
    period: '2026-03',
    unitId: 'U1',
    result: null,
    tier: null,
    ...none,
    ...more,
  });
  return lines.map(({ kind, reference, amountMinor }) => `${kind} ${reference} ${amountMinor}`);
}

describe('base', () => {
  const base = (more: Partial<PublishedResult>, tier = 3, bonus: Partial<BonusScheme> = {}) =>
    due({ result: result(more), tier }, bonus);

  it('is tier base × coefficient × eligible days / workdays, rounded half away from zero', () => {
    expect(base({})).toEqual(['base  120000']);
    expect(base({ eligibleDays: 11 })).toEqual(['base  60000']);
    expect(base({ eligibleDays: 11 }, 3, tierBases('1'))).toEqual(['base  1']);
    expect(base({ grade: 'basic' }, 2)).toEqual(['base  120000']);
  });

  it('is at most the cap, which is rounded too', () => {
    expect(base({ grade: 'excellent' })).toEqual(['base  168000']);
    const bonus = { ...tierBases('3'), capPercentOfTierBase: '150' };
    // 4.5 → 5 for the amount and 4.5 → 5 for the cap
    expect(base({ grade: 'excellent' }, 3, bonus)).toEqual(['base  5']);
    const uncapped = { ...tierBases('3'), capPercentOfTierBase: undefined };
    expect(base({ grade: 'excellent' }, 3, uncapped)).toEqual(['base  5']);
  });

  it('pays people not assessed by their own coefficient, if the scheme sets it', () => {
    const idle = { status: 'not-assessed', grade: null, eligibleDays: 5 } as const;
    expect(base(idle)).toEqual([]);
    expect(base(idle, 3, { notAssessedCoefficient: '0.88' })).toEqual(['base  24000']);
  });

  it('is not paid to incomplete people, in a month without workdays, or at coefficient 0', () => {
    const bonus = { notAssessedCoefficient: '1' };
    expect(base({ status: 'incomplete', grade: null }, 3, bonus)).toEqual([]);
    expect(base({ workdays: 0, eligibleDays: 0 }, 3, bonus)).toEqual([]);
    expect(base({ grade: 'incompetent' })).toEqual([]);
  });

  function tierBases(amount: string): Partial<BonusScheme> {
    return { tierBaseMinor: { '1': amount, '2': amount, '3': amount } };
  }
});

describe('the other lines', () => {
  it('pay commission by product, rounded half away from zero, nothing without a rate', () => {
    const credit = (creditId: string, productId: string, amountMinor: string) => ({
      creditId,
      productId,
      amountMinor,
    });
    const credits = [
      credit('S1', 'premium', '100'), // 1.5
      credit('S2', 'standard', '1000'),
      credit('S3', 'unknown', '1000'),
      credit('S4', 'toString', '1000'),
      credit('S5', 'standard', '62'), // 0.496
    ];
    expect(due({ credits })).toEqual(['commission S1 2', 'commission S2 8']);
  });

  it('claw back at the rate of the original, not where it was struck or earned nothing', () => {
    const back = (creditId: string, commissionPercent: string | null, originalStruck = false) => ({
      creditId,
      amountMinor: '-100',
      commissionPercent,
      originalStruck,
    });
    const returns = [back('R1', '1.5'), back('R2', '1.5', true), back('R3', null), back('R4', '2')];
    expect(due({ returns })).toEqual(['clawback R1 -2', 'clawback R4 -2']);
  });

  it('take awards as recorded, penalties by their sign', () => {
    const awards = [
      { awardId: 'W1', amountMinor: '500' },
      { awardId: 'W2', amountMinor: '-300' },
      { awardId: 'W3', amountMinor: '0' },
    ];
    expect(due({ awards })).toEqual(['award W1 500', 'penalty W2 -300']);
  });

  it('pay the team share from the pool of its unit, nothing for a share of 0', () => {
    const teamShare = (amountMinor: string) =>
      due({
        result: result({ grade: 'incompetent', teamShare: { unitId: 'U9', amountMinor } }),
        tier: 3,
      });
    expect(teamShare('77')).toEqual(['team U9 77']);
    expect(teamShare('0')).toEqual([]);
  });

  it('are exact for amounts beyond doubles', () => {
    const credits = [{ creditId: 'S1', productId: 'premium', amountMinor: '99999999999999999999' }];
    expect(due({ credits })).toEqual(['commission S1 1500000000000000000']);
  });
});

describe('canonical lines', () => {
  const line = (more: Partial<BatchLine> = {}): BatchLine => ({
    accountManagerId: 'AM1',
    period: '2026-03',
    kind: 'base',
    of: 'base',
    reference: '',
    amountMinor: '120000',
    cause: '',
    unitId: 'U1',
    ...more,
  });

  it('are RFC 8785 JSON without the unit, ended by LF', () => {
    expect(canonicalLine(line())).toBe(
      '{"accountManagerId":"AM1","amountMinor":"120000","cause":"","kind":"base","of":"base",' +
        '"period":"2026-03","reference":""}\n',
    );
  });

  it('stand by account manager, period, kind, reference, by code point', () => {
    const sorted = [
      line({ accountManagerId: 'AM1', kind: 'award', reference: 'W2' }),
      line(),
      line({ kind: 'correction', of: 'award', reference: 'W1' }),
      line({ kind: 'correction', of: 'base', reference: 'W1' }),
      line({ period: '2026-04', kind: 'award' }),
      line({ accountManagerId: 'AM10' }),
      line({ accountManagerId: 'AM\uFF21' }),
      line({ accountManagerId: 'AM\u{1F600}' }),
    ];
    expect(sorted.toReversed().sort(compareBatchLines)).toEqual(sorted);
  });

  it('have totals that do not hang on the order given', () => {
    const lines = [line({ amountMinor: '-5', kind: 'penalty', of: 'penalty' }), line()];
    const expected = {
      lineCount: 2,
      sumMinor: '119995',
      sha256: sha256Hex(canonicalLine(lines[1]!) + canonicalLine(lines[0]!)),
    };
    expect(controlTotals(lines)).toEqual(expected);
    expect(controlTotals(lines.toReversed())).toEqual(expected);
  });
});
