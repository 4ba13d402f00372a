import type { Engine } from '#commands';
import { bonusBatchStream } from '#contexts/bonus-batches';
import { DomainError, nameBasedId } from '#kernel';
import { resolveDecision } from '#processes/appeal-resolution';
import { ledgerRecords, verifyLedger } from '#read-models/bonus-ledger';
import type { Correction } from '#rules';
import { bonusBatchAggregate } from '#commands';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../test/support/small-history.js';
import { importFolder, openTestSystem, type TestSystem } from '../../../test/support/system.js';
import { batchOnRecord, type By, decideBatch } from './batch.js';
import {
  abandonBatch,
  claimScope,
  pathOfPerson,
  pendingDifferences,
  personDues,
  prepareClaimed,
  readRegister,
  sealBatch,
} from './index.js';
import { isSealed } from './pending.js';

/**
 * Whatever is decided, prepared, approved, sealed, rejected and given up in any order: what sealed
 * batches paid for a line and what is pending is together what is due for it.
 */
const SEED = 20260711;
const STEPS = 160;
const PERIODS = ['2026-01', '2026-02', '2026-03', '2026-04'];
const LATER = ['2026-05', '2026-06'];
const UNIT_OF = { A1: 'north', A2: 'north', B1: 'south', B2: 'south-1' } as const;
const PEOPLE = Object.keys(UNIT_OF) as (keyof typeof UNIT_OF)[];
const SCOPES = ['*', ['north'], ['south'], ['south-1'], ['north', 'south']] as const;
const REFUSALS = new Set([
  'batch-acknowledged',
  'batch-changed',
  'batch-not-prepared',
  'batch-not-approved',
  'batch-rejected',
  'batch-scope-overlaps',
  'batch-sealed',
]);

