import { DomainError, ERASED, type EventSpec, subjectOfAssessment } from '#kernel';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { collect, eventStoreContract, metadata, newEvent, take } from '../contract.js';
import { createMemoryEventStore } from '../memory/memory-event-store.js';
import type { EventStore, NewEvent, RecordedEvent } from '../port.js';
import { openPostgresEventStore } from '../postgres/postgres-event-store.js';
import { eventRegistry } from '../registry.js';
import { isSealedText } from './cipher.js';
import type { KeyStore } from './key-store.js';
import { createMemoryKeyStore } from './memory-key-store.js';
import { openPostgresKeyStore } from './postgres-key-store.js';
import { sealedStore, type SealedEventStore } from './sealed-store.js';

const comment = { subject: subjectOfAssessment, purpose: 'evaluation' };
const specs: readonly EventSpec[] = [
  { type: 'test.Submitted.v1', schemaVersion: 1, personal: { comment } },
  {
    type: 'test.Submitted.v2',
    schemaVersion: 2,
    personal: { remark: comment, reason: { ...comment, purpose: 'appeal' } },
  },
  { type: 'test.Counted.v1', schemaVersion: 1 },
  ...['contract.Happened.v1', 'contract.Other.v1', 'contract.考核"\n.v1', ''].map((type) => ({
    type,
    schemaVersion: 1,
  })),
];
const STREAM = 'assessment-am-1-2026-03';
const SECRET = '客户说:"很满意" 🏦';

const submitted = (data: object = {}, more: Partial<NewEvent> = {}): NewEvent =>
  newEvent({ score: '9.5', comment: SECRET, ...data }, { type: 'test.Submitted.v1', ...more });

eventStoreContract('sealed, in memory', async () => ({
  store: sealedStore(createMemoryEventStore(), createMemoryKeyStore(), eventRegistry(specs)),
  dispose: async () => undefined,
}));

