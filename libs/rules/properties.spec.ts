import * as fc from 'fast-check';
import { compareRationals, decimal, fromFractionText } from '#kernel';
import { correctResult } from './correct.js';
import type { Correction, RecordedFacts } from './facts.js';
import { type Member, publish } from './publish.js';
import { compareRankingKeys } from './ranking.js';
import { type Scorecard, gradeIndex, scorecard } from './scorecard.js';
import { shareTeamPool } from './team-pool.js';
import {
  contextOf,
  evaluationIndicator,
  evaluationOf,
  factsOf,
  feedbackIndicator,
  metricIndicator,
  metricOf,
  schemeOf,
  traceIndicator,
  traceOf,
} from './testing.js';

/** The seed of every run stands in its output, so that a failure can be run again. */
const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
beforeAll(() => process.stderr.write(`rules properties: FC_SEED=${seed}\n`));
const holds = <Values extends [unknown, ...unknown[]]>(
  arbitraries: { [At in keyof Values]: fc.Arbitrary<Values[At]> },
  predicate: (...values: Values) => void,
): void => fc.assert(fc.property<Values>(...arbitraries, predicate), { seed, numRuns: 150 });

const scheme = schemeOf({
  indicators: [
    metricIndicator({
      id: 'sales',
      weight: '40',
      defaultTarget: '80',
      missing: 'neutralise',
      formula: { type: 'linear', cap: '120' },
    }),
    evaluationIndicator({ weight: '20', missing: 'neutralise', minimumPeers: 2 }),
    feedbackIndicator({ weight: '20', missing: 'neutralise', minimumSample: 2 }),
    traceIndicator({ weight: '20', countOnce: 'customer-day', defaultTarget: '5' }),
  ],
  ceilings: [
    { grade: 'excellent', sharePercent: '25', minimumCohort: 4, scope: 'company' },
    { grade: 'competent', sharePercent: '30', minimumCohort: 3, scope: 'unit' },
  ],
});

const score = fc.integer({ min: 0, max: 10_000 }).map((units) => (units / 100).toFixed(2));
const points = fc.integer({ min: -2_000, max: 2_000 }).map((units) => (units / 100).toFixed(2));
const instantAt = (second: number) => new Date(Date.UTC(2026, 2, 10) + second * 1000).toISOString();

/** Facts whose times are all distinct, so that the order of arrival says nothing. */
const facts: fc.Arbitrary<RecordedFacts> = fc
  .record({
    metrics: fc.array(score, { maxLength: 4 }),
    evaluations: fc.array(
      fc.tuple(
        fc.constantFrom('self', 'supervisor', 'peer', 'customer', 'other'),
        fc.constantFrom('R1', 'R2', 'R3'),
        score,
        fc.boolean(),
      ),
      { maxLength: 12 },
    ),
    calls: fc.array(
      fc.dictionary(fc.constantFrom('attitude', 'satisfaction'), fc.integer({ min: 1, max: 5 })),
      { maxLength: 6 },
    ),
    traces: fc.array(
      fc.tuple(fc.integer({ min: 0, max: 2_000_000 }), fc.constantFrom('C1', 'C2', 'C3')),
      { maxLength: 8 },
    ),
    adjustments: fc.array(points, { maxLength: 4 }),
    vetoes: fc.array(fc.constantFrom('integrity-breach', 'fraud'), { maxLength: 1 }),
  })
  .map((drawn) =>
    factsOf({
      metrics: drawn.metrics.map((actual, at) =>
        metricOf(actual, { recordId: `M${at}`, recordedAt: instantAt(at) }),
      ),
      evaluations: drawn.evaluations.map(([group, raterId, value, withdrawn], at) =>
        evaluationOf(group, value, {
          recordId: `E${at}`,
          raterId,
          withdrawn,
          submittedAt: instantAt(at),
        }),
      ),
      calls: drawn.calls.map((answers, at) => ({ recordId: `F${at}`, answers })),
      traces: drawn.traces.map(([second, customerId], at) =>
        traceOf({
          recordId: `T${at}`,
          customerId,
          occurredAt: instantAt(second),
          loggedAt: instantAt(second + 60),
        }),
      ),
      adjustments: drawn.adjustments.map((text, at) => ({ recordId: `A${at}`, points: text })),
      vetoes: drawn.vetoes.map((code, at) => ({ recordId: `V${at}`, code })),
    }),
  );

const correction: fc.Arbitrary<Correction> = fc.oneof(
  fc.record({
    type: fc.constant('strike' as const),
    recordId: fc.constantFrom('M0', 'M1', 'E0', 'E1', 'E2', 'F0', 'T0', 'A0', 'V0'),
  }),
  fc.record({
    type: fc.constant('replace' as const),
    recordId: fc.constantFrom('M0', 'M1', 'E0', 'E1'),
    value: score,
  }),
  fc.record({ type: fc.constant('adjust' as const), points }),
);

