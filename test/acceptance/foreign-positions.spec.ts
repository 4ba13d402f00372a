import { IN_POSTGRESQL, type LogSetting } from '../../apps/merit/log.js';
import { openTestApi, type TestApi } from '../support/api.js';
import { connect, emptyBoard, until } from '../support/board-reader.js';
import { type Described, describedApi, pathOf, requiredQuery } from '../support/described-api.js';
import { type EventStoreLog, openEventStoreLog } from '../support/event-store-log.js';
import { openFieldApi } from '../support/field-organisation.js';
import { type RawClient, rawClient } from '../support/raw-request.js';

const LIMIT_MS = 120_000;
const OF_POSTGRESQL = '0000000000000000042';
const OF_EVENTSTOREDB = '00000000000000000042/00000000000000000042';
/** No store has a place so far out. */
const BEYOND_ALL = '9999999999999999999';
const NOT_ONE = '12345abc';

const takes = ({ of }: Described, name: string): boolean =>
  (of.parameters ?? []).some((one) => one.in === 'query' && one.name === name);

describe.each(['postgresql', 'eventstoredb'] as const)('a log in %s', (kind) => {
  let log: EventStoreLog | null = null;
  let api: TestApi;
  let client: RawClient;
  let queries: readonly Described[];
  const foreign = [
    kind === 'postgresql' ? OF_EVENTSTOREDB : OF_POSTGRESQL,
    kind === 'postgresql' ? BEYOND_ALL : `${BEYOND_ALL}9/${BEYOND_ALL}9`,
    NOT_ONE,
  ];

  beforeAll(async () => {
    if (kind === 'eventstoredb') log = await openEventStoreLog();
    const setting: LogSetting = log?.setting ?? IN_POSTGRESQL;
    api = await openTestApi(undefined, [], setting);
    client = rawClient(api.url);
    const { operations } = await describedApi(api.url);
    queries = operations.filter(
      ({ method, roles }) => method === 'GET' && !roles.includes('anyone'),
    );
  }, LIMIT_MS);
  afterAll(async () => {
    client?.close();
    await api?.close();
    await log?.close();
  });

  async function answerTo(query: Described, more: string, headers: Record<string, string> = {}) {
    const role = query.roles[0] as 'office';
    const claims = { subject: `${role}-1`, roles: [role], validForSeconds: 600, now: new Date() };
    const authorization = `Bearer ${await api.issuer.issue(claims)}`;
    const asked = [requiredQuery(query), more].filter((text) => text !== '').join('&');
    const path = `${pathOf(query)}?${asked}`;
    const { status, text } = await client.send({
      method: 'GET',
      path,
      headers: { authorization, ...headers },
    });
    return { what: `${query.id} ${more}`, status, text };
  }

  it.each(['after', 'asOf'])(
    'refuses as %s what is no position of it, in every query, and names the field',
    async (name) => {
      const faults: string[] = [];
      let count = 0;
      for (const query of queries.filter((one) => takes(one, name))) {
        for (const position of foreign) {
          const more = `${name}=${encodeURIComponent(position)}`;
          const { what, status, text } = await answerTo(query, more);
          const { code, fields = [] } = JSON.parse(text) as {
            code?: string;
            fields?: { field: string }[];
          };
          count += 1;
          const isNamed = fields.some(({ field }) => field === name);
          if (status !== 400 || code !== 'malformed' || !isNamed) {
            faults.push(`${what}: ${status} ${text.slice(0, 200)}`);
          }
        }
      }
      expect(faults).toEqual([]);
      expect(count).toBeGreaterThan(name === 'after' ? 90 : 15);
    },
    LIMIT_MS,
  );

  it('refuses it as Min-Position, also beside an `after` that is its own', async () => {
    const query = queries.find(({ path }) => path === '/v1/units');
    if (!query) throw new Error('no such query');
    const head = await api.system.store.head();
    const own = head === '' ? '' : `after=${encodeURIComponent(head)}`;
    for (const position of foreign) {
      const { status, text } = await answerTo(query, own, { 'min-position': position });
      expect({ status, ...JSON.parse(text) }).toMatchObject({
        status: 400,
        code: 'malformed',
        fields: [{ field: 'min-position' }],
      });
    }
  });
});

