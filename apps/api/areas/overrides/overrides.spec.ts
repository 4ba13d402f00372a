import { parse } from 'csv-parse/sync';
import { nameBasedId } from '#kernel';
import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import { importFolder } from '../../../../test/support/system.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../../test/support/small-history.js';

const BEFORE = '2026-02';
const PERIOD = '2026-03';

describe('overrides and exports over HTTP', () => {
  let api: TestApi;
  let history: SmallHistory;
  let office: Client;
  let approver: Client;

  beforeAll(async () => {
    [api, history] = await Promise.all([
      openTestApi('2026-04-02T09:00:00+08:00'),
      smallHistory(['AM1', 'AM2']),
    ]);
    const dates = { closed: '2026-03-02', published: '2026-03-03', sealed: '2026-03-20' };
    history.add('cycles', cycleRow(BEFORE, dates), cycleRow(PERIOD, {}));
    history.add(
      'metrics',
      metricRow('AM1', BEFORE, '60'),
      metricRow('AM2', BEFORE, '70'),
      metricRow('AM1', PERIOD, '95'),
    );
    const corrections = JSON.stringify([{ type: 'adjust', points: '2' }]);
    history.add(
      'appeals',
      `appealId=A1 accountManagerId=AM1 period=${BEFORE} filedAt=2026-03-06T09:00:00+08:00 ` +
        'grounds=wrong reviewerId=R1 outcome=upheld decidedAt=2026-03-15T09:00:00+08:00 ' +
        `corrections=${corrections}`,
    );
    history.add(
      'adjustments',
      `adjustmentId=ADJ1 accountManagerId=AM1 period=${PERIOD} points=-1 reason==HYPERLINK("x") ` +
        'grantedBy=O9 grantedAt=2026-03-21T09:00:00+08:00',
    );
    history.add(
      'vetoes',
      `vetoId=V1 accountManagerId=AM1 period=${PERIOD} code=integrity-breach reason=泄密 ` +
        'recordedAt=2026-03-22T09:00:00+08:00',
    );
    await history.write();
    expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
    office = await api.as('office-1', 'office');
    approver = await api.as('approver-1', 'approver');
    await publish();
    await correctByOffice();
    const head = await api.system.store.head();
    const names = ['overrides', 'scores', 'tiers', 'bonus-ledger'];
    await api.system.projections.waitFor(names, head, 20_000);
  }, 60_000);

  afterAll(async () => {
    await api.close();
    await history.remove();
  });

  async function publish(): Promise<void> {
    const second = await api.as('office-2', 'office');
    const act = async (who: Client, what: string, body: object = {}) => {
      const { status } = await who.post(`/v1/cycles/${PERIOD}/${what}`, body);
      expect([what, Math.floor(status / 100)]).toEqual([what, 2]);
    };
    await act(office, 'close');
    api.clock.set('2026-04-02T10:00:00+08:00');
    await act(office, 'reopen/propose', { reason: '漏报', proposalId: 'P1' });
    api.clock.set('2026-04-02T11:00:00+08:00');
    await act(second, 'reopen/approve', { proposalId: 'P1' });
    await act(office, 'close');
    api.clock.set('2026-04-02T12:00:00+08:00');
    await act(office, 'publish', { acknowledgeIncomplete: true, reason: '缺指标' });
  }

  /** One correction that was approved, and one that nobody approved. */
  async function correctByOffice(): Promise<void> {
    const { store } = api.system;
    const event = (type: string, data: object, at: string) => ({
      id: nameBasedId('test', type, JSON.stringify(data)),
      type,
      data,
      metadata: {
        occurredAt: at,
        recordedAt: at,
        actor: { id: 'office-1', role: 'office' },
        commandId: 'c',
        correlationId: 'c',
        causationId: 'c',
        schemaVersion: 1,
      },
    });
    const proposed = (correctionId: string) =>
      event(
        'assessment.CorrectionProposed.v1',
        {
          correctionId,
          accountManagerId: 'AM2',
          period: PERIOD,
          corrections: [{ type: 'adjust', points: '1' }],
          reason: '迟到数据',
          proposedBy: 'office-1',
          proposedAt: '2026-04-03T09:00:00+08:00',
        },
        '2026-04-03T09:00:00+08:00',
      );
    const approvedAt = '2026-04-03T10:00:00+08:00';
    const approval = { correctionId: 'C1', approvedBy: 'office-2', approvedAt };
    const approved = event('assessment.CorrectionApproved.v1', approval, approvedAt);
    await store.append('correction-C1', 'none', [proposed('C1')]);
    await store.append('correction-C2', 'none', [proposed('C2')]);
    await store.append('correction-C1', 0, [approved]);
  }

  it('are one list with who, when, about whom and why', async () => {
    const { body } = await office.get(`/v1/overrides?period=${PERIOD}`);
    expect(body['items']).toMatchObject([
      {
        kind: 'adjustment',
        accountManagerId: 'AM1',
        who: 'O9',
        at: '2026-03-21T09:00:00+08:00',
        reason: '=HYPERLINK("x")',
        recordId: 'ADJ1',
        detail: { points: '-1' },
      },
      { kind: 'veto', who: 'dataset-import', reason: '泄密', detail: { code: 'integrity-breach' } },
      {
        kind: 'reopening',
        accountManagerId: null,
        who: 'office-1',
        approvedBy: 'office-2',
        at: '2026-04-02T03:00:00.000Z',
        reason: '漏报',
      },
      {
        kind: 'incomplete-acknowledged',
        accountManagerId: 'AM2',
        who: 'office-1',
        reason: '缺指标',
      },
      {
        kind: 'office-correction',
        accountManagerId: 'AM2',
        who: 'office-1',
        approvedBy: 'office-2',
        reason: '迟到数据',
        recordId: 'C1',
      },
    ]);
    const before = await office.get(`/v1/overrides?period=${BEFORE}`);
    expect(before.body['items']).toMatchObject([
      { kind: 'appeal-correction', accountManagerId: 'AM1', who: 'R1', recordId: 'A1' },
    ]);
    for (const { eventId } of body['items'] as { eventId: string }[]) {
      expect(await api.system.store.eventById(eventId)).not.toBeNull();
    }
  });

  it('come in pages, and by kind and person', async () => {
    const kinds: unknown[] = [];
    let cursor = '';
    do {
      const { body } = await office.get(`/v1/overrides?period=${PERIOD}&limit=2${cursor}`);
      kinds.push(...(body['items'] as { kind: string }[]).map(({ kind }) => kind));
      cursor = body['next'] === null ? '' : `&cursor=${String(body['next'])}`;
    } while (cursor !== '');
    expect(kinds).toHaveLength(5);
    const vetoes = await office.get(`/v1/overrides?period=${PERIOD}&kind=veto`);
    expect(vetoes.body['items']).toHaveLength(1);
    const own = await office.get(`/v1/overrides?period=${PERIOD}&accountManagerId=AM2`);
    expect(own.body['items']).toHaveLength(2);
    expect((await office.get('/v1/overrides?period=2030-01')).status).toBe(404);
  });

  it('keep their reasons from those who may not read them', async () => {
    const { body } = await approver.get(`/v1/overrides?period=${PERIOD}`);
    const reasons = (body['items'] as { reason: unknown }[]).map(({ reason }) => reason);
    expect(reasons).toEqual([null, null, null, null, null]);
    const manager = await api.as('M1', 'manager');
    expect((await manager.get(`/v1/overrides?period=${PERIOD}`)).status).toBe(403);
  });

  it('are a spreadsheet that runs nothing', async () => {
    const csv = await office.get<string>(`/v1/overrides.csv?period=${PERIOD}`);
    expect(csv.headers.get('content-type')).toContain('text/csv');
    const asked = await office.get<string>(`/v1/overrides?period=${PERIOD}`, {
      accept: 'text/csv',
    });
    expect(asked.body).toBe(csv.body);
    const rows = parse(csv.body, { bom: true, columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(5);
    expect(rows[0]).toMatchObject({ reason: `'=HYPERLINK("x")`, detail: '{"points":"-1"}' });
  });

  it('of a period leave beside its records', async () => {
    const csv = await office.get<string>(`/v1/periods/${PERIOD}/export?records=scores`);
    const rows = parse(csv.body, { bom: true, columns: true }) as Record<string, string>[];
    expect(rows).toMatchObject([
      { accountManagerId: 'AM1', score: '94.00', grade: 'basic', ceilingApplied: 'false' },
      { accountManagerId: 'AM2', status: 'incomplete', score: '' },
    ]);
    expect(csv.headers.get('content-disposition')).toContain(`scores-${PERIOD}.csv`);
    for (const kind of ['tiers', 'leaderboards', 'ledger']) {
      const path = `/v1/periods/${BEFORE}/export?records=${kind}&format=json`;
      const { status, body } = await office.get<object[]>(path);
      expect([kind, status, body.length > 0]).toEqual([kind, 200, true]);
    }
    expect((await office.get(`/v1/periods/${PERIOD}/export?records=people`)).status).toBe(400);
    const rater = await api.as('R1', 'rater');
    expect((await rater.get(`/v1/periods/${PERIOD}/export?records=scores`)).status).toBe(403);
  });

  it('are the same rows when they are built anew from the log', async () => {
    const { differences, parkedKeys } = await api.system.projections.verify({
      projections: ['overrides', 'to-do'],
    });
    expect([differences, parkedKeys]).toEqual([[], []]);
  });
});
