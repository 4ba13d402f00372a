import { correctResult } from './correct.js';
import type { Correction, RecordedFacts } from './facts.js';
import { publish } from './publish.js';
import type { CeilingOutcome, PublishedResult, RankingKey } from './results.js';
import type { Scheme } from './scheme.js';
import { scorecard } from './scorecard.js';
import { contextOf, factsOf, metricIndicator, metricOf, schemeOf } from './testing.js';

const linear = { defaultTarget: '100', formula: { type: 'linear', cap: '120' } } as const;

const scheme = schemeOf({
  indicators: [
    metricIndicator({ id: 'sales', weight: '80', missing: 'block', ...linear }),
    metricIndicator({ id: 'brand', weight: '20', missing: 'neutralise', ...linear }),
  ],
});
const context = contextOf();
const facts = factsOf({
  metrics: [metricOf('80'), metricOf('80', { recordId: 'M2', indicatorId: 'brand' })],
});

function published(
  more: Partial<RecordedFacts> = {},
  changed: Partial<PublishedResult> = {},
  under: Scheme = scheme,
): PublishedResult {
  const all = { ...facts, ...more };
  const card = scorecard(under, context, all);
  return { ...publish([{ scheme: under, context, card }], new Map()).results[0]!, ...changed };
}

const correct = (
  previous: PublishedResult,
  corrections: readonly Correction[],
  more: Partial<RecordedFacts> = {},
  by: 'appeal' | 'office' = 'appeal',
) =>
  correctResult({
    scheme,
    context,
    facts: { ...facts, ...more, corrections },
    previous,
    by,
  });

const replace = (recordId: string, value: string): Correction => ({
  type: 'replace',
  recordId,
  value,
});
const strike = (recordId: string): Correction => ({ type: 'strike', recordId });
const adjust = (points: string): Correction => ({ type: 'adjust', points });

const lastHolder = (more: Partial<RankingKey> = {}): RankingKey => ({
  score: '95.00',
  heaviest: '95/1',
  feedback: null,
  deducted: '0',
  earlierScore: null,
  hash: '0'.repeat(64),
  ...more,
});

const outcome = (more: Partial<CeilingOutcome> = {}): CeilingOutcome => ({
  grade: 'excellent',
  inForce: true,
  cohortCount: 10,
  placeCount: 2,
  holderCount: 2,
  lastHolder: lastHolder(),
  ...more,
});

describe('an appeal', () => {
  it('raises score, indicators and grade', () => {
    const { result, heldHarmless } = correct(published(), [replace('M1', '95')]);
    expect(heldHarmless).toBe(false);
    expect(result).toMatchObject({
      status: 'published',
      total: '92/1',
      score: '92.00',
      grade: 'excellent',
      ceilingApplied: false,
      indicators: { sales: { exact: '95/1', score: '95.00', how: 'scored' } },
      rankingKey: { score: '92.00', heaviest: '95/1' },
    });
  });

  it('keeps score and indicators where the new total is lower, and takes later raises from there', () => {
    const previous = published();
    const first = correct(previous, [replace('M1', '70')]);
    expect(first).toEqual({ result: previous, heldHarmless: true });
    const second = correct(first.result, [replace('M1', '70'), adjust('7.99')]);
    expect(second).toEqual({ result: previous, heldHarmless: true });
    const third = correct(first.result, [replace('M1', '70'), adjust('8')]);
    expect(third.heldHarmless).toBe(false);
    expect(third.result).toMatchObject({
      score: '80.00',
      indicators: { sales: { score: '70.00' } },
    });
  });

  it('compares exact totals: lower by less than a hundredth is lower', () => {
    const previous = published();
    expect(correct(previous, [replace('M1', '79.9999')]).heldHarmless).toBe(true);
    expect(correct(previous, [replace('M1', '80')]).heldHarmless).toBe(false);
  });

  it('neutralises a blocked indicator, without a minimum of counted weight', () => {
    const previous = published();
    const more = { metrics: [facts.metrics[0]!, { ...facts.metrics[1]!, actual: '99' }] };
    const { result } = correct(previous, [strike('M1')], more);
    expect(result).toMatchObject({
      score: '99.00',
      grade: 'excellent',
      indicators: { sales: { exact: null, score: null, how: 'neutralised' } },
    });
  });

  it('changes nothing when no weight counts at all', () => {
    const previous = published();
    const outcomeOf = correct(previous, [strike('M1'), strike('M2')]);
    expect(outcomeOf).toEqual({ result: previous, heldHarmless: true });
  });

  it('lifts the veto of a held-harmless score: the vetoes then in force', () => {
    const vetoes = [{ recordId: 'V1', code: 'integrity-breach' }];
    const previous = published({ vetoes });
    expect(previous.grade).toBe('basic');
    const { result, heldHarmless } = correct(previous, [strike('V1'), replace('M1', '10')], {
      vetoes,
    });
    expect(heldHarmless).toBe(true);
    expect(result).toMatchObject({ score: '80.00', grade: 'competent' });
  });

  it('keeps a veto that stands, whatever the score', () => {
    const vetoes = [{ recordId: 'V1', code: 'integrity-breach' }];
    const { result } = correct(published({ vetoes }), [adjust('30')], { vetoes });
    expect(result).toMatchObject({ score: '110.00', grade: 'basic', ceilingApplied: false });
  });

  it('never lowers a grade that stood higher', () => {
    const previous = published({}, { grade: 'excellent' });
    expect(correct(previous, [adjust('1')]).result).toMatchObject({
      grade: 'excellent',
      ceilingApplied: false,
    });
  });

  it('leaves team share, ceilings and eligible days as they were', () => {
    const teamShare = { unitId: 'U1', amountMinor: '123' };
    const previous = published({}, { teamShare, ceilings: [outcome()] });
    expect(correct(previous, [adjust('30')]).result).toMatchObject({
      teamShare,
      ceilings: [outcome()],
      eligibleDays: previous.eligibleDays,
    });
  });
});

