import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import { importFolder } from '../../../../test/support/system.js';
import { cycleRow, metricRow, smallHistory } from '../../../../test/support/small-history.js';

let api: TestApi;
let office: Client;

/** January is published, February open; AM1 and AM2 are in U1. */
beforeAll(async () => {
  api = await openTestApi('2026-02-20T09:00:00+08:00');
  office = await api.as('office-1', 'office');
  const history = await smallHistory(['AM1', 'AM2']);
  history.add('units', 'unitId=U2 parentUnitId=U1 name=Two', 'unitId=U3 name=Three');
  history.add('cycles', cycleRow('2026-01', { closed: '2026-02-02', published: '2026-02-05' }));
  history.add('cycles', cycleRow('2026-02', {}));
  history.add('metrics', metricRow('AM1', '2026-01', '90'), metricRow('AM2', '2026-01', '80'));
  await history.write();
  const report = await importFolder(api.system, history.dir);
  expect(report.refused).toEqual([]);
  await history.remove();
}, 60_000);

afterAll(() => api.close());

const person = (accountManagerId: string, more: object = {}) => ({
  accountManagerId,
  name: `姓名 ${accountManagerId}`,
  unitId: 'U2',
  position: 'account-manager',
  supervisorId: 'SUP2',
  joinedOn: '2026-02-02',
  ...more,
});

describe('an account manager over HTTP', () => {
  it('is enrolled by the office and read back with who recorded it', async () => {
    const made = await office.post('/v1/account-managers', person('AM3'));
    expect(made).toMatchObject({ status: 201, body: { id: 'AM3', warnings: [] } });
    const read = await office.get('/v1/account-managers/AM3');
    expect(read.headers.get('etag')).toBe('"0"');
    expect(read.body).toMatchObject({
      accountManagerId: 'AM3',
      name: '姓名 AM3',
      joinedOn: '2026-02-02',
      leftOn: null,
      current: { unitId: 'U2', position: 'account-manager', supervisorId: 'SUP2' },
      employment: [{ effectiveOn: '2026-02-02', unitId: 'U2', recordedBy: 'office-1' }],
    });
    const again = await office.post('/v1/account-managers', person('AM3', { unitId: 'U1' }));
    expect(again).toMatchObject({ status: 409, body: { code: 'already-enrolled' } });
    const nowhere = await office.post('/v1/account-managers', person('AM9', { unitId: 'U9' }));
    expect(nowhere).toMatchObject({ status: 404, body: { code: 'unknown-unit' } });
  });

  it('is transferred from a day that no publication has frozen', async () => {
    const move = (effectiveOn: string) =>
      office.post('/v1/account-managers/AM1/transfers', {
        unitId: 'U3',
        position: 'account-manager',
        effectiveOn,
      });
    const refused = await move('2026-01-31');
    expect(refused).toMatchObject({ status: 409, body: { code: 'publication-started' } });
    expect(await move('2026-02-01')).toMatchObject({ status: 201 });
    const cohort = async (period: string) =>
      (
        await office.get<{ items: { accountManagerId: string; unitId: string }[] }>(
          `/v1/cohorts/${period}`,
        )
      ).body.items.map(({ accountManagerId, unitId }) => `${accountManagerId} ${unitId}`);
    expect(await cohort('2026-01')).toEqual(['AM1 U1', 'AM2 U1']);
    expect(await cohort('2026-02')).toEqual(['AM1 U3', 'AM2 U1', 'AM3 U2']);
  });

  it('is told that absences in a frozen period change nothing there', async () => {
    const absence = { from: '2026-01-26', to: '2026-02-13', kind: 'sickness' };
    const made = await office.post('/v1/account-managers/AM2/absences', absence);
    expect(made.body['warnings']).toMatchObject([{ code: 'periods-frozen', periods: ['2026-01'] }]);
    const { body } = await office.get<{ items: object[] }>('/v1/cohorts/2026-02?unitId=U1');
    // 20 workdays in February 2026, ten of them absent
    expect(body.items).toContainEqual(
      expect.objectContaining({ accountManagerId: 'AM2', eligibleDays: 10, isAssessed: true }),
    );
    const frozen = await office.get<{ items: object[] }>('/v1/cohorts/2026-01');
    expect(frozen.body.items[1]).toMatchObject({ accountManagerId: 'AM2', eligibleDays: 22 });
    const backwards = { from: '2026-02-13', to: '2026-02-01', kind: 'sickness' };
    const refused = await office.post('/v1/account-managers/AM2/absences', backwards);
    expect(refused).toMatchObject({ status: 400, body: { fields: [{ field: 'to' }] } });
  });

  it('leaves, which said again with another day is corrected', async () => {
    await office.post('/v1/account-managers', person('AM4'));
    const leave = (leftOn: string) => office.post('/v1/account-managers/AM4/leaving', { leftOn });
    expect(await leave('2026-02-10')).toMatchObject({ status: 201 });
    expect(await leave('2026-02-27')).toMatchObject({ status: 201, body: { warnings: [] } });
    const { body } = await office.get('/v1/account-managers/AM4');
    expect(body).toMatchObject({
      leftOn: '2026-02-27',
      leavings: [{ leftOn: '2026-02-10' }, { leftOn: '2026-02-27' }],
    });
    expect((await leave('2026-02-30')).status).toBe(400);
  });

  it('is certified', async () => {
    const certificate = { capability: 'lecturer', certifiedOn: '2026-02-01' };
    const path = '/v1/account-managers/AM3/capabilities';
    expect(await office.post(path, certificate)).toMatchObject({ status: 201 });
    expect(await office.post(path, certificate)).toMatchObject({ status: 200 });
    const { body } = await office.get('/v1/account-managers/AM3');
    expect(body['capabilities']).toMatchObject([{ ...certificate, validUntil: null }]);
  });

  it('is not changed against another revision than the caller saw', async () => {
    const body = { capability: 'coach', certifiedOn: '2026-02-01' };
    const path = '/v1/account-managers/AM3/capabilities';
    expect((await office.post(path, body, { 'if-match': '"0"' })).status).toBe(412);
    const { headers } = await office.get('/v1/account-managers/AM3');
    const etag = headers.get('etag') ?? '';
    expect((await office.post(path, body, { 'if-match': etag })).status).toBe(201);
  });
});

