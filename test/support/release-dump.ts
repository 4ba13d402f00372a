import { Client } from 'pg';
import type { QueryRunner } from 'typeorm';
import { migrations } from '../../infra/migrations/index.js';

/** Tables with what cannot be made again, in the order in which they are filled. */
const KEPT = {
  'log.events': 'position',
  'access.record': 'id',
  'keys.data_keys': 'key_id',
  'keys.erased_subjects': 'subject',
  'keys.secrets': 'name',
} as const;
const COLUMNS = `
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS names,
         string_agg(format('quote_nullable(%I)', attname), $1 ORDER BY attnum) AS texts
    FROM pg_attribute WHERE attrelid = $2::regclass AND attnum > 0 AND NOT attisdropped`;

/**
 * The database of this release as SQL text: the migrations as they are now, word for word, which
 * of them have run, and every row. Read models are not in it: they are made from the log. Loaded
 * into an empty database by its owner it is the data folder that a later release has to open.
 */
export async function dumpRelease(ownerUrl: string): Promise<string> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(`SET TimeZone = 'UTC'`);
    const lines = [
      'CREATE SCHEMA platform;',
      'CREATE TABLE platform.migrations (id serial PRIMARY KEY, "timestamp" bigint NOT NULL,' +
        ' name character varying NOT NULL);',
      ...(await rowsOf(client, 'platform.migrations', 'id')),
      ...(await statements()),
    ];
    for (const [table, key] of Object.entries(KEPT)) {
      lines.push(...(await rowsOf(client, table, key)));
    }
    return `${lines.join('\n')}\n`;
  } finally {
    await client.end();
  }
}

async function statements(): Promise<string[]> {
  const found: string[] = [];
  const query = async (text: string): Promise<void> => {
    found.push(`${text.trim().replace(/;$/, '')};`);
  };
  for (const migration of migrations) {
    await new migration().up({ query } as unknown as QueryRunner);
  }
  return found;
}

async function rowsOf(client: Client, table: string, key: string): Promise<string[]> {
  const { rows: found } = await client.query<{ names: string; texts: string }>(COLUMNS, [
    ` || ', ' || `,
    table,
  ]);
  const { names, texts } = found[0] ?? { names: '', texts: '' };
  const { rows } = await client.query<{ row: string }>(
    `SELECT ${texts} AS row FROM ${table} ORDER BY ${key}`,
  );
  return rows.map(
    ({ row }) => `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE VALUES (${row});`,
  );
}