/** Mulberry32: the same history on every machine. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

async function company(): Promise<SmallHistory> {
  const history = await smallHistory([]);
  history.add('units', 'unitId=north name=N', 'unitId=south name=S');
  history.add('units', 'unitId=south-1 parentUnitId=south name=S1');
  for (const [id, unitId] of Object.entries(UNIT_OF)) {
    history.add(
      'account-managers',
      `accountManagerId=${id} name=${id} unitId=${unitId} position=account-manager ` +
        'joinedOn=2025-01-01',
    );
    const credit = (creditId: string, period: string, amountMinor: number, original = ''): string =>
      `creditId=${creditId} accountManagerId=${id} period=${period} productId=standard ` +
      `amountMinor=${amountMinor} creditedAt=${period}-21T09:00:00+08:00 originalCreditId=${original}`;
    history.add('sales-credits', credit(`S-${id}`, '2026-01', 400_000));
    history.add('sales-credits', credit(`R-${id}`, '2026-02', -150_000, `S-${id}`));
  }
  for (const [index, period] of [...PERIODS, ...LATER].entries()) {
    const next = `2026-0${index + 2}`;
    history.add('cycles', cycleRow(period, { closed: `${next}-02`, published: `${next}-03` }));
    for (const id of PEOPLE) history.add('metrics', metricRow(id, period, '60'));
  }
  return history;
}

class World {
  readonly batches: string[] = [];
  readonly seen = { sealed: 0, superseded: 0, rejected: 0, given: 0, corrections: 0 };
  #step = 0;

  constructor(
    readonly engine: Engine,
    readonly random: (below: number) => number,
  ) {}

  by(id: string): By {
    this.#step += 1;
    const base = this.#step;
    return (step) => ({
      commandId: nameBasedId('any history', base, step),
      actor: { id, role: 'office' },
      occurredAt: this.at(),
      recordedAt: this.at(),
    });
  }

  at(): string {
    const minute = String(this.#step % 60).padStart(2, '0');
    const hour = String(Math.floor(this.#step / 60)).padStart(2, '0');
    return `2026-09-01T${hour}:${minute}:00+08:00`;
  }

  pick<Of>(list: readonly Of[]): Of {
    return list[this.random(list.length)] as Of;
  }

  async decide(): Promise<void> {
    const envelope = this.by('R1')('decide');
    const id = this.pick(PEOPLE);
    const strikes = this.random(4) === 0;
    const period = strikes ? '2026-01' : this.pick(PERIODS);
    const value = this.pick(['60', '75', '90', '40']);
    const corrections: Correction[] = strikes
      ? [{ type: 'strike', recordId: `S-${id}` }]
      : [{ type: 'replace', recordId: `M-${id}-${period}`, value }];
    const isOffice = this.random(4) === 0;
    const number = this.#step;
    await resolveDecision(this.engine, {
      accountManagerId: id,
      period,
      corrections,
      citing: isOffice
        ? { kind: 'office', correctionId: `C${number}` }
        : { kind: 'appeal', appealId: `P${number}` },
      decidedAt: this.at(),
      cause: { actor: envelope.actor, recordedAt: envelope.recordedAt },
    });
  }

  async prepare(period: string, unitIds: '*' | readonly string[]): Promise<string> {
    const { claims } = await readRegister(this.engine);
    const same = [...claims.values()].filter(
      (claim) =>
        claim.payPeriod === period && JSON.stringify(claim.unitIds) === JSON.stringify(unitIds),
    );
    const standing = await Promise.all(
      same.map((each) => batchOnRecord(this.engine, each.batchId)),
    );
    const at = standing.findIndex(({ isRejected }) => !isRejected);
    const batchId = same[at]?.batchId ?? `${period} ${String(unitIds)} ${(this.#step += 1)}`;
    const request = { batchId, period, unitIds, preparedBy: 'O1', replacesBatchId: null };
    const claim = await claimScope(this.engine, request, this.by('O1'));
    await prepareClaimed(this.engine, claim, this.by('O1'));
    if (!this.batches.includes(batchId)) this.batches.push(batchId);
    return batchId;
  }

  async approve(batchId: string): Promise<string> {
    const { prepared, generation } = await batchOnRecord(this.engine, batchId);
    const sha256 = prepared?.sha256 ?? '';
    const data = { batchId, sha256, approvedBy: 'approver' };
    const by = this.by('approver');
    await decideBatch(this.engine, by, { type: 'bonus-batches.ApproveBatch', data }, generation);
    return sha256;
  }

  async seal(batchId: string): Promise<void> {
    const { prepared, sealed } = await batchOnRecord(this.engine, batchId);
    if (sealed) return;
    const request = { batchId, sha256: prepared?.sha256 ?? '', sealedAt: this.at() };
    const sealing = sealBatch(this.engine, request, this.by('O1'));
    // Decisions fall wherever they like: before, between and behind the steps of a sealing.
    const deciding = this.random(2) === 0 ? this.decide() : Promise.resolve();
    const [outcome, decided] = await Promise.allSettled([sealing, deciding]);
    if (decided.status === 'rejected') throw decided.reason as Error;
    if (outcome.status === 'fulfilled') {
      this.seen.sealed += 1;
      return;
    }
    const error = outcome.reason as Error;
    if (error instanceof DomainError && error.code === 'batch-changed') this.seen.superseded += 1;
    throw error;
  }

  async reject(batchId: string): Promise<void> {
    const data = { batchId, messageId: `m${(this.#step += 1)}`, reasonCode: 'no' };
    const { sealed, isRejected } = await batchOnRecord(this.engine, batchId);
    if (!sealed || isRejected) return;
    await this.engine.handler.decide(bonusBatchAggregate, bonusBatchStream(batchId), {
      command: { type: 'bonus-batches.RejectBatch', data },
      facts: () => ({ overlappingBatchIds: [], dueMinor: null }),
      envelope: this.by('payroll')('reject'),
    });
    this.seen.rejected += 1;
  }

  async giveUp(batchId: string): Promise<void> {
    const request = { batchId, reason: 'wrong-scope', releasedBy: 'O1' };
    await abandonBatch(this.engine, request, this.by('O1'));
    this.seen.given += 1;
  }

  async act(): Promise<void> {
    const dice = this.random(16);
    if (dice < 4) return this.decide();
    if (dice < 8) return void (await this.prepare(this.pick(PERIODS), this.pick(SCOPES)));
    const batchId = this.batches.at(-1 - this.random(Math.min(3, this.batches.length)));
    if (batchId === undefined) return;
    if (dice < 11) return void (await this.approve(batchId));
    if (dice < 14) return this.seal(batchId);
    return dice === 14 ? this.reject(this.pick(this.batches)) : this.giveUp(batchId);
  }

  /** Refusals are part of any history; anything else is not. */
  async tolerantly(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof DomainError) || !REFUSALS.has(error.code)) throw error;
    }
  }

  async settleAll(): Promise<void> {
    for (const batchId of this.batches) await this.tolerantly(() => this.giveUp(batchId));
    for (const period of [...PERIODS, ...LATER]) {
      for (const unitIds of [['north'], ['south'], ['south-1'], '*'] as const) {
        await this.tolerantly(async () => {
          const batchId = await this.prepare(period, unitIds);
          const sha256 = await this.approve(batchId);
          await sealBatch(this.engine, { batchId, sha256, sealedAt: this.at() }, this.by('O1'));
        });
      }
    }
  }

  /** `period of reference amount` for each line: what is paid and pending, and what is due. */
  async books(id: string): Promise<{ told: string[]; due: string[] }> {
    const position = await this.engine.log.head();
    const org = await this.engine.organisation.current();
    const { at } = this.engine.readModels;
    const { paid, sealed, open } = await at(
      position,
      ['bonus-ledger', 'settlement'],
      async (sql) => ({
        paid: await ledgerRecords(sql, { accountManagerId: id }),
        sealed: await sql.query<{ pay_period: string; unit_ids: string }>(
          'select pay_period, unit_ids from settlement_batch',
        ),
        open: await pendingDifferences(sql, { accountManagerId: id }, { after: null, limit: 200 }),
      }),
    );
    const isPaid = (period: string): boolean =>
      isSealed(sealed, period, pathOfPerson(org, period, id));
    const sums = new Map<string, bigint>();
    const add = (period: string, of: string, reference: string, amount: string): void => {
      const key = `${period} ${of} ${reference}`;
      sums.set(key, (sums.get(key) ?? 0n) + BigInt(amount));
    };
    for (const line of paid) {
      if (line.kind === 'correction') this.seen.corrections += 1;
      if (isPaid(line.period)) add(line.period, line.of, line.reference, line.amountMinor);
    }
    for (const { period, lines } of open.items) {
      expect(isPaid(period)).toBe(true);
      for (const line of lines) add(period, line.of, line.reference, line.differenceMinor);
    }
    const dues = await personDues(this.engine.log, org, id, position);
    const due = [...dues].flatMap(([period, { lines }]) => (isPaid(period) ? [...lines] : []));
    return {
      told: [...sums]
        .filter(([, sum]) => sum !== 0n)
        .map(([key, sum]) => `${key} ${sum}`)
        .sort(),
      due: due
        .map(
          ({ period, of, reference, amountMinor }) => `${period} ${of} ${reference} ${amountMinor}`,
        )
        .sort(),
    };
  }
}

