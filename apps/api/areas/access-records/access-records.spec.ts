import { openAccessRecord, type Role } from '#platform';
import { runSql } from '../../../../test/support/database.js';
import { openTestApi, type TestApi } from '../../../../test/support/api.js';
import { cycleRow, metricRow, smallHistory } from '../../../../test/support/small-history.js';
import { importFolder } from '../../../../test/support/system.js';
import { seen } from '../../authority.js';

type Records = {
  items: { kind: string; callerId: string; accountManagerId: string; what: string; code: string }[];
};

describe('the access record', () => {
  let api: TestApi;
  beforeAll(async () => void (api = await openTestApi()));
  afterAll(() => api.close());

  const records = async (query = ''): Promise<Records['items']> => {
    const auditor = await api.as('auditor-1', 'auditor');
    const { status, body } = await auditor.get<Records>(`/v1/access-records?${query}`);
    expect(status).toBe(200);
    return body.items;
  };

  it('names who was refused, where and why; a refusal without a caller is none', async () => {
    const payroll = await api.as('payroll-1', 'payroll');
    expect((await payroll.get('/v1/ledger/accounts')).status).toBe(403);
    expect((await fetch(`${api.url}/v1/ledger/accounts`)).status).toBe(401);
    expect(await records('callerId=payroll-1')).toMatchObject([
      { kind: 'refusal', what: 'GET /v1/ledger/accounts', code: 'role-not-admitted' },
    ]);
    expect(await records('kind=refusal')).toHaveLength(1);
  });

  it('names the person whom a refusal kept from being seen', async () => {
    const curious = await api.as('am-1', 'account-manager');
    const refused = await curious.get('/v1/scores?accountManagerId=am-3');
    expect(refused).toMatchObject({ status: 403, body: { code: 'outside-authority' } });
    expect(await records('kind=refusal&accountManagerId=am-3')).toMatchObject([
      { callerId: 'am-1', what: 'GET /v1/scores', code: 'outside-authority' },
    ]);
  });

  it('names reads of other people and not one’s own', async () => {
    const caller = { id: 'am-1', roles: ['account-manager'] } as const;
    seen(api.apiSystem, caller, 'am-1', 'statement');
    seen(api.apiSystem, caller, 'am-2', 'statement');
    expect(await records('kind=read')).toMatchObject([
      { callerId: 'am-1', accountManagerId: 'am-2', what: 'statement', code: null },
    ]);
    expect(await records('accountManagerId=am-2')).toHaveLength(1);
    expect(await records('accountManagerId=am-1')).toHaveLength(0);
  });

  it('names who read a list of other people’s scores, or one person’s, and not the own', async () => {
    const history = await smallHistory(['AM1', 'AM2']);
    const dates = { closed: '2026-01-31', published: '2026-02-02' };
    history.add('cycles', cycleRow('2026-01', dates));
    history.add('metrics', metricRow('AM1', '2026-01', '90'), metricRow('AM2', '2026-01', '80'));
    await history.write();
    await importFolder(api.system, history.dir);
    await history.remove();
    const after = await api.system.store.head();
    const read = async (id: string, role: Role, query = '') => {
      const client = await api.as(id, role);
      const { status } = await client.get(`/v1/scores?after=${after}${query}`);
      expect(status).toBe(200);
      return (await records(`callerId=${id}`)).map((one) => [one.what, one.accountManagerId]);
    };
    expect(await read('office-7', 'office')).toEqual([['scores', null]]);
    expect(await read('office-8', 'office', '&accountManagerId=AM2')).toEqual([['scores', 'AM2']]);
    expect(await read('AM1', 'account-manager')).toEqual([]);
  });

  it('is for the auditor alone, page by page', async () => {
    for (const at of [1, 2, 3]) {
      api.apiSystem.access.readOf({ id: `reader-${at}`, roles: ['office'] }, 'am-9', 'score');
    }
    const auditor = await api.as('auditor-1', 'auditor');
    const found: string[] = [];
    let cursor = '';
    do {
      const path = `/v1/access-records?accountManagerId=am-9&limit=1${cursor}`;
      const { body } = await auditor.get<Records & { next: string | null }>(path);
      found.push(...body.items.map(({ callerId }) => callerId));
      cursor = body.next === null ? '' : `&cursor=${body.next}`;
    } while (cursor !== '');
    expect(found).toEqual(['reader-3', 'reader-2', 'reader-1']);
    const admin = await api.as('admin-1', 'admin');
    expect((await admin.get('/v1/access-records')).status).toBe(403);
  });

  it('keeps what is held through an outage, and all that was noted before it is closed', async () => {
    let isAway = true;
    const failures: unknown[] = [];
    const record = openAccessRecord({
      pool: {
        query: ((...args: Parameters<typeof api.system.pool.query>) =>
          isAway ? Promise.reject(new Error('away')) : api.system.pool.query(...args)) as never,
      },
      clock: () => api.clock.now,
      keptCount: 10_000,
      keptDays: 400,
      onFailure: (error) => failures.push(error),
    });
    record.readOf({ id: 'outage', roles: ['office'] }, 'am-3', 'trace');
    await expect(record.flush()).rejects.toThrow('away');
    isAway = false;
    await record.close();
    expect(await records('callerId=outage')).toHaveLength(1);
  });

  it('is bounded, and nothing of it can be removed but by the bound', async () => {
    const { appUrl } = api.database;
    const insert = `INSERT INTO access.record (at, kind, caller_id, roles, what)
      SELECT '2026-01-05T00:00:00Z', 'read', 'bulk', '{office}', 'score'
        FROM generate_series(1, 10500)`;
    await runSql(appUrl, insert);
    const old = `INSERT INTO access.record (at, kind, caller_id, roles, what)
      VALUES ('2001-01-01T00:00:00Z', 'read', 'old', '{office}', 'score')`;
    await runSql(appUrl, old);
    // A caller who asks for less than the floor gets the floor.
    await runSql(appUrl, `SELECT access.prune(0, 'infinity'::timestamptz)`);
    const left = `SELECT count(*)::int AS count FROM access.record`;
    const { rows } = await runSql(appUrl, left);
    expect(rows[0]).toEqual({ count: 0 }); // all of it is older than 30 days by the database
    for (const statement of ['DELETE FROM access.record', `UPDATE access.record SET what = 'x'`]) {
      await expect(runSql(appUrl, statement)).rejects.toThrow('permission denied');
    }
    await runSql(appUrl, insert.replace(`'2026-01-05T00:00:00Z'`, 'now()'));
    await runSql(appUrl, `SELECT access.prune(0, now())`);
    expect((await runSql(appUrl, left)).rows[0]).toEqual({ count: 10_000 });
  });
});
