import { randomUUID } from 'node:crypto';
import { createCommandHandler, type Engine, payrollInboxAggregate } from '#commands';
import { bonusBatchStream } from '#contexts/bonus-batches';
import { payrollInboxStream } from '#contexts/payroll-inbox';
import { StoreUnavailable } from '#event-store';
import { nameBasedId } from '#kernel';
import { createLogger } from '#platform';
import { dueOf } from '#read-models/bonus-ledger';
import { openTestSystem, type TestSystem } from '../../../test/support/system.js';
import { KeyStandings } from './key-standings.js';
import { identityOf, type InboundMessage } from './record.js';
import { giveUp, type TakeDeps, takeFirst, takeMessage } from './take.js';
import { answer, sealedBatch, type TestAnswer, UNREADABLE } from './testing.js';

const NOW = new Date('2026-04-12T09:00:00+08:00');

let opened: TestSystem;
let engine: Engine;
let offsets = 0;
let letters: { readonly id: string; readonly code: string }[];
let deps: TakeDeps;

beforeAll(async () => {
  opened = await openTestSystem();
  ({ engine } = opened.system);
  opened.system.keepProjecting();
}, 60_000);
afterAll(() => opened.close());
beforeEach(() => {
  letters = [];
  deps = depsOf(engine);
});

const depsOf = (of: Engine, more: Partial<TakeDeps> = {}): TakeDeps => ({
  engine: of,
  standings: new KeyStandings(of.store),
  deadLetters: {
    send: (_message, id, { code }) => {
      letters.push({ id, code });
      return Promise.resolve();
    },
  },
  clock: () => NOW,
  logger: createLogger({ level: 'silent' }),
  ...more,
});

/** As it would stand in Kafka, behind all others. */
function inKafka({ key, value, headers }: TestAnswer): InboundMessage {
  offsets += 1;
  return {
    origin: { topic: 'acks', partition: 0, offset: String(offsets) },
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers,
  };
}

const take = (message: InboundMessage, by = deps) => takeMessage(by, message);
const newBatch = async (people?: readonly string[]): Promise<string> => {
  const batchId = `batch-${randomUUID().slice(0, 8)}`;
  await sealedBatch(engine, batchId, people);
  return batchId;
};

async function typesIn(stream: string, since = 0): Promise<string[]> {
  const types: string[] = [];
  for await (const events of engine.store.readStream(stream)) {
    types.push(...events.map(({ type }) => type.replace(/^.*\.(\w+)\.v1$/, '$1')));
  }
  return types.slice(since);
}
/** What payroll said of it, behind lines, preparation, approval and sealing. */
const saidOf = (batchId: string) => typesIn(bonusBatchStream(batchId), 4);
const inboxOf = (message: InboundMessage) =>
  typesIn(payrollInboxStream(identityOf(message).keyDigest));

async function release(message: InboundMessage, ...discardedInboxIds: string[]): Promise<void> {
  const { keyDigest } = identityOf(message);
  await engine.handler.decide(payrollInboxAggregate, payrollInboxStream(keyDigest), {
    command: {
      type: 'payroll-inbox.ReleaseKey',
      data: { keyDigest, releasedBy: 'ADMIN-1', discardedInboxIds },
    },
    facts: () => undefined,
    envelope: {
      commandId: nameBasedId('release', keyDigest, (offsets += 1)),
      actor: { id: 'ADMIN-1', role: 'admin' },
      occurredAt: NOW.toISOString(),
      recordedAt: NOW.toISOString(),
    },
  });
}