describe('ceilings asked in a correction', () => {
  const raised = (ceilings: readonly CeilingOutcome[], points = '12') =>
    correct(published({}, { ceilings }), [adjust(points)]).result;

  it('hold the grade where no ceiling was in force or a place was free', () => {
    expect(raised([outcome({ inForce: false })]).grade).toBe('excellent');
    expect(raised([outcome({ holderCount: 1 })]).grade).toBe('excellent');
    expect(raised([outcome({ holderCount: 0, lastHolder: null })]).grade).toBe('excellent');
  });

  it('hold it for a key at or before the last holder’s, the hash left out', () => {
    expect(raised([outcome({ lastHolder: lastHolder({ score: '91.99' }) })]).grade).toBe(
      'excellent',
    );
    const equal = lastHolder({ score: '92.00', heaviest: '80/1' });
    expect(raised([outcome({ lastHolder: equal })])).toMatchObject({
      grade: 'excellent',
      ceilingApplied: false,
    });
    const after = lastHolder({ score: '92.00', heaviest: '801/10' });
    expect(raised([outcome({ lastHolder: after })])).toMatchObject({
      grade: 'competent',
      ceilingApplied: true,
    });
  });

  it('give no grade where there was no place at all', () => {
    const none = outcome({ placeCount: 0, holderCount: 0, lastHolder: null });
    expect(raised([none])).toMatchObject({ grade: 'competent', ceilingApplied: true });
  });

  it('are asked in order for the next lower grade, but not for one already held', () => {
    const previous = (ceilings: readonly CeilingOutcome[]) =>
      published({ metrics: [metricOf('50')] }, { ceilings });
    const competent = outcome({ grade: 'competent', lastHolder: lastHolder({ score: '99.00' }) });
    const grade = (ceilings: readonly CeilingOutcome[]) =>
      correct(previous(ceilings), [adjust('45')], { metrics: [metricOf('50')] }).result.grade;
    expect(grade([outcome({ lastHolder: lastHolder({ score: '99.00' }) }), competent])).toBe(
      'basic',
    );
    // Asked before the other one lowered the grade, it is not asked again.
    expect(grade([competent, outcome({ lastHolder: lastHolder({ score: '99.00' }) })])).toBe(
      'competent',
    );
    const held = published({}, { ceilings: [outcome(), competent] });
    expect(held.grade).toBe('competent');
    expect(correct(held, [adjust('12')]).result.grade).toBe('competent');
  });

  it('leave a grade that the person held, however low the key falls', () => {
    const previous = published({ metrics: [metricOf('95')] }, { ceilings: [outcome()] });
    const more = { metrics: [metricOf('95')] };
    const { result } = correct(previous, [replace('M1', '91')], more, 'office');
    expect(result).toMatchObject({ score: '91.00', grade: 'excellent', ceilingApplied: false });
  });

  it('mark a grade held below what score and vetoes give, also when the score stays', () => {
    const previous = published(
      { metrics: [metricOf('92')] },
      { ceilings: [outcome()], grade: 'competent', ceilingApplied: true },
    );
    const more = { metrics: [metricOf('92')] };
    const { result } = correct(previous, [replace('M1', '10')], more);
    expect(result).toMatchObject({ score: '92.00', grade: 'competent', ceilingApplied: true });
  });
});

describe('a correction by the office', () => {
  it('may lower score and grade', () => {
    const { result, heldHarmless } = correct(published(), [replace('M1', '60')], {}, 'office');
    expect(heldHarmless).toBe(false);
    expect(result).toMatchObject({ score: '64.00', grade: 'basic' });
  });

  it('completes an incomplete result', () => {
    const more = { metrics: [facts.metrics[1]!] };
    const previous = published(more);
    expect(previous).toMatchObject({ status: 'incomplete', score: null, grade: null });
    const { result } = correct(previous, [], more, 'office');
    expect(result).toMatchObject({ status: 'published', score: '80.00', grade: 'competent' });
    expect(result.rankingKey?.score).toBe('80.00');
  });

  it('asks the ceilings for a completed result as well', () => {
    const more = { metrics: [metricOf('95', { indicatorId: 'brand' })] };
    const previous = published(more, {
      ceilings: [outcome({ lastHolder: lastHolder({ score: '99.00' }) })],
    });
    const { result } = correct(previous, [], more, 'office');
    expect(result).toMatchObject({ score: '95.00', grade: 'competent', ceilingApplied: true });
  });

  it('leaves an incomplete result incomplete while nothing counts', () => {
    const previous = published({ metrics: [] });
    expect(correct(previous, [], { metrics: [] }, 'office').result).toEqual(previous);
  });

  it('assesses nobody whose days were too few', () => {
    const short = contextOf({ eligibleDays: 3 });
    const card = scorecard(scheme, short, facts);
    const previous = publish([{ scheme, context: short, card }], new Map()).results[0]!;
    const corrected = correctResult({ scheme, context: short, facts, previous, by: 'office' });
    expect(corrected.result).toEqual(previous);
  });
});
