import { openTestApi, type TestApi } from '../../../../test/support/api.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../../test/support/small-history.js';
import { importFolder } from '../../../../test/support/system.js';

const PEOPLE = ['AM1', 'AM2', 'AM3', 'AM4'];

const scheme = 'schemeId=field-service';

type Line = { place: number; rank: number; accountManagerId: string; score: string };
type Page = { items: Line[]; position: string };

describe('boards over HTTP', () => {
  let api: TestApi;
  let history: SmallHistory;

  beforeAll(async () => {
    api = await openTestApi('2026-06-01T09:00:00+08:00');
    history = await smallHistory(PEOPLE);
    history.add(
      'cycles',
      cycleRow('2026-01', { closed: '2026-02-03', published: '2026-02-05' }),
      cycleRow('2026-02', {}),
    );
    const scores = ['95', '80', '80', '61'];
    for (const period of ['2026-01', '2026-02']) {
      PEOPLE.forEach((id, at) =>
        history.add('metrics', metricRow(id, period, scores[at] as string)),
      );
    }
    await history.write();
    await importFolder(api.system, history.dir);
    const position = await api.system.store.head();
    await api.system.projections.waitFor(['scores', 'tiers'], position, 5_000);
  });
  afterAll(async () => {
    await history.remove();
    await api.close();
  });

  it.each(['2026-01', '2026-02'])(
    'rank %s by score, places by the ranking order',
    async (period) => {
      const office = await api.as('office-1', 'office');
      const { body } = await office.get<Page>(`/v1/leaderboards?period=${period}&${scheme}`);
      expect(body.items.map(({ place, rank }) => [place, rank])).toEqual([
        [1, 1],
        [2, 2],
        [3, 2],
        [4, 4],
      ]);
      expect(body.items.map(({ score }) => score)).toEqual(['95.00', '80.00', '80.00', '61.00']);
      for (const line of body.items) {
        const path = `/v1/leaderboards/${line.accountManagerId}/place?period=${period}&${scheme}`;
        expect((await office.get(path)).body).toMatchObject(line);
      }
    },
  );

  it.each(['*', 'U1'])('rank %s by one indicator', async (unitId) => {
    const office = await api.as('office-1', 'office');
    const query = `period=2026-02&${scheme}&unitId=${unitId}&indicator=sales`;
    const { body } = await office.get<Page>(`/v1/leaderboards?${query}`);
    expect(body.items.map(({ accountManagerId }) => accountManagerId)).toEqual(PEOPLE);
    expect(body.items.map(({ rank }) => rank)).toEqual([1, 2, 2, 4]);
    expect(body.items[0]).toMatchObject({ indicatorId: 'sales', how: 'scored', score: '95.00' });
    const place = await office.get(`/v1/leaderboards/AM3/place?${query}`);
    expect(place.body).toMatchObject({ place: 3, rank: 2 });
    const paged = await office.get<Page & { next: string }>(`/v1/leaderboards?${query}&limit=2`);
    const rest = await office.get<Page>(`/v1/leaderboards?${query}&cursor=${paged.body.next}`);
    expect([...paged.body.items, ...rest.body.items]).toEqual(body.items);
  });

  it('show an account manager what is published, and the own place before', async () => {
    const own = await api.as('AM2', 'account-manager');
    const published = await own.get<Page>(`/v1/leaderboards?period=2026-01&${scheme}`);
    expect(published).toMatchObject({ status: 200, body: { items: { length: 4 } } });
    const early = await own.get(`/v1/leaderboards?period=2026-02&${scheme}`);
    expect(early).toMatchObject({ status: 403, body: { code: 'outside-authority' } });
    const place = `place?period=2026-02&${scheme}`;
    expect((await own.get(`/v1/leaderboards/AM2/${place}`)).status).toBe(200);
    expect((await own.get(`/v1/leaderboards/AM1/${place}`)).status).toBe(403);
    const scores = await own.get<{ items: object[] }>('/v1/provisional-scores');
    expect(scores.body.items).toMatchObject([{ accountManagerId: 'AM2' }]);
    expect((await own.get('/v1/scores?accountManagerId=AM1')).status).toBe(403);
    expect((await own.get('/v1/tiers?accountManagerId=AM1')).status).toBe(403);
    expect((await own.get('/v1/trace/AM1/2026-01')).status).toBe(403);
  });

  it('show a manager nothing outside the own units', async () => {
    const manager = await api.as('nobody-s-manager', 'manager');
    expect((await manager.get(`/v1/leaderboards?period=2026-01&${scheme}`)).status).toBe(403);
    expect((await manager.get<Page>('/v1/scores')).body.items).toEqual([]);
    const stream = await manager.get(`/v1/leaderboards/stream?period=2026-01&${scheme}`);
    expect(stream).toMatchObject({ status: 403, body: { code: 'outside-authority' } });
  });

  it('answer as known then', async () => {
    const office = await api.as('office-1', 'office');
    const board = `/v1/leaderboards?period=2026-01&${scheme}`;
    const head = await api.system.store.head();
    const now = await office.get<Page>(board);
    const same = await office.get<Page>(`${board}&asOf=${head}`);
    expect(same.body.items).toEqual(now.body.items);
    const before = encodeURIComponent('2026-02-05T11:59:59+08:00');
    const after = encodeURIComponent('2026-02-05T12:00:00+08:00');
    expect((await office.get<Page>(`${board}&asOf=${before}`)).body.items).toEqual([]);
    expect((await office.get<Page>(`${board}&asOf=${after}`)).body.items).toEqual(now.body.items);
    expect((await office.get<Page>(`${board}&storedAsOf=${after}`)).body.items).toEqual([]);
    const indicator = await office.get<Page>(`${board}&indicator=sales`);
    const then = await office.get<Page>(`${board}&indicator=sales&asOf=${after}`);
    expect(then.body.items).toEqual(indicator.body.items);
    const both = await office.get(`${board}&asOf=${after}&storedAsOf=${after}`);
    expect(both).toMatchObject({ status: 400, body: { code: 'malformed' } });
  });
});
