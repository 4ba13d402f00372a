import { randomUUID } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';
import {
  createMemoryKeyStore,
  type EventStore,
  type KeyStore,
  openPostgresEventStore,
} from '#event-store';
import { DomainError } from '#kernel';
import { migrate, type OpenDatabase } from '#platform';
import { copyUntil } from '#processes/copy-log';

/** A database that is made for one dry run and dropped behind it. */
const NAME_PREFIX = 'merit_dry_run_';
const LOCK_SPACE = 0x64727972; // 'dryr'
const COPIED_AT_ONCE = 5_000;
const CONNECT_TIMEOUT_MS = 10_000;
const INSUFFICIENT_PRIVILEGE = '42501';
const OBJECT_IN_USE = '55006';
const MAX_DROP_ATTEMPTS = 6;

export type Scratch = { readonly database: OpenDatabase; readonly drop: () => Promise<void> };

type OnCopied = (count: number) => void;

/**
 * A migrated database on the same server with a copy of the log: what is decided there is decided
 * as it would be here, and nothing of it stays. A log that is elsewhere is given as `log`. Error:
 * DomainError `dry-run-needs-createdb`.
 */
export async function openScratch(
  database: OpenDatabase,
  onCopied: OnCopied = () => undefined,
  log: EventStore | null = null,
): Promise<Scratch> {
  const owner = await connect(database.ownerUrl);
  const name = `${NAME_PREFIX}${randomUUID().replaceAll('-', '')}`;
  const drop = async (): Promise<void> => {
    try {
      await dropDatabase(owner, name);
    } finally {
      await owner.end(); // and with it the lock
    }
  };
  try {
    await sweep(owner);
    // Held before the database is there: a sweep of another never finds it without its lock.
    await owner.query('SELECT pg_advisory_lock($1, hashtext($2))', [LOCK_SPACE, name]);
    await createDatabase(owner, name);
    const ownerUrl = withDatabase(database.ownerUrl, name);
    const appUrl = withDatabase(database.appUrl, name);
    await migrate(ownerUrl, appUrl);
    if (log === null) await copyRows(owner, ownerUrl, onCopied);
    else await copyEvents(log, appUrl, onCopied);
    return { database: { ...database, ownerUrl, appUrl, close: async () => undefined }, drop };
  } catch (error) {
    await drop().catch(() => undefined);
    throw error;
  }
}

/**
 * Opens what the real keys sealed and makes keys of its own in memory: a dry run leaves no key
 * behind, neither in the real store nor, after a kill, in a copy that an erasure would miss.
 */
