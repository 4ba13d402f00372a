import { openTestApi, type TestApi } from '../support/api.js';
import { firstRecordEventId } from '#commands';
import { ROLES, type Role } from '#platform';
import { APPROVED, MATRIX, type MatrixRow, RELATIONS } from './authority-matrix.js';
import {
  evaluationIndicator,
  metricIndicator,
  schemeFile,
  traceIndicator,
} from '../../libs/rules/testing.js';

/** Who stands in which relation to am-1. */
const CALLERS: Readonly<Record<(typeof RELATIONS)[number], string>> = {
  self: 'am-1',
  unit: 'boss-n',
  other: 'boss-s',
  author: 'author-1',
};
const SCHEME = schemeFile({
  indicators: [
    metricIndicator({ weight: '60', defaultTarget: '100' }),
    evaluationIndicator({ weight: '20', missing: 'neutralise' }),
    traceIndicator({ weight: '20' }),
  ],
});
const LIMIT_MS = 120_000;
const SETTLED = ['am-1', 'am-2', 'am-3', 'am-4'];

let api: TestApi;
const tokens = new Map<string, string>();

async function tokenOf(subject: string, role: Role): Promise<string> {
  const key = `${subject} ${role}`;
  const known = tokens.get(key);
  if (known !== undefined) return known;
  const now = new Date();
  const claims = { subject, roles: [role], validForSeconds: 3600, now };
  const token = await api.issuer.issue(claims);
  tokens.set(key, token);
  return token;
}