describe('a message that can be read', () => {
  it('moves the ledger, once', async () => {
    const batchId = await newBatch();
    const messages = [
      answer('accepted', batchId, `${batchId}-1`),
      answer('settled', batchId, `${batchId}-2`),
      answer('returned', batchId, `${batchId}-3`, { accountManagerId: 'AM2' }),
    ].map(inKafka);
    for (const message of messages) expect(await take(message)).toBe('taken');
    for (const message of messages) expect(await take(message)).toBe('repeated');
    const said = ['BatchAcknowledged', 'PaymentSettled', 'PaymentReturned'];
    expect(await saidOf(batchId)).toEqual(said);
    const head = await engine.log.head();
    const dues = await engine.readModels.at(head, ['bonus-ledger'], async (sql) => [
      await dueOf(sql, batchId, 'AM1'),
      await dueOf(sql, batchId, 'AM2'),
    ]);
    expect(dues).toMatchObject([
      { settledMinor: '10000', returnedMinor: '0' },
      { settledMinor: '0', returnedMinor: '10000' },
    ]);
    expect(letters).toEqual([]);
  });

  it('is recorded as said by payroll, when it said so', async () => {
    const batchId = await newBatch();
    await take(inKafka(answer('rejected', batchId, `${batchId}-1`)));
    for await (const events of engine.store.readStream(bonusBatchStream(batchId))) {
      expect(events.at(-1)).toMatchObject({
        data: { reasonCode: 'sum-differs', reasonCodes: ['sum-differs'] },
        metadata: {
          actor: { id: 'payroll-relay', role: 'payroll' },
          occurredAt: '2026-04-11T09:00:00+08:00',
          recordedAt: NOW.toISOString(),
        },
      });
    }
  });

  it('is taken once by two relays at once', async () => {
    const batchId = await newBatch();
    const message = inKafka(answer('settled', batchId, `${batchId}-1`));
    // A handler of its own: all that two processes do not share.
    const other = depsOf({ ...engine, handler: createCommandHandler(engine.store) });
    await Promise.all([take(message), take(message, other), take(message), take(message, other)]);
    expect(await saidOf(batchId)).toEqual(['PaymentSettled']);
  });

  it('waits, and is not refused, while the log is away', async () => {
    const batchId = await newBatch();
    const message = inKafka(answer('accepted', batchId, `${batchId}-1`));
    const away = () => Promise.reject(new StoreUnavailable('away'));
    const store = { ...engine.store, append: away };
    const lost = depsOf({ ...engine, store, handler: createCommandHandler(store) });
    await expect(take(message, lost)).rejects.toThrow('away');
    expect([letters, await inboxOf(message)]).toEqual([[], []]);
    expect(await take(message)).toBe('taken');
  });
});

describe('a message that is refused', () => {
  const refusals: [string, (batchId: string) => TestAnswer | Promise<TestAnswer>][] = [
    ['unknown-batch', (batchId) => answer('accepted', `${batchId}-none`, `${batchId}-r`)],
    ['amount-exceeds-due', (batchId) => settled(batchId, { amountMinor: '10001' })],
    ['amount-exceeds-due', (batchId) => settled(batchId, { accountManagerId: 'AM9' })],
    [
      'message-id-reused',
      async (batchId) => {
        await take(inKafka(answer('accepted', batchId, `${batchId}-r`)));
        return settled(batchId);
      },
    ],
    [
      'message-id-reused', // at another batch
      async (batchId) => {
        await take(inKafka(answer('accepted', await newBatch(), `${batchId}-r`)));
        return answer('accepted', batchId, `${batchId}-r`);
      },
    ],
    [
      'batch-rejected',
      async (batchId) => {
        await take(inKafka(answer('rejected', batchId, `${batchId}-0`)));
        return settled(batchId);
      },
    ],
    [
      'batch-acknowledged',
      async (batchId) => {
        await take(inKafka(answer('accepted', batchId, `${batchId}-0`)));
        return answer('rejected', batchId, `${batchId}-r`);
      },
    ],
  ];
  const settled = (batchId: string, more: object = {}) =>
    answer('settled', batchId, `${batchId}-r`, more);

  it.each(refusals)('%s: is a dead letter, and its key goes on', async (code, messageOf) => {
    const batchId = await newBatch();
    const message = inKafka(await messageOf(batchId));
    const before = await saidOf(batchId);
    expect(await take(message)).toBe('refused');
    expect(letters).toEqual([{ id: identityOf(message).inboxId, code }]);
    expect(await saidOf(batchId)).toEqual(before);
    expect(await inboxOf(message)).toEqual(['MessageSetAside']);
    const next = await newBatch();
    expect(await take(inKafka(answer('accepted', next, `${next}-1`)))).toBe('taken');
  });

  it('stays refused when it is read again, although its batch stands otherwise by then', async () => {
    const batchId = `batch-${randomUUID().slice(0, 8)}`;
    const message = inKafka(answer('accepted', batchId, `${batchId}-1`));
    expect(await take(message)).toBe('refused');
    await sealedBatch(engine, batchId);
    expect(await take(message)).toBe('skipped');
    expect(await saidOf(batchId)).toEqual([]);
    // The same content elsewhere in the topic is another message.
    expect(await take(inKafka(answer('accepted', batchId, `${batchId}-1`)))).toBe('taken');
  });
});

