import { verifyLedger } from '#read-models/bonus-ledger';
import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../../test/support/small-history.js';
import { importFolder } from '../../../../test/support/system.js';

const MONTHS = ['2026-03', '2026-04', '2026-05', '2026-06'] as const;
const NORTH = ['N1', 'N2'] as const;
const SOUTH = ['S1', 'S2'] as const;

/** A company of two regions; each month is published early in the next one and sealed by nobody. */
async function twoRegions(): Promise<SmallHistory> {
  const history = await smallHistory([]);
  history.add('units', 'unitId=north name=North', 'unitId=south name=South');
  history.add('units', 'unitId=north-1 parentUnitId=north name=First');
  for (const [unitId, ids] of Object.entries({ 'north-1': NORTH, south: SOUTH })) {
    for (const id of ids) {
      history.add(
        'account-managers',
        `accountManagerId=${id} name=${id} unitId=${unitId} position=account-manager ` +
          'joinedOn=2025-01-01',
      );
    }
  }
  for (const [index, period] of MONTHS.entries()) {
    const next = `2026-0${index + 4}`;
    history.add('cycles', cycleRow(period, { closed: `${next}-02`, published: `${next}-03` }));
    for (const id of [...NORTH, ...SOUTH]) {
      history.add('metrics', metricRow(id, period, period === '2026-03' ? '60' : '0'));
    }
  }
  return history;
}

type Batch = {
  readonly state: string;
  readonly sha256: string;
  readonly generation: number;
  readonly lineCount: number;
  readonly sumMinor: string;
};

