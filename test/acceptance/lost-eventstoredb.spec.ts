import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSystem } from '../../apps/merit/system.js';
import { readConfiguration } from '#platform';
import { type EventStoreDouble, openEventStoreDouble } from '../support/eventstoredb/index.js';
import { openFieldApi } from '../support/field-organisation.js';
import type { TestApi } from '../support/api.js';

const LIMIT_MS = 120_000;
const METRIC = {
  accountManagerId: 'AM1',
  period: '2026-03',
  indicatorId: 'sales',
  actual: '92.5',
};
const KEY = { 'idempotency-key': 'sent-while-it-was-away' };
const SCORES = '/v1/scores?accountManagerId=AM1&period=2026-03';

/** A server that goes and comes: on the double alone, since no real one is ours to stop. */
describe('a served system whose EventStoreDB goes away', () => {
  let double: EventStoreDouble;
  let api: TestApi;

  beforeAll(async () => {
    double = await openEventStoreDouble();
    api = await openFieldApi({}, { kind: 'eventstoredb', url: double.url });
  }, LIMIT_MS);
  afterAll(async () => {
    await api.close();
    await double.close();
  });

  it(
    'says so, answers what is in the read models, and goes on by itself when it is back',
    async () => {
      const office = await api.as('office-1', 'office');
      const before = await office.get<{ position: string }>(SCORES);
      expect(before.status).toBe(200);
      double.stop();
      const refused = await office.post('/v1/metrics', METRIC, KEY);
      expect(refused).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
      const ready = await office.get('/health/ready');
      expect(ready.status).toBe(503);
      expect(ready.body['warnings']).toEqual(['the event log does not answer']);
      const stale = await office.get<{ items: unknown[] }>(
        '/v1/leaderboards?period=2026-02&schemeId=retail',
      );
      expect(stale.status).toBe(200);
      await double.start();
      const taken = await office.post('/v1/metrics', METRIC, KEY);
      expect(taken.status).toBe(201);
      const position = String(taken.body['position']);
      const after = await office.get<{ position: string }>(
        `${SCORES}&after=${encodeURIComponent(position)}`,
      );
      expect(after.status).toBe(200);
      expect(after.body.position >= position).toBe(true);
      expect((await office.get('/health/ready')).status).toBe(200);
      const again = await office.post('/v1/metrics', METRIC, KEY);
      expect(again.body).toEqual(taken.body);
    },
    LIMIT_MS,
  );
});

it('refuses a URL that cannot be used before it makes a database, and does not repeat it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'merit-url-'));
  const env = { MERIT_DATA: folder, EVENT_STORE_URL: 'esdb://merit:se:cret@127.0.0.1:2113' };
  const refusal = await openSystem(readConfiguration(env), 'attach').then(
    () => null,
    (error: Error) => error,
  );
  expect(refusal).toMatchObject({ code: 'configuration-invalid' });
  expect(refusal?.message).toContain('EVENT_STORE_URL');
  expect(refusal?.message).not.toContain('cret');
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});
