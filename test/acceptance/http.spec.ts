import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import {
  createStoreFolder,
  merit,
  startMerit,
  startServing,
  type StoreFolder,
} from '../support/merit.js';

const LIMIT_MS = 58_000;
/** Positions that no log of this test reaches, as PostgreSQL and as EventStoreDB have them. */
const BEYOND = { postgresql: '0009000000000000000', eventstoredb: `0${9e18}/0${9e18}` };

let folder: string;
let store: StoreFolder;
let served: ReturnType<typeof startServing>;
let url: string;

const beyond = (): string =>
  BEYOND[store.env['EVENT_STORE_URL'] === undefined ? 'postgresql' : 'eventstoredb'];

type Line = { place: number; rank: number; accountManagerId: string; score: string };
type Page<Item> = { position: string; items: Item[]; next: string | null };
type Problem = { code: string; status: number; fields?: { field: string }[] };

let authorization: string;
const get = (path: string): Promise<Response> =>
  fetch(`${url}${path}`, { headers: { authorization } });
async function answer<Body>(path: string): Promise<Body> {
  const response = await get(path);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Body;
}
async function refusal(path: string): Promise<Problem> {
  const response = await get(path);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  return problem;
}

async function exported<Item>(name: string): Promise<Item[]> {
  const args = ['export', name, '--format', 'json', '--data', store.dataDir];
  return JSON.parse((await merit(args, store.env)).stdout) as Item[];
}

/** All items of a list, page by page. */
async function everyPage<Item>(path: string, limit: number): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor = ''; ;) {
    const page = await answer<Page<Item>>(`${path}limit=${limit}${cursor}`);
    items.push(...page.items);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    if (page.next === null) return items;
    cursor = `&cursor=${page.next}`;
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-http-'));
  const dataset = join(folder, 'dataset');
  writeOrganisation(dataset, { ...DEMO, people: 24, periods: 3, factsPercent: 30 });
  store = await createStoreFolder();
  served = startServing(store);
  url = await served.url;
  await merit(['import', dataset, '--data', store.dataDir], store.env);
  const asked = ['token', '--role', 'office', '--role', 'auditor', '--subject', 'office-1'];
  const { stdout } = await merit([...asked, '--data', store.dataDir], store.env);
  authorization = `Bearer ${stdout.trim()}`;
}, LIMIT_MS);

afterAll(async () => {
  served?.child.kill('SIGTERM');
  const ended = await served?.ended;
  await store?.remove();
  await rm(folder, { recursive: true });
  expect(ended?.exitCode).toBe(0);
}, LIMIT_MS);

