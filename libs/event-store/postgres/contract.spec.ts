import { createTestDatabase, runSql, type TestDatabase } from '../../../test/support/database.js';
import { eventStoreContract } from '../contract.js';
import { openPostgresEventStore } from './postgres-event-store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

eventStoreContract('postgres', async () => ({
  store: await openPostgresEventStore({ connectionString: database.appUrl }),
  // Ten times quicker than a database per test; only the owner can, and only so.
  dispose: async () => {
    await runSql(
      database.ownerUrl,
      `ALTER TABLE log.events DISABLE TRIGGER append_only; TRUNCATE log.events;
       ALTER TABLE log.events ENABLE ALWAYS TRIGGER append_only`,
    );
  },
}));
