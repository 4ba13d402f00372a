import { createTestDatabase, runSql, type TestDatabase } from '../../../test/support/database.js';
import { newEvent } from '../contract.js';
import { openPostgresEventStore } from './postgres-event-store.js';

const CHANGES = [
  ['an update', `UPDATE log.events SET data = '{}'`],
  ['an update of nothing', `UPDATE log.events SET data = '{}' WHERE false`],
  ['a delete', 'DELETE FROM log.events'],
  ['a truncate', 'TRUNCATE log.events'],
] as const;

describe('the log as the database guards it', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
    const store = await openPostgresEventStore({ connectionString: database.appUrl });
    await store.append('thing-1', 'none', [newEvent()]);
    await store.close();
  });
  afterAll(() => database.drop());

  it.each(CHANGES)('refuses %s by the system, for want of the privilege', async (_, sql) => {
    await expect(runSql(database.appUrl, sql)).rejects.toThrow(/permission denied/);
  });

  it.each(CHANGES)('refuses %s by the owner and by a superuser', async (_, sql) => {
    await expect(runSql(database.ownerUrl, sql)).rejects.toThrow(/append-only/);
    await expect(runSql(database.superuserUrl, sql)).rejects.toThrow(/append-only/);
    const asReplica = `SET session_replication_role = replica; ${sql}`;
    await expect(runSql(database.superuserUrl, asReplica)).rejects.toThrow(/append-only/);
  });

  it('gives the system no more than to select and insert events', async () => {
    const { rows } = await runSql(
      database.superuserUrl,
      `SELECT privilege_type, column_name FROM information_schema.column_privileges
        WHERE grantee = 'merit_app' AND table_schema = 'log' AND table_name = 'events'`,
    );
    const granted = rows as readonly { privilege_type: string }[];
    expect(new Set(granted.map((row) => row.privilege_type))).toEqual(
      new Set(['SELECT', 'INSERT']),
    );
  });

  it('lets the system own nothing of the log, and nothing act with the rights of its owner', async () => {
    const { rows } = await runSql(
      database.superuserUrl,
      `SELECT relname AS name FROM pg_class
        WHERE relnamespace = 'log'::regnamespace AND relowner = 'merit_app'::regrole
       UNION ALL
       SELECT proname FROM pg_proc
        WHERE pronamespace = 'log'::regnamespace
          AND (proowner = 'merit_app'::regrole OR prosecdef)
       UNION ALL
       SELECT 'superuser' FROM pg_roles WHERE rolname = 'merit_app' AND rolsuper`,
    );
    expect(rows).toEqual([]);
    for (const sql of [
      'ALTER TABLE log.events DISABLE TRIGGER append_only',
      'DROP TRIGGER append_only ON log.events',
      'CREATE TABLE log.other ()',
    ]) {
      await expect(runSql(database.appUrl, sql)).rejects.toThrow(/permission denied|must be owner/);
    }
  });
});
