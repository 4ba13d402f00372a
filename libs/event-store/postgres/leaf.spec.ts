import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { collect, metadata, newEvent } from '../contract.js';
import { leafHash, leafText } from '../leaf.js';
import { openPostgresEventStore } from './postgres-event-store.js';

type Stored = { stream: string; revision: number; event_id: string; type: string } & {
  data: string;
  metadata: string;
  leaf_hash: Buffer;
};

describe('leaf hashes that the append function stores', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('are those of the rows they stand in, whatever the characters', async () => {
    const store = await openPostgresEventStore({ connectionString: database.appUrl });
    const actor = { id: '经理"1\\\u0001', role: 'rater', onBehalfOf: '导入\n' };
    const texts = [
      'plain',
      '客户经理 🏦',
      '"quoted" \\back\\slash',
      '\u0000\b\t\n\f\r\u001f\u007f\u2028',
    ];
    for (const [n, text] of texts.entries()) {
      await store.append(`thing-${text.replaceAll('\0', '')}`, 'none', [
        newEvent({ text, n }),
        newEvent(
          { text },
          { type: `x.${text.replaceAll('\0', '')}.v1`, metadata: metadata({ actor }) },
        ),
      ]);
    }
    const recorded = await collect(store.readAll());
    await store.close();
    const client = new Client({ connectionString: database.appUrl });
    await client.connect();
    const { rows } = await client.query<Stored>('SELECT * FROM log.events ORDER BY position');
    await client.end();

    expect(rows).toHaveLength(2 * texts.length);
    for (const [index, row] of rows.entries()) {
      const leaf = {
        eventId: row.event_id,
        stream: row.stream,
        revision: row.revision,
        type: row.type,
        storedAt: recorded[index]?.storedAt ?? '',
        dataText: row.data,
        metadataText: row.metadata,
      };
      expect(row.leaf_hash.toString('hex')).toBe(leafHash(leaf).toString('hex'));
      expect(JSON.parse(leafText(leaf))).toMatchObject({ v: 1, revision: row.revision });
    }
  });

  it('follow RFC 6962 and RFC 8785 for a row worked out by hand', () => {
    const row = {
      eventId: '00000000-0000-4000-8000-000000000001',
      stream: 's-1',
      revision: 0,
      type: 't.v1',
      storedAt: '2026-01-01T00:00:00.000000Z',
      dataText: '{}',
      metadataText: '{"actor":{"id":"a","role":"r"},"occurredAt":"o","recordedAt":"p"}',
    };
    const emptyObjectSha256 = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    expect(leafText(row)).toBe(
      '{"actor":{"id":"a","role":"r"},' +
        `"dataSha256":"${emptyObjectSha256}","eventId":"00000000-0000-4000-8000-000000000001",` +
        '"metaSha256":"4d0e122117dc1a356373469591654993b09c9a0efa681fe7cff6a064f6c6e9e1",' +
        '"occurredAt":"o","recordedAt":"p","revision":0,' +
        '"storedAt":"2026-01-01T00:00:00.000000Z","stream":"s-1","type":"t.v1","v":1}',
    );
  });
});
