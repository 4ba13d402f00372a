import type { OutgoingMessage } from '#contracts';
import { batchMessages } from '#read-models/outgoing';
import { assertValidMessage } from '../../../../libs/contracts/testing.js';
import { type Client, openTestApi, type TestApi } from '../../../../test/support/api.js';
import { cycleRow, metricRow, smallHistory } from '../../../../test/support/small-history.js';
import { importFolder } from '../../../../test/support/system.js';

const PEOPLE = Array.from({ length: 12 }, (_, index) => `P${String(index).padStart(2, '0')}`);
const BATCH = '2026-03-all';
const PATH = `/v1/payroll/batches/${BATCH}/messages`;

type Item = OutgoingMessage & { readonly ordinal: number; readonly content: object };
type Page = { readonly items: readonly Item[]; readonly next: string | null };

describe('the messages of a batch over HTTP', () => {
  let api: TestApi;
  let office: Client;
  let payroll: Client;

  beforeAll(async () => {
    api = await openTestApi('2026-04-10T09:00:00+08:00');
    const history = await smallHistory([]);
    history.add('cycles', cycleRow('2026-03', { closed: '2026-04-02', published: '2026-04-03' }));
    history.add('units', 'unitId=north name=North');
    for (const id of PEOPLE) {
      history.add(
        'account-managers',
        `accountManagerId=${id} name=${id} unitId=north position=account-manager ` +
          'joinedOn=2025-01-01',
      );
      history.add('metrics', metricRow(id, '2026-03', '60'));
    }
    await history.write();
    expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
    await history.remove();
    office = await api.as('office-1', 'office');
    payroll = await api.as('payroll-1', 'payroll');
  }, 60_000);
  afterAll(() => api.close());

  it('are none before it is sealed, and for payroll there is no batch then', async () => {
    expect(await office.get(PATH)).toMatchObject({ status: 404, body: { code: 'unknown-batch' } });
    expect(await office.post('/v1/bonus-batches', { period: '2026-03' })).toMatchObject({
      status: 201,
      body: { id: BATCH },
    });
    expect(await payroll.get(PATH)).toMatchObject({ status: 404, body: { code: 'unknown-batch' } });
    const both = await api.as('payroll-2', 'payroll', 'office');
    for (const client of [office, both]) {
      const answer = await client.get(PATH);
      expect(answer).toMatchObject({ status: 409, body: { code: 'batch-not-sealed' } });
    }
    const { body } = await office.get<{ sha256: string }>(`/v1/bonus-batches/${BATCH}`);
    const approver = await api.as('approver-1', 'approver');
    const { sha256 } = body;
    await approver.post(`/v1/bonus-batches/${BATCH}/approve`, { sha256 });
    const sealed = await office.post(`/v1/bonus-batches/${BATCH}/seal`, { sha256 });
    expect(sealed.status).toBe(201);
  });

  it('are those of the topic, same bytes and same order, page by page', async () => {
    const expected: OutgoingMessage[] = [];
    for await (const portion of batchMessages(api.system.store, BATCH)) expected.push(...portion);
    expect(expected.length).toBeGreaterThanOrEqual(PEOPLE.length + 2);
    for (const limit of [1, 5, expected.length, 200]) {
      const items: Item[] = [];
      let next: string | null = '';
      while (next !== null) {
        const cursor: string = next === '' ? '' : `&cursor=${next}`;
        const { status, body }: { status: number; body: Page } = await payroll.get<Page>(
          `${PATH}?limit=${limit}${cursor}`,
        );
        expect(status).toBe(200);
        expect(body.items.length).toBeLessThanOrEqual(limit);
        items.push(...body.items);
        next = body.next;
      }
      const sent = items.map(({ topic, key, headers, value }) => ({ topic, key, headers, value }));
      expect(sent).toEqual(expected);
      expect(items.map(({ ordinal }) => ordinal)).toEqual(expected.map((_, index) => index));
      for (const { content, ...message } of items) {
        assertValidMessage(message);
        expect(content).toEqual(JSON.parse(message.value ?? ''));
      }
    }
  });

  it('end where a cursor leads behind them, and refuse one that no page gave', async () => {
    const cursorOf = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const behind = await payroll.get<Page>(`${PATH}?cursor=${cursorOf([100_000])}`);
    expect(behind.body).toMatchObject({ items: [], next: null });
    for (const parts of [[-1], [1.5], ['0'], []]) {
      const { status } = await payroll.get(`${PATH}?cursor=${cursorOf(parts)}`);
      expect(status).toBe(400);
    }
  });

  it('are described to anybody', async () => {
    const document = await fetch(`${api.url}/asyncapi.json`);
    expect(await document.json()).toMatchObject({ asyncapi: '3.0.0' });
    const name = 'org.meritledger.payroll.bonus-line.v1';
    const schema = await fetch(`${api.url}/schemas/${name}.schema.json`);
    expect(schema.headers.get('content-type')).toMatch(/^application\/schema\+json/);
    expect(await schema.json()).toMatchObject({ $id: `urn:merit-ledger:message:${name}` });
    expect((await fetch(`${api.url}/schemas/other.schema.json`)).status).toBe(400);
  });
});
