import { payrollInboxAggregate } from '#commands';
import { payrollInboxStream, type SetAsideCause } from '#contexts/payroll-inbox';
import { nameBasedId, sha256Hex } from '#kernel';
import { sealedBatch } from '../../../relay/inbound/testing.js';
import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';

/** Of the batches here: 2026-04-10T09:00:00+08:00. */
const SEALED_47_HOURS_AGO = '2026-04-12T08:00:00+08:00';
const SEALED_49_HOURS_AGO = '2026-04-12T10:00:00+08:00';

type Alerts = {
  readonly acknowledgeWithinHours: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly rejectedBatches: readonly object[];
  readonly overdueAcknowledgements: readonly { readonly batchId: string }[];
  readonly parkedKeys: readonly { readonly keyDigest: string }[];
  readonly waitingMessages: readonly { readonly code: string }[];
  readonly refusedMessages: readonly { readonly code: string }[];
};

describe('what somebody has to look after between here and payroll', () => {
  let api: TestApi;
  let admin: Client;
  let payroll: Client;

  beforeAll(async () => {
    api = await openTestApi(SEALED_47_HOURS_AGO);
    [admin, payroll] = await Promise.all([
      api.as('admin-1', 'admin'),
      api.as('payroll-1', 'payroll'),
    ]);
  }, 60_000);
  afterAll(() => api.close());

  async function alerts(): Promise<Alerts> {
    const head = await api.system.store.head();
    const after = head === '' ? '' : `?after=${head}`;
    const { status, body } = await admin.get<Alerts>(`/v1/payroll/alerts${after}`);
    expect(status).toBe(200);
    return body;
  }
  const warnings = async (): Promise<readonly string[]> => {
    const { body } = await admin.get<{ warnings: string[] }>('/health/ready');
    return body.warnings.filter((warning) => warning.startsWith('payroll:'));
  };

  /** As the relay does when it meets a message that cannot be taken. */
  async function setAside(key: string, inboxId: string, cause: SetAsideCause, code: string) {
    const keyDigest = sha256Hex(key);
    const at = api.clock.now.toISOString();
    const origin = { topic: 'acks', partition: 0, offset: '1' };
    const messageId = cause === 'unreadable' ? null : `m-${inboxId}`;
    const data = { inboxId, keyDigest, key, origin, messageId, cause, code };
    await api.system.engine.handler.decide(payrollInboxAggregate, payrollInboxStream(keyDigest), {
      command: { type: 'payroll-inbox.SetAside', data },
      facts: () => undefined,
      envelope: {
        commandId: nameBasedId('set aside', inboxId, at),
        actor: { id: 'payroll-relay', role: 'payroll' },
        occurredAt: at,
        recordedAt: at,
      },
    });
    return keyDigest;
  }

  it('is nothing at first', async () => {
    const { counts, acknowledgeWithinHours } = await alerts();
    expect([acknowledgeWithinHours, ...Object.values(counts)]).toEqual([48, 0, 0, 0, 0, 0, 0]);
    expect(await warnings()).toEqual([]);
  });

  it('is a batch that payroll has not acknowledged in its time, by the clock of now', async () => {
    for (const batchId of ['late', 'accepted', 'disputed']) {
      await sealedBatch(api.system.engine, batchId);
    }
    expect((await alerts()).overdueAcknowledgements).toEqual([]);
    api.clock.set(SEALED_49_HOURS_AGO);
    expect((await alerts()).counts['overdueAcknowledgements']).toBe(3);
    const said = { messageId: 'm1' };
    await payroll.post('/v1/bonus-batches/accepted/acknowledge', said);
    const dispute = { messageId: 'm2', reasonCode: 'sum-differs', reasonCodes: ['sum-differs'] };
    await payroll.post('/v1/bonus-batches/disputed/reject', dispute);
    const { overdueAcknowledgements } = await alerts();
    expect(overdueAcknowledgements).toEqual([
      { batchId: 'late', payPeriod: '2026-03', sealedAt: '2026-04-10T09:00:00+08:00' },
    ]);
    expect(await warnings()).toContain(
      'payroll: 1 batches sealed more than 48 h ago are not acknowledged',
    );
  });

  it('is a batch that payroll disputes, until one stands in its place', async () => {
    const { rejectedBatches } = await alerts();
    const disputed = { batchId: 'disputed', payPeriod: '2026-03', reasonCodes: ['sum-differs'] };
    expect(rejectedBatches).toEqual([disputed]);
    const metrics = await admin.get<string>('/metrics');
    expect(metrics.body).toContain('merit_payroll_alerts{kind="rejectedBatches"} 1');
    await sealedBatch(api.system.engine, 'anew', ['AM1'], 'disputed');
    expect((await alerts()).rejectedBatches).toEqual([]);
  });

  it('is a key that is parked, which an administrator releases once', async () => {
    const keyDigest = await setAside('late', 'x1', 'unreadable', 'value-not-json');
    await setAside('late', 'x2', 'key-waits', 'key-parked');
    const { counts, parkedKeys, waitingMessages } = await alerts();
    expect(counts).toMatchObject({ parkedKeys: 1, waitingMessages: 2 });
    expect(parkedKeys).toMatchObject([{ keyDigest, key: 'late', code: 'value-not-json' }]);
    expect(waitingMessages.map(({ code }) => code)).toEqual(['value-not-json', 'key-parked']);
    const { body } = await payroll.get('/v1/payroll/parked-keys');
    expect(body).toMatchObject({
      items: [{ keyDigest, waitingCount: 2, messages: [{ inboxId: 'x1' }, { inboxId: 'x2' }] }],
      next: null,
    });
    const path = `/v1/payroll/parked-keys/${keyDigest}/release`;
    const key = { 'idempotency-key': 'release-1' };
    const wrong = await admin.post(path, { discardInboxIds: ['x3'] });
    expect([wrong.status, wrong.body['code']]).toEqual([422, 'message-not-waiting']);
    const first = await admin.post(path, { discardInboxIds: ['x1'] }, key);
    expect(first.status).toBe(201);
    const again = await admin.post(path, { discardInboxIds: ['x1'] }, key);
    expect([again.status, again.body]).toEqual([200, first.body]);
    const twice = await admin.post(path);
    expect([twice.status, twice.body['code']]).toEqual([409, 'key-not-parked']);
    // What waits is still told, until the relay has taken it.
    expect((await alerts()).counts).toMatchObject({ parkedKeys: 0, waitingMessages: 1 });
  });

  it('is no key that nobody has parked', async () => {
    const { status, body } = await admin.post(`/v1/payroll/parked-keys/${'0'.repeat(64)}/release`);
    expect([status, body['code']]).toEqual([404, 'unknown-parked-key']);
  });

  it('is a refused message, for a week', async () => {
    await setAside('accepted', 'x4', 'refused', 'amount-exceeds-due');
    expect((await alerts()).refusedMessages).toMatchObject([{ code: 'amount-exceeds-due' }]);
    api.clock.set('2026-04-20T09:00:00+08:00');
    expect((await alerts()).refusedMessages).toEqual([]);
  });
});
