import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApi } from '../../index.js';
import { openKeys, openSystem } from '../../../merit/system.js';
import { type Client, clientOf, type TestApi } from '../../../../test/support/api.js';
import { openFieldApi } from '../../../../test/support/field-organisation.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const CUSTOMERS = Array.from({ length: 450 }, (_, index) => `C-${index}`);

type Proof = {
  readonly state: string;
  readonly seed: string | null;
  readonly seedSha256: string;
  readonly size: number;
  readonly frame: { readonly sha256: string; readonly customerIds: readonly string[] } | null;
  readonly sample: readonly string[];
  readonly substitutes: readonly string[];
};

describe('feedback calls over HTTP', () => {
  let api: TestApi;
  let agent: Client;
  let subject: Client;
  let auditor: Client;

  beforeAll(async () => {
    api = await openFieldApi();
    agent = await api.as('agent-1', 'call-agent');
    subject = await api.as('AM1', 'account-manager');
    auditor = await api.as('auditor-1', 'auditor');
  }, 60_000);
  afterAll(() => api.close());

  const proof = async (who: Client = agent, id = 'AM1-2026-03') =>
    (await who.get<Proof>(`/v1/feedback-samples/${id}`)).body;
  const on = (id: string, what: string, body: object, who = agent) =>
    who.post(`/v1/feedback-samples/${id}/${what}`, body);
  const record = (body: object, who = agent) =>
    who.post('/v1/feedback-calls', {
      accountManagerId: 'AM1',
      channel: 'phone',
      outcome: 'completed',
      ...body,
    });
  const next = async () =>
    (
      await agent.get<{ next: { customerId: string; as: string } }>(
        '/v1/feedback-samples/AM1-2026-03/next',
      )
    ).body.next;

  it('go to a sample whose seed is committed before the frame and shown at the draw', async () => {
    const committed = await agent.post('/v1/feedback-samples', {
      accountManagerId: 'AM1',
      period: '2026-03',
    });
    expect(committed).toMatchObject({ status: 201, body: { id: 'AM1-2026-03' } });
    expect(await on('AM1-2026-03', 'draw', { size: 2 })).toMatchObject({
      status: 409,
      body: { code: 'sample-frame-open' },
    });
    const { seedSha256 } = await proof();
    expect(await on('AM1-2026-03', 'freeze', { customerIds: CUSTOMERS })).toMatchObject({
      status: 201,
    });
    expect(await proof()).toMatchObject({ state: 'frozen', seed: null, sample: [] });
    expect(await on('AM1-2026-03', 'freeze', { customerIds: ['C-1'] })).toMatchObject({
      status: 409,
      body: { code: 'sample-frame-frozen' },
    });
    expect((await on('AM1-2026-03', 'draw', { size: 3 })).status).toBe(201);
    expect((await on('AM1-2026-03', 'draw', { size: 3 })).status).toBe(200);
    const drawn = await proof(auditor);
    expect(drawn).toMatchObject({ state: 'drawn', seedSha256, size: 3 });
    // Redone here from what the proof says, by nothing of the product.
    const { seed, frame } = drawn;
    expect(sha256(seed ?? '')).toBe(seedSha256);
    const ids = frame?.customerIds ?? [];
    expect([...ids].sort()).toEqual([...CUSTOMERS].sort());
    expect(sha256(ids.map((id) => `${id}\n`).join(''))).toBe(frame?.sha256);
    const rank = (id: string) => sha256(`${seed}\n${id}`);
    const order = [...ids].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    expect([...drawn.sample, ...drawn.substitutes]).toEqual(order);
    expect(drawn.sample).toHaveLength(3);
  });

  it('take a seed that the caller brings, and refuse another one at the draw', async () => {
    const body = { sampleId: 'own', accountManagerId: 'AM2', period: '2026-03' };
    await agent.post('/v1/feedback-samples', { ...body, seedSha256: sha256('dice: 4 1 6') });
    await on('own', 'freeze', { customerIds: ['C-1', 'C-2'] });
    const mismatch = { status: 422, body: { code: 'seed-mismatch' } };
    expect(await on('own', 'draw', { size: 1 })).toMatchObject(mismatch);
    expect(await on('own', 'draw', { size: 1, seed: 'dice: 6' })).toMatchObject(mismatch);
    expect((await on('own', 'draw', { size: 1, seed: 'dice: 4 1 6' })).status).toBe(201);
    expect(
      await agent.post('/v1/feedback-samples', { ...body, seedSha256: sha256('other') }),
    ).toMatchObject({ status: 409, body: { code: 'record-id-reused' } });
  });

  it('have their samples listed by period, with how far each is', async () => {
    const after = await api.system.store.head();
    const path = `/v1/feedback-samples?period=2026-03&after=${after}`;
    const { body } = await auditor.get(path);
    expect(body['items']).toEqual([
      {
        sampleId: 'AM1-2026-03',
        accountManagerId: 'AM1',
        period: '2026-03',
        customerCount: 450,
        size: 3,
      },
      { sampleId: 'own', accountManagerId: 'AM2', period: '2026-03', customerCount: 2, size: 1 },
    ]);
    const own = await api.as('AM1', 'call-agent');
    expect((await own.get(path)).body['items']).toMatchObject([{ sampleId: 'own' }]);
    expect((await auditor.get(`${path}&accountManagerId=AM2`)).body['items']).toMatchObject([
      { sampleId: 'own' },
    ]);
  });

  it('are drawn and made by nobody about himself, who sees no sample of his own', async () => {
    const both = await api.as('AM1', 'call-agent', 'office', 'account-manager');
    const refused = { status: 403, body: { code: 'segregation-of-duties' } };
    const asked = { accountManagerId: 'AM1', period: '2026-03', sampleId: 'mine' };
    expect(await both.post('/v1/feedback-samples', asked)).toMatchObject(refused);
    expect(await on('AM1-2026-03', 'draw', { size: 3 }, both)).toMatchObject(refused);
    expect(await record({ customerId: 'C-1' }, both)).toMatchObject(refused);
    const path = '/v1/feedback-samples/AM1-2026-03';
    expect((await both.get(path)).status).toBe(403);
    expect((await subject.get(path)).status).toBe(403);
    expect((await agent.get('/v1/feedback-samples/none')).status).toBe(404);
  });

  it('go to the next in order: the sample, then a substitute for who refused', async () => {
    const { sample, substitutes } = await proof();
    const answers = { attitude: 5, satisfaction: 3 };
    for (const [index, customerId] of sample.entries()) {
      expect(await next()).toEqual({ customerId, as: 'sample' });
      const outcome = index === 1 ? 'refused' : 'completed';
      const given = outcome === 'completed' ? { answers } : {};
      const sampleId = 'AM1-2026-03';
      const made = await record({ customerId, outcome, ...given, sampleId, comment: 'quote' });
      expect(made.status).toBe(201);
    }
    expect(await next()).toEqual({ customerId: substitutes[0], as: 'substitute' });
    await record({ customerId: substitutes[0], channel: 'walk', outcome: 'unreachable' });
    expect(await next()).toEqual({ customerId: substitutes[1], as: 'substitute' });
    const elsewhere = await record({ customerId: 'stranger', sampleId: 'AM1-2026-03' });
    expect(elsewhere).toMatchObject({ status: 422, body: { code: 'not-in-sample' } });
  });

  it('are refused with answers that are none, in the future, or after closing', async () => {
    const codeOf = async (body: object) =>
      (await record({ customerId: 'C-1', ...body })).body['code'];
    expect(await codeOf({ answers: { attitude: 6 } })).toBe('malformed');
    expect(await codeOf({ outcome: 'refused', answers: { attitude: 5 } })).toBe('malformed');
    expect(await codeOf({ calledAt: '2026-03-10T12:00:01+08:00' })).toBe('in-the-future');
    expect(await codeOf({ calledAt: '2026-02-10T12:00:00+08:00' })).toBe('collection-closed');
    expect(await codeOf({ accountManagerId: 'AM9' })).toBe('outside-cohort');
  });

  it('keep what customers said from whom they are about: counts and the mean alone', async () => {
    const path = '/v1/feedback-calls?accountManagerId=AM1&period=2026-03';
    const chief = await api.as('CHIEF-N', 'manager');
    for (const who of [subject, chief]) {
      const { body } = await who.get(path);
      expect(body).toMatchObject({
        answersHidden: true,
        counts: { completed: 2, refused: 1, unreachable: 1 },
        // (1·(5−1) + 2·(3−1))·25 / 3
        means: [{ indicatorId: 'feedback', counting: 2, mean: '66.67' }],
        items: [],
      });
      expect(JSON.stringify(body)).not.toMatch(/C-\d|quote|agent-1/);
    }
    const refusals = await agent.get<{ items: { data: object }[] }>(`${path}&outcome=refused`);
    expect(refusals.body.items).toMatchObject([{ why: 'not-completed', outcome: 'refused' }]);
    const page = await auditor.get<{ items: object[]; next: string }>(`${path}&limit=3`);
    const rest = await auditor.get<{ items: object[]; next: null }>(
      `${path}&cursor=${page.body.next}`,
    );
    expect([page.body.items.length, rest.body.items.length]).toEqual([3, 1]);
    const colleague = await api.as('AM2', 'account-manager');
    expect((await colleague.get(path)).status).toBe(403);
  });

  // The last one: the API above has no key any more for what is wrapped anew.
  it('have their sample drawn by the committed seed after the system’s keys were rotated', async () => {
    const sampleId = 'rotated';
    const asked = { sampleId, accountManagerId: 'AM1', period: '2026-03' };
    expect((await agent.post('/v1/feedback-samples', asked)).status).toBe(201);
    expect((await on(sampleId, 'freeze', { customerIds: CUSTOMERS })).status).toBe(201);
    const { configuration, system } = api;
    const anew = randomBytes(32);
    const kekFile = join(configuration.dataDir, 'key-encryption-key-2');
    await writeFile(kekFile, `${anew.toString('hex')}\n`, { mode: 0o600 });
    const keys = await openKeys(configuration, system.database);
    await keys.rotate(anew);
    await keys.close();
    const rotated = await openSystem({ ...configuration, kekFile }, 'attach');
    const { store, engine, projections } = rotated;
    const requestKey = await rotated.requestKey();
    const served = { ...api.apiSystem, store, engine, projections, requestKey };
    const other = await startApi(served, { host: '127.0.0.1', port: 0 });
    try {
      const now = new Date();
      const claims = { subject: 'agent-1', roles: ['call-agent' as const], validForSeconds: 600 };
      const token = await api.issuer.issue({ ...claims, now });
      const client = clientOf(other.url, `Bearer ${token}`);
      expect(await on(sampleId, 'draw', { size: 3 }, client)).toMatchObject({ status: 201 });
      const { seed, seedSha256, state } = await proof(client, sampleId);
      expect([state, sha256(seed ?? '')]).toEqual(['drawn', seedSha256]);
    } finally {
      await other.close();
      await rotated.close();
    }
  }, 30_000);
});
