import * as fc from 'fast-check';
import { given } from '../../kernel/testing.js';
import type {
  ReturnerNamed,
  Scope,
  ScopeClaimed,
  SealingStarted,
  SettlementRegisterEvent,
} from './events.js';
import { settlementRegister, type SettlementRegisterFacts } from './register.js';
import { scopeHolds, scopesOverlap } from './scope.js';

/** north and south below the company; two teams below north. */
const PATHS = new Map([
  ['company', ['company']],
  ['north', ['north', 'company']],
  ['north-1', ['north-1', 'north', 'company']],
  ['north-2', ['north-2', 'north', 'company']],
  ['south', ['south', 'company']],
]);
const facts: SettlementRegisterFacts = { unitPaths: PATHS, rejectedBatchIds: new Set() };

const claimData = (batchId: string, unitIds: Scope, generation = 1) => ({
  batchId,
  payPeriod: '2026-03',
  generation,
  unitIds,
  preparedBy: 'O1',
  replacesBatchId: null,
});
const claimed = (
  batchId: string,
  unitIds: Scope,
  change: Partial<ScopeClaimed['data']> = {},
): ScopeClaimed => ({
  type: 'bonus-batches.ScopeClaimed.v1',
  data: { ...claimData(batchId, unitIds), releasedBatchIds: [], ...change },
});
const claim = (batchId: string, unitIds: Scope, change: Partial<ScopeClaimed['data']> = {}) => {
  const data = { ...claimData(batchId, unitIds), ...change };
  return { type: 'bonus-batches.ClaimScope', data } as const;
};
const release = (batchId: string, generation = 1) => {
  const data = { batchId, payPeriod: '2026-03', generation, releasedBy: 'O1' };
  return { type: 'bonus-batches.ReleaseScope', data } as const;
};
const released = (batchId: string, generation = 1): SettlementRegisterEvent => ({
  type: 'bonus-batches.ScopeReleased.v1',
  data: release(batchId, generation).data,
});
const sealing = (batchId: string, generation = 1): SealingStarted['data'] => ({
  batchId,
  generation,
  sha256: 'a'.repeat(64),
  sealedAt: '2026-04-20T12:00:00+08:00',
});
const start = (batchId: string, sealingCount: number, generation = 1) => ({
  type: 'bonus-batches.StartSealing' as const,
  data: { ...sealing(batchId, generation), sealingCount },
});
const started = (batchId: string): SealingStarted => ({
  type: 'bonus-batches.SealingStarted.v1',
  data: sealing(batchId),
});

const named = (accountManagerId: string, period = '2026-03'): ReturnerNamed => ({
  type: 'bonus-batches.ReturnerNamed.v1',
  data: { accountManagerId, period },
});
const name = (accountManagerId: string, unitId: string, period = '2026-03') => ({
  type: 'bonus-batches.NameReturner' as const,
  data: { accountManagerId, period, unitPath: PATHS.get(unitId) ?? [] },
});

const after = (...events: SettlementRegisterEvent[]) => given(settlementRegister, events);

describe('a claim', () => {
  it('takes its units in the pay period, once', () => {
    after()
      .when(claim('B1', ['north']), facts)
      .thenEvents([claimed('B1', ['north'])]);
    after(claimed('B1', ['north']))
      .when(claim('B1', ['north']), facts)
      .thenNothing();
    after(claimed('B1', ['north']))
      .when(claim('B1', ['north'], { preparedBy: 'O2' }), facts)
      .thenRefused('batch-already-prepared');
    after(claimed('B1', ['north']))
      .when(claim('B1', ['south'], { generation: 2 }), facts)
      .thenRefused('batch-scope-differs');
  });

  it.each<[Scope]>([['*'], [['north']], [['north-1']], [['company']], [['south', 'north-2']]])(
    'of %p is refused beside one of north',
    (unitIds) =>
      after(claimed('B1', ['north']))
        .when(claim('B2', unitIds), facts)
        .thenRefused('batch-scope-overlaps'),
  );

  it('is taken beside another region, and in another pay period', () => {
    after(claimed('B1', ['north']))
      .when(claim('B2', ['south']), facts)
      .thenEvents([claimed('B2', ['south'])]);
    const april = { payPeriod: '2026-04' };
    after(claimed('B1', '*'))
      .when(claim('B2', '*', april), facts)
      .thenEvents([claimed('B2', '*', april)]);
  });

  it('ends that of a batch which payroll has rejected', () => {
    const rejected = { ...facts, rejectedBatchIds: new Set(['B1']) };
    after(claimed('B1', ['north']))
      .when(claim('B2', '*'), rejected)
      .thenEvents([claimed('B2', '*', { releasedBatchIds: ['B1'] })]);
  });

  it('of a batch given up is free, and comes back only if nobody took it', () => {
    const given1 = [claimed('B1', ['north']), released('B1')];
    after(...given1)
      .when(claim('B2', '*'), facts)
      .thenEvents([claimed('B2', '*')]);
    after(...given1, claimed('B2', '*'))
      .when(claim('B1', ['north'], { generation: 2 }), facts)
      .thenRefused('batch-scope-overlaps');
    const anew = claimed('B1', ['north'], { generation: 2 });
    after(claimed('B1', ['north']), anew)
      .when(release('B1'), facts)
      .thenRefused('batch-changed');
    after(claimed('B1', ['north']), anew)
      .when(claim('B1', ['north']), facts)
      .thenRefused('batch-changed');
    after(...given1)
      .when(release('B1'), facts)
      .thenNothing();
  });
});

