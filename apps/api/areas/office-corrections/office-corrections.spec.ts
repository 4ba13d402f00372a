import { correctionAggregate } from '#commands';
import { correctionStream } from '#contexts/assessment';
import { verifyResults } from '#processes/verification';
import type { Client, TestApi } from '../../../../test/support/api.js';
import { openQuarterApi } from '../../../../test/support/appealed-quarter.js';

type Row = Record<string, unknown>;

describe('corrections by the office over HTTP', () => {
  let api: TestApi;
  let office: Client;
  let other: Client;
  let auditor: Client;

  beforeAll(async () => {
    api = await openQuarterApi();
    office = await api.as('OFFICE-1', 'office');
    other = await api.as('OFFICE-2', 'office');
    auditor = await api.as('AUDIT-1', 'auditor');
  }, 60_000);
  afterAll(() => api.close());

  const reason = '核心系统数据更正';
  const replaced = (id: string, value: string) => ({
    accountManagerId: id,
    period: '2026-02',
    corrections: [{ type: 'replace', recordId: `M-${id}-2026-02`, value }],
  });
  const propose = (correctionId: string, of: object) =>
    office.post<Row>('/v1/office-corrections', { correctionId, reason, ...of });
  const approve = (client: Client, correctionId: string, body: object = {}) =>
    client.post<Row>(`/v1/office-corrections/${correctionId}/approve`, body);
  const scoreOf = async (id: string, period: string, after: unknown) => {
    const path = `/v1/scores?accountManagerId=${id}&period=${period}&after=${String(after)}`;
    return (await auditor.get<{ items: Row[] }>(path)).body.items[0] as Row;
  };

  it('take two persons, and do what their preview said, also where it is less', async () => {
    const of = replaced('AM2', '50');
    const { body: preview } = await other.post<{ after: Row; money: { lines: Row[] } }>(
      '/v1/office-corrections/preview',
      of,
    );
    expect(preview).toMatchObject({
      before: { score: '95.60', grade: 'excellent' },
      after: { score: '68.00', grade: 'basic', resultVersion: 2 },
      heldHarmless: false,
      money: { lines: [{ period: '2026-02', dueBeforeMinor: '300000', dueAfterMinor: '120000' }] },
    });
    const proposed = await propose('OC-1', of);
    expect(proposed).toMatchObject({
      status: 201,
      body: { id: 'OC-1', next: { step: 'approve' } },
    });
    const own = { status: 403, body: { code: 'segregation-of-duties' } };
    expect(await approve(office, 'OC-1')).toMatchObject(own);
    expect(await approve(await api.as('AM2', 'approver'), 'OC-1')).toMatchObject(own);
    const done = await approve(other, 'OC-1');
    expect(done).toMatchObject({ status: 201, body: { resultVersion: 2, next: null } });
    const { position } = done.body;
    expect(await scoreOf('AM2', '2026-02', position)).toMatchObject(preview.after);
    // Later periods stand as they were published.
    expect(await scoreOf('AM2', '2026-03', position)).toMatchObject({ resultVersion: 1 });
    await api.system.projections.waitFor(['settlement'], String(position), 10_000);
    const { result } = await api.system.projections.read(['settlement'], (sql) =>
      sql.query(
        `select due_minor::text as due, posted_minor::text as posted, by_office
         from settlement_line where account_manager_id = 'AM2' and period = '2026-02'`,
      ),
    );
    expect(result).toEqual([{ due: '120000', posted: '300000', by_office: true }]);
    const again = await approve(await api.as('APPROVER-9', 'approver'), 'OC-1');
    expect(again).toMatchObject({ status: 409, body: { code: 'correction-approved-already' } });
  });

  it('complete a scorecard that was left incomplete', async () => {
    expect(await scoreOf('AM7', '2026-02', await api.system.store.head())).toMatchObject({
      status: 'incomplete',
    });
    const corrections = [{ type: 'adjust', points: '0' }];
    await propose('OC-2', { accountManagerId: 'AM7', period: '2026-02', corrections });
    const { body } = await approve(other, 'OC-2');
    const score = await scoreOf('AM7', '2026-02', body['position']);
    expect(score).toMatchObject({ status: 'published', score: '70.00', resultVersion: 2 });
  });

  it('are approved by a delegate where the delegation is on record, and say for whom', async () => {
    await propose('OC-3', replaced('AM5', '80'));
    const delegate = await api.as('OFFICE-3', 'office');
    const missing = await approve(delegate, 'OC-3', { onBehalfOf: 'CHIEF' });
    expect(missing).toMatchObject({ status: 403, body: { code: 'delegation-not-on-record' } });
    const days = { fromOn: '2026-04-08', untilOn: '2026-04-08' };
    for (const from of ['CHIEF', 'OFFICE-1']) {
      const delegator = await api.as(from, 'approver', 'office');
      const made = await delegator.post('/v1/delegations', { toActorId: 'OFFICE-3', ...days });
      expect(made.status).toBeLessThan(300);
    }
    // For the proposer he approves as little as the proposer could.
    const forProposer = await approve(delegate, 'OC-3', { onBehalfOf: 'OFFICE-1' });
    expect(forProposer).toMatchObject({ status: 403, body: { code: 'segregation-of-duties' } });
    expect(await approve(delegate, 'OC-3', { onBehalfOf: 'CHIEF' })).toMatchObject({ status: 201 });
    const whole = await auditor.get<Row>('/v1/office-corrections/OC-3');
    expect(whole).toMatchObject({
      status: 200,
      body: {
        reason,
        status: 'approved',
        resultVersion: 2,
        approval: { approvedBy: 'OFFICE-3', onBehalfOf: 'CHIEF' },
      },
    });
    expect(whole.headers.get('etag')).toBe('"1"');
  });

  it('are refused about oneself, unknown records and periods without a result', async () => {
    const self = await api.as('AM3', 'office');
    const about = { reason, ...replaced('AM3', '99') };
    const own = { status: 403, body: { code: 'segregation-of-duties' } };
    expect(await self.post('/v1/office-corrections', about)).toMatchObject(own);
    const foreign = { ...replaced('AM2', '1'), accountManagerId: 'AM3' };
    expect(await propose('OC-9', foreign)).toMatchObject({
      status: 422,
      body: { code: 'record-not-disputable' },
    });
    expect(await propose('OC-9', { ...replaced('AM3', '1'), period: '2026-04' })).toMatchObject({
      status: 409,
      body: { code: 'no-published-result' },
    });
    expect(await approve(other, 'OC-9')).toMatchObject({
      status: 404,
      body: { code: 'unknown-correction' },
    });
    const reviewer = await api.as('REVIEW-1', 'reviewer');
    expect(await reviewer.get('/v1/office-corrections')).toMatchObject({ status: 403 });
  });

  it('approved by a process that dies are resolved by another; all are listed with reasons', async () => {
    await propose('OC-4', replaced('AM4', '90'));
    const { engine } = api.system;
    const approvedAt = api.clock.now.toISOString();
    await engine.handler.decide(correctionAggregate, correctionStream('OC-4'), {
      command: {
        type: 'assessment.ApproveCorrection',
        data: { correctionId: 'OC-4', approvedBy: 'OFFICE-2', approvedAt },
      },
      facts: () => ({ hasResult: true, kindByRecordId: {} }),
      envelope: {
        commandId: 'dies',
        actor: { id: 'OFFICE-2', role: 'office' },
        occurredAt: approvedAt,
        recordedAt: approvedAt,
      },
    });
    await api.settled();
    const head = await api.system.store.head();
    const score = await scoreOf('AM4', '2026-02', head);
    expect(score).toMatchObject({ score: '82.00', resultVersion: 2 });
    const list = `/v1/office-corrections?after=${head}`;
    const page = await auditor.get<{ items: Row[]; next: string }>(`${list}&limit=2`);
    expect(page.body.items).toMatchObject([
      { correctionId: 'OC-1', status: 'approved', reason, approvedBy: 'OFFICE-2' },
      { correctionId: 'OC-2', accountManagerId: 'AM7' },
    ]);
    const rest = await auditor.get<{ items: Row[]; next: null }>(
      `${list}&cursor=${page.body.next}`,
    );
    expect(rest.body.items.map((item) => item['correctionId'])).toEqual(['OC-3', 'OC-4']);
    await propose('OC-5', replaced('AM4', '91'));
    const { body } = await office.get<{ items: Row[] }>(
      `/v1/office-corrections?status=proposed&after=${await api.system.store.head()}`,
    );
    expect(body.items.map((item) => item['correctionId'])).toEqual(['OC-5']);
    expect((await api.system.projections.verify()).differences).toEqual([]);
    expect(await verifyResults(engine.log)).toEqual([]);
  });
});
