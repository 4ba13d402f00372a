/** @eventide/message-db: its SQL as shipped on npm, called through its public functions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool, type Client } from 'pg';
import type { Contestant, Visit } from '../lib/contestant.js';
import type { BenchContent, StreamEvent } from '../lib/event.js';
import { peerFolder } from '../lib/peers.js';
import { countRows, withClient } from '../lib/sql.js';

/** The order of its install.sh, which needs psql; without its views and the rights of its role. */
const FILES = [
  'schema/message-store',
  'extensions/pgcrypto',
  'tables/messages',
  'types/message',
  ...[
    'message-store-version',
    'hash-64',
    'acquire-lock',
    'category',
    'is-category',
    'id',
    'cardinal-id',
    'stream-version',
    'write-message',
    'get-stream-messages',
    'get-category-messages',
    'get-last-stream-message',
  ].map((name) => `functions/${name}`),
  'indexes/messages-id',
  'indexes/messages-stream',
  'indexes/messages-category',
];

/** Its functions name its table without the schema. */
const withSearchPath = (url: string): string => {
  const full = new URL(url);
  full.searchParams.set('options', '-c search_path=message_store,public');
  return full.href;
};

const poolOf = (url: string, size: number): Pool => {
  const pool = new Pool({ connectionString: withSearchPath(url), max: size });
  pool.on('error', () => undefined);
  return pool;
};

const WRITE = {
  name: 'write', // prepared once a connection
  text: 'SELECT write_message($1, $2, $3, $4, $5, $6)',
};

const valuesOf = ({ stream, event }: StreamEvent): readonly string[] => [
  event.id,
  stream,
  event.type,
  JSON.stringify(event.data),
  JSON.stringify(event.metadata),
];

/** In the append benchmark each caller has a category of its own: its lock is one a category. */
const inOwnCategory = (each: StreamEvent): StreamEvent => ({
  ...each,
  stream: each.stream.replace('-', `${each.caller}-`),
});

const write = async (pool: Pool, batch: readonly StreamEvent[]): Promise<void> => {
  for (const each of batch) {
    await pool.query({ ...WRITE, values: [...valuesOf(inOwnCategory(each)), -1] });
  }
};

/** One statement a chunk, which still calls `write_message` for every message in order. */
const FILL = `SELECT write_message(id, stream, type, data::jsonb, metadata::jsonb)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS message (id, stream, type, data, metadata)`;

type Row = { readonly global_position: string; readonly data: string; readonly metadata: string };

const readCategory = async (client: Client, batchSize: number, visit: Visit): Promise<void> => {
  for (let from = 1n; ;) {
    const { rows } = await client.query<Row>({
      name: 'read',
      text: 'SELECT * FROM get_category_messages($1, $2, $3)',
      values: ['assessment', from.toString(), batchSize],
    });
    for (const row of rows) {
      const data = JSON.parse(row.data) as BenchContent;
      const metadata = JSON.parse(row.metadata) as { commandId: string };
      visit(data.n, metadata.commandId);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < batchSize) return;
    from = BigInt(last.global_position) + 1n;
  }
};

export const messageDb: Contestant = {
  install: ({ ownerUrl }) =>
    withClient(withSearchPath(ownerUrl), async (client) => {
      const folder = join(peerFolder('@eventide/message-db'), 'database');
      for (const file of FILES) {
        await client.query(readFileSync(join(folder, `${file}.sql`), 'utf8'));
      }
    }),
  stored: ({ ownerUrl }) => countRows(ownerUrl, 'message_store.messages'),
  openAppending: async ({ ownerUrl }, poolSize) => {
    const pool = poolOf(ownerUrl, poolSize);
    return { append: (batch) => write(pool, batch), close: () => pool.end() };
  },
  fill: ({ ownerUrl }, chunks) =>
    withClient(withSearchPath(ownerUrl), async (client) => {
      for (const chunk of chunks) {
        const rows = chunk.map(valuesOf);
        const columns = [0, 1, 2, 3, 4].map((at) => rows.map((row) => row[at]));
        await client.query({ name: 'fill', text: FILL, values: columns });
      }
    }),
  readAll: ({ ownerUrl }, batchSize, visit) =>
    withClient(withSearchPath(ownerUrl), (client) => readCategory(client, batchSize, visit)),
};