describe('a message that cannot be read', () => {
  it.each(UNREADABLE)('%s: parks its key, and others go on', async (code, spoil) => {
    const batchId = await newBatch();
    const spoiled = inKafka(spoil(answer('accepted', batchId, `${batchId}-1`)));
    expect(await take(spoiled)).toBe('unreadable');
    expect(letters).toEqual([{ id: identityOf(spoiled).inboxId, code }]);
    const behind = inKafka({ ...answer('accepted', batchId, `${batchId}-2`), key: keyOf(spoiled) });
    expect(await take(behind)).toBe('set-aside');
    expect(await inboxOf(spoiled)).toEqual(['MessageSetAside', 'MessageSetAside']);
    expect(await saidOf(batchId)).toEqual([]);
    const next = await newBatch();
    expect(await take(inKafka(answer('accepted', next, `${next}-1`)))).toBe('taken');
    await release(spoiled, ...[spoiled, behind].map((each) => identityOf(each).inboxId));
  });
  const keyOf = ({ key }: InboundMessage): string | null => key?.toString() ?? null;

  it('is a dead letter twice, under one id, when the log is away behind it', async () => {
    const batchId = await newBatch();
    const spoiled = inKafka({ ...answer('accepted', batchId, `${batchId}-1`), value: '{' });
    const store = { ...engine.store, append: () => Promise.reject(new StoreUnavailable('away')) };
    const lost = depsOf({ ...engine, store, handler: createCommandHandler(store) });
    await expect(take(spoiled, lost)).rejects.toThrow('away');
    expect(await take(spoiled)).toBe('unreadable');
    expect(new Set(letters.map(({ id }) => id)).size).toBe(1);
    expect(letters).toHaveLength(2);
    expect(await inboxOf(spoiled)).toEqual(['MessageSetAside']);
  });

  it('is in the log by its place and digest alone', async () => {
    const batchId = await newBatch();
    const spoiled = inKafka({ ...answer('accepted', batchId, 'm'), key: '张三 138' });
    await take(spoiled);
    const { keyDigest, inboxId } = identityOf(spoiled);
    for await (const [event] of engine.store.readStream(payrollInboxStream(keyDigest))) {
      expect(event?.data).toEqual({
        inboxId,
        keyDigest,
        key: null,
        origin: spoiled.origin,
        messageId: null,
        cause: 'unreadable',
        code: 'key-mismatch',
        parksKey: true,
      });
    }
  });
});

