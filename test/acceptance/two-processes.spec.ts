import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalIssuer } from '#platform';
import { type Client, clientOf } from '../support/api.js';
import { type MeritProcess, startServing } from '../support/merit.js';
import { openTestSystem, type TestSystem } from '../support/system.js';

const PEOPLE = 12;
const KEYS = 30;

/** Two servers on one database, as people start them: nothing shared but the log and the keys. */
describe('two processes that take commands beside each other', () => {
  let opened: TestSystem;
  let folder: string;
  const servers: MeritProcess[] = [];
  let clients: readonly Client[] = [];

  beforeAll(async () => {
    opened = await openTestSystem();
    folder = await mkdtemp(join(tmpdir(), 'merit-two-'));
    const env = { ...opened.env, MERIT_DATA: folder };
    const issuer = await openLocalIssuer(join(folder, 'token-key.json'));
    const urls: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      const server = startServing({ env });
      servers.push(server);
      urls.push(await server.url);
    }
    const asked = { subject: 'office-1', roles: ['office' as const], validForSeconds: 3_600 };
    const token = await issuer.issue({ ...asked, now: new Date() });
    clients = urls.map((url) => clientOf(url, `Bearer ${token}`));
    const unit = await client(0).post('/v1/units', { unitId: 'north', name: '北区' });
    expect(unit.status).toBe(201);
  }, 60_000);

  afterAll(async () => {
    for (const { child } of servers) child.kill('SIGTERM');
    await Promise.all(servers.map(({ ended }) => ended));
    await opened.close();
    await rm(folder, { recursive: true });
  }, 60_000);

  const client = (n: number): Client => clients[n % clients.length] as Client;

  const eventsOf = async (stream: string) => {
    const found = [];
    for await (const events of opened.system.store.readStream(stream)) found.push(...events);
    return found;
  };

  it('give one effect and one answer to one request that both get under one key', async () => {
    const unit = (n: number) => ({ unitId: `unit-${n}`, name: `单位 ${n}` });
    const all = await Promise.all(
      Array.from({ length: KEYS * 4 }, (_, at) => {
        const n = at % KEYS;
        return client(at >> 1).post('/v1/units', unit(n), { 'idempotency-key': `unit-${n}` });
      }),
    );
    for (let n = 0; n < KEYS; n += 1) {
      const answers = all.filter((_, at) => at % KEYS === n);
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      for (const { status, body } of answers) {
        expect([200, 201]).toContain(status);
        expect(body).toEqual(answers[0]?.body);
      }
    }
    const events = await eventsOf('organisation-main');
    expect(events).toHaveLength(1 + KEYS);
    const keys = events.slice(1).map(({ metadata }) => metadata.commandId);
    expect(new Set(keys).size).toBe(KEYS);
  }, 60_000);

  it('let one of two requests win that come under one key, and refuse the other', async () => {
    const pairs = await Promise.all(
      Array.from({ length: KEYS }, (_, n) =>
        Promise.all(
          [0, 1].map((side) =>
            client(side).post(
              '/v1/units',
              { unitId: `pair-${n}-${side}`, name: '并' },
              { 'idempotency-key': `pair-${n}` },
            ),
          ),
        ),
      ),
    );
    for (const pair of pairs) {
      expect(pair.map(({ status }) => status).sort()).toEqual([201, 422]);
      const lost = pair.find(({ status }) => status === 422);
      expect(lost?.body['code']).toBe('idempotency-key-reused');
    }
    const made = (await eventsOf('organisation-main')).filter(({ data }) =>
      (data as { unitId?: string }).unitId?.startsWith('pair-'),
    );
    expect(made).toHaveLength(KEYS);
  }, 60_000);

  it('lose and double nothing when they record different things of the same people', async () => {
    const enrol = (n: number) =>
      client(n).post('/v1/account-managers', {
        accountManagerId: `am-${n}`,
        name: `经理 ${n}`,
        unitId: 'north',
        position: 'account-manager',
        joinedOn: '2025-01-01',
      });
    const enrolled = await Promise.all(Array.from({ length: PEOPLE }, (_, n) => enrol(n)));
    expect(enrolled.map(({ status }) => status)).toEqual(Array(PEOPLE).fill(201));
    // The same absences from both sides at once, and others from one side alone.
    const absences = Array.from({ length: PEOPLE * 6 }, (_, at) => ({
      person: `am-${at % PEOPLE}`,
      firstDay: `2025-0${1 + Math.trunc(at / PEOPLE)}-0${1 + (at % 5)}`,
    }));
    const send = (side: number, { person, firstDay }: (typeof absences)[number]) =>
      client(side).post(`/v1/account-managers/${person}/absences`, {
        from: firstDay,
        to: firstDay,
        kind: 'sickness',
      });
    const answers = await Promise.all(absences.flatMap((one) => [send(0, one), send(1, one)]));
    expect(answers.filter(({ status }) => status >= 400)).toEqual([]);
    for (let n = 0; n < PEOPLE; n += 1) {
      const events = await eventsOf(`account-manager-am-${n}`);
      const days = events
        .filter(({ type }) => type === 'people.AbsenceRecorded.v1')
        .map(({ data }) => (data as { from: string }).from);
      const due = absences.filter(({ person }) => person === `am-${n}`).map((one) => one.firstDay);
      expect(days.sort()).toEqual(due.sort());
    }
  }, 60_000);
});