describe('any history of batches', () => {
  let test: TestSystem;
  let history: SmallHistory;
  beforeAll(async () => {
    test = await openTestSystem();
    history = await company();
    await history.write();
    expect((await importFolder(test.system, history.dir)).refused).toEqual([]);
  }, 60_000);
  afterAll(async () => {
    await test.close();
    await history.remove();
  });

  it(`pays what is due, once, in the end (seed ${SEED})`, async () => {
    const world = new World(test.system.engine, randomOf(SEED));
    test.system.keepProjecting();
    for (let step = 0; step < STEPS; step += 1) {
      await world.tolerantly(() => world.act());
      if (step % 20 !== 0) continue;
      for (const id of PEOPLE) {
        const { told, due } = await world.books(id);
        expect({ step, id, told }).toEqual({ step, id, told: due });
      }
    }
    await world.settleAll();
    const { engine, projections } = test.system;
    const position = await engine.log.head();
    const left = await engine.readModels.at(
      position,
      ['settlement', 'bonus-ledger'],
      async (sql) => {
        expect(await verifyLedger(sql)).toEqual([]);
        return pendingDifferences(sql, {}, { after: null, limit: 200 });
      },
    );
    expect(left.items.filter(({ withheld }) => !withheld)).toEqual([]);
    for (const id of PEOPLE) {
      const { told, due } = await world.books(id);
      expect({ id, told }).toEqual({ id, told: due });
    }
    expect((await projections.verify({ projections: ['settlement'] })).differences).toEqual([]);
    for (const [what, count] of Object.entries(world.seen)) {
      expect([what, count > 0 ? 'gone' : count]).toEqual([what, 'gone']);
    }
  }, 120_000);
});
