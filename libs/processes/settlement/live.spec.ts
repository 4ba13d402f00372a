import { createCommandHandler, type Engine } from '#commands';
import type { Scope } from '#contexts/bonus-batches';
import type { EventStore, NewEvent } from '#event-store';
import { DomainError } from '#kernel';
import { ledgerRecords, verifyLedger } from '#read-models/bonus-ledger';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../test/support/small-history.js';
import { importFolder, openTestSystem, type TestSystem } from '../../../test/support/system.js';
import { batchOnRecord, type By, decideBatch } from './batch.js';
import { claimScope, finishSealing, openDifferences, prepareClaimed, sealBatch } from './index.js';

const APRIL_10 = Date.UTC(2026, 3, 10);
const DAY_MS = 86_400_000;
const dayAfter = (count: number): string =>
  new Date(APRIL_10 + count * DAY_MS).toISOString().slice(0, 10);

let steps = 0;
const by =
  (id: string): By =>
  (step) => ({
    commandId: `00000000-0000-4000-8000-${String((steps += 1)).padStart(12, '0')}`,
    actor: { id, role: 'office' },
    occurredAt: '2026-07-10T09:00:00+08:00',
    recordedAt: '2026-07-10T09:00:00+08:00',
    correlationId: step === '' ? 'none' : 'test',
  });

function prepareBatch(engine: Engine, period: string, unitIds: Scope, id?: string) {
  const batchId = id ?? `${period}-${unitIds === '*' ? 'all' : unitIds.join('+')}`;
  const preparedBy = 'O1';
  const request = { batchId, period, unitIds, preparedBy, replacesBatchId: null };
  return claimScope(engine, request, by('O1')).then(async (claim) => {
    await prepareClaimed(engine, claim, by('O1'));
    return batchId;
  });
}

async function approveBatch(engine: Engine, batchId: string): Promise<string> {
  const { prepared, generation } = await batchOnRecord(engine, batchId);
  const sha256 = prepared?.sha256 ?? '';
  const data = { batchId, sha256, approvedBy: 'A1' };
  await decideBatch(engine, by('A1'), { type: 'bonus-batches.ApproveBatch', data }, generation);
  return sha256;
}

const sealedAt = '2026-07-10T10:00:00+08:00';
const seal = (engine: Engine, batchId: string, sha256: string): Promise<void> =>
  sealBatch(engine, { batchId, sha256, sealedAt }, by('O1'));

async function pay(engine: Engine, period: string, unitIds: Scope): Promise<void> {
  const batchId = await prepareBatch(engine, period, unitIds);
  await seal(engine, batchId, await approveBatch(engine, batchId));
}

type Hook = (events: readonly NewEvent[]) => Promise<void>;

/** Another process on the same log: its own states, and something that happens around an append. */
function another(engine: Engine, hooks: { before?: Hook; after?: Hook } = {}): Engine {
  const store: EventStore = {
    ...engine.store,
    append: async (...args) => {
      await hooks.before?.(args[2]);
      const result = await engine.store.append(...args);
      await hooks.after?.(args[2]);
      return result;
    },
  };
  return { ...engine, store, handler: createCommandHandler(store) };
}

const once = (type: string, act: () => Promise<unknown>): Hook => {
  let isDone = false;
  return async (events) => {
    if (isDone || !events.some((event) => event.type === type)) return;
    isDone = true;
    await act();
  };
};

/** Two units of the same company that no other test touches. */
type Corner = Record<'U1' | 'north' | 'first' | 'AM1' | 'AM2' | 'N1', string> & {
  readonly all: readonly string[];
};

const cornerOf = (test: number): Corner => {
  const name = (of: string): string => `T${test}-${of}`;
  const [U1, north] = [name('U1'), name('north')];
  const people = { AM1: name('AM1'), AM2: name('AM2'), N1: name('N1') };
  return { U1, north, first: name('north-1'), ...people, all: [U1, north] };
};

