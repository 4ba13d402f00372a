import { cycleAggregate, IMPORTER } from '#commands';
import { cycleStream } from '#contexts/cycles';
import { runSql } from '../../../../test/support/database.js';
import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import { importFolder } from '../../../../test/support/system.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../../test/support/small-history.js';

const PERIOD = '2026-03';

describe('cycles over HTTP', () => {
  let api: TestApi;
  let history: SmallHistory;
  let office: Client;
  let second: Client;
  let auditor: Client;

  beforeAll(async () => {
    [api, history] = await Promise.all([
      openTestApi('2026-04-02T09:00:00+08:00'),
      smallHistory(['AM1', 'AM2', 'AM3']),
    ]);
    history.add('units', 'unitId=U2 name=Two');
    history.add(
      'account-managers',
      'accountManagerId=AM4 name=AM4 unitId=U2 position=account-manager supervisorId=CHIEF ' +
        'joinedOn=2025-01-01',
    );
    history.add('cycles', cycleRow(PERIOD, {}));
    history.add('metrics', metricRow('AM1', PERIOD, '95'), metricRow('AM3', PERIOD, '80'));
    await history.write();
    expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
    office = await api.as('office-1', 'office');
    second = await api.as('office-2', 'office');
    auditor = await api.as('auditor-1', 'auditor');
  }, 60_000);

  afterAll(async () => {
    await api.close();
    await history.remove();
  });

  const cycle = async (of = PERIOD) => (await auditor.get(`/v1/cycles/${of}`)).body;
  const act = (who: Client, what: string, body: object = {}, headers = {}) =>
    who.post(`/v1/cycles/${PERIOD}/${what}`, body, headers);
  const settledAt = async (): Promise<string> => {
    const head = await api.system.store.head();
    await api.system.projections.waitFor(['scores', 'tiers', 'to-do'], head, 10_000);
    return head;
  };

  it('are opened by the office, once, and listed latest first', async () => {
    const opened = await office.post('/v1/cycles', { period: '2026-05' });
    expect(opened).toMatchObject({ status: 201, body: { id: '2026-05', revision: 0 } });
    api.clock.set('2026-04-02T09:30:00+08:00');
    const again = await office.post('/v1/cycles', { period: '2026-05' });
    expect(again).toMatchObject({ status: 409, body: { code: 'cycle-already-opened' } });
    const manager = await api.as('CHIEF', 'manager');
    expect((await manager.post('/v1/cycles', { period: '2026-06' })).status).toBe(403);
    const listed = await manager.get('/v1/cycles?limit=1');
    expect(listed.body).toMatchObject({ items: [{ period: '2026-05', state: 'open' }] });
    const next = await manager.get(`/v1/cycles?cursor=${String(listed.body['next'])}`);
    expect(next.body).toMatchObject({ items: [{ period: PERIOD, state: 'open' }], next: null });
    expect((await office.get('/v1/cycles/2027-01')).status).toBe(404);
  });

  it('say what is missing of whom, in all and to managers of their own units', async () => {
    await settledAt();
    const { body } = await office.get(`/v1/cycles/${PERIOD}/progress`);
    const gap = (accountManagerId: string, unitId: string) => ({
      accountManagerId,
      unitId,
      scorecard: 'incomplete',
      indicators: [
        {
          indicatorId: 'sales',
          policy: 'block',
          how: 'blocked',
          missing: [{ kind: 'no-metric', from: null }],
        },
      ],
    });
    expect(body).toMatchObject({ items: [gap('AM2', 'U1'), gap('AM4', 'U2')], next: null });
    expect(body['totals']).toMatchObject([
      { unitId: 'U1', indicatorId: 'sales', how: 'blocked', count: 1 },
      { unitId: 'U1', indicatorId: 'sales', how: 'scored', count: 2 },
      { unitId: 'U2', indicatorId: 'sales', how: 'blocked', count: 1 },
    ]);
    const first = await office.get(`/v1/cycles/${PERIOD}/progress?limit=1`);
    expect(first.body).toMatchObject({ items: [gap('AM2', 'U1')] });
    const rest = await office.get(
      `/v1/cycles/${PERIOD}/progress?limit=5&cursor=${String(first.body['next'])}`,
    );
    expect(rest.body).toMatchObject({ items: [gap('AM4', 'U2')], next: null });
    const complete = await office.get(`/v1/cycles/${PERIOD}/progress?scorecard=complete&unitId=U1`);
    expect(complete.body).toMatchObject({
      items: [{ accountManagerId: 'AM1' }, { accountManagerId: 'AM3' }],
    });
    const chief = await api.as('CHIEF', 'manager');
    const own = (await chief.get(`/v1/cycles/${PERIOD}/progress`)).body;
    expect(own).toMatchObject({ items: [gap('AM4', 'U2')], totals: [{ unitId: 'U2' }] });
  });

  it('show the grades while there is still time', async () => {
    const { body } = await office.get(`/v1/cycles/${PERIOD}/distribution`);
    expect(body).toMatchObject({
      schemes: [
        {
          schemeId: 'field-service',
          provisional: true,
          grades: [
            { grade: 'excellent', count: 1 },
            { grade: 'competent', count: 1 },
            { grade: 'basic', count: 0 },
            { grade: 'incompetent', count: 0 },
          ],
          withoutScore: { incomplete: 2 },
          ceilings: [],
        },
      ],
    });
    const chief = await api.as('CHIEF', 'manager');
    const own = (await chief.get(`/v1/cycles/${PERIOD}/distribution`)).body;
    expect(own).toMatchObject({ schemes: [{ units: [{ unitId: 'U2' }] }] });
  });

  it('are reopened by two persons, on a proposal whose reason is on record', async () => {
    expect(await act(office, 'publish')).toMatchObject({
      status: 409,
      body: { code: 'collection-open' },
    });
    expect(await act(office, 'close')).toMatchObject({ status: 201 });
    expect(await act(second, 'reopen/approve')).toMatchObject({
      status: 409,
      body: { code: 'no-open-proposal' },
    });
    const proposed = await act(office, 'reopen/propose', { reason: '漏报' });
    expect(proposed.status).toBe(201);
    const proposalId = String(proposed.body['id']);
    expect(await cycle()).toMatchObject({
      state: 'closed',
      reopeningProposal: { proposalId, proposedBy: 'office-1', reason: '漏报' },
    });
    const manager = await api.as('CHIEF', 'manager');
    const seen = (await manager.get(`/v1/cycles/${PERIOD}`)).body;
    expect(JSON.stringify(seen)).not.toContain('漏报');
    expect(await act(office, 'reopen/approve', { proposalId })).toMatchObject({
      status: 403,
      body: { code: 'segregation-of-duties' },
    });
    expect((await act(second, 'reopen/approve', { proposalId })).status).toBe(201);
    expect(await cycle()).toMatchObject({ state: 'open', closedAt: null, reopeningProposal: null });
    api.clock.set('2026-04-02T18:00:00+08:00');
    expect((await act(office, 'close')).status).toBe(201);
  });

  it('are not published over people without a score whom nobody acknowledged', async () => {
    const refused = await act(office, 'publish');
    expect(refused).toMatchObject({ status: 422, body: { code: 'incomplete-scorecards' } });
    expect(String(refused.body['detail'])).toContain('AM2, AM4');
    const other = await act(office, 'publish', { incompleteIds: ['AM2'] });
    expect(other).toMatchObject({ status: 422, body: { code: 'incomplete-scorecards' } });
    expect(String(other.body['detail'])).toMatch(/count=1.*AM4/);
    expect((await cycle())['state']).toBe('closed');
  });

  it('are not published when somebody’s row is not what the log gives', async () => {
    const [schema] = (
      await runSql(
        api.database.superuserUrl,
        `select schemaname as name from pg_tables where tablename = 'provisional_score'
         order by 1 desc limit 1`,
      )
    ).rows as { name: string }[];
    const table = `${schema?.name}.provisional_score`;
    const change = (score: string) =>
      runSql(
        api.database.superuserUrl,
        `update ${table} set score = ${score} where account_manager_id = 'AM3'`,
      );
    await change('80.01');
    const refused = await act(office, 'publish', { acknowledgeIncomplete: true });
    await change('80.00');
    expect(refused).toMatchObject({ status: 409, body: { code: 'provisional-mismatch' } });
    expect(String(refused.body['detail'])).toContain('AM3');
    expect((await cycle())['state']).toBe('closed');
  });

  it('are not published while a key of scores or tiers is parked', async () => {
    await runSql(
      api.database.superuserUrl,
      `insert into projection.parked
       select generation, projection, 'somebody', '', position, 'Error: x', 1, 1
         from projection.checkpoint where projection = 'tiers'`,
    );
    const refused = await act(office, 'publish', { acknowledgeIncomplete: true });
    await runSql(api.database.superuserUrl, 'delete from projection.parked');
    expect(refused).toMatchObject({ status: 409, body: { code: 'projection-parked' } });
    expect((await cycle())['state']).toBe('closed');
  });

  it('are published at once and once, whoever repeats it, and then finalised', async () => {
    const body = { acknowledgeIncomplete: true, reason: '缺指标' };
    const key = { 'idempotency-key': 'publish-march' };
    const published = await act(office, 'publish', body, key);
    expect(published).toMatchObject({ status: 200, body: { id: PERIOD, state: 'published' } });
    const again = await act(office, 'publish', body, key);
    expect(again).toMatchObject({ status: 200, body: { state: 'published' } });
    await settledAt();
    const answer = await auditor.get(`/v1/cycles/${PERIOD}`);
    expect(answer.headers.get('etag')).toBe(`"${String(answer.body['revision'])}"`);
    expect(answer.body).toMatchObject({
      state: 'published',
      incompleteAcknowledgedBy: 'office-1',
      results: { count: 4 },
      publication: null,
      unpaidTeamPools: [],
    });
    const steps = answer.body['history'] as { step: string }[];
    expect(steps.map(({ step }) => step)).toEqual([
      'opened',
      'collection-closed',
      'reopening-proposed',
      'reopened',
      'collection-closed',
      'publication-started',
      'results-computed',
      'published',
    ]);
    const scores = await auditor.get(`/v1/scores?period=${PERIOD}`);
    expect(scores.body['items']).toMatchObject([
      { accountManagerId: 'AM1', score: '95.00' },
      { accountManagerId: 'AM2', status: 'incomplete' },
      { accountManagerId: 'AM3', score: '80.00' },
      { accountManagerId: 'AM4', status: 'incomplete' },
    ]);
    const distribution = await office.get(`/v1/cycles/${PERIOD}/distribution`);
    expect(distribution.body).toMatchObject({ schemes: [{ provisional: false }] });
    expect((await act(second, 'reopen/propose', { reason: 'x' })).body['code']).toBe(
      'publication-started',
    );
    expect((await act(office, 'finalise')).status).toBe(201);
    expect((await cycle())['state']).toBe('finalised');
    // Under its key the request has its first answer, whatever has come behind it.
    expect((await act(office, 'publish', body, key)).body).toEqual(published.body);
    const other = await act(
      office,
      'publish',
      { acknowledgeIncomplete: true, reason: '别的' },
      key,
    );
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  }, 30_000);

  it('are gone on with by the office where an import died in the middle', async () => {
    const period = '2026-05';
    api.clock.set('2026-06-02T09:00:00+08:00');
    expect((await office.post(`/v1/cycles/${period}/close`)).status).toBe(201);
    const at = '2026-06-02T09:30:00+08:00';
    await api.system.engine.handler.decide(cycleAggregate, cycleStream(period), {
      command: {
        type: 'cycles.StartPublication',
        data: { period, startedAt: at, incompleteAcknowledgedBy: null },
      },
      facts: () => ({ incompleteCount: 0 }),
      envelope: {
        commandId: 'died',
        actor: { id: IMPORTER, role: 'office' },
        occurredAt: at,
        recordedAt: at,
      },
    });
    await api.settled();
    expect(await cycle(period)).toMatchObject({
      state: 'publishing',
      publication: { cohortCount: 4, frozenCount: 0, recordedCount: 0, trouble: null },
    });
    const published = await office.post(`/v1/cycles/${period}/publish`);
    expect(published).toMatchObject({ status: 200, body: { state: 'published' } });
    expect(await cycle(period)).toMatchObject({ state: 'published', publishedAt: at });
  }, 30_000);

  it('say at readiness why a publication stands, and are published when it can go on', async () => {
    const period = '2026-06';
    expect((await office.post('/v1/cycles', { period })).status).toBe(201);
    api.clock.set('2026-07-02T09:00:00+08:00');
    expect((await office.post(`/v1/cycles/${period}/close`)).status).toBe(201);
    await settledAt();
    await runSql(
      api.database.superuserUrl,
      `insert into projection.parked
       select generation, projection, 'somebody', '', position, 'Error: x', 1, 1
         from projection.checkpoint where projection = 'tiers'`,
    );
    const at = '2026-07-02T09:30:00+08:00';
    await api.system.engine.handler.decide(cycleAggregate, cycleStream(period), {
      command: {
        type: 'cycles.StartPublication',
        data: { period, startedAt: at, incompleteAcknowledgedBy: 'office-1' },
      },
      facts: () => ({ incompleteCount: 4 }),
      envelope: {
        commandId: 'started',
        actor: { id: 'office-1', role: 'office' },
        occurredAt: at,
        recordedAt: at,
      },
    });
    await expect(api.processes.settle(1_000)).rejects.toMatchObject({
      code: 'processes-unsettled',
    });
    const ready = await office.get<{ warnings: string[] }>('/health/ready');
    const warned = `process publication ${period} is tried again: projection-parked`;
    expect(ready.body.warnings.some((warning) => warning.startsWith(warned))).toBe(true);
    expect(await cycle(period)).toMatchObject({
      publication: { trouble: expect.stringContaining('projection-parked') as string },
    });
    await runSql(api.database.superuserUrl, 'delete from projection.parked');
    await api.settled();
    expect(await cycle(period)).toMatchObject({ state: 'published', publication: null });
  }, 30_000);

  it('take no fact of a period that is published, whatever its own time', async () => {
    const fact = {
      accountManagerId: 'AM1',
      period: PERIOD,
      indicatorId: 'sales',
      actual: '99',
    };
    expect(await office.post('/v1/metrics', fact)).toMatchObject({
      status: 409,
      body: { code: 'collection-closed' },
    });
  });
});
