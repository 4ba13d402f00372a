import { createTestDatabase, runSql, type TestDatabase } from '../../../test/support/database.js';
import { keyStoreContract } from './key-store-contract.js';
import { openPostgresKeyStore, type PostgresKeyStoreOptions } from './postgres-key-store.js';

const FIRST = new Uint8Array(32).fill(1);
const SECOND = new Uint8Array(32).fill(2);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() =>
  runSql(database.ownerUrl, 'TRUNCATE keys.data_keys, keys.erased_subjects, keys.secrets').then(
    () => undefined,
  ),
);

const open = (more: Partial<PostgresKeyStoreOptions> = {}) =>
  openPostgresKeyStore({
    connectionString: database.appUrl,
    keyEncryptionKey: FIRST,
    ...more,
  });

keyStoreContract('postgres', async () => {
  const [store, other] = [await open(), await open()];
  return {
    store,
    other,
    dispose: async () => void (await Promise.all([store.close(), other.close()])),
  };
});

describe('the key store on PostgreSQL', () => {
  const owners = [
    { subject: 'am-1', purpose: 'evaluation' },
    { subject: 'am-2', purpose: 'evaluation' },
  ];

  it('holds no key in the clear, and nothing of a destroyed one', async () => {
    const store = await open();
    const [key] = await store.keysOf(owners);
    await store.destroy('am-2');
    await store.close();
    const { rows } = await runSql(
      database.ownerUrl,
      `SELECT subject, encode(wrapped, 'hex') AS wrapped FROM keys.data_keys ORDER BY subject`,
    );
    const stored = rows as readonly { subject: string; wrapped: string | null }[];
    expect(stored.map(({ wrapped }) => wrapped === null)).toEqual([false, true]);
    expect(stored[0]?.wrapped).not.toContain(key?.cipherKey.export().toString('hex'));
  });

  it('asks once for the keys of many callers, and for none that it knows', async () => {
    const store = await open({ applicationName: 'counted' });
    const calls = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 64 }, () => store.keysOf(owners)));
    const made = (await calls()) as readonly unknown[];
    expect(new Set(made.map((keys) => (keys as readonly unknown[])[0])).size).toBe(1);
    await runSql(database.ownerUrl, 'TRUNCATE keys.data_keys');
    expect(await calls()).toEqual(made); // from memory: the table is empty now
    await store.close();
  });

  it('rewraps every key, so that the old key-encryption key opens none of them', async () => {
    const before = await open();
    const keys = await before.keysOf(owners);
    const secret = await before.secret('hmac');
    expect(await before.rotate(SECOND)).toBe(2);
    expect(await before.rotate(SECOND)).toBe(0);
    const [late] = await before.keysOf([{ subject: 'am-3', purpose: 'evaluation' }]);
    await before.close();

    const ids = [...keys, late].map((key) => key?.id ?? '');
    const [old, both, rotated] = [
      await open(),
      await open({ otherKeyEncryptionKeys: [SECOND] }),
      await open({ keyEncryptionKey: SECOND }),
    ];
    await expect(old.keysById(ids)).rejects.toThrow('wrapped by a key that was not given');
    await expect(old.secret('hmac')).rejects.toThrow('wrapped by a key that was not given');
    for (const store of [both, rotated]) {
      expect(await store.secret('hmac')).toEqual(secret);
      expect((await store.keysById(ids)).map((key) => key?.cipherKey.export())).toEqual(
        [...keys, late].map((key) => key?.cipherKey.export()),
      );
    }
    await Promise.all([old, both, rotated].map((store) => store.close()));
  });

  it('does not open a wrapped key that was put in the place of another', async () => {
    const store = await open();
    const keys = await store.keysOf(owners);
    await store.close();
    await runSql(
      database.ownerUrl,
      `UPDATE keys.data_keys SET wrapped = (SELECT wrapped FROM keys.data_keys WHERE subject = 'am-2')
        WHERE subject = 'am-1'`,
    );
    const reopened = await open();
    await expect(reopened.keysById([keys[0]?.id ?? ''])).rejects.toThrow(/authenticate/);
    await reopened.close();
  });
});
