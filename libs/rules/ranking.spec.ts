import { sha256Hex, toFractionText } from '#kernel';
import { compareRankingKeys, competitionRanks, rankingKey } from './ranking.js';
import type { RankingKey } from './results.js';
import { scorecard } from './scorecard.js';
import {
  contextOf,
  factsOf,
  feedbackIndicator,
  metricIndicator,
  metricOf,
  schemeOf,
} from './testing.js';

const key = (more: Partial<RankingKey> = {}): RankingKey => ({
  score: '90.00',
  heaviest: '90/1',
  feedback: '80/1',
  deducted: '0',
  earlierScore: '85.00',
  hash: 'b'.repeat(64),
  ...more,
});

/** Does the first rank before the second, and the second after the first? */
function ranksBefore(first: Partial<RankingKey>, second: Partial<RankingKey>): boolean {
  const [a, b] = [key(first), key(second)];
  return compareRankingKeys(a, b) < 0 && compareRankingKeys(b, a) > 0;
}

describe('the ranking order', () => {
  it('compares score, heaviest, feedback, deducted, earlier score, hash, in this order', () => {
    const worse: Partial<RankingKey> = {
      score: '89.99',
      heaviest: '269/3',
      feedback: '239/3',
      deducted: '0.01',
      earlierScore: '84.99',
      hash: 'c'.repeat(64),
    };
    const fields = Object.keys(worse) as (keyof RankingKey)[];
    for (const [at, field] of fields.entries()) {
      // Worse in one figure outweighs being better in all that come after it.
      const after = Object.fromEntries(fields.slice(at + 1).map((name) => [name, worse[name]]));
      expect(ranksBefore(after, { [field]: worse[field] })).toBe(true);
    }
  });

  it('compares figures as numbers, not as texts', () => {
    expect(ranksBefore({ score: '100.00' }, { score: '99.99' })).toBe(true);
    expect(ranksBefore({ heaviest: '1/2' }, { heaviest: '10/21' })).toBe(true);
    expect(ranksBefore({ deducted: '9' }, { deducted: '10' })).toBe(true);
    expect(ranksBefore({ earlierScore: '100.00' }, { earlierScore: '99.00' })).toBe(true);
  });

  it('ranks a missing figure below any, also below 0 and below a negative one', () => {
    expect(ranksBefore({ heaviest: '-5/1' }, { heaviest: null })).toBe(true);
    expect(ranksBefore({ feedback: '0/1' }, { feedback: null })).toBe(true);
    expect(ranksBefore({ earlierScore: '0.00' }, { earlierScore: null })).toBe(true);
  });

  it('is equal without the hash where all figures are', () => {
    const other = key({ hash: 'a'.repeat(64) });
    expect(compareRankingKeys(key(), other, { withHash: false })).toBe(0);
    expect(compareRankingKeys(key(), other)).toBeGreaterThan(0);
  });
});

describe('the ranking key', () => {
  it('holds the first of the heaviest indicators and the first of feedback calls', () => {
    const scheme = schemeOf({
      indicators: [
        feedbackIndicator({ id: 'f1', weight: '20', missing: 'neutralise' }),
        metricIndicator({ id: 'i1', weight: '30', defaultTarget: '90' }),
        metricIndicator({ id: 'i2', weight: '30', defaultTarget: '100' }),
        feedbackIndicator({ id: 'f2', weight: '20' }),
      ],
    });
    const facts = factsOf({
      metrics: [
        metricOf('50', { indicatorId: 'i1' }),
        metricOf('60', { recordId: 'M2', indicatorId: 'i2' }),
      ],
      adjustments: [{ recordId: 'A1', points: '-1.50' }],
    });
    const earlierResult = { period: '2026-02', resultVersion: 2, score: '77.00' };
    const context = contextOf({ earlierResult });
    const card = scorecard(scheme, context, facts);
    expect(rankingKey(scheme, context, card)).toEqual({
      score: card.score,
      heaviest: '500/9',
      feedback: null,
      deducted: '1.5',
      earlierScore: '77.00',
      hash: sha256Hex('2026-03:AM1'),
    });
    expect(toFractionText(card.indicators[3]!.exact!)).toBe('0/1');
  });

  it('is null without a score', () => {
    const scheme = schemeOf({ indicators: [metricIndicator({ missing: 'block' })] });
    const card = scorecard(scheme, contextOf(), factsOf());
    expect(rankingKey(scheme, contextOf(), card)).toBeNull();
  });
});

it('ranks 1, 2, 2, 4', () => {
  expect(competitionRanks(['95.00', '90.00', '90.00', '80.00'])).toEqual([1, 2, 2, 4]);
  expect(competitionRanks([])).toEqual([]);
});