describe('the sealed store', () => {
  let inner: EventStore;
  let keys: KeyStore;
  let store: SealedEventStore;
  beforeEach(() => {
    inner = createMemoryEventStore();
    keys = createMemoryKeyStore();
    store = sealedStore(inner, keys, eventRegistry(specs));
  });

  const stored = async (): Promise<RecordedEvent[]> => collect(inner.readAll());
  const comments = async (view: EventStore): Promise<unknown[]> =>
    (await collect(view.readAll())).map(({ data }) => (data as { comment: unknown }).comment);

  it('lets no personal text reach the log, and gives it back on every way of reading', async () => {
    const event = submitted();
    await store.append(STREAM, 'none', [event, newEvent({ n: 1 }, { type: 'test.Counted.v1' })]);
    const [raw] = await stored();
    expect(JSON.stringify(raw)).not.toContain('满意');
    expect(JSON.stringify(raw)).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 12));
    expect(raw?.data).toMatchObject({ score: '9.5' });

    for (const batches of [
      store.readAll(),
      store.readStream(STREAM),
      store.readStreams([STREAM]),
      [await take(store.subscribe(), 2)],
      [[await store.eventById(event.id)]],
    ]) {
      for await (const batch of batches) expect(batch[0]?.data).toEqual(event.data);
    }
  });

  it('leaves texts sealed in the sealed view, under a key id that names nobody', async () => {
    await store.append(STREAM, 'none', [submitted()]);
    const [sealed] = await comments(store.sealedView);
    expect(isSealedText(sealed)).toBe(true);
    expect(sealed).toEqual(await comments(inner).then(([raw]) => raw));
    expect(Object.keys(sealed as object).sort()).toEqual(['c', 'k', 'n']);
    expect((sealed as { k: string }).k).not.toContain('am-1');
    expect(Buffer.from((sealed as { n: string }).n, 'base64')).toHaveLength(12);
  });

  it('seals the same append to the same bytes, and equal texts elsewhere to others', async () => {
    const event = submitted();
    await store.append(STREAM, 'none', [event]);
    expect((await store.append(STREAM, 'none', [event])).outcome).toBe('repeated');
    await store.append(STREAM, 0, [submitted()]);
    const [first, second] = (await comments(inner)) as { n: string; c: string }[];
    expect(first?.n).not.toBe(second?.n);
    expect(first?.c).not.toBe(second?.c);
  });

  it('refuses to open a text that was changed or moved to another event, type or subject', async () => {
    await store.append(STREAM, 'none', [submitted(), submitted()]);
    const [first, second] = await stored();
    const texts = (await comments(inner)) as { k: string; n: string; c: string }[];
    const forged = createMemoryEventStore();
    const view = sealedStore(forged, keys, eventRegistry(specs));
    const put = (stream: string, event: RecordedEvent | undefined, text: unknown) =>
      forged.append(stream, 'any', [
        { ...submitted({ comment: text }), id: event?.id ?? '', metadata: metadata() },
      ]);
    await put('assessment-am-1-2026-04', first, texts[1]); // of another event
    await put('assessment-am-2-2026-03', second, texts[1]); // of another subject
    for (const stream of ['assessment-am-1-2026-04', 'assessment-am-2-2026-03']) {
      await expect(collect(view.readStream(stream))).rejects.toThrow(/comment does not open/);
    }
  });

  it('takes an absent personal field as absent, and only a text as a personal text', async () => {
    await store.append(STREAM, 'none', [
      submitted({ comment: undefined }),
      submitted({ comment: null }),
    ]);
    expect(await comments(store)).toEqual([undefined, null]);
    await expect(store.append(STREAM, 'any', [submitted({ comment: 5 })])).rejects.toThrow(
      TypeError,
    );
    const broken = store.append(STREAM, 'any', [submitted({ comment: '\ud800' })]);
    await expect(broken).rejects.toThrow(TypeError);
  });

  it('refuses an event type that nobody owns, and a wrong schema version', async () => {
    const unknown = store.append(STREAM, 'any', [newEvent({}, { type: 'test.Unknown.v1' })]);
    await expect(unknown).rejects.toThrow(DomainError);
    await expect(unknown).rejects.toMatchObject({ code: 'unknown-event-type' });
    const wrong = submitted({}, { metadata: metadata({ schemaVersion: 2 }) });
    await expect(store.append(STREAM, 'any', [wrong])).rejects.toThrow(TypeError);
    expect(await stored()).toEqual([]);
  });

  describe('after an erasure', () => {
    const event = submitted();
    const plain = newEvent({ n: 1 }, { type: 'test.Counted.v1' });
    const kept = submitted();
    beforeEach(async () => {
      await store.append(STREAM, 'none', [event, plain]);
      await store.append('assessment-am-2-2026-03', 'none', [kept]);
      await keys.destroy('am-1');
    });

    it('reads the text as erased, and leaves the log and the texts of others as they are', async () => {
      expect(await comments(store)).toEqual([ERASED, undefined, SECRET]);
      expect(isSealedText((await comments(inner))[0])).toBe(true);
    });

    it('tells a repeated append from a reused id without the personal text', async () => {
      const first = { outcome: 'repeated', revision: 1 };
      const append = (...events: NewEvent[]) => store.append(STREAM, 'none', events);
      expect(await append(event, plain)).toMatchObject(first);
      const other = submitted({ comment: 'another text' }, { id: event.id });
      expect(await append(other, plain)).toMatchObject(first);
      expect(await append(submitted({ comment: ERASED }, { id: event.id }), plain)).toMatchObject(
        first,
      );
      const reused = { name: 'EventIdReused', eventIds: [event.id] };
      const scored = submitted({ score: '1' }, { id: event.id });
      await expect(append(scored, plain)).rejects.toMatchObject(reused);
      await expect(append(event, newEvent({}, { type: 'test.Counted.v1' }))).rejects.toMatchObject(
        reused,
      );
      await expect(append(plain, event)).rejects.toMatchObject({ name: 'EventIdReused' });
      await expect(
        store.append('assessment-am-1-2026-04', 'any', [event, plain]),
      ).rejects.toMatchObject({ name: 'EventIdReused' });
      await expect(
        store.append('assessment-am-2-2026-03', 'any', [
          submitted({ comment: 'another text' }, { id: kept.id }),
        ]),
      ).rejects.toMatchObject({ name: 'EventIdReused' });
    });

    it('keeps nothing new of what is said about the subject', async () => {
      await store.append(STREAM, 1, [submitted({ comment: 'late' })]);
      expect((await comments(inner)).at(-1)).toBe(ERASED);
      expect(await comments(store)).toEqual([ERASED, undefined, SECRET, ERASED]);
    });
  });

  it('reads a superseded version as the newest, sealed and open', async () => {
    await store.append(STREAM, 'none', [submitted()]);
    const later = sealedStore(
      inner,
      keys,
      eventRegistry(specs, [
        {
          from: 'test.Submitted.v1',
          to: 'test.Submitted.v2',
          upcast: (data) => {
            const { comment: remark, ...rest } = data as { comment?: unknown };
            return { ...rest, remark };
          },
        },
      ]),
    );
    const [open] = await collect(later.readAll());
    expect(open).toMatchObject({
      type: 'test.Submitted.v2',
      data: { score: '9.5', remark: SECRET },
    });
    const [sealed] = await collect(later.sealedView.readAll());
    expect(sealed?.data).toMatchObject({ remark: { k: expect.any(String) } });
  });
});

describe('the event registry', () => {
  it('refuses a type with two owners and upcasters that lead nowhere or in a circle', () => {
    const twice = [...specs, { type: 'test.Counted.v1', schemaVersion: 1 }];
    expect(() => eventRegistry(twice)).toThrow('registered twice');
    const step = (from: string, to: string) => ({ from, to, upcast: (data: object) => data });
    expect(() => eventRegistry(specs, [step('test.Submitted.v1', 'test.Gone.v9')])).toThrow('Gone');
    const circle = eventRegistry(specs, [
      step('test.Submitted.v1', 'test.Submitted.v2'),
      step('test.Submitted.v2', 'test.Submitted.v1'),
    ]);
    expect(() => circle.upcast(submitted())).toThrow('circle');
  });
});

describe('the sealed store on PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('opens what another process sealed, until the subject is erased', async () => {
    const connectionString = database.appUrl;
    const keyEncryptionKey = new Uint8Array(32).fill(7);
    const open = async () => {
      const keys = await openPostgresKeyStore({ connectionString, keyEncryptionKey });
      const inner = await openPostgresEventStore({ connectionString });
      return { keys, store: sealedStore(inner, keys, eventRegistry(specs)) };
    };
    const [writer, reader] = [await open(), await open()];
    const event = submitted();
    await writer.store.append(STREAM, 'none', [event]);
    expect((await reader.store.eventById(event.id))?.data).toEqual(event.data);
    await reader.keys.destroy('am-1');
    expect((await reader.store.eventById(event.id))?.data).toMatchObject({ comment: ERASED });
    expect((await reader.store.append(STREAM, 'none', [event])).outcome).toBe('repeated');
    for (const { store, keys } of [writer, reader]) {
      await store.close();
      await keys.close();
    }
  });
});
