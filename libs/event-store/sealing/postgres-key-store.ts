import type { Pool } from 'pg';
import { asUnavailable, createPool, type ConnectionSettings } from '../postgres/connections.js';
import { createListener } from '../postgres/listener.js';
import { StoreUnavailable } from '../port.js';
import { unwrapKey, wrapKey, wrappingKey, type WrappingKey } from './cipher.js';
import { createKeyCache, ownerHandle, type KeyCache } from './key-cache.js';
import {
  dataKey,
  newKeyBytes,
  newKeyId,
  type DataKey,
  type KeyOwner,
  type KeyStore,
} from './key-store.js';
import { createLoader } from '../loader.js';

const POOL_CONNECTIONS = 2;
const DEFAULT_CACHED_KEYS = 100_000;
const CACHED_FOR_MS = 60_000;
const KEYS_PER_QUERY = 1_000;

export type PostgresKeyStoreOptions = {
  /** The log's database or another one, prepared by the same migrations. */
  readonly connectionString: string;
  readonly keyEncryptionKey: Uint8Array; // 32 bytes
  /** Keys wrapped by these can be opened as well: during a rotation, processes need both. */
  readonly otherKeyEncryptionKeys?: readonly Uint8Array[];
  readonly maxCachedKeys?: number; // default 100,000, about 50 MB
  readonly applicationName?: string;
};

type KeyRow = {
  readonly key_id: string;
  readonly subject: string;
  readonly purpose: string;
  readonly wrapped: Buffer | null;
  readonly wrapped_by: string | null;
};

type Access = {
  readonly pool: Pool;
  readonly cache: KeyCache;
  readonly wrapping: Map<string, WrappingKey>;
  current: WrappingKey;
};

/**
 * Errors, also of its calls: StoreUnavailable; Error for a key wrapped by a key that was not
 * given.
 */
export async function openPostgresKeyStore(options: PostgresKeyStoreOptions): Promise<KeyStore> {
  const settings: ConnectionSettings = {
    connectionString: options.connectionString,
    applicationName: options.applicationName ?? 'merit key store',
  };
  const current = wrappingKey(options.keyEncryptionKey);
  const others = (options.otherKeyEncryptionKeys ?? []).map(wrappingKey);
  const pool = createPool(settings, POOL_CONNECTIONS);
  const cache = createKeyCache(options.maxCachedKeys ?? DEFAULT_CACHED_KEYS, CACHED_FOR_MS);
  const wrapping = new Map([...others, current].map((key) => [key.id, key]));
  const access: Access = { pool, cache, wrapping, current };
  const forget = async (): Promise<void> => cache.clear();
  // An erasure in another process empties this cache too.
  const listener = createListener(settings, 'merit_keys', () => cache.clear(), forget);
  try {
    await sql(pool, 'SELECT 1', []);
  } catch (error) {
    await pool.end();
    throw error;
  }
  listener.start();
  await listener.listening();
  const ofOwners = createLoader(ownerHandle, (owners: readonly KeyOwner[]) =>
    fetchOfOwners(access, owners),
  );
  const ofIds = createLoader(
    (id: string) => id,
    (ids) => fetchById(access, ids),
  );

  return {
    keysOf: (owners) => cached(cache, owners, ownerHandle, ofOwners),
    keysById: (ids) => cached(cache, ids, (id) => id, ofIds),
    async destroy(subject) {
      await sql(pool, 'SELECT keys.destroy_subject($1)', [subject]);
      cache.clear();
    },
    secret: (name) => secretOf(access, name),
    rotate: (bytes) => rotate(access, wrappingKey(bytes)),
    async close() {
      await listener.close();
      await pool.end();
    },
  };
}

async function cached<Item>(
  cache: KeyCache,
  items: readonly Item[],
  handleOf: (item: Item) => string,
  load: (items: readonly Item[]) => Promise<ReadonlyMap<string, DataKey | null>>,
): Promise<readonly (DataKey | null)[]> {
  const found = items.map((item) => cache.get(handleOf(item)));
  if (!found.includes(undefined)) return found as readonly (DataKey | null)[];
  const loaded = await load(items.filter((_, index) => found[index] === undefined));
  return items.map((item, index) => found[index] ?? loaded.get(handleOf(item)) ?? null);
}

