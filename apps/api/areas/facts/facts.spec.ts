import type { Client, TestApi } from '../../../../test/support/api.js';
import { openFieldApi } from '../../../../test/support/field-organisation.js';

type Listed = {
  readonly kind: string;
  readonly recordId: string | null;
  readonly counts: boolean | null;
  readonly why: string | null;
};
type Page = { readonly items: readonly Listed[]; readonly next: string | null };

describe('what the office records over HTTP', () => {
  let api: TestApi;
  let office: Client;
  let subject: Client;
  let agent: Client;
  let auditor: Client;

  beforeAll(async () => {
    api = await openFieldApi({
      // February is sealed, too.
      'cycles.csv':
        'period,openedAt,closedAt,publishedAt,finalisedAt,sealedAt\n' +
        '2026-02,2026-02-01T00:00:00+08:00,2026-03-03T12:00:00+08:00,' +
        '2026-03-04T12:00:00+08:00,2026-03-06T12:00:00+08:00,2026-03-07T12:00:00+08:00\n' +
        '2026-03,2026-03-01T00:00:00+08:00,,,,\n',
      'sales-credits.csv':
        'creditId,accountManagerId,period,productId,amountMinor,creditedAt,originalCreditId\n' +
        'FEB-SALE,AM2,2026-02,standard,100000,2026-02-10T10:00:00+08:00,\n',
    });
    office = await api.as('office-1', 'office');
    subject = await api.as('AM1', 'account-manager');
    agent = await api.as('agent-1', 'call-agent');
    auditor = await api.as('auditor-1', 'auditor');
  }, 60_000);
  afterAll(() => api.close());

  const BODIES = {
    metrics: { indicatorId: 'sales', actual: '92.5' },
    adjustments: { points: '-2', reason: 'late files' },
    vetoes: { code: 'fraud', reason: 'proven' },
    awards: { code: 'star', amountMinor: '50000', reason: 'of the quarter' },
    'sales-credits': { productId: 'standard', amountMinor: '250000' },
  } as const;
  const record = (kind: keyof typeof BODIES, more: object = {}, who = office) =>
    who.post(`/v1/${kind}`, {
      accountManagerId: 'AM1',
      period: '2026-03',
      ...BODIES[kind],
      ...more,
    });
  const outcome = async (kind: keyof typeof BODIES, more: object = {}, who = office) => {
    const { status, body } = await record(kind, more, who);
    return [status, body['code']];
  };
  const facts = async (who: Client, more = '', id = 'AM1') =>
    (await who.get<Page>(`/v1/facts?accountManagerId=${id}&period=2026-03${more}`)).body;
  const KINDS = Object.keys(BODIES) as (keyof typeof BODIES)[];

  it.each(KINDS)(
    '%s: the office’s alone, never about oneself, of people that are known',
    async (kind) => {
      expect(await outcome(kind, {}, agent)).toEqual([403, 'role-not-admitted']);
      const self = await api.as('AM1', 'office', 'account-manager');
      expect(await outcome(kind, {}, self)).toEqual([403, 'segregation-of-duties']);
      expect(await outcome(kind, { accountManagerId: 'AMX' })).toEqual([
        404,
        'unknown-account-manager',
      ]);
      expect(await outcome(kind, { accountManagerId: 'AM9' })).toEqual([422, 'outside-cohort']);
      expect(await outcome(kind, { period: '2026-04' })).toEqual([422, 'outside-cohort']);
      expect(await outcome(kind, { recordedAt: '2026-03-01T00:00:00Z' })).toEqual([
        400,
        'malformed',
      ]);
      const isEarning = kind === 'awards' || kind === 'sales-credits';
      const closed = isEarning ? 'batch-sealed' : 'collection-closed';
      expect(await outcome(kind, { period: '2026-02' })).toEqual([409, closed]);
    },
  );

  it.each([
    ['metrics', 'recordId', { actual: '1' }],
    ['adjustments', 'adjustmentId', { points: '1' }],
    ['vetoes', 'vetoId', { code: 'integrity-breach' }],
    ['awards', 'awardId', { amountMinor: '-1' }],
    ['sales-credits', 'creditId', { amountMinor: '1' }],
  ] as const)('%s: counted once under one id, refused under another’s', async (kind, id, other) => {
    const own = { [id]: `own-${kind}`, accountManagerId: 'AM3' };
    const first = await record(kind, own);
    expect(first).toMatchObject({ status: 201, body: { id: `own-${kind}` } });
    api.clock.set(new Date(api.clock.now.getTime() + 60_000).toISOString());
    const again = await record(kind, own);
    expect(again).toMatchObject({ status: 200, body: { id: `own-${kind}` } });
    expect(await outcome(kind, { ...own, ...other })).toEqual([409, 'record-id-reused']);
    expect(await outcome(kind, { ...own, accountManagerId: 'AM4' })).toEqual([
      409,
      'record-id-reused',
    ]);
  });

  it('is checked against the scheme that applies', async () => {
    expect(await outcome('metrics', { indicatorId: 'visits' })).toEqual([422, 'unknown-indicator']);
    expect(await outcome('vetoes', { code: 'rudeness' })).toEqual([422, 'unknown-veto']);
    expect(await outcome('metrics', { actual: '1e3' })).toEqual([400, 'malformed']);
    expect(await outcome('sales-credits', { amountMinor: '-5' })).toEqual([400, 'malformed']);
    expect((await outcome('adjustments', { reason: undefined }))[0]).toBe(400);
  });

  it('takes a return of a sale that the log holds, whoever’s and whenever', async () => {
    const back = { creditId: 'BACK', amountMinor: '-40000', originalCreditId: 'FEB-SALE' };
    expect(await outcome('sales-credits', { ...back, originalCreditId: 'NONE' })).toEqual([
      422,
      'unknown-original-credit',
    ]);
    expect(await outcome('sales-credits', { ...back, amountMinor: '40000' })).toEqual([
      400,
      'malformed',
    ]);
    expect((await record('sales-credits', back)).status).toBe(201);
    expect((await record('sales-credits', back)).status).toBe(200);
    const [listed] = (await facts(auditor, '&kind=sales-credit')).items;
    expect(listed).toMatchObject({
      recordId: 'BACK',
      counts: true,
      data: { original: { accountManagerId: 'AM2', period: '2026-02', productId: 'standard' } },
    });
  });

  it('decides a complaint once, in the period of the decision, by somebody else', async () => {
    const complaint = { complaintId: 'CP1', accountManagerId: 'AM1', customerId: 'C-7' };
    const raise = (more: object, who = agent) =>
      who.post('/v1/complaints', { ...complaint, category: 'attitude', ...more });
    expect((await raise({})).status).toBe(201);
    expect((await raise({})).status).toBe(200);
    expect(await raise({ category: 'other' })).toMatchObject({
      body: { code: 'record-id-reused' },
    });
    const future = { complaintId: 'CP2', raisedAt: '2027-01-01T00:00:00Z' };
    expect(await raise(future)).toMatchObject({ status: 422, body: { code: 'in-the-future' } });
    expect((await raise({ complaintId: 'CP3' }, subject)).status).toBe(403);
    const decide = (id: string, upheld: boolean, who = office) =>
      who.post(`/v1/complaints/${id}/decide`, { upheld });
    expect((await decide('CP1', true, agent)).status).toBe(403);
    expect(await decide('none', true)).toMatchObject({ body: { code: 'unknown-complaint' } });
    const self = await api.as('AM1', 'office');
    expect(await decide('CP1', false, self)).toMatchObject({
      status: 403,
      body: { code: 'segregation-of-duties' },
    });
    const waiting = async (who: Client, more = '') => {
      const after = await api.system.store.head();
      const path = `/v1/complaints?after=${after}${more}`;
      const { body } = await who.get<{ items: { complaintId: string }[] }>(path);
      return body.items?.map(({ complaintId }) => complaintId);
    };
    expect(await waiting(office)).toEqual(['CP1']);
    expect(await waiting(self)).toEqual([]);
    expect((await self.get('/v1/complaints?accountManagerId=AM1')).status).toBe(403);
    expect(await decide('CP1', true)).toMatchObject({
      status: 201,
      body: { stream: 'assessment-AM1-2026-03' },
    });
    expect((await decide('CP1', true)).status).toBe(200);
    expect(await decide('CP1', false)).toMatchObject({ body: { code: 'record-id-reused' } });
    expect(await waiting(office)).toEqual([]);
    expect(await waiting(auditor, '&state=all&accountManagerId=AM1')).toEqual(['CP1']);
    const shown = await auditor.get('/v1/complaints/CP1');
    expect(shown.body).toMatchObject({
      customerId: 'C-7',
      decision: { upheld: true, period: '2026-03', decidedBy: 'office-1' },
    });
    expect((await self.get('/v1/complaints/CP1')).status).toBe(403);
  });

  it('comes in batches, each line answered for itself', async () => {
    const line = (more: object) =>
      JSON.stringify({ accountManagerId: 'AM4', period: '2026-03', ...BODIES.metrics, ...more });
    const { body } = await office.post<string>(
      '/v1/metrics:batch',
      [line({ recordId: 'B1' }), line({ recordId: 'B1' }), line({ indicatorId: 'x' })].join('\n'),
      { 'content-type': 'application/x-ndjson' },
    );
    const answers = String(body).trim().split('\n');
    expect(answers.map((text) => JSON.parse(text) as object)).toMatchObject([
      { line: 1, status: 201, id: 'B1' },
      { line: 2, status: 200, id: 'B1' },
      { line: 3, status: 422, code: 'unknown-indicator' },
    ]);
  });

  it('is listed by person and period with what counts and why, page by page', async () => {
    await record('metrics', { recordId: 'OLD', actual: '10', accountManagerId: 'AM5' });
    api.clock.set(new Date(api.clock.now.getTime() + 60_000).toISOString());
    await record('metrics', { recordId: 'NEW', actual: '20', accountManagerId: 'AM5' });
    await record('adjustments', { adjustmentId: 'ADJ', accountManagerId: 'AM5' });
    const proxy = await api.as('PROXY', 'rater');
    await proxy.post('/v1/evaluations', {
      accountManagerId: 'AM5',
      period: '2026-03',
      indicatorId: 'conduct',
      raterGroup: 'customer',
      score: '12',
      comment: 'rude',
    });
    const told = ({ kind, recordId, counts, why }: Listed) => [kind, recordId, counts, why];
    const all = await facts(auditor, '', 'AM5');
    expect(all.items.map(told)).toEqual([
      ['metric', 'OLD', false, 'superseded'],
      ['metric', 'NEW', true, 'counts'],
      ['adjustment', 'ADJ', true, 'counts'],
      ['evaluation', expect.any(String), true, 'counts'],
    ]);
    const first = await facts(office, '&limit=3', 'AM5');
    const rest = await facts(office, `&limit=3&cursor=${first.next}`, 'AM5');
    expect([first.items.length, rest.items.length, rest.next]).toEqual([3, 1, null]);
    const own = await api.as('AM5', 'account-manager', 'office');
    const hidden = await facts(own, '', 'AM5');
    expect(hidden).toMatchObject({ hiddenKinds: ['evaluation', 'feedback-call'] });
    expect(hidden.items.map(({ recordId }) => recordId)).toEqual(['OLD', 'NEW', 'ADJ']);
    expect(JSON.stringify(hidden)).toContain('late files');
    const path = '/v1/facts?accountManagerId=AM5&period=2026-03';
    expect((await subject.get(path)).status).toBe(403);
    expect((await (await api.as('CHIEF-N', 'manager')).get(path)).status).toBe(403);
  });

  it('waits with a decided complaint for a month that has no cycle yet', async () => {
    api.clock.set('2026-05-06T09:00:00+08:00');
    await agent.post('/v1/complaints', {
      complaintId: 'LATE',
      accountManagerId: 'AM2',
      customerId: 'C-7',
      category: 'attitude',
    });
    const decided = await office.post('/v1/complaints/LATE/decide', { upheld: true });
    expect(decided).toMatchObject({ status: 201, body: { stream: 'assessment-AM2-2026-05' } });
    expect((await office.post('/v1/cycles', { period: '2026-05' })).status).toBe(201);
    const path = '/v1/facts?accountManagerId=AM2&period=2026-05';
    expect((await auditor.get<Page>(path)).body.items).toMatchObject([
      { kind: 'complaint-decision', recordId: 'LATE', counts: true },
    ]);
  });

  it('is refused once collection has closed, and goes on for what is paid by the piece', async () => {
    expect((await office.post('/v1/cycles/2026-03/close')).status).toBe(201);
    api.clock.set('2026-05-06T10:00:00+08:00');
    expect(await outcome('metrics')).toEqual([409, 'collection-closed']);
    expect(await outcome('adjustments')).toEqual([409, 'collection-closed']);
    expect(await outcome('vetoes')).toEqual([409, 'collection-closed']);
    expect((await record('awards')).status).toBe(201);
    expect((await record('sales-credits')).status).toBe(201);
  });
});
