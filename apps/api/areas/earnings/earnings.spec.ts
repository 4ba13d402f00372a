import {
  assessmentStreamAggregate,
  commandOfFact,
  type Envelope,
  type Fact,
  findSale,
} from '#commands';
import { assessmentStream, nameBasedId } from '#kernel';
import { nameReturner } from '#processes/settlement';
import { verifyLedger } from '#read-models/bonus-ledger';
import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import { cycleRow, metricRow, smallHistory } from '../../../../test/support/small-history.js';
import { importFolder } from '../../../../test/support/system.js';

const LEAVERS = { north: ['L1', 'L2', 'L3', 'L5'], south: ['L4'] } as const;

/** March to May are published; leavers sold in March, and left with its end. */
async function openWithLeavers(): Promise<TestApi> {
  const history = await smallHistory([]);
  history.add('units', 'unitId=north name=North', 'unitId=south name=South');
  history.add('units', 'unitId=north-1 parentUnitId=north name=First');
  const enrol = (id: string, unitId: string, leftOn = '') =>
    history.add(
      'account-managers',
      `accountManagerId=${id} name=${id} unitId=${unitId} position=account-manager ` +
        `joinedOn=2025-01-01 leftOn=${leftOn}`,
    );
  for (const [unitId, ids] of Object.entries(LEAVERS)) {
    for (const id of ids) {
      enrol(id, unitId === 'north' ? 'north-1' : unitId, '2026-03-31');
      history.add(
        'sales-credits',
        `creditId=SALE-${id} accountManagerId=${id} period=2026-03 productId=standard ` +
          'amountMinor=500000 creditedAt=2026-03-20T09:00:00+08:00',
      );
      history.add('metrics', metricRow(id, '2026-03', '60'));
    }
  }
  enrol('N1', 'north-1');
  for (const [index, period] of ['2026-03', '2026-04', '2026-05'].entries()) {
    const next = `2026-0${index + 4}`;
    history.add('cycles', cycleRow(period, { closed: `${next}-02`, published: `${next}-03` }));
    history.add('metrics', metricRow('N1', period, '60'));
  }
  const api = await openTestApi('2026-06-10T09:00:00+08:00');
  await history.write();
  expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
  await history.remove();
  return api;
}

