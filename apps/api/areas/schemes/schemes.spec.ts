import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import { importFolder } from '../../../../test/support/system.js';
import { cycleRow, metricRow, smallHistory } from '../../../../test/support/small-history.js';
import { contentHash } from '#kernel';
import { metricIndicator, schemeFile } from '../../../../libs/rules/testing.js';

type Problem = { code: string; fields: { field: string; code: string }[] };

let api: TestApi;
let author: Client;
let publisher: Client;
let auditor: Client;

/** `field-service` 1 is imported and in force; January is published. */
beforeAll(async () => {
  api = await openTestApi('2026-02-20T09:00:00+08:00');
  author = await api.as('office-1', 'office');
  publisher = await api.as('office-2', 'office');
  auditor = await api.as('auditor-1', 'auditor');
  const history = await smallHistory(['AM1']);
  history.add('units', 'unitId=U2 parentUnitId=U1 name=Two');
  history.add(
    'account-managers',
    'accountManagerId=AM2 name=AM2 unitId=U2 position=account-manager joinedOn=2025-01-01',
  );
  history.add('cycles', cycleRow('2026-01', { closed: '2026-02-02', published: '2026-02-05' }));
  history.add('cycles', cycleRow('2026-02', {}));
  history.add('metrics', metricRow('AM1', '2026-01', '90'), metricRow('AM2', '2026-01', '80'));
  await history.write();
  expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
  await history.remove();
}, 60_000);

afterAll(() => api.close());

const versionPath = (schemeId: string, version: number, act = '') =>
  `/v1/schemes/${schemeId}/versions/${version}${act}`;