async function fetchOfOwners(
  access: Access,
  owners: readonly KeyOwner[],
): Promise<ReadonlyMap<string, DataKey | null>> {
  const epoch = access.cache.epoch();
  const keys = new Map<string, DataKey | null>();
  for (let at = 0; at < owners.length; at += KEYS_PER_QUERY) {
    const some = owners.slice(at, at + KEYS_PER_QUERY);
    const rows = await rowsOfOwners(access, some);
    const known = new Set(rows.map(ownerHandle));
    const missing = some.filter((owner) => !known.has(ownerHandle(owner)));
    if (missing.length > 0) {
      await makeMissing(access, missing);
      // Read and not assumed: another process may have been quicker, or the subject be erased.
      rows.push(...(await rowsOfOwners(access, missing)));
    }
    for (const row of rows) keys.set(ownerHandle(row), keep(access, row, epoch));
    for (const owner of missing) {
      if (!keys.has(ownerHandle(owner))) keys.set(ownerHandle(owner), null);
    }
  }
  return keys;
}

function rowsOfOwners({ pool }: Access, owners: readonly KeyOwner[]): Promise<KeyRow[]> {
  return sql<KeyRow>(
    pool,
    `SELECT k.* FROM unnest($1::text[], $2::text[]) AS o(subject, purpose)
       JOIN keys.data_keys k
         ON k.subject = o.subject COLLATE "C" AND k.purpose = o.purpose COLLATE "C"`,
    [owners.map(({ subject }) => subject), owners.map(({ purpose }) => purpose)],
  );
}

async function makeMissing({ pool, current }: Access, owners: readonly KeyOwner[]): Promise<void> {
  const ids = owners.map(newKeyId);
  await sql(pool, 'SELECT keys.make_missing($1::text[], $2::text[], $3::text[], $4::bytea[], $5)', [
    owners.map(({ subject }) => subject),
    owners.map(({ purpose }) => purpose),
    ids,
    ids.map((id) => wrapKey(newKeyBytes(), id, current)),
    current.id,
  ]);
}

async function fetchById(
  access: Access,
  ids: readonly string[],
): Promise<ReadonlyMap<string, DataKey | null>> {
  const epoch = access.cache.epoch();
  const keys = new Map<string, DataKey | null>();
  for (let at = 0; at < ids.length; at += KEYS_PER_QUERY) {
    const rows = await sql<KeyRow>(
      access.pool,
      'SELECT k.* FROM unnest($1::text[]) AS i(id) ' +
        'JOIN keys.data_keys k ON k.key_id = i.id COLLATE "C"',
      [ids.slice(at, at + KEYS_PER_QUERY)],
    );
    for (const row of rows) keys.set(row.key_id, keep(access, row, epoch));
  }
  return keys;
}

function keep({ cache, wrapping }: Access, row: KeyRow, epoch: number): DataKey | null {
  const key = row.wrapped === null ? null : unwrapped(row, row.wrapped, wrapping);
  cache.set(row.key_id, key, epoch);
  cache.set(ownerHandle(row), key, epoch);
  return key;
}

function unwrapped(row: KeyRow, wrapped: Buffer, wrapping: Access['wrapping']): DataKey {
  const by = wrapping.get(row.wrapped_by ?? '');
  if (!by) throw new Error(`data key ${row.key_id}: wrapped by a key that was not given`);
  return dataKey(row.key_id, unwrapKey(wrapped, row.key_id, by));
}

/**
 * Names of the key-encryption keys that wrap something there: none, one, or two while one replaces
 * the other. Error: StoreUnavailable.
 */
