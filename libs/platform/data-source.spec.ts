import { createTestDatabase, runSql, type TestDatabase } from '../../test/support/database.js';
import { DomainError } from '#kernel';
import { createAppPool, migrate, settingWarnings } from './data-source.js';

describe('migrate', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await createTestDatabase({ migrated: false });
  });
  afterEach(() => db.drop());

  it('brings an empty database up when it is started several times at once', async () => {
    await Promise.all([1, 2, 3].map(() => migrate(db.ownerUrl)));
    await migrate(db.ownerUrl);
    const { rows } = await runSql(
      db.ownerUrl,
      'SELECT name, count(*)::int AS times FROM platform.migrations GROUP BY name',
    );
    expect(rows.every(({ times }: { times: number }) => times === 1)).toBe(true);
  });

  it('refuses data of a newer format and changes nothing', async () => {
    await migrate(db.ownerUrl);
    await runSql(
      db.ownerUrl,
      `INSERT INTO platform.migrations ("timestamp", name) VALUES (9e12, 'Future9000000000000')`,
    );
    const refusal = await migrate(db.ownerUrl).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DomainError);
    expect(refusal).toMatchObject({ code: 'newer-data-format' });
    expect(String(refusal)).toContain('Future9000000000000');
  });

  it("lets the app role make schemas of its own but none of the owner's", async () => {
    await migrate(db.ownerUrl);
    const pool = createAppPool(db.appUrl);
    try {
      await pool.query('CREATE SCHEMA rm_1');
      await expect(pool.query('CREATE TABLE platform.x (a int)')).rejects.toMatchObject({
        code: '42501',
      });
      expect((await settingWarnings(pool)).join()).toContain('shared_buffers is 128MB');
    } finally {
      await pool.end();
    }
  });
});
