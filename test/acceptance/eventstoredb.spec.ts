import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { IN_POSTGRESQL, openLog } from '../../apps/merit/log.js';
import { allProjections, openSystem, type System } from '../../apps/merit/system.js';
import type { OutgoingMessage } from '#contracts';
import { copyLog, fingerprint } from '#processes/copy-log';
import { outgoingMessages } from '#read-models/outgoing';
import { assertValidMessage } from '../../libs/contracts/testing.js';
import { openEventStoreLog } from '../support/event-store-log.js';
import { openFieldApi } from '../support/field-organisation.js';
import {
  exportsOf,
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

describe('the history of a small organisation', () => {
  let folder: string;
  let onPostgres: TestSystem;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-both-'));
    writeOrganisation(join(folder, 'dataset'), { ...DEMO, people: 9, periods: 4, appealEvery: 2 });
    onPostgres = await openTestSystem(IN_POSTGRESQL);
    await importFolder(onPostgres.system, join(folder, 'dataset'), RUN_ID);
  }, LIMIT_MS);
  afterAll(async () => {
    await onPostgres?.close();
    await rm(folder, { recursive: true });
  });

  it(
    'sends from EventStoreDB what it sends from PostgreSQL, message for message',
    async () => {
      const log = await openEventStoreLog();
      const { system, close } = await openTestSystem(log.setting);
      await importFolder(system, join(folder, 'dataset'), RUN_ID);
      const messages = await outgoingOf(system);
      expect([...messages.values()].flat().length).toBeGreaterThan(80);
      expect(messages.size).toBeGreaterThan(10);
      expect(messages).toEqual(await outgoingOf(onPostgres.system));
      await close();
      await log.close();
    },
    LIMIT_MS,
  );

  it(
    'is moved to EventStoreDB, from which the read models are made anew, no more from the old log',
    async () => {
      const { system, configuration, database } = onPostgres;
      const before = await exportsOf(system);
      const log = await openEventStoreLog();
      const target = await openLog(log.setting, database);
      const outcome = await copyLog(system.storedLog, target);
      const { eventCount, sha256 } = await fingerprint(target);
      expect(outcome).toMatchObject({ eventCount, sha256, copiedCount: eventCount });
      expect({ eventCount, sha256 }).toEqual(await fingerprint(system.storedLog));
      await target.close();

      const open = () => openFurtherSystem({ configuration }, allProjections(), log.setting);
      await expect(open()).rejects.toMatchObject({ code: 'read-models-of-another-log' });
      const anew = { onOtherLog: 'begin-anew', logOf: log.setting } as const;
      const moved = await openSystem(configuration, 'attach', () => undefined, anew);
      expect((await moved.projections.rebuild()).differences).toEqual([]);
      expect(await exportsOf(moved)).toEqual(before);
      expect(await verified(moved)).toEqual([]);
      // An import that is repeated there finds all of it.
      const head = await moved.store.head();
      expect((await importFolder(moved, join(folder, 'dataset'))).accepted).toBe(0);
      expect(await moved.store.head()).toBe(head);
      await moved.close();
      await (await open()).close();
      await expect(openSystem(configuration, 'attach')).rejects.toMatchObject({
        code: 'read-models-of-another-log',
        details: { log: 'postgresql', readModelsOf: ['eventstoredb'] },
      });
      await log.close();
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