describe('a key that is released', () => {
  async function parked() {
    const batchId = await newBatch();
    const spoiled = inKafka({ ...answer('accepted', batchId, `${batchId}-1`), value: '{' });
    const behind = [
      answer('settled', batchId, `${batchId}-2`, { amountMinor: '4000' }),
      answer('settled', batchId, `${batchId}-3`, { amountMinor: '9000' }),
      answer('returned', batchId, `${batchId}-4`, { amountMinor: '4000' }),
    ].map(inKafka);
    await take(spoiled);
    for (const message of behind) await take(message);
    return { batchId, spoiled, behind };
  }

  it('takes what waited in its order, and what is refused then does not hold the rest', async () => {
    const { batchId, spoiled, behind } = await parked();
    await release(spoiled, identityOf(spoiled).inboxId);
    const [first, second, third] = behind as [InboundMessage, InboundMessage, InboundMessage];
    // Out of turn: the relay is further in the topic, and will come back.
    expect(await take(second)).toBe('skipped');
    const late = inKafka(answer('accepted', batchId, `${batchId}-5`));
    expect(await take(late)).toBe('set-aside');
    expect(await saidOf(batchId)).toEqual([]);
    const again = [spoiled, first, second, third, late];
    const outcomes = [];
    for (const message of again) outcomes.push(await take(message));
    expect(outcomes).toEqual(['skipped', 'taken', 'refused', 'taken', 'taken']);
    const said = ['PaymentSettled', 'PaymentReturned', 'BatchAcknowledged'];
    expect(await saidOf(batchId)).toEqual(said);
    for (const message of again) expect(await take(message)).toBe('skipped');
    expect(await saidOf(batchId)).toEqual(said);
    expect(letters.map(({ code }) => code)).toEqual(['value-not-json', 'amount-exceeds-due']);
  });

  it('is parked again by a message that is not given up and still unreadable', async () => {
    const { batchId, spoiled, behind } = await parked();
    await release(spoiled);
    expect(await take(spoiled)).toBe('unreadable');
    for (const message of behind) expect(await take(message)).toBe('skipped');
    expect(await saidOf(batchId)).toEqual([]);
    await release(spoiled, identityOf(spoiled).inboxId);
    expect(await take(behind[0] as InboundMessage)).toBe('taken');
  });

  it('goes on behind a crash between a message and the note that it was taken', async () => {
    const { batchId, spoiled, behind } = await parked();
    await release(spoiled, identityOf(spoiled).inboxId);
    const [first, , third] = behind as [InboundMessage, InboundMessage, InboundMessage];
    const store: Engine['store'] = {
      ...engine.store,
      append: (stream, ...rest) =>
        stream.startsWith('payroll-inbox-')
          ? Promise.reject(new StoreUnavailable('away'))
          : engine.store.append(stream, ...rest),
    };
    const dying = depsOf({ ...engine, store, handler: createCommandHandler(store) });
    await expect(take(first, dying)).rejects.toThrow('away');
    expect(await saidOf(batchId)).toEqual(['PaymentSettled']);
    expect(await take(third)).toBe('skipped');
    expect(await take(first)).toBe('repeated');
    expect(await saidOf(batchId)).toEqual(['PaymentSettled']);
  });

  it('goes on without a message that Kafka has deleted', async () => {
    const { spoiled, behind } = await parked();
    await release(spoiled, identityOf(spoiled).inboxId);
    const [first, second] = behind as [InboundMessage, InboundMessage];
    await giveUp(deps, identityOf(first));
    expect(await take(second)).toBe('taken');
    expect((await inboxOf(spoiled)).slice(-2)).toEqual(['MessageReplayed', 'MessageReplayed']);
  });
});

