/**
 * The limit: what PostgreSQL and node-postgres give when nothing is checked. Rows like those of
 * the log, with its very indexes, inserted on one connection and read through one cursor.
 */
import { Client } from 'pg';
import type { Appending, Contestant, Visit } from '../lib/contestant.js';
import type { BenchContent, StreamEvent } from '../lib/event.js';
import type { Database } from '../lib/server.js';
import { countRows, withClient } from '../lib/sql.js';
import { LOG_TABLE, ours } from './ours.js';

/** The leaf hash is a constant here: making it is work of the log, not of an insert. */
const INSERT = {
  name: 'insert',
  text: `INSERT INTO raw_log
      (position, stored_at, revision, event_id, stream, type, data, metadata, leaf_hash)
    SELECT row.*, decode(repeat('5a', 32), 'hex')
      FROM unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::uuid[], $5::text[], $6::text[],
        $7::text[], $8::text[]) AS row`,
};

const inserter = (client: Client): ((batch: readonly StreamEvent[]) => Promise<void>) => {
  let position = 0;
  return async (batch) => {
    const storedAt = new Date().toISOString();
    const streams = new Map<string, number>();
    const revisions = batch.map(({ stream }) => {
      const revision = (streams.get(stream) ?? -1) + 1;
      streams.set(stream, revision);
      return revision;
    });
    await client.query({
      ...INSERT,
      values: [
        batch.map(() => (position += 1)),
        batch.map(() => storedAt),
        revisions,
        batch.map(({ event }) => event.id),
        batch.map(({ stream }) => stream),
        batch.map(({ event }) => event.type),
        batch.map(({ event }) => JSON.stringify(event.data)),
        batch.map(({ event }) => JSON.stringify(event.metadata)),
      ],
    });
  };
};

const openAppending = async ({ ownerUrl }: Database): Promise<Appending> => {
  const client = new Client({ connectionString: ownerUrl });
  client.on('error', () => undefined);
  await client.connect();
  return { append: inserter(client), close: () => client.end() };
};

type Row = { readonly data: string; readonly metadata: string };

const readByCursor = async (client: Client, batchSize: number, visit: Visit): Promise<void> => {
  await client.query('BEGIN');
  await client.query(
    `DECLARE log_cursor NO SCROLL CURSOR FOR
       SELECT position, stream, revision, event_id, type, data, metadata, stored_at::text
         FROM raw_log ORDER BY position`,
  );
  for (;;) {
    const { rows } = await client.query<Row>(`FETCH ${batchSize} FROM log_cursor`);
    if (rows.length === 0) break;
    for (const row of rows) {
      const data = JSON.parse(row.data) as BenchContent;
      const metadata = JSON.parse(row.metadata) as { commandId: string };
      visit(data.n, metadata.commandId);
    }
  }
  await client.query('COMMIT');
};

export const raw: Contestant = {
  install: async (database) => {
    await ours.install(database);
    await withClient(database.ownerUrl, (client) =>
      client.query(`CREATE TABLE raw_log (LIKE ${LOG_TABLE} INCLUDING ALL)`),
    );
  },
  stored: ({ ownerUrl }) => countRows(ownerUrl, 'raw_log'),
  openAppending,
  fill: ({ ownerUrl }, chunks) =>
    withClient(ownerUrl, async (client) => {
      const insert = inserter(client);
      for (const chunk of chunks) await insert(chunk);
    }),
  readAll: ({ ownerUrl }, batchSize, visit) =>
    withClient(ownerUrl, (client) => readByCursor(client, batchSize, visit)),
};