describe('a sealing', () => {
  const both = [claimed('B1', ['north']), claimed('B2', ['south'])];

  it('starts once', () => {
    after(...both)
      .when(start('B1', 0), facts)
      .thenEvents([started('B1')]);
    after(...both, started('B1'))
      .when(start('B1', 0), facts)
      .thenNothing();
  });

  it('looks again when another one began since its lines were looked at', () => {
    after(...both, started('B2'))
      .when(start('B1', 0), facts)
      .thenRefused('sealing-overtaken');
    after(...both, started('B2'))
      .when(start('B1', 1), facts)
      .thenEvents([started('B1')]);
  });

  it('is none of a batch given up or claimed anew', () => {
    after(...both, released('B1'))
      .when(start('B1', 0), facts)
      .thenRefused('batch-changed');
    after(...both, claimed('B1', ['north'], { generation: 2 }))
      .when(start('B1', 0), facts)
      .thenRefused('batch-changed');
  });
});

it('keeps scopes apart exactly where nobody can be in both', () => {
  const units = [...PATHS.keys()];
  const scope: fc.Arbitrary<Scope> = fc.oneof(
    { weight: 1, arbitrary: fc.constant('*' as const) },
    { weight: 6, arbitrary: fc.uniqueArray(fc.constantFrom(...units), { minLength: 1 }) },
  );
  fc.assert(
    fc.property(scope, scope, (a, b) => {
      const shared = [...PATHS.values()].some((path) => scopeHolds(a, path) && scopeHolds(b, path));
      expect(scopesOverlap(a, b, PATHS)).toBe(shared);
    }),
    { seed: 20260331, numRuns: 300 },
  );
});

describe('naming who returns a sale from outside the cohort', () => {
  it('is done once for a period', () => {
    after()
      .when(name('L1', 'north-1'), facts)
      .thenEvents([named('L1')]);
    after(named('L1')).when(name('L1', 'north-1'), facts).thenNothing();
    after(named('L1', '2026-02'))
      .when(name('L1', 'north-1'), facts)
      .thenEvents([named('L1')]);
    after(named('L2'))
      .when(name('L1', 'north-1'), facts)
      .thenEvents([named('L1')]);
  });

  it('is refused while a claim of the period holds the person, named before or not', () => {
    const held = after(named('L1'), claimed('B', ['north']));
    held.when(name('L1', 'north-1'), facts).thenRefused('batch-sealed');
    held.when(name('L2', 'north-2'), facts).thenRefused('batch-sealed');
    held.when(name('L3', 'south'), facts).thenEvents([named('L3')]);
    held.when(name('L2', 'north-2', '2026-04'), facts).thenEvents([named('L2', '2026-04')]);
    after(claimed('B', '*')).when(name('L4', 'nowhere'), facts).thenRefused('batch-sealed');
  });

  it('is free again where the batch was given up, or rejected by payroll', () => {
    after(claimed('B', ['north']), released('B'))
      .when(name('L1', 'north-1'), facts)
      .thenEvents([named('L1')]);
    after(claimed('B', ['north']))
      .when(name('L1', 'north-1'), { ...facts, rejectedBatchIds: new Set(['B']) })
      .thenEvents([named('L1')]);
  });
});
