import { openTestApi, type TestApi } from '../../../../test/support/api.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

describe('units over HTTP', () => {
  it('are defined by the office, seen by who asks for the position of the answer', async () => {
    const office = await api.as('office-1', 'office');
    const made = await office.post('/v1/units', { unitId: 'north', name: '北区' });
    expect(made).toMatchObject({ status: 201, body: { id: 'north', revision: 0 } });
    const auditor = await api.as('auditor-1', 'auditor');
    const seen = await auditor.get(`/v1/units?after=${String(made.body['position'])}`);
    expect(seen.body['items']).toMatchObject([{ unitId: 'north', parentUnitId: null }]);
  });

  it('are renamed and moved, never below themselves', async () => {
    const office = await api.as('office-1', 'office');
    await office.post('/v1/units', { unitId: 'north-1', parentUnitId: 'north', name: '一部' });
    const renamed = { unitId: 'north-1', parentUnitId: 'north', name: '北区一部' };
    expect(await office.post('/v1/units', renamed)).toMatchObject({ status: 201 });
    expect(await office.post('/v1/units', renamed)).toMatchObject({ status: 200 });
    const ring = await office.post('/v1/units', {
      unitId: 'north',
      parentUnitId: 'north-1',
      name: '北区',
    });
    expect(ring).toMatchObject({ status: 422, body: { code: 'unit-cycle' } });
    const { body } = await office.get<{ items: object[] }>('/v1/units');
    expect(body.items).toContainEqual(renamed);
    const first = await office.get<{ items: object[]; next: string }>('/v1/units?limit=1');
    expect(first.headers.get('etag')).toBe('"2"');
    const stale = await office.post('/v1/units', { ...renamed, name: 'x' }, { 'if-match': '"1"' });
    expect(stale.status).toBe(412);
    expect(first.body.items).toMatchObject([{ unitId: 'north' }]);
    const second = await office.get(`/v1/units?limit=1&cursor=${first.body.next}`);
    expect(second.body).toMatchObject({ items: [renamed], next: null });
  });

  it('are nobody else’s to define', async () => {
    const auditor = await api.as('auditor-1', 'auditor');
    const refused = await auditor.post('/v1/units', { unitId: 'south', name: 'x' });
    expect(refused).toMatchObject({ status: 403, body: { code: 'role-not-admitted' } });
    const response = await fetch(`${api.url}/v1/units`, { method: 'POST' });
    expect(response.status).toBe(401);
  });
});

describe('the calendar over HTTP', () => {
  it('tells the exceptions of a year and what they leave of each month', async () => {
    const office = await api.as('office-1', 'office');
    const days = [
      { date: '2026-05-01', kind: 'holiday' },
      { date: '2026-05-09', kind: 'workday' },
      { date: '2027-01-01', kind: 'holiday' },
    ];
    expect(await office.post('/v1/calendar', { days })).toMatchObject({
      status: 201,
      body: { warnings: [] },
    });
    const agent = await api.as('agent-1', 'call-agent');
    const { body } = await agent.get<{ days: object[]; months: object[] }>(
      '/v1/calendar?year=2026',
    );
    expect(body.days).toEqual(days.slice(0, 2));
    // 21 weekdays in May 2026, one off, one Saturday worked
    expect(body.months[4]).toEqual({ period: '2026-05', workdays: 21 });
    expect(body.months[3]).toEqual({ period: '2026-04', workdays: 22 });
  });

  it('refuses days that do not exist and unknown kinds', async () => {
    const office = await api.as('office-1', 'office');
    for (const day of [
      { date: '2026-02-30', kind: 'holiday' },
      { date: '2026-02-03', kind: 'strike' },
    ]) {
      const refused = await office.post('/v1/calendar', { days: [day] });
      expect(refused).toMatchObject({ status: 400, body: { code: 'malformed' } });
    }
  });
});

describe('team pools over HTTP', () => {
  it('are set, changed and listed by period', async () => {
    const office = await api.as('office-1', 'office');
    const pool = { unitId: 'north', period: '2026-03', amountMinor: '120000' };
    expect(await office.post('/v1/team-pools', pool)).toMatchObject({ status: 201 });
    await office.post('/v1/team-pools', { ...pool, amountMinor: '90000' });
    const { body } = await office.get('/v1/team-pools?period=2026-03');
    expect(body['items']).toEqual([{ unitId: 'north', amountMinor: '90000' }]);
    const unknown = await office.post('/v1/team-pools', { ...pool, unitId: 'nowhere' });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'unknown-unit' } });
    const negative = await office.post('/v1/team-pools', { ...pool, amountMinor: '-1' });
    expect(negative).toMatchObject({ status: 400 });
  });
});

describe('delegations over HTTP', () => {
  it('give on the caller’s own right, for some days, on record', async () => {
    const approver = await api.as('approver-1', 'approver');
    const body = { toActorId: 'approver-2', fromOn: '2026-07-01', untilOn: '2026-07-14' };
    const made = await approver.post('/v1/delegations', body, { 'idempotency-key': 'd-1' });
    const again = await approver.post('/v1/delegations', body, { 'idempotency-key': 'd-1' });
    expect(again.body).toEqual(made.body);
    const auditor = await api.as('auditor-1', 'auditor');
    const asked = (query: string) => auditor.get<{ items: object[] }>(`/v1/delegations?${query}`);
    const delegation = { ...body, delegationId: made.body['id'], fromActorId: 'approver-1' };
    expect((await asked('on=2026-07-14')).body.items).toEqual([delegation]);
    expect((await asked('actorId=approver-2')).body.items).toEqual([delegation]);
    expect((await asked('on=2026-07-15')).body.items).toEqual([]);
  });

  it('are refused to oneself, for another, and to who approves nothing', async () => {
    const approver = await api.as('approver-1', 'approver');
    const days = { fromOn: '2026-08-01', untilOn: '2026-08-02' };
    const own = await approver.post('/v1/delegations', { toActorId: 'approver-1', ...days });
    expect(own).toMatchObject({ status: 403, body: { code: 'segregation-of-duties' } });
    const forOther = { fromActorId: 'approver-9', toActorId: 'approver-2', ...days };
    expect(await approver.post('/v1/delegations', forOther)).toMatchObject({ status: 400 });
    const rater = await api.as('rater-1', 'rater');
    const refused = await rater.post('/v1/delegations', { toActorId: 'rater-2', ...days });
    expect(refused).toMatchObject({ status: 403 });
  });
});
