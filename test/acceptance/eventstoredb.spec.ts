import { IN_POSTGRESQL, openLog } from '../../apps/merit/log.js';
import { allProjections, openSystem, type System } from '../../apps/merit/system.js';
import type { OutgoingMessage } from '#contracts';
import { copyLog, fingerprint } from '#processes/copy-log';
import { outgoingMessages } from '#read-models/outgoing';
import { assertValidMessage } from '../../libs/contracts/testing.js';
import { type EventStoreLog, openEventStoreLog } from '../support/event-store-log.js';
import {
  EXAMPLE_DATASET,
  expectedExport,
  expectedRefusals,
  EXPORT_NAMES,
  exportOf,
} from '../support/example-organisation.js';
import { openFieldApi } from '../support/field-organisation.js';
import {
  importFolder,
  openFurtherSystem,
  openTestSystem,
  type TestSystem,
  verified,
} from '../support/system.js';

const RUN_ID = 'the same run on either store';
const LIMIT_MS = 240_000;

type Row = Readonly<Record<string, unknown>>;
type Sent = Omit<OutgoingMessage, 'headers'> & { readonly headers: object };

/**
 * What goes out, without where it stands, in order for each key: people are decided at once, and
 * which of two comes first in the log is no more the same on one store than on two.
 */
async function outgoingOf({
  engine,
  store,
  projections,
}: System): Promise<ReadonlyMap<string, readonly Sent[]>> {
  await engine.readModels.at(await store.head(), ['outgoing', 'tiers'], () => Promise.resolve());
  const messages: OutgoingMessage[] = [];
  for await (const part of outgoingMessages({ projections, log: store.sealedView }, null)) {
    messages.push(...part.messages);
  }
  for (const message of messages) assertValidMessage(message);
  const byKey = new Map<string, Sent[]>();
  for (const { headers: own, ...message } of messages) {
    const { ce_position: _position, ...headers } = own;
    const name = `${message.topic} ${message.key}`;
    byKey.set(name, [...(byKey.get(name) ?? []), { ...message, headers }]);
  }
  return byKey;
}

const onPostgres: { all: TestSystem | null } = { all: null };
/** The same history on PostgreSQL, imported when it is first asked for. */
async function postgres(): Promise<TestSystem> {
  if (onPostgres.all) return onPostgres.all;
  onPostgres.all = await openTestSystem(IN_POSTGRESQL);
  await importFolder(onPostgres.all.system, EXAMPLE_DATASET, RUN_ID);
  return onPostgres.all;
}
afterAll(() => onPostgres.all?.close());

describe('an organisation of 48 people and 6 months, imported into EventStoreDB', () => {
  let log: EventStoreLog;
  let all: TestSystem;
  let refused: readonly Row[];

  beforeAll(async () => {
    log = await openEventStoreLog();
    all = await openTestSystem(log.setting);
    const report = await importFolder(all.system, EXAMPLE_DATASET, RUN_ID);
    refused = report.refused.map(({ file, line, code }) => ({ file, line, code }));
  }, LIMIT_MS);
  afterAll(async () => {
    await all?.close();
    await log?.close();
  });

  it.each(EXPORT_NAMES)('exports %s as on PostgreSQL', async (name) => {
    expect(await exportOf(all.system, name)).toEqual(await expectedExport(name));
  });

  it('refuses the rows that are to be refused', async () => {
    expect(refused).toEqual(await expectedRefusals());
  });

  it(
    'sends what it would send from PostgreSQL, message for message',
    async () => {
      const messages = await outgoingOf(all.system);
      expect([...messages.values()].flat().length).toBeGreaterThan(500);
      expect(messages.size).toBeGreaterThan(100);
      expect(messages).toEqual(await outgoingOf((await postgres()).system));
    },
    LIMIT_MS,
  );

  it(
    'is verified, and rebuilt without a difference',
    async () => {
      expect(await verified(all.system)).toEqual([]);
      expect((await all.system.projections.rebuild()).differences).toEqual([]);
      expect(await exportOf(all.system, 'scores')).toEqual(await expectedExport('scores'));
    },
    LIMIT_MS,
  );

  it(
    'changes nothing when it is imported again',
    async () => {
      const head = await all.system.store.head();
      expect((await importFolder(all.system, EXAMPLE_DATASET)).accepted).toBe(0);
      expect(await all.system.store.head()).toBe(head);
    },
    LIMIT_MS,
  );
});

describe('a log that is moved from PostgreSQL to EventStoreDB', () => {
  let log: EventStoreLog;
  beforeAll(async () => void (log = await openEventStoreLog()));
  afterAll(() => log?.close());

  it(
    'is the same log, from which the read models are made anew and no longer from the old one',
    async () => {
      const { system, configuration, database } = await postgres();
      const target = await openLog(log.setting, database);
      const outcome = await copyLog(system.storedLog, target);
      const { eventCount, sha256 } = await fingerprint(target);
      expect(outcome).toMatchObject({ eventCount, sha256, copiedCount: eventCount });
      expect({ eventCount, sha256 }).toEqual(await fingerprint(system.storedLog));
      await target.close();

      const open = () => openFurtherSystem({ configuration }, allProjections(), log.setting);
      await system.engine.readModels.at(await system.store.head(), ['scores'], async () => null);
      await expect(open()).rejects.toMatchObject({ code: 'read-models-of-another-log' });
      const anew = { onOtherLog: 'begin-anew', logOf: log.setting } as const;
      const moved = await openSystem(configuration, 'attach', () => undefined, anew);
      expect((await moved.projections.rebuild()).differences).toEqual([]);
      for (const name of EXPORT_NAMES) {
        expect(await exportOf(moved, name)).toEqual(await expectedExport(name));
      }
      expect(await verified(moved)).toEqual([]);
      await moved.close();
      await (await open()).close();
      await expect(openSystem(configuration, 'attach')).rejects.toMatchObject({
        code: 'read-models-of-another-log',
        details: { log: 'postgresql', readModelsOf: ['eventstoredb'] },
      });
    },
    LIMIT_MS,
  );
});

describe('the API over a log in EventStoreDB', () => {
  it(
    'shows what was just written to who asks for its position, and answers a key once',
    async () => {
      const log = await openEventStoreLog();
      const api = await openFieldApi({}, log.setting);
      try {
        const office = await api.as('office-1', 'office');
        const metric = {
          accountManagerId: 'AM1',
          period: '2026-03',
          indicatorId: 'sales',
          actual: '92.5',
        };
        const key = { 'idempotency-key': 'one-and-only' };
        const made = await office.post('/v1/metrics', metric, key);
        expect(made.status).toBe(201);
        const position = String(made.body['position']);
        const path = `/v1/scores?accountManagerId=AM1&period=2026-03`;
        const seen = await office.get<{ items: Row[]; position: string }>(
          `${path}&after=${encodeURIComponent(position)}`,
        );
        expect(seen.status).toBe(200);
        expect(seen.body.position >= position).toBe(true);
        const known = await office.get(path, { 'min-position': position });
        expect(known.body).toEqual(seen.body);
        const again = await office.post('/v1/metrics', metric, key);
        expect(again.body).toEqual(made.body);
        const other = await office.post('/v1/metrics', { ...metric, actual: '1' }, key);
        expect(other.status).toBe(422);
        const earlier = await office.get(`${path}&asOf=${encodeURIComponent(position)}`);
        expect(earlier.status).toBe(200);
      } finally {
        await api.close();
        await log.close();
      }
    },
    LIMIT_MS,
  );
});
