import type { Client, TestApi } from '../../../../test/support/api.js';
import { openFieldApi } from '../../../../test/support/field-organisation.js';

type Plan = {
  readonly indicatorId: string;
  readonly due: number;
  readonly done: number;
  readonly missing: number;
  readonly dueToDate: number;
  readonly doneToDate: number;
  readonly missingToDate: number;
  readonly mendableUntil: string | null;
  readonly gaps: readonly { readonly on: string; readonly mendable: boolean }[];
};

describe('work traces over HTTP', () => {
  let api: TestApi;
  let own: Client;
  let chief: Client;
  let office: Client;

  beforeAll(async () => {
    api = await openFieldApi();
    own = await api.as('AM1', 'account-manager');
    chief = await api.as('CHIEF-N', 'manager');
    office = await api.as('office-1', 'office');
  }, 60_000);
  afterAll(() => api.close());

  const at = (day: number, time = '10:00:00') =>
    `2026-03-${String(day).padStart(2, '0')}T${time}+08:00`;
  const log = (who: Client, customerId: string, occurredAt: string, more: object = {}) =>
    who.post('/v1/work-traces', { type: 'visit', customerId, occurredAt, ...more });
  const traces = async (who: Client, query = '') => {
    const path = `/v1/work-traces?accountManagerId=AM1&period=2026-03${query}`;
    return (await who.get<{ items: Record<string, unknown>[] }>(path)).body.items;
  };
  const dayOf = async (who: Client, on: string) => {
    const path = `/v1/work-traces/day?accountManagerId=AM1&on=${on}`;
    return (await who.get<{ plans: Plan[] }>(path)).body.plans[0];
  };

  it('are logged by whom they are about, at the server’s own time, and by nobody else', async () => {
    const made = await log(own, 'C1', at(9), { note: 'a personal note' });
    expect(made).toMatchObject({ status: 201, body: { stream: 'assessment-AM1-2026-03' } });
    const [trace] = await traces(own);
    expect(trace).toMatchObject({
      on: '2026-03-09',
      counts: true,
      data: { loggedAt: '2026-03-10T04:00:00.000Z', note: 'a personal note' },
      actor: { id: 'AM1', role: 'account-manager' },
    });
    const another = await log(own, 'C1', at(9), { accountManagerId: 'AM2' });
    expect(another).toMatchObject({ status: 403, body: { code: 'outside-authority' } });
    expect((await log(office, 'C1', at(9), { accountManagerId: 'AM1' })).status).toBe(403);
  });

  it('may not lie in the future, nor in no period, nor in one whose collection is closed', async () => {
    const codeOf = async (occurredAt: string) => (await log(own, 'C1', occurredAt)).body['code'];
    expect(await codeOf(at(10, '12:00:01'))).toBe('in-the-future');
    expect(await codeOf('2025-12-31T10:00:00+08:00')).toBe('outside-cohort');
    expect(await codeOf('2026-02-27T10:00:00+08:00')).toBe('collection-closed');
    const later = await api.as('AM9', 'account-manager');
    expect(await log(later, 'C1', at(9))).toMatchObject({ body: { code: 'outside-cohort' } });
  });

  it('count once a customer and day, in time alone, until they are voided with a reason', async () => {
    const again = await log(own, 'C1', at(9, '15:00:00'), { traceId: 'AGAIN' });
    expect(again.status).toBe(201);
    await log(own, 'C2', at(6), { traceId: 'LATE' });
    const verdict = async (id: string) => {
      const [first] = (await traces(office)).filter(({ recordId }) => recordId === id);
      return first?.['why'];
    };
    expect(await verdict('AGAIN')).toBe('same-customer-day');
    expect(await verdict('LATE')).toBe('logged-late');
    const reasonless = await own.post('/v1/work-traces/AGAIN/void', {});
    expect(reasonless).toMatchObject({ status: 400, body: { code: 'malformed' } });
    const other = await api.as('AM2', 'account-manager');
    expect(await other.post('/v1/work-traces/AGAIN/void', { reason: 'x' })).toMatchObject({
      status: 403,
      body: { code: 'outside-authority' },
    });
    const voided = await office.post('/v1/work-traces/AGAIN/void', { reason: 'twice' });
    expect(voided.status).toBe(201);
    expect(await own.post('/v1/work-traces/AGAIN/void', { reason: 'x' })).toMatchObject({
      status: 200,
    });
    expect(await verdict('AGAIN')).toBe('voided');
    expect(await own.post('/v1/work-traces/NONE/void', { reason: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'unknown-record' },
    });
  });

  it('are the same one when sent again under their id, and never another person’s', async () => {
    const trace = { traceId: 'MINE' };
    const first = await log(own, 'C9', at(10, '08:00:00'), trace);
    expect(first.status).toBe(201);
    api.clock.set(at(10, '12:30:00'));
    const again = await log(own, 'C9', at(10, '08:00:00'), trace);
    expect(again).toMatchObject({ status: 200, body: { revision: first.body['revision'] } });
    const other = await api.as('AM2', 'account-manager');
    expect(await log(other, 'C9', at(10, '08:00:00'), trace)).toMatchObject({
      status: 409,
      body: { code: 'record-id-reused' },
    });
  });

  it('stand against the plan of each day, with what is missing and until when it can be mended', async () => {
    // 44 visits on 22 workdays; the 10th of March is the 7th of them.
    const plan = await dayOf(own, '2026-03-10');
    expect(plan).toMatchObject({
      indicatorId: 'visits',
      target: '44',
      due: 2,
      done: 1,
      missing: 1,
      dueToDate: 14,
      doneToDate: 2,
      missingToDate: 12,
      mendableUntil: '2026-03-12T16:00:00.000Z',
    });
    expect(plan?.gaps.map(({ on, mendable }) => [on, mendable])).toEqual([
      ['2026-03-02', false],
      ['2026-03-03', false],
      ['2026-03-04', false],
      ['2026-03-05', false],
      ['2026-03-06', false],
      ['2026-03-09', true],
      ['2026-03-10', true],
    ]);
    const sunday = await dayOf(own, '2026-03-08');
    expect(sunday).toMatchObject({ due: 0, missing: 0, dueToDate: 10, mendableUntil: null });
  });

  it('tell managers who of their own units is behind', async () => {
    for (const id of ['AM2', 'AM3']) {
      const who = await api.as(id, 'account-manager');
      const lines = Array.from({ length: 14 }, (_, index) =>
        JSON.stringify({ type: 'visit', customerId: `C${index}`, occurredAt: at(10, '09:00:00') }),
      );
      const ndjson = { 'content-type': 'application/x-ndjson' };
      const { body } = await who.post<string>('/v1/work-traces:batch', lines.join('\n'), ndjson);
      expect(String(body).match(/"status":201/g)).toHaveLength(14);
    }
    type Missed = { items: { accountManagerId: string }[]; next: string | null };
    const missed = (who: Client, unitId: string, more = '') =>
      who.get<Missed>(`/v1/work-traces/missed?unitId=${unitId}&on=2026-03-10${more}`);
    const { body } = await missed(chief, 'N');
    expect(body.items.map(({ accountManagerId }) => accountManagerId)).toEqual(['AM1', 'AM4']);
    const pages: string[] = [];
    let cursor = '';
    for (let page = 0; page < 5; page += 1) {
      const part: Missed = (await missed(office, 'HQ', `&limit=2${cursor}`)).body;
      pages.push(part.items.map(({ accountManagerId }) => accountManagerId).join());
      if (part.next === null) break;
      cursor = `&cursor=${part.next}`;
    }
    expect(pages).toEqual(['AM1', 'AM4', 'AM5']);
    const refused = { status: 403, body: { code: 'outside-authority' } };
    expect(await missed(chief, 'S')).toMatchObject(refused);
    expect(await missed(chief, 'HQ')).toMatchObject(refused);
    expect((await missed(office, 'nowhere')).status).toBe(404);
  });

  it('are shown to the person, the managers above and the office, to no colleague', async () => {
    expect((await traces(chief)).length).toBeGreaterThan(0);
    const path = '/v1/work-traces/day?accountManagerId=AM1&on=2026-03-10';
    const colleague = await api.as('AM2', 'account-manager');
    expect((await colleague.get(path)).status).toBe(403);
    expect((await (await api.as('CHIEF-S', 'manager')).get(path)).status).toBe(403);
    expect((await own.get(path.replace('03-10', '07-10'))).status).toBe(404);
    expect(await traces(own, '&on=2026-03-06')).toMatchObject([{ recordId: 'LATE' }]);
  });
});