/** Their batches are of corners alone; July is of the test that claims it for everybody. */
const MONTHS = ['2026-03', '2026-04', '2026-05', '2026-06', '2026-07'];
const TESTS = 12;

async function companyOfCorners(): Promise<SmallHistory> {
  const history = await smallHistory([]);
  for (const [index, period] of MONTHS.entries()) {
    const next = `2026-0${index + 4}`;
    history.add('cycles', cycleRow(period, { closed: `${next}-02`, published: `${next}-03` }));
  }
  for (let test = 1; test <= TESTS; test += 1) {
    const { U1, north, first, AM1, AM2, N1 } = cornerOf(test);
    for (const top of [U1, north]) history.add('units', `unitId=${top} name=${top}`);
    history.add('units', `unitId=${first} parentUnitId=${north} name=First`);
    for (const id of [AM1, AM2, N1]) {
      history.add(
        'account-managers',
        `accountManagerId=${id} name=${id} unitId=${id === N1 ? first : U1} ` +
          'position=account-manager joinedOn=2025-01-01',
      );
      for (const period of MONTHS) {
        history.add('metrics', metricRow(id, period, period === '2026-03' ? '60' : '0'));
      }
    }
  }
  return history;
}

describe('batches on their way', () => {
  let test: TestSystem;
  let engine: Engine;
  let history: SmallHistory;
  let appealCount = 0;
  let testCount = 0;
  let corner: Corner;

  beforeAll(async () => {
    test = await openTestSystem();
    ({ engine } = test.system);
    history = await companyOfCorners();
    await tell();
  }, 60_000);
  beforeEach(() => {
    testCount += 1;
    expect(testCount).toBeLessThanOrEqual(TESTS);
    corner = cornerOf(testCount);
  });
  afterAll(async () => {
    await test.close();
    await history.remove();
  });

  async function tell(): Promise<void> {
    await history.write();
    expect((await importFolder(test.system, history.dir)).refused).toEqual([]);
  }

  /** An upheld appeal sets another actual value for a March: 60 is 1,200.00, 80 2,000.00. */
  async function decide(whose: string, value: string): Promise<string> {
    appealCount += 1;
    const recordId = `M-${whose}-2026-03`;
    const corrections = JSON.stringify([{ type: 'replace', recordId, value }]);
    const appealId = `P${appealCount}`;
    history.add(
      'appeals',
      `appealId=${appealId} accountManagerId=${whose} period=2026-03 grounds=wrong ` +
        `filedAt=2026-04-06T09:00:00+08:00 disputedRecordIds=${recordId} reviewerId=R1 ` +
        `decidedAt=${dayAfter(appealCount)}T09:00:00+08:00 outcome=upheld ` +
        `corrections=${corrections}`,
    );
    await tell();
    return appealId;
  }

  async function lines(whose: string): Promise<string[]> {
    const at = await engine.log.head();
    return engine.readModels.at(at, ['bonus-ledger'], async (sql) => {
      expect(await verifyLedger(sql)).toEqual([]);
      const records = await ledgerRecords(sql, { accountManagerId: whose });
      return records.map(({ payPeriod, kind, period, amountMinor, cause }) =>
        [payPeriod, kind, period, amountMinor, cause].join(' ').trim(),
      );
    });
  }

  async function open(): Promise<string[]> {
    const org = await engine.organisation.current();
    const extent = { period: '2026-06', unitIds: corner.all };
    return engine.readModels.at(await engine.log.head(), ['settlement'], async (sql) => {
      const { lines: found } = await openDifferences(sql, org, extent);
      return found.map(({ accountManagerId, amountMinor, cause }) =>
        [accountManagerId, amountMinor, cause].join(' ').trim(),
      );
    });
  }

  it.each([
    [['everybody'], ['U1']],
    [['north'], ['first']],
    [['first'], ['U1', 'north']],
  ] as const)(
    'let one of two processes claim %p and %p',
    async (...claims) => {
      const scopeOf = (names: readonly (keyof Corner | 'everybody')[]): Scope =>
        names.flatMap((name) => (name === 'everybody' ? [] : corner[name]));
      const isAll = claims[0][0] === 'everybody';
      const period = isAll ? '2026-07' : '2026-03';
      const mine = isAll ? '*' : scopeOf(claims[0]);
      const theirs = scopeOf(claims[1]);
      const [myId, theirId] = [`${corner.U1}-mine`, `${corner.U1}-theirs`];
      const other = another(engine);
      let outcome: unknown = null;
      const slow = another(engine, {
        // Both have read the claims so far; the other one appends first.
        before: once('bonus-batches.ScopeClaimed.v1', () =>
          prepareBatch(other, period, theirs, theirId),
        ),
      });
      await prepareBatch(slow, period, mine, myId).catch((error) => void (outcome = error));
      expect(outcome).toMatchObject({ code: 'batch-scope-overlaps', details: { other: theirId } });
      expect((await batchOnRecord(engine, myId)).revision).toBe(-1);
      expect((await batchOnRecord(engine, theirId)).prepared).not.toBeNull();
    },
    60_000,
  );

  it('lets scopes beside each other race', async () => {
    const { U1, north } = corner;
    const claims = [U1, north].map((unitId) => prepareBatch(another(engine), '2026-03', [unitId]));
    expect(await Promise.all(claims)).toEqual([`2026-03-${U1}`, `2026-03-${north}`]);
  }, 60_000);

  it.each(['before the sealing starts', 'between its start and its end'])(
    'post a decision that falls %s in the next batch',
    async (when) => {
      const batchId = await prepareBatch(engine, '2026-03', corner.all);
      const sha256 = await approveBatch(engine, batchId);
      let cause = '';
      const decideNow = once('bonus-batches.SealingStarted.v1', async () => {
        cause = await decide(corner.AM1, '80');
      });
      const isBefore = when.startsWith('before');
      await seal(
        another(engine, isBefore ? { before: decideNow } : { after: decideNow }),
        batchId,
        sha256,
      );
      expect(await lines(corner.AM1)).toEqual(['2026-03 base 2026-03 120000']);
      expect(await open()).toEqual([`${corner.AM1} 80000 ${cause}`]);
      await pay(engine, '2026-04', corner.all);
      expect((await lines(corner.AM1))[1]).toBe(`2026-04 correction 2026-03 80000 ${cause}`);
      expect(await open()).toEqual([]);
    },
    60_000,
  );

  it('cite in the next batch only what was decided since the last one', async () => {
    await pay(engine, '2026-03', corner.all);
    const first = await decide(corner.AM1, '80');
    const batchId = await prepareBatch(engine, '2026-04', corner.all);
    const sha256 = await approveBatch(engine, batchId);
    let second = '';
    const decideNow = once('bonus-batches.SealingStarted.v1', async () => {
      second = await decide(corner.AM1, '95');
    });
    await seal(another(engine, { after: decideNow }), batchId, sha256);
    expect(await open()).toEqual([`${corner.AM1} 10000 ${second}`]);
    await pay(engine, '2026-05', corner.all);
    expect(await lines(corner.AM1)).toEqual([
      '2026-03 base 2026-03 120000',
      `2026-04 correction 2026-03 80000 ${first}`,
      `2026-05 correction 2026-03 10000 ${second}`,
    ]);
  }, 60_000);

  it('supersede a batch whose line moved before the seal was asked for', async () => {
    const batchId = await prepareBatch(engine, '2026-03', [corner.U1]);
    const sha256 = await approveBatch(engine, batchId);
    await decide(corner.N1, '80'); // of another scope: moves nothing here
    await seal(engine, batchId, sha256);
    const north = await prepareBatch(engine, '2026-04', [corner.north]);
    expect((await batchOnRecord(engine, north)).prepared?.lineCount).toBe(0); // March is not sealed
    await pay(engine, '2026-03', [corner.north]);
    expect(await lines(corner.N1)).toEqual(['2026-03 base 2026-03 200000']);
    await decide(corner.N1, '95');
    const stale = await approveBatch(engine, north);
    await expect(seal(engine, north, stale)).rejects.toMatchObject({ code: 'batch-changed' });
    await pay(engine, '2026-04', [corner.north]);
    expect((await lines(corner.N1))[1]).toMatch(/^2026-04 correction 2026-03 10000 P\d+$/);
  }, 60_000);

  it('post a difference once that two batches of two periods hold', async () => {
    await pay(engine, '2026-03', corner.all);
    const cause = await decide(corner.AM1, '80');
    const ids = [
      await prepareBatch(engine, '2026-04', corner.all),
      await prepareBatch(engine, '2026-05', corner.all),
    ];
    const [first = '', second = ''] = ids;
    const shas = await Promise.all(ids.map((id) => approveBatch(engine, id)));
    // Both have found their lines due; the other one starts first, and its process dies there.
    const plug = once('bonus-batches.SealingStarted.v1', () =>
      Promise.reject(new Error('pulled the plug')),
    );
    const other = another(engine, { after: plug });
    const slow = another(engine, {
      before: once('bonus-batches.SealingStarted.v1', () =>
        expect(seal(other, second, shas[1] ?? '')).rejects.toThrow('the plug'),
      ),
    });
    await expect(seal(slow, first, shas[0] ?? '')).rejects.toMatchObject({ code: 'batch-changed' });
    expect((await batchOnRecord(engine, second)).sealed).not.toBeNull();
    expect(await lines(corner.AM1)).toEqual([
      '2026-03 base 2026-03 120000',
      `2026-05 correction 2026-03 80000 ${cause}`,
    ]);
    expect(await open()).toEqual([]);
  }, 60_000);

  it('end a sealing that a dead process began, and none that was superseded', async () => {
    const batchId = await prepareBatch(engine, '2026-03', corner.all);
    const sha256 = await approveBatch(engine, batchId);
    const dying = another(engine, {
      after: once('bonus-batches.SealingStarted.v1', () => Promise.reject(new Error('the plug'))),
    });
    await expect(seal(dying, batchId, sha256)).rejects.toThrow('the plug');
    await Promise.all([finishSealing(engine), finishSealing(another(engine))]);
    expect((await batchOnRecord(engine, batchId)).sealed).toMatchObject({ sealedAt });
    expect(await lines(corner.AM1)).toHaveLength(1);
  }, 60_000);

  it('go on with a preparing that died at any append', async () => {
    for (const [index, type] of [
      'bonus-batches.ScopeClaimed.v1',
      'assessment.CreditsFrozen.v1',
      'bonus-batches.BatchLinesProposed.v1',
    ].entries()) {
      const period = `2026-0${index + 3}`;
      if (period !== '2026-03') await decide(corner.AM1, String(80 + index * 5));
      const plug = once(type, () => Promise.reject(new Error('the plug')));
      await expect(
        prepareBatch(another(engine, { after: plug }), period, corner.all),
      ).rejects.toThrow('plug');
      await pay(engine, period, corner.all);
    }
    expect((await lines(corner.AM1)).length).toBeGreaterThanOrEqual(2);
    expect(await open()).toEqual([]);
  }, 60_000);

  it('refuse a preparer of the scope, an unknown unit and a period that is not published', async () => {
    const claim = (preparedBy: string, period: string, unitIds: readonly string[]) =>
      claimScope(
        engine,
        { batchId: 'B', period, unitIds, preparedBy, replacesBatchId: null },
        by(preparedBy),
      );
    const code = async (asked: Promise<unknown>): Promise<unknown> =>
      asked.then(
        () => null,
        (error: unknown) => (error instanceof DomainError ? error.code : error),
      );
    expect(await code(claim(corner.N1, '2026-03', [corner.north]))).toBe('segregation-of-duties');
    expect(await code(claim('O1', '2026-03', ['nowhere']))).toBe('unknown-unit');
    expect(await code(claim('O1', '2026-08', [corner.north]))).toBe('cycle-not-published');
    expect(await code(claim(corner.N1, '2026-03', [corner.U1]))).toBe(null);
  }, 60_000);
});