/** No event is one byte long. */
const placeBefore = (position: string): string =>
  position
    .split('/')
    .map((number) => String(BigInt(number) - 1n).padStart(number.length, '0'))
    .join('/');

describe('a place in the log at which no event stands', () => {
  let log: EventStoreLog;
  let api: TestApi;
  beforeAll(async () => {
    log = await openEventStoreLog();
    api = await openFieldApi({}, log.setting);
  }, LIMIT_MS);
  afterAll(async () => {
    await api?.close();
    await log?.close();
  });

  it('is taken as the last event before it, and nothing afterwards goes on from there', async () => {
    const auditor = await api.as('auditor-1', 'auditor');
    const office = await api.as('office-1', 'office');
    const head = await api.system.store.head();
    const between = placeBefore(head);
    const trace = '/v1/trace/AM1/2026-03';
    const statement = '/v1/statements/AM1/2026-02';
    const paths = [trace, statement, '/v1/scores?accountManagerId=AM1&period=2026-02'];
    for (const path of paths) {
      const and = path.includes('?') ? '&' : '?';
      const client = path === trace ? auditor : office;
      const asked = (asOf: string) =>
        client.get(`${path}${and}asOf=${encodeURIComponent(asOf)}`).then(({ status }) => status);
      expect([path, await asked(between)]).toEqual([path, 200]);
      expect([path, await asked(head)]).toEqual([path, 200]);
    }
    const unit = { unitId: 'W', parentUnitId: 'HQ', name: 'West' };
    expect((await office.post('/v1/units', unit)).status).toBe(201);
    const metric = {
      accountManagerId: 'AM1',
      period: '2026-03',
      indicatorId: 'sales',
      actual: '92.5',
    };
    expect((await office.post('/v1/metrics', metric)).status).toBe(201);
    const now = await auditor.get<{ trace: { changes?: readonly object[] } }>(trace);
    expect(now.status).toBe(200);
    expect(JSON.stringify(now.body)).toContain('92.5');
  });

  it('is no place from which a reader of some streams goes on that has read up to there', async () => {
    const { store } = api.system;
    const streamPrefixes = ['scheme-', 'organisation-', 'cycle-'];
    const all: string[] = [];
    for await (const events of store.readAll()) all.push(...events.map((one) => one.position));
    const middle = all[Math.floor(all.length / 2)] ?? '';
    const until = placeBefore(middle);
    const read: string[] = [];
    for await (const events of store.readAll({ streamPrefixes, until })) {
      read.push(...events.map(({ position }) => position));
    }
    const after = read.at(-1) ?? '';
    for await (const events of store.readAll({ streamPrefixes, after })) {
      read.push(...events.map(({ position }) => position));
    }
    const whole: string[] = [];
    for await (const events of store.readAll({ streamPrefixes })) {
      whole.push(...events.map(({ position }) => position));
    }
    expect(read).toEqual(whole);
  });
});

describe('a live board whose reader was there before the log moved', () => {
  it('is shown whole to who comes back with the id of an event of the old one', async () => {
    const log = await openEventStoreLog();
    const api = await openFieldApi({}, log.setting);
    const claims = { subject: 'office-1', roles: ['office'], validForSeconds: 600 } as const;
    const authorization = `Bearer ${await api.issuer.issue({ ...claims, now: new Date() })}`;
    const url = `${api.url}/v1/leaderboards/stream?period=2026-03&schemeId=field-service`;
    const board = { ...emptyBoard(), lastEventId: OF_POSTGRESQL };
    try {
      const { status, cut, closed } = await connect(url, authorization, board);
      expect(status).toBe(200);
      await until(() => board.snapshotCount > 0);
      expect(board.changeCount).toBe(0);
      expect(board.lastEventId).toContain('/');
      cut();
      await closed;
    } finally {
      await api.close();
      await log.close();
    }
  });
});