describe('a scheme over HTTP', () => {
  const scheme = schemeFile({ schemeId: 'branch', effectiveFrom: '2026-02' });

  it('is drafted, revised, and published by somebody else', async () => {
    const drafted = await author.post('/v1/schemes', { scheme });
    expect(drafted).toMatchObject({
      status: 201,
      body: { id: 'branch 1', stream: 'scheme-branch', revision: 0, warnings: [] },
    });
    const revised = { ...scheme, maxScore: '110' };
    const path = versionPath('branch', 1);
    expect((await author.post(`${path}/revise`, { scheme: revised })).status).toBe(201);
    for (const [client, status] of [
      [author, 403],
      [auditor, 403],
      [publisher, 201],
    ] as const) {
      expect((await client.post(`${path}/publish`)).status).toBe(status);
    }
    const read = await auditor.get(path);
    expect(read.headers.get('etag')).toBe('"2"');
    expect(read.body).toMatchObject({
      state: 'published',
      scheme: revised,
      sha256: contentHash(revised), // as an import of the same file would have it
      authors: [{ by: 'office-1' }, { by: 'office-1' }],
      publisher: { by: 'office-2', at: '2026-02-20T01:00:00.000Z' },
    });
    const late = await author.post(`${path}/revise`, { scheme });
    expect(late).toMatchObject({ status: 409, body: { code: 'scheme-version-reused' } });
  });

  it('cannot be published by who only revised it', async () => {
    const draft = { ...scheme, schemeId: 'twice' };
    await author.post('/v1/schemes', { scheme: draft });
    const path = versionPath('twice', 1);
    const scheme2 = { ...draft, maxScore: '100' };
    await publisher.post(`${path}/revise`, { scheme: scheme2 });
    const refused = await publisher.post(`${path}/publish`);
    expect(refused).toMatchObject({ status: 403, body: { code: 'segregation-of-duties' } });
  });

  it('is refused with every mistake by its path', async () => {
    const broken = schemeFile({
      schemeId: 'broken',
      indicators: [
        metricIndicator({ weight: '60' }),
        metricIndicator({
          id: 'margin',
          weight: '39',
          formula: {
            type: 'bands',
            bands: [
              { from: '90', score: '1' },
              { from: '80', score: '2' },
            ],
          },
        }),
      ],
      vetoes: [{ code: 'fraud', capGrade: 'dreadful' }],
    });
    const { grades: _, ...incomplete } = broken;
    const refused = await author.post<Problem>('/v1/schemes', { scheme: broken });
    expect(refused).toMatchObject({ status: 422, body: { code: 'scheme-invalid' } });
    expect(refused.body.fields.map(({ field, code }) => `${field} ${code}`)).toEqual([
      '/indicators/1/formula/bands/1/from not-rising',
      '/indicators weights-do-not-sum',
      '/vetoes/0/capGrade unknown-grade',
    ]);
    const asked = await author.post('/v1/schemes/validate', { scheme: incomplete });
    expect(asked).toMatchObject({ status: 200, body: { isValid: false, warnings: [] } });
    expect(asked.body['mistakes']).toContainEqual(
      expect.objectContaining({ path: '/grades', code: 'missing-field' }),
    );
    expect((await author.get(versionPath('broken', 1))).status).toBe(404);
    const nameless = await author.post<Problem>('/v1/schemes', { scheme: {} });
    expect(nameless.body.fields.map(({ field }) => field)).toContain('/schemeId');
    expect((await author.post('/v1/schemes', { scheme: 'text' })).status).toBe(400);
  });

  it('is warned of when it is valid and yet not what one means', async () => {
    const pilot = schemeFile({
      schemeId: 'pilot',
      effectiveFrom: '2026-01',
      maxScore: '80',
      scope: { units: ['U9'], positions: ['account-manager'] },
    });
    const codesOf = (body: Record<string, unknown>) =>
      (body['warnings'] as { code: string; path?: string }[]).map(({ code }) => code);
    const expected = ['unknown-unit', 'unreachable-grade', 'periods-frozen'];
    const asked = await author.post('/v1/schemes/validate', { scheme: pilot });
    expect(asked.body['isValid']).toBe(true);
    expect(codesOf(asked.body)).toEqual(expected.slice(0, 2));
    const drafted = await author.post('/v1/schemes', { scheme: pilot });
    expect(codesOf(drafted.body)).toEqual(expected);
    const refused = await publisher.post(versionPath('pilot', 1, '/publish'));
    expect(refused).toMatchObject({ status: 404, body: { code: 'unknown-unit' } });
    await author.post('/v1/units', { unitId: 'U9', parentUnitId: 'U1', name: 'Nine' });
    const published = await publisher.post(versionPath('pilot', 1, '/publish'));
    expect(published.status).toBe(201);
    expect(codesOf(published.body)).toEqual(expected.slice(1));
  });

  it('is retired, once', async () => {
    const path = versionPath('pilot', 1);
    const retired = await publisher.post(`${path}/retire`, { effectiveTo: '2026-06' });
    expect(retired).toMatchObject({ status: 201, body: { warnings: [] } });
    expect((await auditor.get(path)).body).toMatchObject({
      state: 'retired',
      retirement: { by: 'office-2', effectiveTo: '2026-06' },
    });
    const again = await publisher.post(`${path}/retire`, { effectiveTo: '2026-05' });
    expect(again).toMatchObject({ status: 409, body: { code: 'scheme-already-retired' } });
  });

  it('must be the one that the path names', async () => {
    const refused = await author.post(versionPath('twice', 2, '/revise'), { scheme });
    expect(refused).toMatchObject({ status: 400, body: { code: 'malformed' } });
    const unknown = await author.post(versionPath('nobodys', 1, '/publish'));
    expect(unknown).toMatchObject({ status: 404, body: { code: 'unknown-scheme-version' } });
    expect((await author.get('/v1/schemes/branch/versions/one')).status).toBe(400);
  });
});