it('is nothing that office people record about themselves', async () => {
  const self = await api.as('AM3', 'office');
  for (const [path, body] of [
    ['goals', { period: '2026-02', indicatorId: 'sales', target: '1' }],
    ['capabilities', { capability: 'coach', certifiedOn: '2026-02-02' }],
    ['absences', { from: '2026-02-02', to: '2026-02-03', kind: 'sickness' }],
  ] as const) {
    const refused = await self.post(`/v1/account-managers/AM3/${path}`, body);
    expect(refused).toMatchObject({ status: 403, body: { code: 'segregation-of-duties' } });
  }
});

describe('goals over HTTP', () => {
  const path = '/v1/account-managers/AM2/goals';

  it('are set and revised, with every revision on record', async () => {
    const goal = { period: '2026-02', indicatorId: 'sales', target: '100' };
    expect(await office.post(path, goal)).toMatchObject({ status: 201 });
    expect(await office.post(path, { ...goal, target: '120' })).toMatchObject({ status: 201 });
    expect(await office.post(path, { ...goal, target: '120' })).toMatchObject({ status: 200 });
    const read = await office.get(`${path}?period=2026-02`);
    expect(read.headers.get('etag')).toBe('"1"');
    expect(read.body['items']).toMatchObject([
      {
        indicatorId: 'sales',
        target: '120',
        revisions: [{ target: '100', setBy: 'office-1' }, { target: '120' }],
      },
    ]);
  });

  it('are refused once the period is frozen, for members and for others', async () => {
    const goal = { period: '2026-01', indicatorId: 'sales', target: '1' };
    for (const id of ['AM2', 'AM3']) {
      const refused = await office.post(`/v1/account-managers/${id}/goals`, goal);
      expect(refused).toMatchObject({ status: 409, body: { code: 'collection-closed' } });
    }
    const unknown = { ...goal, period: '2026-02', indicatorId: 'smiles' };
    expect(await office.post(path, unknown)).toMatchObject({
      body: { code: 'unknown-indicator' },
    });
    const nobody = await office.post('/v1/account-managers/AM0/goals', goal);
    expect(nobody).toMatchObject({ status: 404, body: { code: 'unknown-account-manager' } });
  });
});