describe('messages of one key together', () => {
  const people = Array.from({ length: 30 }, (_, index) => `AM${index}`);
  const paymentOf = (batchId: string, accountManagerId: string, id = accountManagerId) =>
    answer('settled', batchId, `${batchId}-${id}`, { accountManagerId });
  async function all(messages: readonly InboundMessage[], by = deps): Promise<string[]> {
    const outcomes: string[] = [];
    while (outcomes.length < messages.length) {
      outcomes.push(...(await takeFirst(by, messages.slice(outcomes.length))));
    }
    return outcomes;
  }

  it('are decided in one append, in their order, each as if it were alone', async () => {
    const batchId = await newBatch(people);
    const other = await newBatch();
    await take(inKafka(answer('accepted', other, `${batchId}-AM4`)));
    const messages = [
      ...people.slice(0, 3).map((id) => paymentOf(batchId, id)),
      paymentOf(batchId, 'AM0'), // the same once more
      paymentOf(batchId, 'AM0', 'twice'), // has been paid
      paymentOf(batchId, 'AM4'), // an id that stands at the other batch
      answer('returned', batchId, `${batchId}-r`, { accountManagerId: 'AM1' }),
      paymentOf(batchId, 'AM5'),
    ].map(inKafka);
    let appends = 0;
    const store: Engine['store'] = {
      ...engine.store,
      append: (stream, ...rest) => {
        if (stream === bonusBatchStream(batchId)) appends += 1;
        return engine.store.append(stream, ...rest);
      },
    };
    const counted = depsOf({ ...engine, store, handler: createCommandHandler(store) });
    const expected = [
      'taken',
      'taken',
      'taken',
      'repeated',
      'refused',
      'refused',
      'taken',
      'taken',
    ];
    expect(await all(messages, counted)).toEqual(expected);
    expect(appends).toBe(2); // the second without the id that is taken
    expect(letters.map(({ code }) => code)).toEqual(['amount-exceeds-due', 'message-id-reused']);
    const paid = 'PaymentSettled';
    expect(await saidOf(batchId)).toEqual([paid, paid, paid, 'PaymentReturned', paid]);
    const again = await all(messages);
    expect(again.map((outcome) => outcome.replace('skipped', 'refused'))).toEqual(
      expected.map((outcome) => outcome.replace('taken', 'repeated')),
    );
    expect(await saidOf(batchId)).toHaveLength(5);
  });

  it('stop at one that is unreadable, and the rest waits', async () => {
    const batchId = await newBatch(people);
    const messages = people.slice(0, 6).map((id) => paymentOf(batchId, id));
    const spoiled = messages.map((each, index) => (index === 3 ? { ...each, value: '{' } : each));
    const taken = ['taken', 'taken', 'taken'];
    const rest = ['unreadable', 'set-aside', 'set-aside'];
    expect(await all(spoiled.map(inKafka))).toEqual([...taken, ...rest]);
    expect(await saidOf(batchId)).toHaveLength(3);
  });

  it('are all refused by a batch that nobody has sealed', async () => {
    const batchId = `batch-${randomUUID().slice(0, 8)}`;
    const messages = people.slice(0, 3).map((id) => inKafka(paymentOf(batchId, id)));
    expect(await all(messages)).toEqual(['refused', 'refused', 'refused']);
    expect(letters.map(({ code }) => code)).toEqual(Array(3).fill('unknown-batch'));
  });

  it('are taken once by two relays at once', async () => {
    const batchId = await newBatch(people);
    const messages = people.map((id) => inKafka(paymentOf(batchId, id)));
    const other = depsOf({ ...engine, handler: createCommandHandler(engine.store) });
    await Promise.all([all(messages), all(messages, other), all(messages.slice(10), other)]);
    expect(await saidOf(batchId)).toHaveLength(people.length);
  });
});

it('leaves rows that a rebuild makes again', async () => {
  const { projections } = opened.system;
  const { differences } = await projections.rebuild({ projections: ['payroll-inbox'] });
  expect(differences).toEqual([]);
  const { result } = await projections.read(['payroll-inbox'], (sql) =>
    sql.query<{ status: string; count: number }>(
      'select status, count(*)::int as count from inbox_message group by 1 order by 1',
    ),
  );
  const seen = result.filter(({ count }) => count > 0).map(({ status }) => status);
  expect(seen).toEqual(['discarded', 'gone', 'refused', 'taken', 'waiting']);
});