describe('the API of a running start', () => {
  it('is live and ready, and says which projections it has', async () => {
    expect(await answer('/health/live')).toEqual({ status: 'live' });
    const ready = await answer<{ status: string; projections: object[] }>('/health/ready');
    // The history that was imported has a sealed batch, and nobody has acknowledged it.
    const warnings = ['payroll: 1 batches sealed more than 48 h ago are not acknowledged'];
    expect(ready).toMatchObject({ status: 'ready', parkedKeyCount: 0, warnings });
    expect(ready.projections.length).toBeGreaterThanOrEqual(4);
  });

  it('projects live what another process imports, and waits for `after`', async () => {
    const { position } = await answer<{ position: string }>('/v1/projections');
    const page = await answer<Page<Line>>(`/v1/scores?after=${position}`);
    expect(page.position >= position).toBe(true);
    expect(page.items.length).toBeGreaterThan(0);
    const traced = await answer<{ position: string }>(
      `/v1/trace/RM00001/2025-10?after=${position}`,
    );
    expect(traced.position >= position).toBe(true);
  });

  it('gives up on a position that does not come, with Retry-After', async () => {
    const startedMs = performance.now();
    const response = await get(`/v1/tiers?after=${beyond()}`);
    expect(performance.now() - startedMs).toBeGreaterThan(4_500);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(((await response.json()) as Problem).code).toBe('projection-behind');
    expect((await refusal(`/v1/trace/RM00001/2025-10?after=${beyond()}`)).status).toBe(503);
  }, 15_000);

  it(
    'pages a board in the order of the export, places and ranks included',
    async () => {
      type Exported = Line & { period: string; unitId: string; schemeId: string };
      const all = await exported<Exported>('leaderboards');
      const last = all.at(-1)?.period ?? '';
      const { schemeId } = all.find(({ period }) => period === last) as Exported;
      const board = all.filter(
        (line) => line.period === last && line.unitId === '*' && line.schemeId === schemeId,
      );
      expect(board.length).toBeGreaterThan(8);
      const query = `period=${last}&schemeId=${schemeId}`;
      const paged = await everyPage<Line>(`/v1/leaderboards?${query}&`, 3);
      const figures = ({ place, rank, accountManagerId, score }: Line) => ({
        place,
        rank,
        accountManagerId,
        score,
      });
      expect(paged.map(figures)).toEqual(board.map(figures));
      const own = board.at(4) as Exported;
      const place = `/v1/leaderboards/${own.accountManagerId}/place?${query}`;
      expect(await answer(place)).toMatchObject(figures(own));
      expect((await refusal(`/v1/leaderboards/NOBODY/place?${query}`)).code).toBe('not-on-board');
    },
    LIMIT_MS,
  );

  it.each(['scores', 'tiers'])(
    'pages all %s, each once',
    async (name) => {
      type Record = { accountManagerId: string; period: string };
      const key = (record: object) => JSON.stringify(record);
      const expected = await exported<Record>(name);
      const paged = await everyPage<Record>(`/v1/${name}?`, 7);
      expect(paged.map(key).toSorted()).toEqual(expected.map(key).toSorted());
    },
    LIMIT_MS,
  );

  it('shows provisional scores of the open period alone', async () => {
    const items = await everyPage<{ period: string }>('/v1/provisional-scores?', 10);
    expect(new Set(items.map(({ period }) => period))).toEqual(new Set(['2025-12']));
  });

  it(
    'keeps books that balance',
    async () => {
      type Balance = { pendingMinor: string; postedMinor: string; byKind: { kind: string }[] };
      const balance = await answer<Balance>('/v1/ledger/trial-balance');
      expect(balance).toMatchObject({ pendingMinor: '0', postedMinor: '0' });
      const accounts = await everyPage<{ account: string }>('/v1/ledger/accounts?', 5);
      expect(new Set(accounts.map(({ account }) => account)).size).toBe(accounts.length);
      const [account] = accounts;
      const path = `/v1/ledger/transactions?account=${account?.account}&`;
      const transactions = await everyPage<{ entries: { amountMinor: string }[] }>(path, 20);
      expect(transactions.length).toBeGreaterThan(0);
      for (const { entries } of transactions) {
        expect(entries.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n)).toBe(0n);
      }
      type LedgerLine = { accountManagerId: string; period: string; amountMinor: string };
      const lines = await exported<LedgerLine & { payPeriod: string }>('ledger');
      const { accountManagerId, period } = lines[0] as LedgerLine;
      const own = `/v1/ledger/lines?accountManagerId=${accountManagerId}&period=${period}`;
      const expected = lines.filter(
        (line) => line.accountManagerId === accountManagerId && line.period === period,
      );
      const amounts = (items: readonly LedgerLine[]) => items.map(({ amountMinor }) => amountMinor);
      expect(amounts((await answer<Page<LedgerLine>>(own)).items)).toEqual(amounts(expected));
      const inBatch = await everyPage<LedgerLine>('/v1/ledger/lines?batchId=2025-10-all&', 9);
      expect(inBatch).toHaveLength(lines.filter(({ payPeriod }) => payPeriod === '2025-10').length);
    },
    LIMIT_MS,
  );

  it.each([
    ['/v1/scores?foo=1', ['foo']],
    ['/v1/scores?limit=201', ['limit']],
    ['/v1/scores?limit=0', ['limit']],
    ['/v1/scores?limit=ten', ['limit']],
    ['/v1/scores?limit=1&limit=2', ['limit']],
    ['/v1/scores?period[]=2025-10', ['period[]']],
    ['/v1/leaderboards', ['period', 'schemeId']],
    ['/v1/trace/RM00001/2025-13', ['period']],
    ['/v1/trace/RM00001/2025-10?asOf=yesterday', ['asOf']],
    ['/v1/tiers?after=%27', ['after']],
    ['/v1/ledger/accounts?kind=secret', ['kind']],
  ])('refuses %s and names %j', async (path, names) => {
    const { status, code, fields = [] } = await refusal(path);
    expect([status, code]).toEqual([400, 'malformed']);
    expect([...new Set(fields.map(({ field }) => field))].toSorted()).toEqual(names);
  });

  it.each([
    ['/v1/scores?cursor=zzz', 400, 'malformed'],
    ['/v1/leaderboards?period=2025-10&schemeId=x&cursor=Wy0xXQ', 400, 'malformed'],
    ['/v1/ledger/lines', 400, 'malformed'],
    ['/v1/%zz', 400, 'malformed'],
    ['/v1/secrets', 404, 'not-found'],
    ['/', 404, 'not-found'],
    [`/v1/trace/${'x'.repeat(300)}/2025-10`, 414, 'path-too-long'],
    ['/v1/trace/NOBODY/2025-10', 404, 'unknown-account-manager'],
  ])('answers %s with %i %s', async (path, status, code) => {
    expect(await refusal(path)).toMatchObject({ status, code });
  });

  it('answers nobody who was sent here under another name', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'evil.example' };
      http
        .get(`${url}/v1/scores`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', reject);
    });
    expect(status).toBe(421);
  });

  it('counts requests by route and shows how far its projections are', async () => {
    await get('/v1/trace/RM00001/2025-10');
    const text = await (await get('/metrics')).text();
    expect(text).toMatch(/^merit_log_events [1-9]\d*$/m);
    expect(text).toMatch(/^merit_projection_lag_events\{projection="scores"\} 0$/m);
    expect(text).toMatch(/^merit_projection_lag_seconds\{projection="tiers"\} 0$/m);
    expect(text).toContain(
      'merit_http_requests_total{route="/v1/trace/:accountManagerId/:period",method="GET",code="200"}',
    );
    expect(text).not.toContain('RM00001');
  });

  it(
    'listens on this machine alone',
    async () => {
      const env = { ...store.env, MERIT_HOST: '0.0.0.0' };
      const data = join(folder, 'elsewhere');
      const { exitCode, stderr } = await startMerit(['start', '--data', data], env).ended;
      expect(exitCode).toBe(1);
      expect(stderr).toContain('host-not-local');
      await rm(data, { recursive: true, force: true });
    },
    LIMIT_MS,
  );

  it(
    'lets a request under way end when it is told to stop',
    async () => {
      const pending = get(`/v1/tiers?after=${beyond()}`);
      // Answered after the request before it on a second connection: the first one is under way.
      await get('/health/live');
      served.child.kill('SIGTERM');
      expect((await pending).status).toBe(503);
      expect((await served.ended).exitCode).toBe(0);
      await expect(get('/health/live')).rejects.toThrow('fetch failed');
    },
    LIMIT_MS,
  );
});