async function statusOf({ route, ask, body }: MatrixRow, token: string | null): Promise<number> {
  const method = route.slice(0, route.indexOf(' '));
  const address = ask.replace('disputed-record', firstRecordEventId('metric', 'disputed'));
  const response = await fetch(`${api.url}${address}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(method === 'POST' ? { 'content-type': contentTypeOf(route) } : {}),
    },
    ...(method === 'POST' ? { body: body === undefined ? '{}' : JSON.stringify(body) } : {}),
  });
  // A stream of live places would never end by itself.
  await response.body?.cancel();
  return response.status;
}

const contentTypeOf = (route: string): string =>
  route.endsWith(':batch') ? 'application/x-ndjson' : 'application/json';

type Post = (who: string, role: Role, path: string, body?: object) => Promise<unknown>;

/**
 * A published month with an appeal, an open one, proposals and drafts that wait for the next step.
 */
async function setUp(post: Post): Promise<void> {
  const office = (path: string, body?: object) => post('author-1', 'office', path, body);
  api.clock.set('2026-01-02T09:00:00+08:00');
  await office('/v1/schemes', { scheme: SCHEME });
  await post('office-2', 'office', '/v1/schemes/field-service/versions/1/publish');
  const drafted = { ...SCHEME, schemeId: 'drafted', effectiveFrom: '2029-01' };
  await office('/v1/schemes', { scheme: drafted });
  await office('/v1/units', { unitId: 'north', name: '北区' });
  await office('/v1/units', { unitId: 'south', name: '南区' });
  for (const [index, accountManagerId] of SETTLED.entries()) {
    const [unitId, supervisorId] = index % 2 === 0 ? ['north', 'boss-n'] : ['south', 'boss-s'];
    const place = { unitId, supervisorId, position: 'account-manager', joinedOn: '2025-01-01' };
    await office('/v1/account-managers', { accountManagerId, name: '某某', ...place });
  }
  for (const period of ['2026-01', '2026-02', '2026-03']) await office('/v1/cycles', { period });
  api.clock.set('2026-01-28T09:00:00+08:00');
  for (const accountManagerId of SETTLED) {
    const recordId = accountManagerId === 'am-1' ? 'disputed' : `sales-${accountManagerId}`;
    const metric = { recordId, accountManagerId, period: '2026-01', indicatorId: 'sales' };
    await office('/v1/metrics', { ...metric, actual: '80' });
  }
  await office('/v1/cycles/2026-01/close');
  api.clock.set('2026-02-02T09:00:00+08:00');
  await office('/v1/cycles/2026-01/publish');
  await setUpOpenMatters(post);
}

async function setUpOpenMatters(post: Post): Promise<void> {
  const office = (path: string, body?: object) => post('author-1', 'office', path, body);
  const ofAm1 = { accountManagerId: 'am-1', period: '2026-01' };
  for (const appealId of ['appeal-1', 'appeal-2', 'appeal-3', 'appeal-4']) {
    const filing = { appealId, ...ofAm1, grounds: '有误', disputedRecordIds: ['disputed'] };
    await post('am-1', 'account-manager', '/v1/appeals', filing);
  }
  await office('/v1/appeals/appeal-1/accept');
  await office('/v1/appeals/appeal-1/assign', { reviewerId: 'boss-s' });
  await office('/v1/complaints', {
    complaintId: 'complaint-1',
    accountManagerId: 'am-1',
    customerId: 'c-1',
    category: 'service',
  });
  const corrections = [{ type: 'adjust', points: '1' }];
  await office('/v1/office-corrections', {
    correctionId: 'correction-1',
    ...ofAm1,
    reason: '漏录',
    corrections,
  });
  await office('/v1/cycles/2026-03/close');
  await office('/v1/cycles/2026-03/reopen/propose', { reason: '漏录' });
  api.clock.set('2026-02-10T09:00:00+08:00');
  const rating = { evaluationId: 'rating', accountManagerId: 'am-1', period: '2026-02' };
  const score = { indicatorId: 'conduct', raterGroup: 'customer', score: '80' };
  await post('author-1', 'rater', '/v1/evaluations', { ...rating, ...score });
  await post('am-1', 'account-manager', '/v1/work-traces', {
    traceId: 'visit-1',
    accountManagerId: 'am-1',
    type: 'visit',
    occurredAt: '2026-02-09T09:00:00+08:00',
  });
  await office('/v1/bonus-batches', { batchId: 'batch-1', period: '2026-01' });
}

async function post(who: string, role: Role, path: string, body: object = {}): Promise<unknown> {
  const client = await api.as(who, role);
  const answer = await client.post(path, body);
  if (answer.status < 300) return answer.body;
  throw new Error(`${who} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

const DENIED = '-'.repeat(RELATIONS.length);

/** The cells of one role, refused ones first: what is let through may change what is there. */
async function cellsOf(asked: MatrixRow, role: Role, expected: string): Promise<string> {
  const cells = [...expected];
  const order = [...cells.keys()].sort(
    (a, b) => (cells[a] === '-' ? 0 : 1) - (cells[b] === '-' ? 0 : 1),
  );
  for (const at of order) {
    const token = await tokenOf(CALLERS[RELATIONS[at] ?? 'self'], role);
    const status = await statusOf(asked, token);
    const isRefused = status === 403 || (status === 404 && asked.hides === true);
    cells[at] = isRefused ? '-' : status < 500 && status !== 401 ? 'Y' : `(${status})`;
  }
  return cells.join('');
}

beforeAll(async () => {
  api = await openTestApi('2026-01-02T09:00:00+08:00');
  await setUp(post);
  const approver = await api.as('boss-n', 'approver');
  const batch = await approver.get<{ sha256: string }>('/v1/bonus-batches/batch-1');
  APPROVED.sha256 = batch.body.sha256;
}, LIMIT_MS);

afterAll(() => api?.close());

describe('who may do what of whom', () => {
  it.each(MATRIX.map((asked) => [asked.route, asked.ask, asked] as const))(
    '%s (%s)',
    async (_route, _ask, asked) => {
      const { admits } = asked;
      if (admits === 'ANYONE') {
        expect(await statusOf(asked, null)).toBeLessThan(400);
        return;
      }
      const found: Partial<Record<Role, string>> = {};
      for (const role of ROLES) {
        const cells = await cellsOf(asked, role, admits[role] ?? DENIED);
        if (cells !== DENIED) found[role] = cells;
      }
      expect(found).toEqual(admits);
      expect(await statusOf(asked, null)).toBe(401);
    },
  );

  it('leaves no route out', async () => {
    const { paths } = (await (await fetch(`${api.url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const named = new Set(MATRIX.map(({ route }) => route));
    expect(routes.filter((route) => !named.has(route))).toEqual([]);
    expect([...named].filter((route) => !routes.includes(route))).toEqual([]);
  });
});