describe('a return of somebody who has left before the period', () => {
  let api: TestApi;
  let office: Client;
  let approver: Client;

  beforeAll(async () => {
    api = await openWithLeavers();
    office = await api.as('office-1', 'office');
    approver = await api.as('approver-1', 'approver');
  }, 60_000);
  afterAll(() => api.close());

  const bodyOf = (whose: string, creditId: string) => ({
    creditId,
    accountManagerId: whose,
    period: '2026-04',
    productId: 'standard',
    amountMinor: '-100000',
    originalCreditId: `SALE-${whose}`,
  });
  const giveBack = async (whose: string, creditId: string) => {
    const { status, body } = await office.post('/v1/sales-credits', bodyOf(whose, creditId));
    return [status, body['code']];
  };
  /** By a process that looked for claims before there was one, or never. */
  async function giveBackUnseen(
    whose: string,
    creditId: string,
    period = '2026-04',
  ): Promise<void> {
    const { engine } = api.system;
    const at = api.clock.now.toISOString();
    const { originalCreditId, ...record } = { ...bodyOf(whose, creditId), period };
    const fact: Fact = {
      kind: 'sales-credit',
      ...record,
      originalCreditId,
      creditedAt: at,
    };
    const sale = await findSale(api.system.store, originalCreditId);
    const org = await engine.organisation.current();
    const sources = { org, sealedAtOf: () => null, saleOf: () => sale };
    await engine.handler.decide(assessmentStreamAggregate, assessmentStream(whose, period), {
      command: commandOfFact(fact, period, sources),
      facts: () => undefined,
      envelope: envelopeOf(creditId),
    });
  }
  function envelopeOf(of: string): Envelope {
    const at = api.clock.now.toISOString();
    const id = nameBasedId('test', of);
    const actor = { id: 'office-2', role: 'office' };
    return { commandId: id, correlationId: id, actor, occurredAt: at, recordedAt: at };
  }
  const prepare = (batchId: string, unitIds: readonly string[], more: object = {}) =>
    office.post('/v1/bonus-batches', { batchId, period: '2026-04', unitIds, ...more });
  const approve = async (batchId: string): Promise<string> => {
    const { body } = await office.get<{ sha256: string }>(`/v1/bonus-batches/${batchId}`);
    const { sha256 } = body;
    const approved = await approver.post(`/v1/bonus-batches/${batchId}/approve`, { sha256 });
    expect(approved).toMatchObject({ status: 201 });
    return sha256;
  };
  const seal = (batchId: string, sha256: string) =>
    office.post(`/v1/bonus-batches/${batchId}/seal`, { sha256 });
  async function clawbacksOf(batchId: string): Promise<string[]> {
    await api.system.projections.waitFor(['bonus-ledger'], await api.system.store.head(), 5_000);
    type Line = Record<'accountManagerId' | 'kind' | 'reference' | 'amountMinor', string>;
    const { body } = await office.get<{ items: Line[] }>(`/v1/bonus-batches/${batchId}/lines`);
    return body.items
      .filter(({ kind }) => kind === 'clawback')
      .map((line) => `${line.accountManagerId} ${line.reference} ${line.amountMinor}`);
  }

  it('is refused from the claim of the batch that holds the person, until it is given up', async () => {
    expect(await giveBack('L1', 'R1')).toEqual([201, undefined]);
    expect(await prepare('north', ['north'])).toMatchObject({ status: 201 });
    expect(await giveBack('L2', 'R2')).toEqual([409, 'batch-sealed']);
    expect(await giveBack('L4', 'R4')).toEqual([201, undefined]); // of no scope that is claimed
    expect((await giveBack('L1', 'R1'))[0]).toBe(200); // told again
    const lines = ['L2', 'N1'].map((whose) => JSON.stringify(bodyOf(whose, `B-${whose}`)));
    const batch = await office.post<string>('/v1/sales-credits:batch', lines.join('\n'), {
      'content-type': 'application/x-ndjson',
    });
    expect(String(batch.body)).toMatch(/"line":1,"status":409,"code":"batch-sealed"/);
    const abandon = { reason: 'wrong-scope' };
    expect(await office.post('/v1/bonus-batches/north/abandon', abandon)).toMatchObject({
      status: 201,
    });
    expect(await giveBack('L2', 'R2')).toEqual([201, undefined]);
    expect(await prepare('north', ['north'])).toMatchObject({ status: 201 });
    expect(await clawbacksOf('north')).toEqual(['L1 R1 -10000', 'L2 R2 -10000']);
  });

  it('supersedes the batch whose claim its decision did not see', async () => {
    const stale = await approve('north');
    await giveBackUnseen('L3', 'R3');
    expect(await seal('north', stale)).toMatchObject({
      status: 409,
      body: { code: 'batch-changed' },
    });
    // Prepared anew it holds the scope all the while.
    expect(await giveBack('L3', 'R3-2')).toEqual([409, 'batch-sealed']);
    expect(await prepare('north', ['north'])).toMatchObject({ status: 201 });
    expect(await seal('north', await approve('north'))).toMatchObject({ status: 201 });
    expect(await clawbacksOf('north')).toEqual(['L1 R1 -10000', 'L2 R2 -10000', 'L3 R3 -10000']);
    expect(await giveBack('L3', 'R3-2')).toEqual([409, 'batch-sealed']);
  });

  it('is refused by the freeze where its process slept from before the claim to the seal', async () => {
    const { engine } = api.system;
    const may = { accountManagerId: 'L5', period: '2026-05' };
    const org = await engine.organisation.current();
    expect(await nameReturner(engine, org, may, envelopeOf)).toBe(true);
    expect(await prepare('north-may', ['north'], { period: '2026-05' })).toMatchObject({
      status: 201,
    });
    const sha256 = await approve('north-may');
    expect(await seal('north-may', sha256)).toMatchObject({ status: 201 });
    await expect(giveBackUnseen('L5', 'R5', '2026-05')).rejects.toMatchObject({
      code: 'batch-sealed',
    });
    expect(await nameReturner(engine, org, may, envelopeOf)).toBe(false);
  });

  it('is taken after payroll rejected the batch, and clawed back by the one in its place', async () => {
    expect(await prepare('south', ['south'])).toMatchObject({ status: 201 });
    expect(await seal('south', await approve('south'))).toMatchObject({ status: 201 });
    expect(await clawbacksOf('south')).toEqual(['L4 R4 -10000']);
    const payroll = await api.as('payroll-1', 'payroll');
    const rejection = { messageId: 'm-1', reasonCode: 'account-unknown' };
    expect(await payroll.post('/v1/bonus-batches/north/reject', rejection)).toMatchObject({
      status: 201,
    });
    const joiner = { accountManagerId: 'J1', name: 'J1', unitId: 'north-1', position: 'teller' };
    const enrolled = await office.post('/v1/account-managers', {
      ...joiner,
      joinedOn: '2026-05-06',
    });
    expect(enrolled).toMatchObject({ status: 201 });
    const late = { ...bodyOf('J1', 'RJ'), originalCreditId: 'SALE-L1' };
    expect(await office.post('/v1/sales-credits', late)).toMatchObject({ status: 201 });
    const anew = { replacesBatchId: 'north' };
    expect(await prepare('north-2', ['north'], anew)).toMatchObject({ status: 201 });
    expect(await seal('north-2', await approve('north-2'))).toMatchObject({ status: 201 });
    expect(await clawbacksOf('north-2')).toContain('J1 RJ -10000');
    const head = await api.system.store.head();
    const faults = await api.system.engine.readModels.at(head, ['bonus-ledger'], verifyLedger);
    expect(faults).toEqual([]);
  });
});
