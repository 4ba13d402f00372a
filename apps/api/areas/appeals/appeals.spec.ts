import { appealAggregate } from '#commands';
import { appealStream } from '#contexts/appeals';
import { appealFacts, readAppeal, resolveAppeal } from '#processes/appeal-resolution';
import { verifyResults } from '#processes/verification';
import type { Client, TestApi } from '../../../../test/support/api.js';
import { openQuarterApi, QUARTER } from '../../../../test/support/appealed-quarter.js';

type Row = Record<string, unknown>;
type Made = { position: string; revision: number; next: Row | null };

const STRIKE = [{ type: 'strike', recordId: QUARTER.peerRating }];

describe('appeals over HTTP', () => {
  let api: TestApi;
  let office: Client;
  let auditor: Client;
  let reviewer: Client;
  const clients = new Map<string, Client>();
  let count = 0;

  beforeAll(async () => {
    api = await openQuarterApi();
    office = await api.as('OFFICE-1', 'office');
    auditor = await api.as('AUDIT-1', 'auditor');
    reviewer = await api.as('REVIEW-1', 'reviewer');
  }, 60_000);
  afterAll(() => api.close());

  const am = async (id: string): Promise<Client> => {
    const client = clients.get(id) ?? (await api.as(id, 'account-manager'));
    clients.set(id, client);
    return client;
  };
  const expectDone = (answer: { status: number; body: Row }): Made => {
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
    return answer.body as Made;
  };
  const file = async (id: string, disputed: string, more: Row = {}) => {
    count += 1;
    const appealId = `AP-${count}`;
    const body = { appealId, period: '2026-02', grounds: '有异议', disputedRecordIds: [disputed] };
    return { appealId, answer: await (await am(id)).post('/v1/appeals', { ...body, ...more }) };
  };
  /** Filed, accepted and assigned. */
  const assigned = async (
    id: string,
    disputed: string,
    reviewerId = 'REVIEW-1',
    more: Row = {},
  ) => {
    const { appealId, answer } = await file(id, disputed, more);
    expectDone(answer);
    expectDone(await office.post(`/v1/appeals/${appealId}/accept`));
    expectDone(await office.post(`/v1/appeals/${appealId}/assign`, { reviewerId }));
    return appealId;
  };
  const decide = (client: Client, appealId: string, corrections: readonly Row[] = []) =>
    client.post(`/v1/appeals/${appealId}/decide`, {
      outcome: corrections.length > 0 ? 'upheld' : 'dismissed',
      reasons: '经核实',
      corrections,
    });
  const scoreOf = async (id: string, period: string, after: string) => {
    const path = `/v1/scores?accountManagerId=${id}&period=${period}&after=${after}`;
    const { body } = await auditor.get<{ items: Row[] }>(path);
    return body.items[0] as Row;
  };
  const dueOf = async (id: string, after: string) => {
    const { result } = await api.system.projections
      .waitFor(['settlement'], after, 10_000)
      .then(() =>
        api.system.projections.read(['settlement'], (sql) =>
          sql.query<Row>(
            `select period, of_kind as kind, reference, due_minor::text as due,
               posted_minor::text as posted, causes
             from settlement_line where account_manager_id = $1 order by 1, 2, 3`,
            [id],
          ),
        ),
      );
    return result;
  };

  it('go from filing to a decision that does exactly what its preview said', async () => {
    const { appealId, answer } = await file('AM1', QUARTER.peerRating);
    const accept = { step: 'accept', by: 'office', dueOn: '2026-04-10', escalated: false };
    expect(answer).toMatchObject({ status: 201, body: { id: appealId, next: accept } });
    const accepted = expectDone(await office.post(`/v1/appeals/${appealId}/accept`));
    expect(accepted.next).toMatchObject({ step: 'assign', by: 'office', dueOn: '2026-04-22' });
    const to = { reviewerId: 'REVIEW-1' };
    const given = expectDone(await office.post(`/v1/appeals/${appealId}/assign`, to));
    expect(given.next).toMatchObject({ step: 'decide', by: 'reviewer', dueOn: '2026-04-22' });

    const previewed = await reviewer.post<Row>(`/v1/appeals/${appealId}/preview`, {
      corrections: STRIKE,
    });
    expect(previewed.status).toBe(200);
    const preview = previewed.body;
    expect(preview).toMatchObject({
      before: { resultVersion: 1, score: '68.00', grade: 'basic' },
      after: { resultVersion: 2, score: '76.00', grade: 'competent' },
      heldHarmless: false,
      others: [],
      money: {
        lines: [
          {
            period: '2026-02',
            kind: 'base',
            dueBeforeMinor: '120000',
            dueAfterMinor: '200000',
            postedMinor: '120000',
            pendingMinor: '80000',
          },
          // The tier lost in February comes back; March is not sealed and takes what is due.
          { period: '2026-03', kind: 'base', dueBeforeMinor: '72000', dueAfterMinor: '120000' },
        ],
        withheld: [],
      },
    });
    const head = await api.system.store.head();
    expect(preview['position']).toBe(head); // nothing was recorded

    const said = { outcome: 'upheld', reasons: '经核实', corrections: STRIKE };
    const path = `/v1/appeals/${appealId}/decide`;
    const stale = await reviewer.post(path, said, { 'if-match': '"1"' });
    expect(stale.status).toBe(412);
    const key = { 'idempotency-key': 'decide-1', 'if-match': '"2"' };
    const decided = expectDone(await reviewer.post(path, said, key));
    expect(decided.next).toMatchObject({ step: 'request-review', dueOn: '2026-04-15' });
    const repeated = await reviewer.post(path, said, key);
    expect(repeated).toMatchObject({ status: 200, body: decided });
    const { before: _, after, tiers, money } = preview as Record<string, Row[]> & { money: Row };
    const score = await scoreOf('AM1', '2026-02', decided.position);
    expect(score).toMatchObject(after as unknown as Row);
    const chain = await auditor.get<{ items: Row[] }>(
      `/v1/tiers?accountManagerId=AM1&after=${decided.position}`,
    );
    const told = (tiers as { period: string; after: Row }[]).map(({ period, after: row }) => ({
      period,
      ...row,
    }));
    expect(chain.body.items.filter(({ period }) => String(period) >= '2026-02')).toMatchObject(
      told,
    );
    const due = await dueOf('AM1', decided.position);
    expect(due.find(({ period }) => period === '2026-02')).toMatchObject({
      due: (money['lines'] as Row[])[0]?.['dueAfterMinor'],
      posted: '120000', // sealed: the difference is pending
      causes: `["${appealId}"]`,
    });
  });

  it('show their whole history to those whom they concern, and to nobody else', async () => {
    const whole = await (await am('AM1')).get<Row>('/v1/appeals/AP-1');
    expect(whole).toMatchObject({
      status: 200,
      body: { status: 'decided', revision: 3, versions: [{ resultVersion: 2, score: '76.00' }] },
    });
    expect(whole.headers.get('etag')).toBe('"3"');
    const data = (whole.body['events'] as { data: Row }[]).map((event) => event.data);
    expect(data[0]).toMatchObject({ grounds: '有异议' });
    expect(data[3]).toMatchObject({ reasons: '经核实', reviewerId: 'REVIEW-1' });
    for (const client of [office, auditor, reviewer]) {
      expect(await client.get('/v1/appeals/AP-1')).toMatchObject({ status: 200 });
    }
    const others = [await am('AM2'), await api.as('REVIEW-9', 'reviewer')];
    for (const client of others) {
      const refused = await client.get('/v1/appeals/AP-1');
      expect(refused).toMatchObject({ status: 403, body: { code: 'outside-authority' } });
    }
    expect(await office.get('/v1/appeals/AP-99')).toMatchObject({ status: 404 });
  });

  it('are against one’s own published result and own records alone', async () => {
    const foreign = await file('AM1', 'EP-AM2-2026-02');
    expect(foreign.answer).toMatchObject({ status: 422, body: { code: 'record-not-disputable' } });
    const other = await file('AM1', 'M-AM2-2026-02', { accountManagerId: 'AM2' });
    expect(other.answer).toMatchObject({ status: 403, body: { code: 'not-appellant' } });
    const open = await file('AM1', 'M-AM1-2026-04', { period: '2026-04' });
    expect(open.answer).toMatchObject({ status: 409, body: { code: 'no-published-result' } });
    const incomplete = await file('AM7', 'ES-AM7-2026-02');
    expect(incomplete.answer).toMatchObject({ body: { code: 'no-published-result' } });
    const closed = await file('AM1', 'M-AM1-2026-01', { period: '2026-01' });
    expect(closed.answer).toMatchObject({ status: 409, body: { code: 'appeal-window-over' } });
  });

  it('are not handled by their own appellant, whatever the roles of the token say', async () => {
    const all = await api.as('AM3', 'account-manager', 'office', 'reviewer', 'auditor');
    const { appealId, answer } = await file('AM3', 'ES-AM3-2026-02');
    expectDone(answer);
    const path = `/v1/appeals/${appealId}`;
    const own = { status: 403, body: { code: 'segregation-of-duties' } };
    expect(await all.post(`${path}/accept`)).toMatchObject(own);
    expect(await all.post(`${path}/refuse`, { reason: '不予受理' })).toMatchObject(own);
    expectDone(await office.post(`${path}/accept`));
    expect(await all.post(`${path}/assign`, { reviewerId: 'REVIEW-1' })).toMatchObject(own);
    const involved = { status: 403, body: { code: 'reviewer-not-independent' } };
    expect(await office.post(`${path}/assign`, { reviewerId: 'AM3' })).toMatchObject(involved);
    expect(await all.post(`${path}/preview`, { corrections: STRIKE })).toMatchObject(own);
    expect(await decide(all, appealId)).toMatchObject({ body: { code: 'reviewer-not-assigned' } });
  });

  it('are not reviewed by a rater of a disputed record or a supervisor, then or now', async () => {
    await office.post('/v1/account-managers/AM4/transfers', {
      unitId: 'U1',
      position: 'account-manager',
      supervisorId: 'SUP2',
      effectiveOn: '2026-04-08',
    });
    const { appealId, answer } = await file('AM4', 'EP-AM4-2026-02');
    expectDone(answer);
    expectDone(await office.post(`/v1/appeals/${appealId}/accept`));
    for (const reviewerId of ['AM2', 'SUP1', 'SUP2']) {
      expect(await office.post(`/v1/appeals/${appealId}/assign`, { reviewerId })).toMatchObject({
        status: 403,
        body: { code: 'reviewer-not-independent' },
      });
    }
    // Who became the supervisor after the assignment does not decide either.
    expectDone(await office.post(`/v1/appeals/${appealId}/assign`, { reviewerId: 'SUP3' }));
    await office.post('/v1/account-managers/AM4/transfers', {
      unitId: 'U1',
      position: 'account-manager',
      supervisorId: 'SUP3',
      effectiveOn: '2026-04-08',
    });
    const late = await decide(await api.as('SUP3', 'reviewer'), appealId);
    expect(late).toMatchObject({ status: 403, body: { code: 'reviewer-not-independent' } });
    expectDone(await office.post(`/v1/appeals/${appealId}/assign`, { reviewerId: 'REVIEW-1' }));
    expectDone(await decide(reviewer, appealId));
  });

  it('have one review, by another reviewer, also when they were dismissed', async () => {
    const appealId = await assigned('AM3', 'M-AM3-2026-02');
    const path = `/v1/appeals/${appealId}`;
    const ask = async (id: string, grounds = '仍有异议') =>
      (await am(id)).post(`${path}/request-review`, { grounds });
    expect(await ask('AM3')).toMatchObject({ status: 409, body: { code: 'appeal-not-decided' } });
    expectDone(await decide(reviewer, appealId));
    const withdrawn = await (await am('AM3')).post(`${path}/withdraw`);
    expect(withdrawn).toMatchObject({ status: 409, body: { code: 'appeal-already-decided' } });
    expect(await ask('AM5')).toMatchObject({ status: 403, body: { code: 'not-appellant' } });
    const asked = expectDone(await ask('AM3'));
    expect(asked.next).toMatchObject({ step: 'assign', dueOn: '2026-04-22' });
    const again = await ask('AM3', '再次申请');
    expect(again).toMatchObject({ status: 409, body: { code: 'review-already-requested' } });
    const first = await office.post(`${path}/assign`, { reviewerId: 'REVIEW-1' });
    expect(first).toMatchObject({ status: 403, body: { code: 'reviewer-not-independent' } });
    expectDone(await office.post(`${path}/assign`, { reviewerId: 'REVIEW-2' }));
    const second = await api.as('REVIEW-2', 'reviewer');
    const replace = [{ type: 'replace', recordId: 'M-AM3-2026-02', value: '90' }];
    const decided = expectDone(await decide(second, appealId, replace));
    expect(decided.next).toBeNull();
    expect(await scoreOf('AM3', '2026-02', decided.position)).toMatchObject({
      score: '82.00',
      resultVersion: 2,
    });
  });

  it('take no money away, and a struck sale takes along what hangs on it alone', async () => {
    const appealId = await assigned('AM5', 'SALE');
    const struck = await office.post<Row>(`/v1/appeals/${appealId}/preview`, {
      corrections: [{ type: 'strike', recordId: 'SALE' }],
    });
    expect(struck.body).toMatchObject({
      money: {
        lines: [{ kind: 'commission', dueBeforeMinor: '10000', pendingMinor: '-10000' }],
        withheld: [{ period: '2026-02', sumMinor: '-10000' }],
      },
      others: [
        { accountManagerId: 'AM6', period: '2026-03', kind: 'clawback', reference: 'RETURN' },
      ],
    });
    expectDone(await (await am('AM5')).post(`/v1/appeals/${appealId}/withdraw`));
  });

  it('decided side by side about one period are all in force, in dense versions', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 16; index += 1) ids.push(await assigned('AM5', 'M-AM5-2026-02'));
    const points = [{ type: 'adjust', points: '0.5' }];
    const answers = await Promise.all(ids.map((id) => decide(reviewer, id, points)));
    const positions = answers.map((answer) => expectDone(answer).position).sort();
    const score = await scoreOf('AM5', '2026-02', positions.at(-1) ?? '');
    // 70 for everything, and sixteen times half a point.
    expect(score).toMatchObject({ score: '78.00', resultVersion: 17, grade: 'competent' });
    const due = await dueOf('AM5', positions.at(-1) ?? '');
    const base = due.find(({ period }) => period === '2026-02');
    expect(base).toMatchObject({ due: '200000', posted: '120000' });
    expect((await api.system.projections.verify()).differences).toEqual([]);
  }, 30_000);

  it('decided by a process that dies before the new version are resolved by another', async () => {
    const appealId = await assigned('AM4', 'M-AM4-2026-02');
    const { engine } = api.system;
    const { appeal } = await readAppeal(engine, appealId);
    const corrections = [{ type: 'adjust', points: '6' }] as const;
    const org = await engine.organisation.current();
    const facts = await appealFacts(engine, org, { ...appeal, corrections });
    const decidedAt = api.clock.now.toISOString();
    const decision = { appealId, reviewerId: 'REVIEW-1', outcome: 'upheld', corrections } as const;
    await engine.handler.decide(appealAggregate, appealStream(appealId), {
      command: { type: 'appeals.DecideAppeal', data: { ...decision, decidedAt } },
      facts: () => facts,
      envelope: {
        commandId: 'dies',
        actor: { id: 'REVIEW-1', role: 'reviewer' },
        occurredAt: decidedAt,
        recordedAt: decidedAt,
      },
    });
    await api.settled();
    const score = await scoreOf('AM4', '2026-02', await api.system.store.head());
    expect(score).toMatchObject({ score: '76.00', resultVersion: 2 });
    const whole = await office.get<{ versions: Row[] }>(`/v1/appeals/${appealId}`);
    expect(whole.body.versions).toMatchObject([{ resultVersion: 2, decidedAt }]);
    // The repeat finds it done.
    expect(await resolveAppeal(engine, appealId)).toMatchObject({ resultVersion: 2 });
    expect(await verifyResults(engine.log)).toEqual([]);
  });

  it('never lower a result, and say what is held by more than the places', async () => {
    const appealId = await assigned('AM6', 'M-AM6-2026-02');
    const path = `/v1/appeals/${appealId}`;
    const lower = [{ type: 'replace', recordId: 'M-AM6-2026-02', value: '10' }];
    const harm = await office.post<Row>(`${path}/preview`, { corrections: lower });
    expect(harm.body).toMatchObject({ heldHarmless: true, after: { score: '94.40' } });
    const raised = await office.post<Row>(`${path}/preview`, {
      corrections: [{ type: 'adjust', points: '5' }],
    });
    expect(raised.body).toMatchObject({
      before: { grade: 'competent', ceilingApplied: true },
      after: { score: '99.40', grade: 'excellent', ceilingApplied: false },
      ceilings: [{ placeCount: 1, holderCountAtPublication: 1, holderCountAfter: 2 }],
    });
    const unknown = await office.post(`${path}/preview`, {
      corrections: [{ type: 'strike', recordId: 'M-AM1-2026-02' }],
    });
    expect(unknown).toMatchObject({ status: 422, body: { code: 'record-not-disputable' } });
    const shapeless = await office.post(`${path}/preview`, { corrections: [{ type: 'adjust' }] });
    expect(shapeless).toMatchObject({ status: 400, body: { code: 'malformed' } });
    expectDone(await (await am('AM6')).post(`${path}/withdraw`));
    const after = await decide(reviewer, appealId);
    expect(after).toMatchObject({ status: 409, body: { code: 'appeal-closed' } });
  });

  it('wait in an inbox by their due day, for each role what is theirs', async () => {
    const { appealId, answer } = await file('AM6', 'EP-AM6-2026-02');
    const { position } = expectDone(answer);
    const inbox = async (client: Client, query = '') =>
      (await client.get<{ items: Row[] }>(`/v1/appeals?after=${position}${query}`)).body.items;
    const open = await inbox(office);
    expect(open.map((item) => item['dueOn'])).toEqual(open.map((item) => item['dueOn']).sort());
    expect(open[0]).toMatchObject({ appealId, status: 'filed', step: 'accept' });
    expect(JSON.stringify(open)).not.toContain('有异议');
    const own = await inbox(await am('AM6'));
    expect(new Set(own.map((item) => item['accountManagerId']))).toEqual(new Set(['AM6']));
    expect(own.map((item) => item['status'])).toEqual(['filed', 'withdrawn']);
    const mine = await inbox(await api.as('REVIEW-7', 'reviewer'));
    expect(mine).toEqual([]);
    const manager = await api.as('SUP1', 'manager');
    const counted = await manager.get<Row>(`/v1/appeals?after=${position}`);
    expect(counted.body['items']).toBeUndefined();
    expect(counted.body['counts']).toEqual(
      expect.arrayContaining([{ period: '2026-02', status: 'filed', count: 1, overdueCount: 0 }]),
    );
    const page = await office.get<{ items: Row[]; next: string }>('/v1/appeals?state=all&limit=3');
    const rest = await office.get<{ items: Row[] }>(
      `/v1/appeals?state=all&limit=200&cursor=${page.body.next}`,
    );
    const all = [...page.body.items, ...rest.body.items].map((item) => item['appealId']);
    expect(new Set(all).size).toBe(all.length);
    expect(await inbox(office, '&unitId=HQ')).toEqual(open);
    expect(await inbox(office, '&unitId=H')).toEqual([]);
    expectDone(await office.post(`/v1/appeals/${appealId}/refuse`, { reason: '不属受理范围' }));
  });

  it('are filed until the last day has ended in the zone of the scheme', async () => {
    api.clock.set('2026-04-17T23:59:59.999+08:00');
    expectDone((await file('AM1', 'M-AM1-2026-02')).answer);
    api.clock.set('2026-04-17T16:00:00Z');
    const late = await file('AM1', 'M-AM1-2026-02');
    expect(late.answer).toMatchObject({ status: 409, body: { code: 'appeal-window-over' } });
  });

  it('that nobody decides in time are escalated once and reported; late is as good', async () => {
    const appealId = await assigned('AM2', 'M-AM2-2026-03', 'REVIEW-1', { period: '2026-03' });
    api.clock.set('2026-05-01T23:59:59+08:00');
    await api.settled();
    const early = await office.get<{ items: Row[] }>('/v1/appeals/overdue?period=2026-03');
    expect(early.body.items).toEqual([]);
    api.clock.set('2026-05-02T00:00:00+08:00');
    await api.settled();
    api.clock.set('2026-05-06T09:00:00+08:00');
    await api.settled();
    const head = await api.system.store.head();
    const overdue = await office.get<{ items: Row[] }>(
      `/v1/appeals/overdue?period=2026-03&after=${head}`,
    );
    const escalatedAt = '2026-05-01T16:00:00.000Z';
    expect(overdue.body.items).toEqual([
      expect.objectContaining({ appealId, step: 'decide', workingDaysOver: 3, escalatedAt }),
    ]);
    const csv = await auditor.get<string>('/v1/appeals/overdue?format=csv&period=2026-03');
    expect(csv.headers.get('content-type')).toContain('text/csv');
    const line = `${appealId},AM2,2026-03,U1,decide,2026-05-01,3,${escalatedAt},,REVIEW-1`;
    expect(csv.body.split('\r\n')[1]).toBe(line);
    const points = [{ type: 'adjust', points: '1' }];
    const { position } = expectDone(await decide(reviewer, appealId, points));
    expect(await scoreOf('AM2', '2026-03', position)).toMatchObject({ resultVersion: 2 });
    const since = await office.get<{ items: Row[] }>(
      `/v1/appeals/overdue?period=2026-03&state=all&after=${position}`,
    );
    expect(since.body.items).toMatchObject([
      { appealId, workingDaysOver: 3, doneAt: '2026-05-06T01:00:00.000Z' },
    ]);
  });

  it('go on when their cycle is final, which ends filing alone', async () => {
    api.clock.set('2026-05-18T10:00:00+08:00');
    const of = (appealId: string) => file('AM4', 'M-AM4-2026-03', { appealId, period: '2026-03' });
    expectDone((await of('AP-OPEN')).answer);
    expectDone(await office.post('/v1/cycles/2026-03/finalise'));
    expectDone((await of('AP-SAME')).answer); // at the very instant an appeal comes first
    api.clock.set('2026-05-18T10:00:01+08:00');
    const over = { status: 409, body: { code: 'appeal-window-over' } };
    expect((await of('AP-AFTER')).answer).toMatchObject(over);
    expectDone(await office.post(`/v1/appeals/AP-OPEN/accept`));
    expectDone(await office.post(`/v1/appeals/AP-OPEN/assign`, { reviewerId: 'REVIEW-1' }));
    const points = [{ type: 'adjust', points: '1' }];
    const { position } = expectDone(await decide(reviewer, 'AP-OPEN', points));
    expect(await scoreOf('AM4', '2026-03', position)).toMatchObject({ resultVersion: 2 });
  });
});
