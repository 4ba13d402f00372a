import type { Client, TestApi } from '../../../../test/support/api.js';
import { openFieldApi } from '../../../../test/support/field-organisation.js';

const HEADER =
  'evaluationId,accountManagerId,period,indicatorId,raterId,raterGroup,score,submittedAt,comment\n';
const row = (id: string, rater: string, group: string, score: string, comment = '') =>
  `${id},AM1,2026-02,conduct,${rater},${group},${score},2026-02-20T10:00:00+08:00,${comment}\n`;

describe('evaluations over HTTP', () => {
  let api: TestApi;
  let chief: Client;
  let subject: Client;
  let peer: Client;
  let office: Client;
  let auditor: Client;

  beforeAll(async () => {
    api = await openFieldApi({
      'evaluations.csv':
        HEADER +
        row('FEB-SELF', 'AM1', 'self', '99') +
        row('FEB-SUP', 'CHIEF-N', 'supervisor', '80', 'steady') +
        row('FEB-P2', 'AM2', 'peer', '70', 'never on time') +
        row('FEB-P3', 'AM3', 'peer', '90') +
        row('FEB-C', 'PROXY', 'customer', '60'),
    });
    chief = await api.as('CHIEF-N', 'rater', 'manager');
    subject = await api.as('AM1', 'account-manager');
    peer = await api.as('AM2', 'rater', 'account-manager');
    office = await api.as('office-1', 'office');
    auditor = await api.as('auditor-1', 'auditor');
  }, 60_000);
  afterAll(() => api.close());

  const rate = (who: Client, raterGroup: string, more: object = {}, headers = {}) =>
    who.post(
      '/v1/evaluations',
      {
        accountManagerId: 'AM1',
        period: '2026-03',
        indicatorId: 'conduct',
        raterGroup,
        score: '88',
        ...more,
      },
      headers,
    );
  const of = (who: Client, period: string) =>
    who.get(`/v1/evaluations?accountManagerId=AM1&period=${period}`);
  const toDo = async (who: Client) =>
    (await who.get<{ items: object[] }>('/v1/evaluations/to-do?period=2026-03')).body.items;

  it('are asked of each rater by a list of their own, which submitting empties', async () => {
    const due = (accountManagerId: string, raterGroup: string, state = 'missing') =>
      expect.objectContaining({ accountManagerId, indicatorId: 'conduct', raterGroup, state });
    expect(await toDo(chief)).toEqual(
      ['AM1', 'AM2', 'AM3', 'AM4'].map((id) => due(id, 'supervisor')),
    );
    expect(await toDo(peer)).toEqual([
      due('AM1', 'peer'),
      due('AM2', 'self'),
      due('AM3', 'peer'),
      due('AM4', 'peer'),
    ]);
    const made = await rate(chief, 'supervisor');
    expect(made).toMatchObject({ status: 201, body: { stream: 'assessment-AM1-2026-03' } });
    expect((await toDo(chief))[0]).toEqual({
      accountManagerId: 'AM1',
      indicatorId: 'conduct',
      raterGroup: 'supervisor',
      state: 'submitted',
      evaluation: expect.objectContaining({ evaluationId: made.body['id'], score: '88' }),
    });
    const page = await chief.get<{ items: object[]; next: string }>(
      '/v1/evaluations/to-do?period=2026-03&limit=3',
    );
    const rest = await chief.get<{ items: object[]; next: null }>(
      `/v1/evaluations/to-do?period=2026-03&cursor=${page.body.next}`,
    );
    expect(rest.body).toMatchObject({ items: [due('AM4', 'supervisor')], next: null });
  });

  it('are refused from who is not the rater that they say', async () => {
    const refused = { status: 403, body: { code: 'rater-not-allowed' } };
    expect(await rate(peer, 'self')).toMatchObject(refused);
    expect(await rate(subject, 'peer')).toMatchObject(refused);
    expect(await rate(subject, 'customer')).toMatchObject(refused);
    expect(await rate(await api.as('AM1', 'rater'), 'supervisor')).toMatchObject(refused);
    expect(await rate(peer, 'supervisor')).toMatchObject(refused);
    const stranger = await api.as('CHIEF-S', 'rater');
    expect(await rate(stranger, 'supervisor')).toMatchObject(refused);
    expect(await rate(await api.as('AM9', 'rater'), 'peer')).toMatchObject(refused);
    // Who is no rater by role rates himself alone.
    expect(await rate(await api.as('AM3', 'account-manager'), 'peer')).toMatchObject(refused);
    expect(await rate(office, 'customer')).toMatchObject({
      status: 403,
      body: { code: 'role-not-admitted' },
    });
  });

  it('are checked against the scheme, the cohort, the cycle and the scale', async () => {
    const codeOf = async (more: object, group = 'customer') => {
      const proxy = await api.as('PROXY', 'rater');
      const { status, body } = await rate(proxy, group, more);
      return [status, body['code']];
    };
    expect(await codeOf({ indicatorId: 'sales' })).toEqual([422, 'unknown-indicator']);
    expect(await codeOf({ accountManagerId: 'AM9' })).toEqual([422, 'outside-cohort']);
    expect(await codeOf({ accountManagerId: 'AMX' })).toEqual([404, 'unknown-account-manager']);
    expect(await codeOf({ score: '100.5' })).toEqual([400, 'malformed']);
    expect(await codeOf({ raterId: 'AM2' })).toEqual([400, 'malformed']);
    expect(await codeOf({ period: '2026-02' })).toEqual([409, 'collection-closed']);
  });

  it('count once under an id that is sent again, and never under one of another record', async () => {
    const evaluationId = 'E-own-id';
    const first = await rate(peer, 'peer', { evaluationId, accountManagerId: 'AM3' });
    expect(first).toMatchObject({ status: 201, body: { id: evaluationId } });
    api.clock.set('2026-03-10T13:00:00+08:00');
    const again = await rate(peer, 'peer', { evaluationId, accountManagerId: 'AM3' });
    expect(again).toMatchObject({ status: 200, body: { revision: first.body['revision'] } });
    const reused = { status: 409, body: { code: 'record-id-reused' } };
    const other = { evaluationId, accountManagerId: 'AM3', score: '12' };
    expect(await rate(peer, 'peer', other)).toMatchObject(reused);
    expect(await rate(peer, 'peer', { evaluationId })).toMatchObject(reused);
  });

  it('are the same one for a request sent again with its key', async () => {
    const key = { 'idempotency-key': 'rate-am4-once' };
    const first = await rate(peer, 'peer', { accountManagerId: 'AM4' }, key);
    expect(first.status).toBe(201);
    api.clock.set('2026-03-10T14:00:00+08:00');
    const again = await rate(peer, 'peer', { accountManagerId: 'AM4' }, key);
    expect(again.body).toEqual(first.body);
    const other = await rate(peer, 'peer', { accountManagerId: 'AM4', score: '1' }, key);
    expect(other.status).toBe(422);
    const { body } = await auditor.get<{ items: object[] }>(
      '/v1/evaluations?accountManagerId=AM4&period=2026-03',
    );
    expect(body.items).toHaveLength(1);
  });

  it('are amended and withdrawn by their own rater alone', async () => {
    const made = await rate(peer, 'peer', { comment: 'a word' });
    const path = `/v1/evaluations/${String(made.body['id'])}`;
    const refused = { status: 403, body: { code: 'rater-not-allowed' } };
    expect(await chief.post(`${path}/amend`, { score: '1' })).toMatchObject(refused);
    expect(await subject.post(`${path}/withdraw`)).toMatchObject(refused);
    expect(await peer.post(`${path}/amend`, { score: '91' })).toMatchObject({ status: 201 });
    expect(await peer.post(`${path}/amend`, { score: '91' })).toMatchObject({ status: 200 });
    expect(await peer.post(`${path}/withdraw`, { reason: 'wrong' })).toMatchObject({ status: 201 });
    expect(await peer.post(`${path}/amend`, { score: '92' })).toMatchObject({
      status: 409,
      body: { code: 'evaluation-withdrawn' },
    });
    expect(await peer.post('/v1/evaluations/nothing/amend', { score: '1' })).toMatchObject({
      status: 404,
      body: { code: 'unknown-record' },
    });
    const { body } = await office.get<{ items: Record<string, unknown>[] }>(
      `/v1/evaluations?accountManagerId=AM1&period=2026-03`,
    );
    const own = body.items.filter(({ recordId }) => recordId === made.body['id']);
    expect(own.map(({ type, why }) => [type, why])).toEqual([
      ['evaluations.EvaluationSubmitted.v1', 'withdrawn'],
      ['evaluations.EvaluationAmended.v1', null],
      ['evaluations.EvaluationWithdrawn.v1', null],
    ]);
    const late = await peer.post('/v1/evaluations/FEB-P2/amend', { score: '1' });
    expect(late).toMatchObject({ status: 409, body: { code: 'collection-closed' } });
  });

  it('name their raters to office and auditor, never to the subject nor who manages it', async () => {
    for (const who of [office, auditor]) {
      const { body } = await of(who, '2026-02');
      expect(body).toMatchObject({ ratersHidden: false, assessed: true });
      expect(JSON.stringify(body)).toContain('never on time');
    }
    const both = await api.as('AM1', 'account-manager', 'office', 'auditor');
    for (const who of [subject, both, chief]) {
      const { status, body } = await of(who, '2026-02');
      expect(status).toBe(200);
      const text = JSON.stringify(body);
      for (const secret of ['AM2', 'AM3', 'CHIEF-N', 'PROXY', 'FEB-', 'never', 'steady']) {
        expect(text).not.toContain(secret);
      }
      const mean = (raterGroup: string, value: string | null) =>
        expect.objectContaining({ raterGroup, mean: value });
      // One customer’s score would be that customer’s.
      expect(body['groups']).toEqual([
        mean('customer', null),
        mean('peer', '80.00'),
        mean('self', '99.00'),
        mean('supervisor', '80.00'),
      ]);
    }
    const other = await api.as('AM2', 'account-manager');
    expect(await of(other, '2026-02')).toMatchObject({
      status: 403,
      body: { code: 'outside-authority' },
    });
    const elsewhere = await api.as('CHIEF-S', 'manager');
    expect((await of(elsewhere, '2026-02')).status).toBe(403);
    expect((await of(await api.as('PROXY', 'rater'), '2026-02')).status).toBe(403);
  });

  it('tell the subject no mean of others before the period is published', async () => {
    const { body } = await of(subject, '2026-03');
    const groups = body['groups'] as { raterGroup: string; mean: string | null }[];
    expect(groups.filter(({ mean }) => mean !== null)).toEqual([]);
  });

  it('come in batches, each line answered for itself', async () => {
    const line = (accountManagerId: string, score: string) =>
      JSON.stringify({
        accountManagerId,
        period: '2026-03',
        indicatorId: 'conduct',
        raterGroup: 'customer',
        score,
      });
    const proxy = await api.as('PROXY', 'rater');
    const { body } = await proxy.post<string>(
      '/v1/evaluations:batch',
      [line('AM2', '77'), line('AMX', '77'), line('AM3', '101')].join('\n'),
      { 'content-type': 'application/x-ndjson' },
    );
    const answers = String(body).trim().split('\n');
    expect(answers.map((text) => JSON.parse(text) as object)).toMatchObject([
      { line: 1, status: 201 },
      { line: 2, status: 404, code: 'unknown-account-manager' },
      { line: 3, status: 400, code: 'malformed' },
    ]);
  });
});