describe('bonus batches over HTTP', () => {
  let api: TestApi;
  let history: SmallHistory;
  let office: Client;
  let approver: Client;
  let payroll: Client;
  let appealCount = 0;

  beforeEach(async () => {
    api = await openTestApi('2026-04-10T09:00:00+08:00');
    history = await twoRegions();
    await history.write();
    expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
    [office, approver, payroll] = await Promise.all([
      api.as('office-1', 'office'),
      api.as('approver-1', 'approver'),
      api.as('payroll-1', 'payroll'),
    ]);
  }, 60_000);
  afterEach(async () => {
    await api.close();
    await history.remove();
  });

  /** Filed by the person, accepted and assigned by the office, upheld with another value. */
  async function decideAppeal(whose: string, value: string): Promise<string> {
    appealCount += 1;
    const appealId = `A${appealCount}`;
    const recordId = `M-${whose}-2026-03`;
    const done = async (answer: Promise<{ status: number; body: object }>): Promise<void> => {
      expect(await answer).toMatchObject({ status: 201 });
    };
    const [person, reviewer] = await Promise.all([
      api.as(whose, 'account-manager'),
      api.as('reviewer-1', 'reviewer'),
    ]);
    const disputed = { period: '2026-03', grounds: '有异议', disputedRecordIds: [recordId] };
    await done(person.post('/v1/appeals', { appealId, ...disputed }));
    await done(office.post(`/v1/appeals/${appealId}/accept`));
    await done(office.post(`/v1/appeals/${appealId}/assign`, { reviewerId: 'reviewer-1' }));
    const corrections = [{ type: 'replace', recordId, value }];
    const decision = { outcome: 'upheld', reasons: '经核实', corrections };
    await done(reviewer.post(`/v1/appeals/${appealId}/decide`, decision));
    return appealId;
  }

  const pending = async (by = office, query = '') => {
    const after = await api.system.store.head();
    return by.get<{ items: object[] }>(`/v1/ledger/pending?after=${after}${query}`);
  };
  const prepare = (period: string, unitIds?: readonly string[], more: object = {}) =>
    office.post('/v1/bonus-batches', { period, ...(unitIds ? { unitIds } : {}), ...more });
  const batchOf = async (batchId: string, by = office): Promise<Batch> => {
    const { status, body } = await by.get<Batch>(`/v1/bonus-batches/${batchId}`);
    expect(status).toBe(200);
    return body;
  };
  const approve = async (batchId: string) =>
    approver.post(`/v1/bonus-batches/${batchId}/approve`, {
      sha256: (await batchOf(batchId)).sha256,
    });
  const seal = async (batchId: string, sha256?: string) =>
    office.post(`/v1/bonus-batches/${batchId}/seal`, {
      sha256: sha256 ?? (await batchOf(batchId)).sha256,
    });
  async function pay(period: string, unitIds?: readonly string[]): Promise<string> {
    const prepared = await prepare(period, unitIds);
    expect(prepared).toMatchObject({ status: 201 });
    const batchId = String(prepared.body['id']);
    expect(await approve(batchId)).toMatchObject({ status: 201 });
    expect(await seal(batchId)).toMatchObject({ status: 201 });
    return batchId;
  }
  async function linesOf(batchId: string, by = office): Promise<string[]> {
    await api.system.projections.waitFor(['bonus-ledger'], await api.system.store.head(), 5_000);
    type Line = Record<'accountManagerId' | 'kind' | 'period' | 'amountMinor' | 'cause', string>;
    const { body } = await by.get<{ items: Line[] }>(`/v1/bonus-batches/${batchId}/lines`);
    return body.items.map((line) =>
      [line.accountManagerId, line.kind, line.period, line.amountMinor, line.cause]
        .join(' ')
        .trim(),
    );
  }
  const ledgerFaults = async (): Promise<readonly string[]> =>
    api.system.engine.readModels.at(await api.system.store.head(), ['bonus-ledger'], verifyLedger);

  it('post +800.00 and then +100.00 for a paid March that two appeals make better', async () => {
    const march = await pay('2026-03');
    expect((await linesOf(march)).filter((line) => line.startsWith('N1'))).toEqual([
      'N1 base 2026-03 120000',
    ]);
    const first = await decideAppeal('N1', '80');
    const open = await pending(office, '&accountManagerId=N1');
    expect(open.body.items).toMatchObject([
      {
        accountManagerId: 'N1',
        period: '2026-03',
        sumMinor: '80000',
        withheld: false,
        lines: [{ of: 'base', dueMinor: '200000', postedMinor: '120000', causes: [first] }],
      },
    ]);
    expect(await linesOf(await pay('2026-04'))).toEqual([`N1 correction 2026-03 80000 ${first}`]);
    const second = await decideAppeal('N1', '95');
    expect(await linesOf(await pay('2026-05'))).toEqual([`N1 correction 2026-03 10000 ${second}`]);
    expect((await pending()).body.items).toEqual([]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('hold a scope once: north and south beside each other, and nothing across', async () => {
    expect((await prepare('2026-03', ['north'])).body).toMatchObject({ id: '2026-03-north' });
    for (const unitIds of [['north'], ['north-1'], undefined]) {
      const refused = await prepare('2026-03', unitIds, { batchId: 'another' });
      expect(refused).toMatchObject({ status: 409, body: { code: 'batch-scope-overlaps' } });
    }
    expect(await prepare('2026-03', ['south'])).toMatchObject({ status: 201 });
    expect(await linesOf('2026-03-north')).toEqual([
      'N1 base 2026-03 120000',
      'N2 base 2026-03 120000',
    ]);
    expect(await linesOf('2026-03-south')).toEqual([
      'S1 base 2026-03 120000',
      'S2 base 2026-03 120000',
    ]);
    expect(await prepare('2026-03', ['nowhere'])).toMatchObject({ status: 404 });
    expect(await prepare('2026-03', ['north'])).toMatchObject({
      status: 409,
      body: { code: 'batch-already-prepared' },
    });
    // Given up, the scope is free; the batch itself may come back only if nobody took it.
    const abandoned = await office.post('/v1/bonus-batches/2026-03-north/abandon', {
      reason: 'wrong-scope',
    });
    expect(abandoned).toMatchObject({ status: 201 });
    expect(await batchOf('2026-03-north')).toMatchObject({ state: 'abandoned' });
    expect(await prepare('2026-03', ['north-1'])).toMatchObject({ status: 201 });
    expect(await prepare('2026-03', ['north'])).toMatchObject({
      body: { code: 'batch-scope-overlaps' },
    });
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('post a correction in the next batch whose scope holds the person', async () => {
    await pay('2026-03');
    const cause = await decideAppeal('N1', '80');
    await decideAppeal('S1', '80');
    expect(await linesOf(await pay('2026-04', ['south']))).toEqual([
      expect.stringMatching(/^S1 correction 2026-03 80000 A\d+$/),
    ]);
    expect(await linesOf(await pay('2026-04', ['north']))).toEqual([
      `N1 correction 2026-03 80000 ${cause}`,
    ]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are superseded by a decision before the seal, and prepared anew with its lines', async () => {
    await prepare('2026-03');
    await approve('2026-03-all');
    const stale = await batchOf('2026-03-all');
    await decideAppeal('N1', '80');
    const refused = await seal('2026-03-all', stale.sha256);
    expect(refused.status).toBe(409);
    expect(['batch-changed', 'batch-not-prepared']).toContain(refused.body['code']);
    expect(await batchOf('2026-03-all')).toMatchObject({ state: 'superseded', approvedBy: null });
    expect(await prepare('2026-03')).toMatchObject({ status: 201 });
    expect(await batchOf('2026-03-all')).toMatchObject({ state: 'prepared', generation: 2 });
    const old = await approver.post('/v1/bonus-batches/2026-03-all/approve', {
      sha256: stale.sha256,
    });
    expect(old).toMatchObject({ status: 409, body: { code: 'batch-changed' } });
    await approve('2026-03-all');
    expect(await seal('2026-03-all')).toMatchObject({ status: 201 });
    expect((await linesOf('2026-03-all'))[0]).toBe('N1 base 2026-03 200000');
    expect((await pending()).body.items).toEqual([]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are superseded without anybody’s seal as soon as a decision is seen', async () => {
    await prepare('2026-03');
    await approve('2026-03-all');
    await decideAppeal('N1', '80');
    for (;;) if ((await batchOf('2026-03-all')).state === 'superseded') break;
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are approved by somebody else, or on a delegation on record', async () => {
    await prepare('2026-03');
    const { sha256 } = await batchOf('2026-03-all');
    const path = '/v1/bonus-batches/2026-03-all/approve';
    const self = await api.as('office-1', 'approver');
    expect(await self.post(path, { sha256 })).toMatchObject({
      status: 403,
      body: { code: 'segregation-of-duties' },
    });
    const beneficiary = await api.as('N1', 'approver');
    expect(await beneficiary.post(path, { sha256 })).toMatchObject({ status: 403 });
    const deputy = await api.as('deputy-1', 'approver');
    expect(await deputy.post(path, { sha256, onBehalfOf: 'approver-1' })).toMatchObject({
      status: 403,
      body: { code: 'delegation-not-on-record' },
    });
    expect(await office.post(path, { sha256 })).toMatchObject({ status: 403 });
    expect(await prepare('2026-04', ['north'])).toMatchObject({ status: 201 });
    const preparer = await api.as('N2', 'office');
    const own = await preparer.post('/v1/bonus-batches', { period: '2026-05' });
    expect(own).toMatchObject({ status: 403, body: { code: 'segregation-of-duties' } });
  }, 60_000);

  it('answer a repeated request as the first time, and a stale one not at all', async () => {
    const key = { 'idempotency-key': 'prepare-march' };
    const body = { period: '2026-03' };
    const first = await office.post('/v1/bonus-batches', body, key);
    const again = await office.post('/v1/bonus-batches', body, key);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    const other = await office.post('/v1/bonus-batches', { period: '2026-04' }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    await approve('2026-03-all');
    const { headers, body: batch } = await office.get<Batch>('/v1/bonus-batches/2026-03-all');
    const path = '/v1/bonus-batches/2026-03-all/seal';
    const stale = await office.post(path, { sha256: batch.sha256 }, { 'if-match': '"0"' });
    expect(stale.status).toBe(412);
    expect(await batchOf('2026-03-all')).toMatchObject({ state: 'approved' });
    const current = { 'if-match': headers.get('etag') ?? '' };
    const sealed = await office.post(path, { sha256: batch.sha256 }, current);
    expect(sealed).toMatchObject({ status: 201 });
  }, 60_000);

  it('show the ledger to account managers of themselves alone', async () => {
    await pay('2026-03');
    await decideAppeal('N1', '80');
    await pending(); // has waited for what is asked below
    const own = await api.as('N1', 'account-manager');
    for (const path of ['accounts?', 'transactions?', 'pending?', 'lines?period=2026-03&']) {
      const mine = await own.get<{ items: object[] }>(`/v1/ledger/${path}accountManagerId=N1`);
      expect([path, mine.status, mine.body.items.length > 0]).toEqual([path, 200, true]);
      const others = await own.get(`/v1/ledger/${path}accountManagerId=N2`);
      expect([path, others.status]).toEqual([path, 403]);
    }
    const everybody = ['accounts', 'transactions', 'pending', 'lines?batchId=2026-03-all'];
    for (const path of everybody) {
      expect([path, (await own.get(`/v1/ledger/${path}`)).status]).toEqual([path, 403]);
      expect([path, (await office.get(`/v1/ledger/${path}`)).status]).toEqual([path, 200]);
      expect([path, (await payroll.get(`/v1/ledger/${path}`)).status]).toEqual([path, 403]);
    }
    const march = await pending(own, '&accountManagerId=N1&period=2026-03');
    expect(march.body).toMatchObject({ items: [{ sumMinor: '80000' }], unsettled: [] });
  }, 60_000);

  it('tell payroll of what is sealed alone, and take its word once', async () => {
    await prepare('2026-03', ['north']);
    const path = '/v1/bonus-batches/2026-03-north';
    expect(await payroll.get(path)).toMatchObject({ status: 404 });
    expect(await payroll.get(`${path}/lines`)).toMatchObject({ status: 404 });
    const early = await payroll.post(`${path}/acknowledge`, { messageId: 'm-0' });
    expect(early).toMatchObject({ status: 404 });
    await approve('2026-03-north');
    await seal('2026-03-north');
    expect(await batchOf('2026-03-north', payroll)).toMatchObject({ acknowledgement: 'awaited' });
    const acknowledged = await payroll.post(`${path}/acknowledge`, { messageId: 'm-1' });
    expect(acknowledged).toMatchObject({ status: 201 });
    const payment = { accountManagerId: 'N1', amountMinor: '120000' };
    const settle = (messageId: string) =>
      payroll.post(`${path}/payments/settle`, { ...payment, messageId });
    const { status, body } = await settle('m-2');
    expect(status).toBe(201);
    expect((await settle('m-2')).body).toMatchObject({ revision: body['revision'] });
    expect(await settle('m-3')).toMatchObject({ body: { code: 'amount-exceeds-due' } });
    const back = await payroll.post(`${path}/payments/return`, { ...payment, messageId: 'm-4' });
    expect(back).toMatchObject({ status: 201 });
    expect(await batchOf('2026-03-north')).toMatchObject({
      acknowledgement: 'accepted',
      settledMinor: '120000',
      returnedMinor: '120000',
    });
    // What came back is paid with the next batch that holds the person.
    await decideAppeal('N1', '80');
    await pay('2026-04', ['north']);
    expect(await batchOf('2026-04-north')).toMatchObject({ dueMinor: '200000' });
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are prepared anew after payroll rejected one, for what is still to be paid', async () => {
    await pay('2026-03', ['north']);
    const cause = await decideAppeal('N1', '80');
    await pay('2026-04', ['north']); // carries +800.00 for March
    const rejected = await payroll.post('/v1/bonus-batches/2026-03-north/reject', {
      messageId: 'm-1',
      reasonCode: 'account-unknown',
    });
    expect(rejected).toMatchObject({ status: 201 });
    const anew = { batchId: '2026-03-north-2', replacesBatchId: '2026-03-north' };
    expect(await prepare('2026-03', ['north'])).toMatchObject({ body: { code: 'batch-rejected' } });
    expect(await prepare('2026-03', ['north'], anew)).toMatchObject({ status: 201 });
    await approve('2026-03-north-2');
    expect(await seal('2026-03-north-2')).toMatchObject({ status: 201 });
    expect(await linesOf('2026-04-north')).toEqual([`N1 correction 2026-03 80000 ${cause}`]);
    expect(await linesOf('2026-03-north-2')).toEqual([
      'N1 base 2026-03 120000',
      'N2 base 2026-03 120000',
    ]);
    expect((await pending()).body.items).toEqual([]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);
});