const shuffled = <Item>(items: readonly Item[], order: readonly number[]): Item[] =>
  items
    .map((item, at) => ({ item, rank: order[at % order.length] ?? 0 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);

const order = fc.array(fc.integer(), { minLength: 5, maxLength: 12 });

const plainCard = (card: Scorecard): unknown =>
  JSON.parse(
    JSON.stringify(card, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  );

describe('a scorecard', () => {
  it('does not hang on the order of arrival where times are distinct', () => {
    holds([facts, order], (drawn, ranks) => {
      const arrived: RecordedFacts = {
        ...drawn,
        metrics: shuffled(drawn.metrics, ranks),
        evaluations: shuffled(drawn.evaluations, ranks),
        calls: shuffled(drawn.calls, ranks),
        traces: shuffled(drawn.traces, ranks),
        adjustments: shuffled(drawn.adjustments, ranks),
      };
      const context = contextOf();
      expect(plainCard(scorecard(scheme, context, arrived))).toEqual(
        plainCard(scorecard(scheme, context, drawn)),
      );
    });
  });

  it('equals itself in a replay, and leaves its input alone', () => {
    holds([facts, fc.array(correction, { maxLength: 3 })], (drawn, corrections) => {
      const corrected = { ...drawn, corrections };
      const before = structuredClone(corrected);
      const first = scorecard(scheme, contextOf(), corrected);
      const again = scorecard(
        schemeOf(structuredClone(scheme)),
        contextOf(),
        structuredClone(corrected),
      );
      expect(plainCard(again)).toEqual(plainCard(first));
      expect(corrected).toEqual(before);
    });
  });

  it('stays within its clamps', () => {
    holds([facts, fc.array(correction, { maxLength: 3 })], (drawn, corrections) => {
      const card = scorecard(scheme, contextOf(), { ...drawn, corrections }, 'correction');
      for (const { exact } of card.indicators) {
        if (exact) expect(compareRationals(exact, decimal('0'))).toBeGreaterThanOrEqual(0);
      }
      expect(compareRationals(card.adjustmentPoints, decimal('5'))).toBeLessThanOrEqual(0);
      expect(compareRationals(card.adjustmentPoints, decimal('-10'))).toBeGreaterThanOrEqual(0);
      if (card.total === null) return;
      expect(compareRationals(card.total, decimal('120'))).toBeLessThanOrEqual(0);
      expect(compareRationals(card.total, decimal('0'))).toBeGreaterThanOrEqual(0);
    });
  });
});

const members: fc.Arbitrary<Member[]> = fc
  .array(fc.tuple(facts, fc.constantFrom('U1', 'U2'), fc.integer({ min: 8, max: 22 })), {
    minLength: 1,
    maxLength: 14,
  })
  .map((people) =>
    people.map(([drawn, unitId, eligibleDays], at) => {
      const context = contextOf({
        accountManagerId: `P${at}`,
        unitPath: [unitId, 'HQ'],
        eligibleDays,
      });
      return { scheme, context, card: scorecard(scheme, context, drawn) };
    }),
  );

describe('a publication', () => {
  it('does not hang on the order of the people', () => {
    holds([members, order], (people, ranks) => {
      const pools = new Map([
        ['U1', '10001'],
        ['U2', '77'],
      ]);
      expect(publish(shuffled(people, ranks), pools)).toEqual(publish(people, pools));
    });
  });

  it('lets nobody hold a limited grade who ranks after somebody who lost it', () => {
    holds([members], (people) => {
      const { results } = publish(people, new Map());
      const cards = new Map(people.map(({ context, card }) => [context.accountManagerId, card]));
      const tops = results.filter((r) => cards.get(r.accountManagerId)?.grade === 'excellent');
      for (const held of tops.filter(({ grade }) => grade === 'excellent')) {
        for (const lost of tops.filter(({ grade }) => grade !== 'excellent')) {
          expect(compareRankingKeys(held.rankingKey!, lost.rankingKey!)).toBeLessThan(0);
        }
      }
    });
  });

  it('pays a pool out to the last minor unit or not at all', () => {
    const sharer = fc.record({ score, eligibleDays: fc.integer({ min: 0, max: 23 }) });
    holds(
      [fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.array(sharer, { maxLength: 20 })],
      (pool, drawn) => {
        const sharers = drawn.map((one, at) => ({ ...one, accountManagerId: `P${at}` }));
        const shares = shareTeamPool(String(pool), sharers);
        const weight = drawn.reduce((sum, one) => sum + Number(one.score) * one.eligibleDays, 0);
        expect(shares === null).toBe(weight === 0);
        if (shares === null) return;
        expect(shares.reduce((sum, share) => sum + BigInt(share), 0n)).toBe(pool);
      },
    );
  });
});

describe('corrections', () => {
  it('by appeal never lower score or grade, whatever the chain of decisions', () => {
    holds(
      [members, fc.array(fc.array(correction, { maxLength: 3 }), { maxLength: 4 }), facts],
      (people, decisions, drawn) => {
        const context = contextOf({ accountManagerId: 'Z' });
        const card = scorecard(scheme, context, drawn);
        const published = publish([...people, { scheme, context, card }], new Map()).results;
        let previous = published.find(({ accountManagerId }) => accountManagerId === 'Z')!;
        fc.pre(previous.status === 'published');
        const corrections: Correction[] = [];
        for (const decision of decisions) {
          corrections.push(...decision);
          const input = {
            scheme,
            context,
            facts: { ...drawn, corrections: [...corrections] },
            previous,
          };
          const { result } = correctResult({ ...input, by: 'appeal' });
          const [now, before] = [
            fromFractionText(result.total!),
            fromFractionText(previous.total!),
          ];
          expect(compareRationals(now, before)).toBeGreaterThanOrEqual(0);
          expect(gradeIndex(scheme, result.grade!)).toBeLessThanOrEqual(
            gradeIndex(scheme, previous.grade!),
          );
          expect(correctResult({ ...input, by: 'appeal' }).result).toEqual(result);
          previous = result;
        }
      },
    );
  });
});
