import {
  createTestDatabase,
  runSql,
  withDatabase,
  type TestDatabase,
} from '../../test/support/database.js';
import { DomainError } from '#kernel';
import { appDataSource, createAppPool, migrate, settingWarnings } from './data-source.js';

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

describe('a login of another name', () => {
  let db: TestDatabase;
  let login: string;
  let url: string;
  beforeEach(async () => {
    db = await createTestDatabase({ migrated: false });
    login = `login_${db.name}`;
    await runSql(db.superuserUrl, `CREATE ROLE ${login} LOGIN PASSWORD 'x'`);
    const changed = new URL(db.appUrl);
    changed.username = login;
    changed.password = 'x';
    url = changed.href;
  });
  afterEach(async () => {
    await db.drop();
    await runSql(withDatabase(db.superuserUrl, 'postgres'), `DROP ROLE ${login}`);
  });

  it('is refused with the one command that an administrator has to run', async () => {
    const command = `GRANT merit_app TO "${login}";`;
    const refusal: unknown = await migrate(db.ownerUrl, url).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'app-role-rights', details: { command } });
    await runSql(db.superuserUrl, command);
    await migrate(db.ownerUrl, url);
  });

  it('works as merit_app from the first moment of every connection', async () => {
    await runSql(db.superuserUrl, `GRANT merit_app TO ${login}`);
    const lines: string[] = [];
    const pool = createAppPool(url, { applicationName: 'spec', log: (line) => lines.push(line) });
    const source = appDataSource(url, []);
    try {
      const who = 'SELECT session_user::text AS login, current_user::text AS role';
      expect((await pool.query(who)).rows).toEqual([{ login, role: 'merit_app' }]);
      await source.initialize();
      expect(await source.query(who)).toEqual([{ login, role: 'merit_app' }]);
      // An idle connection that the server ends is no crash.
      const ended = new Promise((resolve) => void pool.once('remove', resolve));
      await runSql(
        db.superuserUrl,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spec'
          AND usename = '${login}'`,
      );
      await ended;
      expect(lines.join()).toContain('a database connection ended');
      expect((await pool.query(who)).rowCount).toBe(1);
    } finally {
      await source.destroy();
      await pool.end();
    }
  });
});