export async function wrappingNames(connectionString: string): Promise<readonly string[]> {
  const pool = createPool({ connectionString, applicationName: 'merit key store' }, 1);
  try {
    // The first and the last, by the index: the names between are not looked for.
    const rows = await sql<{ readonly name: string }>(
      pool,
      `SELECT DISTINCT name FROM (
         SELECT min(wrapped_by) AS name FROM keys.data_keys
         UNION ALL SELECT max(wrapped_by) FROM keys.data_keys
         UNION ALL SELECT wrapped_by FROM keys.secrets) AS n
        WHERE name IS NOT NULL ORDER BY name`,
      [],
    );
    return rows.map(({ name }) => name);
  } finally {
    await pool.end();
  }
}

type SecretRow = {
  readonly name: string;
  readonly wrapped: Buffer;
  readonly wrapped_by: string;
};

/** What a wrapped secret is bound to: no data key can be put in its place. */
const labelOf = (name: string): string => `secret ${name}`;

async function secretOf({ pool, wrapping, current }: Access, name: string): Promise<Uint8Array> {
  await sql(
    pool,
    'INSERT INTO keys.secrets (name, wrapped, wrapped_by) VALUES ($1, $2, $3) ' +
      'ON CONFLICT DO NOTHING',
    [name, wrapKey(newKeyBytes(), labelOf(name), current), current.id],
  );
  // Read and not assumed: another process may have been quicker.
  const [row] = await sql<SecretRow>(pool, 'SELECT * FROM keys.secrets WHERE name = $1', [name]);
  if (!row) throw new Error(`secret ${name}: not kept`);
  return openSecret(row, wrapping);
}

function openSecret(
  { name, wrapped, wrapped_by }: SecretRow,
  wrapping: Access['wrapping'],
): Buffer {
  const by = wrapping.get(wrapped_by);
  if (!by) throw new Error(`secret ${name}: wrapped by a key that was not given`);
  return unwrapKey(wrapped, labelOf(name), by);
}

async function rotateSecrets({ pool, wrapping }: Access, next: WrappingKey): Promise<void> {
  const rows = await sql<SecretRow>(pool, 'SELECT * FROM keys.secrets WHERE wrapped_by <> $1', [
    next.id,
  ]);
  for (const row of rows) {
    const rewrapped = wrapKey(openSecret(row, wrapping), labelOf(row.name), next);
    await sql(
      pool,
      'UPDATE keys.secrets SET wrapped = $1, wrapped_by = $2 WHERE name = $3 AND wrapped = $4',
      [rewrapped, next.id, row.name, row.wrapped],
    );
  }
}

/** Compare-and-set on the wrapped key: an erasure that comes between stays an erasure. */
async function rotate(access: Access, next: WrappingKey): Promise<number> {
  access.wrapping.set(next.id, next);
  access.current = next;
  await rotateSecrets(access, next);
  let after = '';
  let count = 0;
  for (;;) {
    const rows = await sql<KeyRow & { wrapped: Buffer }>(
      access.pool,
      `SELECT * FROM keys.data_keys
        WHERE wrapped_by <> $1 AND key_id > $2 ORDER BY key_id LIMIT ${KEYS_PER_QUERY}`,
      [next.id, after],
    );
    if (rows.length === 0) return count;
    after = rows.at(-1)?.key_id ?? after;
    const rewrapped = rows.map((row) => {
      const by = access.wrapping.get(row.wrapped_by ?? '');
      if (!by) throw new Error(`data key ${row.key_id}: wrapped by a key that was not given`);
      return wrapKey(unwrapKey(row.wrapped, row.key_id, by), row.key_id, next);
    });
    const changed = await sql(
      access.pool,
      `UPDATE keys.data_keys AS k SET wrapped = n.rewrapped, wrapped_by = $4
         FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS n(id, wrapped, rewrapped)
        WHERE k.key_id = n.id COLLATE "C" AND k.wrapped = n.wrapped RETURNING 1`,
      [rows.map((row) => row.key_id), rows.map((row) => row.wrapped), rewrapped, next.id],
    );
    count += changed.length;
  }
}

async function sql<Row extends object>(
  pool: Pool,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    return (await pool.query<Row>(text, [...values])).rows;
  } catch (error) {
    const unavailable = asUnavailable(error);
    if (!(unavailable instanceof StoreUnavailable)) throw error;
    throw new StoreUnavailable(`key store: ${(error as Error).message}`, { cause: error });
  }
}
