import { openTestApi, type TestApi } from '../../../../test/support/api.js';

describe('units over HTTP', () => {
  let api: TestApi;
  beforeAll(async () => void (api = await openTestApi()));
  afterAll(() => api.close());

  it('are defined by the office, seen by who asks for the position of the answer', async () => {
    const office = await api.as('office-1', 'office');
    const made = await office.post('/v1/units', { unitId: 'north', name: '北区' });
    expect(made).toMatchObject({ status: 201, body: { id: 'north', revision: 0 } });
    const auditor = await api.as('auditor-1', 'auditor');
    const seen = await auditor.get(`/v1/units?after=${String(made.body['position'])}`);
    expect(seen.body['items']).toMatchObject([{ unitId: 'north', parentUnitId: null }]);
  });

  it('are nobody else’s to define', async () => {
    const auditor = await api.as('auditor-1', 'auditor');
    const refused = await auditor.post('/v1/units', { unitId: 'south', name: 'x' });
    expect(refused).toMatchObject({ status: 403, body: { code: 'role-not-admitted' } });
    const response = await fetch(`${api.url}/v1/units`, { method: 'POST' });
    expect(response.status).toBe(401);
  });
});
