import { bonusBatchStream } from '#contexts/bonus-batches';
import type { RecordedEvent } from '#event-store';
import { verifyLedger } from '#read-models/bonus-ledger';
import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../../test/support/small-history.js';
import { importFolder } from '../../../../test/support/system.js';

const MONTHS = ['2026-03', '2026-04', '2026-05', '2026-06', '2026-07'] as const;
const TESTS = 12;
const APRIL_10 = '2026-04-10T09:00:00+08:00';

/** Two regions of the company that no other test touches. */
type Regions = Record<'north' | 'first' | 'south' | 'N1' | 'N2' | 'S1' | 'S2', string> & {
  readonly both: readonly string[];
};

const regionsOf = (test: number): Regions => {
  const name = (of: string): string => `T${test}-${of}`;
  const [north, south] = [name('north'), name('south')];
  const people = { N1: name('N1'), N2: name('N2'), S1: name('S1'), S2: name('S2') };
  return { north, first: name('north-1'), south, ...people, both: [north, south] };
};

/** Each month is published early in the next one and sealed by nobody. */
async function companyOfRegions(): Promise<SmallHistory> {
  const history = await smallHistory([]);
  for (const [index, period] of MONTHS.entries()) {
    const next = `2026-0${index + 4}`;
    history.add('cycles', cycleRow(period, { closed: `${next}-02`, published: `${next}-03` }));
  }
  for (let test = 1; test <= TESTS; test += 1) {
    const { north, first, south, N1, N2, S1, S2 } = regionsOf(test);
    history.add('units', `unitId=${north} name=North`, `unitId=${south} name=South`);
    history.add('units', `unitId=${first} parentUnitId=${north} name=First`);
    for (const id of [N1, N2, S1, S2]) {
      const unitId = id === N1 || id === N2 ? first : south;
      history.add(
        'account-managers',
        `accountManagerId=${id} name=${id} unitId=${unitId} position=account-manager ` +
          'joinedOn=2025-01-01',
      );
      for (const period of MONTHS) {
        history.add('metrics', metricRow(id, period, period === '2026-03' ? '60' : '0'));
      }
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
  let office: Client;
  let approver: Client;
  let payroll: Client;
  let appealCount = 0;
  let testCount = 0;
  let at: Regions;

  beforeAll(async () => {
    api = await openTestApi(APRIL_10);
    const history = await companyOfRegions();
    await history.write();
    expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
    await history.remove();
    [office, approver, payroll] = await Promise.all([
      api.as('office-1', 'office'),
      api.as('approver-1', 'approver'),
      api.as('payroll-1', 'payroll'),
    ]);
  }, 60_000);
  beforeEach(() => {
    testCount += 1;
    expect(testCount).toBeLessThanOrEqual(TESTS);
    at = regionsOf(testCount);
    api.clock.set(APRIL_10);
  });
  afterAll(() => api.close());

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
  const openHere = async (): Promise<object[]> => {
    const { items } = (await pending()).body as { items: { accountManagerId: string }[] };
    const people: readonly string[] = [at.N1, at.N2, at.S1, at.S2];
    return items.filter(({ accountManagerId }) => people.includes(accountManagerId));
  };
  const prepare = (period: string, unitIds = at.both, more: object = {}) =>
    office.post('/v1/bonus-batches', { period, unitIds, ...more });
  /** The id of a batch of both regions that nobody has named. */
  const idOfBoth = (period: string): string => `${period}-${at.both.join('+')}`;
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
  async function pay(period: string, unitIds = at.both): Promise<string> {
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
  async function approvalOf(batchId: string): Promise<RecordedEvent | undefined> {
    const found: RecordedEvent[] = [];
    for await (const events of api.system.store.readStream(bonusBatchStream(batchId))) {
      found.push(...events.filter(({ type }) => type === 'bonus-batches.BatchApproved.v1'));
    }
    return found.at(-1);
  }
  const ledgerFaults = async (): Promise<readonly string[]> =>
    api.system.engine.readModels.at(await api.system.store.head(), ['bonus-ledger'], verifyLedger);

  it('post +800.00 and then +100.00 for a paid March that two appeals make better', async () => {
    const march = await pay('2026-03');
    expect((await linesOf(march)).filter((line) => line.startsWith(at.N1))).toEqual([
      `${at.N1} base 2026-03 120000`,
    ]);
    const first = await decideAppeal(at.N1, '80');
    const open = await pending(office, `&accountManagerId=${at.N1}`);
    expect(open.body.items).toMatchObject([
      {
        accountManagerId: at.N1,
        period: '2026-03',
        sumMinor: '80000',
        withheld: false,
        lines: [{ of: 'base', dueMinor: '200000', postedMinor: '120000', causes: [first] }],
      },
    ]);
    expect(await linesOf(await pay('2026-04'))).toEqual([
      `${at.N1} correction 2026-03 80000 ${first}`,
    ]);
    const second = await decideAppeal(at.N1, '95');
    expect(await linesOf(await pay('2026-05'))).toEqual([
      `${at.N1} correction 2026-03 10000 ${second}`,
    ]);
    expect(await openHere()).toEqual([]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('hold a scope once: north and south beside each other, and nothing across', async () => {
    expect((await prepare('2026-03', [at.north])).body).toMatchObject({
      id: `2026-03-${at.north}`,
    });
    // Left out: everybody, and so these too.
    for (const unitIds of [[at.north], [at.first], []]) {
      const refused = await prepare('2026-03', unitIds, { batchId: 'another' });
      expect(refused).toMatchObject({ status: 409, body: { code: 'batch-scope-overlaps' } });
    }
    expect(await prepare('2026-03', [at.south])).toMatchObject({ status: 201 });
    expect(await linesOf(`2026-03-${at.north}`)).toEqual([
      `${at.N1} base 2026-03 120000`,
      `${at.N2} base 2026-03 120000`,
    ]);
    expect(await linesOf(`2026-03-${at.south}`)).toEqual([
      `${at.S1} base 2026-03 120000`,
      `${at.S2} base 2026-03 120000`,
    ]);
    expect(await prepare('2026-03', ['nowhere'])).toMatchObject({ status: 404 });
    expect(await prepare('2026-03', [at.north])).toMatchObject({
      status: 409,
      body: { code: 'batch-already-prepared' },
    });
    // Given up, the scope is free; the batch itself may come back only if nobody took it.
    const abandoned = await office.post(`/v1/bonus-batches/2026-03-${at.north}/abandon`, {
      reason: 'wrong-scope',
    });
    expect(abandoned).toMatchObject({ status: 201 });
    expect(await batchOf(`2026-03-${at.north}`)).toMatchObject({ state: 'abandoned' });
    expect(await prepare('2026-03', [at.first])).toMatchObject({ status: 201 });
    expect(await prepare('2026-03', [at.north])).toMatchObject({
      body: { code: 'batch-scope-overlaps' },
    });
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('post a correction in the next batch whose scope holds the person', async () => {
    await pay('2026-03');
    const cause = await decideAppeal(at.N1, '80');
    await decideAppeal(at.S1, '80');
    expect(await linesOf(await pay('2026-04', [at.south]))).toEqual([
      expect.stringMatching(new RegExp(`^${at.S1} correction 2026-03 80000 A\\d+$`)),
    ]);
    expect(await linesOf(await pay('2026-04', [at.north]))).toEqual([
      `${at.N1} correction 2026-03 80000 ${cause}`,
    ]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are superseded by a decision before the seal, and prepared anew with its lines', async () => {
    await prepare('2026-03');
    await approve(idOfBoth('2026-03'));
    const stale = await batchOf(idOfBoth('2026-03'));
    await decideAppeal(at.N1, '80');
    const refused = await seal(idOfBoth('2026-03'), stale.sha256);
    expect(refused.status).toBe(409);
    expect(['batch-changed', 'batch-not-prepared']).toContain(refused.body['code']);
    expect(await batchOf(idOfBoth('2026-03'))).toMatchObject({
      state: 'superseded',
      approvedBy: null,
    });
    expect(await prepare('2026-03')).toMatchObject({ status: 201 });
    expect(await batchOf(idOfBoth('2026-03'))).toMatchObject({ state: 'prepared', generation: 2 });
    const old = await approver.post(`/v1/bonus-batches/${idOfBoth('2026-03')}/approve`, {
      sha256: stale.sha256,
    });
    expect(old).toMatchObject({ status: 409, body: { code: 'batch-changed' } });
    await approve(idOfBoth('2026-03'));
    expect(await seal(idOfBoth('2026-03'))).toMatchObject({ status: 201 });
    expect((await linesOf(idOfBoth('2026-03')))[0]).toBe(`${at.N1} base 2026-03 200000`);
    expect(await openHere()).toEqual([]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are superseded without anybody’s seal as soon as a decision is seen', async () => {
    await prepare('2026-03');
    await approve(idOfBoth('2026-03'));
    await decideAppeal(at.N1, '80');
    for (;;) if ((await batchOf(idOfBoth('2026-03'))).state === 'superseded') break;
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are approved by somebody else, or on a delegation on record', async () => {
    await prepare('2026-03');
    const { sha256 } = await batchOf(idOfBoth('2026-03'));
    const path = `/v1/bonus-batches/${idOfBoth('2026-03')}/approve`;
    const self = await api.as('office-1', 'approver');
    expect(await self.post(path, { sha256 })).toMatchObject({
      status: 403,
      body: { code: 'segregation-of-duties' },
    });
    const beneficiary = await api.as(at.N1, 'approver');
    expect(await beneficiary.post(path, { sha256 })).toMatchObject({ status: 403 });
    const deputy = await api.as('deputy-1', 'approver');
    expect(await deputy.post(path, { sha256, onBehalfOf: 'approver-1' })).toMatchObject({
      status: 403,
      body: { code: 'delegation-not-on-record' },
    });
    expect(await office.post(path, { sha256 })).toMatchObject({ status: 403 });
    expect(await prepare('2026-04', [at.north])).toMatchObject({ status: 201 });
    const preparer = await api.as(at.N2, 'office');
    const own = await preparer.post('/v1/bonus-batches', { period: '2026-05' });
    expect(own).toMatchObject({ status: 403, body: { code: 'segregation-of-duties' } });
  }, 60_000);

  it('are approved on a delegation to its last day where the scheme is, and named so', async () => {
    for (const unitId of at.both) {
      expect(await prepare('2026-03', [unitId])).toMatchObject({ status: 201 });
    }
    const delegation = { toActorId: 'deputy-2', fromOn: '2026-04-12', untilOn: '2026-04-13' };
    expect(await approver.post('/v1/delegations', delegation)).toMatchObject({ status: 201 });
    const deputy = await api.as('deputy-2', 'approver');
    const approveOn = async (now: string, unitId: string) => {
      api.clock.set(now);
      const batchId = `2026-03-${unitId}`;
      const { sha256 } = await batchOf(batchId);
      const body = { sha256, onBehalfOf: 'approver-1' };
      return deputy.post(`/v1/bonus-batches/${batchId}/approve`, body);
    };
    const refused = { status: 403, body: { code: 'delegation-not-on-record' } };
    // In UTC the second of these is before the delegation, and the third within it.
    expect(await approveOn('2026-04-11T23:59:59+08:00', at.north)).toMatchObject(refused);
    expect(await approveOn('2026-04-12T00:00:00+08:00', at.north)).toMatchObject({ status: 201 });
    expect(await approveOn('2026-04-14T00:00:00+08:00', at.south)).toMatchObject(refused);
    expect(await approveOn('2026-04-15T09:00:00+08:00', at.south)).toMatchObject(refused);
    const last = await approveOn('2026-04-13T23:59:59+08:00', at.south);
    expect(last).toMatchObject({ status: 201 });
    const approved = await approvalOf(`2026-03-${at.south}`);
    const { sha256 } = await batchOf(`2026-03-${at.south}`);
    expect(approved?.data).toMatchObject({ approvedBy: 'deputy-2', sha256 });
    expect(approved?.metadata.actor).toEqual({
      id: 'deputy-2',
      role: 'approver',
      onBehalfOf: 'approver-1',
    });
    expect(await batchOf(`2026-03-${at.south}`)).toMatchObject({
      state: 'approved',
      approvedBy: 'deputy-2',
      approvedOnBehalfOf: 'approver-1',
    });
    // The own approval, by the deputy's own right, names nobody else.
    await prepare('2026-04');
    const own = { sha256: (await batchOf(idOfBoth('2026-04'))).sha256 };
    await deputy.post(`/v1/bonus-batches/${idOfBoth('2026-04')}/approve`, own);
    const actor = { id: 'deputy-2', role: 'approver' };
    expect((await approvalOf(idOfBoth('2026-04')))?.metadata.actor).toEqual(actor);
  }, 60_000);

  it('answer a repeated request as the first time, and a stale one not at all', async () => {
    const key = { 'idempotency-key': 'prepare-march' };
    const body = { period: '2026-07' }; // of everybody, and of no other test
    const first = await office.post('/v1/bonus-batches', body, key);
    const again = await office.post('/v1/bonus-batches', body, key);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(first.body).toMatchObject({ id: '2026-07-all' });
    expect(again.body).toEqual(first.body);
    const other = await office.post('/v1/bonus-batches', { period: '2026-04' }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    await approve('2026-07-all');
    const { headers, body: batch } = await office.get<Batch>('/v1/bonus-batches/2026-07-all');
    const path = '/v1/bonus-batches/2026-07-all/seal';
    const stale = await office.post(path, { sha256: batch.sha256 }, { 'if-match': '"0"' });
    expect(stale.status).toBe(412);
    expect(await batchOf('2026-07-all')).toMatchObject({ state: 'approved' });
    const current = { 'if-match': headers.get('etag') ?? '' };
    const sealed = await office.post(path, { sha256: batch.sha256 }, current);
    expect(sealed).toMatchObject({ status: 201 });
  }, 60_000);

  it('show the ledger to account managers of themselves alone', async () => {
    await pay('2026-03');
    await decideAppeal(at.N1, '80');
    await pending(); // has waited for what is asked below
    const own = await api.as(at.N1, 'account-manager');
    for (const path of ['accounts?', 'transactions?', 'pending?', 'lines?period=2026-03&']) {
      const mine = await own.get<{ items: object[] }>(
        `/v1/ledger/${path}accountManagerId=${at.N1}`,
      );
      expect([path, mine.status, mine.body.items.length > 0]).toEqual([path, 200, true]);
      const others = await own.get(`/v1/ledger/${path}accountManagerId=${at.N2}`);
      expect([path, others.status]).toEqual([path, 403]);
    }
    const everybody = [
      'accounts',
      'transactions',
      'pending',
      `lines?batchId=${encodeURIComponent(idOfBoth('2026-03'))}`,
    ];
    for (const path of everybody) {
      expect([path, (await own.get(`/v1/ledger/${path}`)).status]).toEqual([path, 403]);
      expect([path, (await office.get(`/v1/ledger/${path}`)).status]).toEqual([path, 200]);
      expect([path, (await payroll.get(`/v1/ledger/${path}`)).status]).toEqual([path, 403]);
    }
    const march = await pending(own, `&accountManagerId=${at.N1}&period=2026-03`);
    expect(march.body).toMatchObject({ items: [{ sumMinor: '80000' }], unsettled: [] });
  }, 60_000);

  it('tell payroll of what is sealed alone, and take its word once', async () => {
    await prepare('2026-03', [at.north]);
    const path = `/v1/bonus-batches/2026-03-${at.north}`;
    expect(await payroll.get(path)).toMatchObject({ status: 404 });
    expect(await payroll.get(`${path}/lines`)).toMatchObject({ status: 404 });
    const early = await payroll.post(`${path}/acknowledge`, { messageId: `${at.N1}-m-0` });
    expect(early).toMatchObject({ status: 404 });
    await approve(`2026-03-${at.north}`);
    await seal(`2026-03-${at.north}`);
    expect(await batchOf(`2026-03-${at.north}`, payroll)).toMatchObject({
      acknowledgement: 'awaited',
    });
    const acknowledged = await payroll.post(`${path}/acknowledge`, { messageId: `${at.N1}-m-1` });
    expect(acknowledged).toMatchObject({ status: 201 });
    const payment = { accountManagerId: at.N1, amountMinor: '120000' };
    const settle = (messageId: string) =>
      payroll.post(`${path}/payments/settle`, { ...payment, messageId });
    const { status, body } = await settle(`${at.N1}-m-2`);
    expect(status).toBe(201);
    expect((await settle(`${at.N1}-m-2`)).body).toMatchObject({ revision: body['revision'] });
    expect(await settle(`${at.N1}-m-3`)).toMatchObject({ body: { code: 'amount-exceeds-due' } });
    const back = await payroll.post(`${path}/payments/return`, {
      ...payment,
      messageId: `${at.N1}-m-4`,
    });
    expect(back).toMatchObject({ status: 201 });
    expect(await batchOf(`2026-03-${at.north}`)).toMatchObject({
      acknowledgement: 'accepted',
      settledMinor: '120000',
      returnedMinor: '120000',
    });
    // What came back is paid with the next batch that holds the person.
    await decideAppeal(at.N1, '80');
    await pay('2026-04', [at.north]);
    expect(await batchOf(`2026-04-${at.north}`)).toMatchObject({ dueMinor: '200000' });
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);

  it('are prepared anew after payroll rejected one, for what is still to be paid', async () => {
    await pay('2026-03', [at.north]);
    const cause = await decideAppeal(at.N1, '80');
    await pay('2026-04', [at.north]); // carries +800.00 for March
    const rejected = await payroll.post(`/v1/bonus-batches/2026-03-${at.north}/reject`, {
      messageId: `${at.N1}-m-1`,
      reasonCode: 'account-unknown',
    });
    expect(rejected).toMatchObject({ status: 201 });
    const anew = { batchId: `2026-03-${at.north}-2`, replacesBatchId: `2026-03-${at.north}` };
    expect(await prepare('2026-03', [at.north])).toMatchObject({
      body: { code: 'batch-rejected' },
    });
    expect(await prepare('2026-03', [at.north], anew)).toMatchObject({ status: 201 });
    await approve(`2026-03-${at.north}-2`);
    expect(await seal(`2026-03-${at.north}-2`)).toMatchObject({ status: 201 });
    expect(await linesOf(`2026-04-${at.north}`)).toEqual([
      `${at.N1} correction 2026-03 80000 ${cause}`,
    ]);
    expect(await linesOf(`2026-03-${at.north}-2`)).toEqual([
      `${at.N1} base 2026-03 120000`,
      `${at.N2} base 2026-03 120000`,
    ]);
    expect(await openHere()).toEqual([]);
    expect(await ledgerFaults()).toEqual([]);
  }, 60_000);
});