export function borrowedKeys(real: KeyStore): KeyStore {
  const own = createMemoryKeyStore();
  return {
    keysOf: (owners) => own.keysOf(owners),
    async keysById(ids) {
      const [mine, others] = await Promise.all([own.keysById(ids), real.keysById(ids)]);
      return mine.map((key, index) => key ?? others[index] ?? null);
    },
    secret: (name) => own.secret(name),
    destroy: () => Promise.reject(new TypeError('a dry run erases nobody')),
    rotate: () => Promise.reject(new TypeError('a dry run rotates no key')),
    close: () => own.close(),
  };
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({
    connectionString,
    application_name: 'merit dry run',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Databases of dry runs that were killed: nobody holds their locks any more. */
async function sweep(owner: Client): Promise<void> {
  const { rows } = await owner.query<{ readonly name: string }>(
    `SELECT datname AS name FROM pg_database
      WHERE starts_with(datname, $1) AND pg_has_role(current_user, datdba, 'MEMBER')`,
    [NAME_PREFIX],
  );
  for (const { name } of rows) {
    const lock = [LOCK_SPACE, name];
    const { rows: tried } = await owner.query<{ readonly got: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS got',
      lock,
    );
    if (!tried[0]?.got) continue;
    await dropDatabase(owner, name);
    await owner.query('SELECT pg_advisory_unlock($1, hashtext($2))', lock);
  }
}

/**
 * Not WITH (FORCE): the owner may not end connections of another role. Those are closed already,
 * and PostgreSQL waits up to 5 s for the last of them to be gone.
 */
async function dropDatabase(owner: Client, name: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await owner.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)}`);
      return;
    } catch (error) {
      const isInUse = (error as { readonly code?: unknown }).code === OBJECT_IN_USE;
      if (!isInUse || attempt >= MAX_DROP_ATTEMPTS) throw error;
    }
  }
}

async function createDatabase(owner: Client, name: string): Promise<void> {
  try {
    await owner.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    const { rows } = await owner.query<{ readonly role: string }>('SELECT current_user AS role');
    const role = escapeIdentifier(rows[0]?.role ?? '');
    const command = `ALTER ROLE ${role} CREATEDB;`;
    throw new DomainError(
      'dry-run-needs-createdb',
      { command },
      'a dry run works on a database of its own, which the owner may not make; ' +
        `let an administrator of the server run once: ${command}`,
    );
  }
}

/**
 * From another store, up to its head at the beginning. Positions and `storedAt` are the copy's
 * own: nothing that an import decides depends on them. A tenth as quick as from the same server.
 */
async function copyEvents(log: EventStore, appUrl: string, onCopied: OnCopied): Promise<void> {
  const target = await openPostgresEventStore({ connectionString: appUrl });
  let copiedCount = 0;
  try {
    await copyUntil(log, target, await log.head(), {
      onProgress: ({ done }) => {
        onCopied(done - copiedCount);
        copiedCount = done;
      },
    });
  } finally {
    await target.close();
  }
}

/** Up to the head at the beginning; in bounded memory, some 20,000 events a second. */
async function copyRows(owner: Client, ownerUrl: string, onCopied: OnCopied): Promise<void> {
  const target = await connect(ownerUrl);
  try {
    const { rows } = await owner.query<{ readonly head: string }>(
      'SELECT coalesce(max(position), 0)::text AS head FROM log.events',
    );
    const head = rows[0]?.head ?? '0';
    for (let after = '0'; ;) {
      const part = await readPart(owner, after, head);
      if (part === null) return;
      await target.query(INSERT_PART, part.columns);
      after = part.last;
      onCopied(part.count);
    }
  } finally {
    await target.end();
  }
}

const COLUMNS = [
  ['position', 'bigint'],
  ['stored_at', 'timestamptz'],
  ['revision', 'integer'],
  ['event_id', 'uuid'],
  ['stream', 'text'],
  ['type', 'text'],
  ['data', 'text'],
  ['metadata', 'text'],
  ['leaf_hash', 'bytea'],
] as const;
const NAMES = COLUMNS.map(([name]) => name).join(', ');
/** As texts of arrays: what one server wrote the other reads, without a word parsed in between. */
const INSERT_PART = `INSERT INTO log.events (${NAMES}) SELECT * FROM unnest(${COLUMNS.map(
  ([, type], index) => `$${index + 1}::${type}[]`,
).join(', ')})`;
const READ_PART = `SELECT count(*)::int AS count, max(position)::text AS last, ${COLUMNS.map(
  ([name]) => `array_agg(${name} ORDER BY position)::text AS ${name}`,
).join(', ')} FROM (
    SELECT ${NAMES} FROM log.events WHERE position > $1::bigint AND position <= $2::bigint
     ORDER BY position LIMIT ${COPIED_AT_ONCE}) AS part`;

async function readPart(
  owner: Client,
  after: string,
  head: string,
): Promise<{ readonly columns: string[]; readonly last: string; readonly count: number } | null> {
  const { rows } = await owner.query<Record<string, string> & { readonly count: number }>(
    READ_PART,
    [after, head],
  );
  const row = rows[0];
  if (!row || row.count === 0) return null;
  const columns = COLUMNS.map(([name]) => row[name] ?? '');
  return { columns, last: row['last'] ?? head, count: row.count };
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
