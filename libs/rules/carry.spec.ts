import { takenFromEarlier } from './carry.js';
import type { How } from './results.js';
import { metricIndicator, schemeOf } from './testing.js';

const scheme = schemeOf({
  indicators: [
    metricIndicator({ id: 'a', weight: '50', missing: 'carry' }),
    metricIndicator({ id: 'b', weight: '50', missing: 'zero' }),
  ],
});

const earlier = (how: How, status: 'published' | 'incomplete' = 'published') => ({
  resultVersion: 2,
  result: {
    period: '2026-01',
    status,
    score: status === 'published' ? '80.00' : null,
    indicators: {
      a: { exact: '250/3', score: '83.33', how },
      b: { exact: '1/1', score: '1.00', how },
    },
  },
});

it('takes the exact score of an indicator that carries, and the score for the ranking', () => {
  expect(takenFromEarlier(scheme, earlier('scored'))).toEqual({
    carry: { a: { period: '2026-01', resultVersion: 2, score: '250/3' } },
    earlierResult: { period: '2026-01', resultVersion: 2, score: '80.00' },
  });
});

it('takes no score that was itself not scored', () => {
  for (const how of ['zero', 'carried', 'neutralised', 'blocked'] as const) {
    expect(takenFromEarlier(scheme, earlier(how)).carry).toEqual({});
  }
});

it('takes nothing from no result or one without a score', () => {
  const nothing = { carry: {}, earlierResult: null };
  expect(takenFromEarlier(scheme, null)).toEqual(nothing);
  expect(takenFromEarlier(scheme, earlier('scored', 'incomplete'))).toEqual(nothing);
});