it('refuses a scheme that no event can hold', async () => {
  const name = { zh: '名'.repeat(1_000), en: 'n'.repeat(1_000) };
  const indicators = Array.from({ length: 20 }, (_, at) =>
    metricIndicator({ id: `i${at}`, weight: '5', name }),
  );
  const scheme = schemeFile({ schemeId: 'large', indicators });
  const refused = await author.post('/v1/schemes', { scheme });
  expect(refused).toMatchObject({ status: 413, body: { code: 'event-too-large' } });
});

describe('versions over HTTP', () => {
  type List = { items: { schemeId: string; version: number; isPilot: boolean }[]; next: string };
  const namesOf = ({ items }: List) => items.map((one) => `${one.schemeId} ${one.version}`);

  it('are listed page by page, drafts for the office and the auditor alone', async () => {
    const first = (await auditor.get<List>('/v1/schemes?limit=3')).body;
    const second = (await auditor.get<List>(`/v1/schemes?limit=3&cursor=${first.next}`)).body;
    expect([...namesOf(first), ...namesOf(second)]).toEqual([
      'branch 1',
      'field-service 1',
      'pilot 1',
      'twice 1',
    ]);
    expect(second.next).toBeNull();
    expect(first.items.map(({ isPilot }) => isPilot)).toEqual([false, false, true]);
    const self = await api.as('AM1', 'account-manager');
    expect(namesOf((await self.get<List>('/v1/schemes')).body)).not.toContain('twice 1');
    expect((await self.get(versionPath('twice', 1))).status).toBe(404);
    expect((await self.get(versionPath('branch', 1))).status).toBe(200);
  });

  it('differ part by part', async () => {
    const scheme = schemeFile({ schemeId: 'branch', version: 2, effectiveFrom: '2026-03' });
    await author.post('/v1/schemes', { scheme });
    const { body } = await auditor.get<{ items: { kind: string; path: string }[] }>(
      '/v1/schemes/branch/diff?from=1&to=2',
    );
    expect(body.items).toMatchObject([
      { kind: 'changed', path: '/effectiveFrom', from: '2026-02', to: '2026-03' },
      { kind: 'changed', path: '/maxScore', from: '110', to: '120', label: { zh: '总分上限' } },
    ]);
    expect((await auditor.get('/v1/schemes/branch/diff?from=1&to=9')).status).toBe(404);
  });

  it('are in force for a person and period for a reason', async () => {
    await author.post('/v1/schemes', {
      scheme: schemeFile({
        schemeId: 'two',
        effectiveFrom: '2026-01',
        scope: { units: ['U2'], positions: ['account-manager'] },
      }),
    });
    await publisher.post(versionPath('two', 1, '/publish'));
    const asked = async (client: Client, id: string, period: string) =>
      client.get<{ inForce: object; others: { schemeId: string; verdict: string }[] }>(
        `/v1/schemes/in-force?accountManagerId=${id}&period=${period}`,
      );
    const { body } = await asked(auditor, 'AM2', '2026-02');
    expect(body).toMatchObject({
      unitPath: ['U2', 'U1'],
      inForce: { schemeId: 'two', version: 1, unitDistance: 0, verdict: 'in-force' },
    });
    expect(body.others).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ schemeId: 'branch', verdict: 'nearer-unit-precedes' }),
        expect.objectContaining({ schemeId: 'pilot', verdict: 'unit-not-in-scope' }),
      ]),
    );
    // January's publication came first: nothing published later is chosen there.
    expect((await asked(auditor, 'AM2', '2026-01')).body).toMatchObject({
      inForce: { schemeId: 'field-service', unitDistance: null },
      others: [],
    });
    const self = await api.as('AM1', 'account-manager');
    expect((await asked(self, 'AM1', '2026-02')).status).toBe(200);
    expect((await asked(self, 'AM2', '2026-02')).status).toBe(403);
  });

  it('are described by a schema that anyone may read', async () => {
    const response = await fetch(`${api.url}/v1/schemes/schema`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ $schema: expect.stringContaining('2020-12') });
  });
});
