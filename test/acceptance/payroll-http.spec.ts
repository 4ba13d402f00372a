import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sealedBatch } from '../../apps/relay/inbound/testing.js';
import { type Client, openTestApi, type TestApi } from '../support/api.js';
import { paidIn, runConsumer, takePaymentFiles } from '../support/payroll-consumer.js';

const PEOPLE = Array.from({ length: 70 }, (_, index) => `am-${String(index).padStart(3, '0')}`);

describe('payroll without Kafka', () => {
  let api: TestApi;
  let payroll: Client;
  let folder: string;
  let reach: readonly string[];

  beforeAll(async () => {
    api = await openTestApi('2026-04-11T09:00:00+08:00');
    payroll = await api.as('payroll-1', 'payroll');
    const token = await api.issuer.issue({
      subject: 'payroll-1',
      roles: ['payroll'],
      validForSeconds: 3_600,
      now: new Date(),
    });
    reach = ['--http', api.url, '--token', token];
    folder = await mkdtemp(path.join(tmpdir(), 'merit-payroll-http-'));
    await sealedBatch(api.system.engine, 'march', PEOPLE);
  }, 60_000);
  afterAll(async () => {
    await api.close();
    await rm(folder, { recursive: true });
  });

  const batch = async (): Promise<Record<string, unknown>> =>
    (await payroll.get('/v1/bonus-batches/march')).body;

  it('reads the same batch over HTTP, pays it once and accepts it', async () => {
    const bank = path.join(folder, 'bank');
    for (let time = 1; time <= 2; time += 1) {
      await runConsumer(['fetch', ...reach], folder);
      await runConsumer(['fetch', 'march', ...reach], folder);
      await takePaymentFiles(folder, bank);
    }
    expect(await paidIn(path.join(bank, 'march.csv'))).toEqual(
      new Map(PEOPLE.map((id) => [id, '10000'])),
    );
    expect(await batch()).toMatchObject({ acknowledgement: 'accepted', settledMinor: '0' });
  }, 60_000);

  it('settles it, and tells of money that came back', async () => {
    await runConsumer(['settle', 'march', ...reach], folder);
    const giveBack = ['settle', 'march', '--return', 'am-001', '2500', ...reach];
    expect(await runConsumer(giveBack, folder)).toBe('march: told of 1 payments, Σ 2500\n');
    expect(await batch()).toMatchObject({ settledMinor: '700000', returnedMinor: '2500' });
  }, 60_000);

  it('rejects a batch in a currency that it does not pay in', async () => {
    const state = path.join(folder, 'other');
    await sealedBatch(api.system.engine, 'april', ['am-001']);
    await runConsumer(['fetch', 'april', '--currency', 'USD', ...reach], state);
    const { body } = await payroll.get('/v1/bonus-batches/april');
    expect(body).toMatchObject({ state: 'rejected', rejectionCode: 'currency-unexpected' });
  }, 60_000);

  it('says what stands in the way, and by which code it may be tried again', async () => {
    const unknown = runConsumer(['fetch', 'none', ...reach], folder);
    await expect(unknown).rejects.toThrow(/: 1\n.*unknown-batch/s);
    await expect(runConsumer(['settle'], folder)).rejects.toThrow(/: 2\n.*wrong arguments/s);
    await expect(runConsumer(['follow'], folder)).rejects.toThrow('KAFKA_BROKERS must be');
  }, 60_000);
});