describe('who sees whom', () => {
  type Page = { items: { accountManagerId: string; name: string | null }[]; next: string | null };
  const idsOf = ({ items }: Page) => items.map(({ accountManagerId }) => accountManagerId);

  it('the office sees everybody, page by page, found by unit, name, id and day', async () => {
    const first = await office.get<Page>('/v1/account-managers?limit=2');
    const second = await office.get<Page>(`/v1/account-managers?limit=2&cursor=${first.body.next}`);
    expect([...idsOf(first.body), ...idsOf(second.body)]).toEqual(['AM1', 'AM2', 'AM3', 'AM4']);
    expect(second.body.next).toBeNull();
    const found = async (query: string) =>
      idsOf((await office.get<Page>(`/v1/account-managers?${query}`)).body);
    expect(await found('unitId=U1')).toEqual(['AM2', 'AM3', 'AM4']);
    expect(await found(`q=${encodeURIComponent('姓名 am3')}`)).toEqual(['AM3']);
    expect(await found('q=m2')).toEqual(['AM2']);
    expect(await found('on=2026-02-28')).toEqual(['AM1', 'AM2', 'AM3']);
  });

  it('a manager sees the own units and below, as history tells them', async () => {
    const manager = await api.as('SUP2', 'manager');
    expect(idsOf((await manager.get<Page>('/v1/account-managers')).body)).toEqual(['AM3', 'AM4']);
    expect((await manager.get('/v1/account-managers/AM3')).status).toBe(200);
    const refused = await manager.get('/v1/account-managers/AM1');
    expect(refused).toMatchObject({ status: 403, body: { code: 'outside-authority' } });
    const cohort = await manager.get<Page>('/v1/cohorts/2026-02');
    expect(idsOf(cohort.body)).toEqual(['AM3', 'AM4']);
    const tree = await manager.get('/v1/unit-tree?on=2026-02-20');
    expect(tree.body['items']).toMatchObject([{ unitId: 'U2', peopleCount: 2 }]);
  });

  it('account managers see themselves', async () => {
    const self = await api.as('AM1', 'account-manager');
    expect(idsOf((await self.get<Page>('/v1/account-managers')).body)).toEqual(['AM1']);
    expect((await self.get('/v1/account-managers/AM1')).body['name']).toBe('AM1');
    expect((await self.get('/v1/account-managers/AM2')).status).toBe(403);
    expect((await self.get('/v1/account-managers/AM1/goals?period=2026-02')).status).toBe(200);
  });

  it('the administrator sees no name and no kind of absence', async () => {
    const admin = await api.as('root', 'admin');
    const list = await admin.get<Page>('/v1/account-managers');
    expect(list.body.items.map(({ name }) => name)).toEqual([null, null, null, null]);
    const { body } = await admin.get('/v1/account-managers/AM2');
    expect(body).toMatchObject({ name: null, absences: [{ from: '2026-01-26', kind: null }] });
    expect(JSON.stringify(body)).not.toMatch(/sickness/);
    const cohort = await admin.get<Page>('/v1/cohorts/2026-02');
    expect(cohort.body.items.every(({ name }) => name === null)).toBe(true);
    const byName = await admin.get<Page>(`/v1/account-managers?q=${encodeURIComponent('姓名')}`);
    expect(byName.body.items).toEqual([]);
  });

  it('counts people in the tree of units', async () => {
    const { body } = await office.get('/v1/unit-tree?on=2026-02-28');
    expect(body['items']).toMatchObject([
      {
        unitId: 'U1',
        peopleCount: 1,
        peopleCountAtOrBelow: 2,
        children: [{ unitId: 'U2', peopleCount: 1 }],
      },
      { unitId: 'U3', peopleCount: 1 },
    ]);
  });
});
