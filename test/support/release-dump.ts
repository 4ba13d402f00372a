import { Client } from 'pg';
import type { QueryRunner } from 'typeorm';
import { migrations } from '../../infra/migrations/index.js';

/** Tables that migrations make, in the order in which they are filled. */
const KEPT = {
  'log.events': 'position',
  'access.record': 'id',
  'keys.data_keys': 'key_id',
  'keys.erased_subjects': 'subject',
  'keys.secrets': 'name',
  'projection.pointer': 'one',
  'projection.checkpoint': 'generation, projection',
  'projection.parked': 'generation, projection, key',
  'projection.runner': 'owner',
  'projection.lease': 'projection',
} as const;
const NUMBERED = ['platform.migrations', 'access.record'] as const;
const COLUMNS = `
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS names,
         string_agg(format('quote_nullable(%I)', attname), $1 ORDER BY attnum) AS texts
    FROM pg_attribute WHERE attrelid = $2::regclass AND attnum > 0 AND NOT attisdropped`;

/**
 * The database of this release as SQL text: the migrations as they are now, word for word, which
 * of them have run, and every row. Loaded into an empty database by its owner, and then what
 * `dumpReadModels` gives by `merit_app`, it is the data folder that a later release has to open.
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
      // As `migrate` does before the first migration.
      `DO $$ BEGIN EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO merit_app',` +
        ` current_database()); END $$;`,
    ];
    for (const [table, key] of Object.entries(KEPT)) {
      if (table === 'projection.pointer') lines.push(`DELETE FROM ${table};`); // made by migration
      lines.push(...(await rowsOf(client, table, key)));
    }
    for (const table of NUMBERED) {
      // Rows with numbers of their own leave the sequence where it was.
      lines.push(
        `SELECT setval(pg_get_serial_sequence('${table}', 'id'), max(id)) FROM ${table}` +
          ' HAVING max(id) IS NOT NULL;',
      );
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

const READ_SCHEMAS = `
  SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'read\\_%' ORDER BY 1`;
const READ_TABLES = `
  SELECT format('%I.%I', $1::text, c.relname) AS table,
         string_agg(
           format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
             CASE WHEN a.attcollation NOT IN (0, t.typcollation)
                  THEN format(' COLLATE %I', l.collname) ELSE '' END,
             CASE WHEN a.attgenerated = 's'
                  THEN ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') STORED'
                  ELSE coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') END
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END),
           ', ' ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND a.attnum > 0
     AND NOT a.attisdropped
   GROUP BY c.relname ORDER BY c.relname`;
const READ_INDEXES = `
  SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s;', conrelid::regclass, conname,
                pg_get_constraintdef(oid)) AS text
    FROM pg_constraint WHERE connamespace = $1::regnamespace AND contype <> 'n'
   UNION ALL
  SELECT pg_get_indexdef(i.indexrelid) || ';'
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
   WHERE c.relnamespace = $1::regnamespace
     AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid)
   ORDER BY 1`;

/** Every generation of the read models, as `merit_app` made it. */
export async function dumpReadModels(ownerUrl: string): Promise<string> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(`SET TimeZone = 'UTC'; SET search_path = pg_catalog`);
    const lines: string[] = [];
    const schemas = await client.query<{ name: string }>(READ_SCHEMAS);
    for (const { name } of schemas.rows) {
      lines.push(`CREATE SCHEMA ${name};`);
      const tables = await client.query<{ table: string; columns: string }>(READ_TABLES, [name]);
      for (const { table, columns } of tables.rows) {
        lines.push(`CREATE TABLE ${table} (${columns});`, ...(await rowsOf(client, table, '1')));
      }
      const indexes = await client.query<{ text: string }>(READ_INDEXES, [name]);
      lines.push(...indexes.rows.map(({ text }) => text));
    }
    return `${lines.join('\n')}\n`;
  } finally {
    await client.end();
  }
}
