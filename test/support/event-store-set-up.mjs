import setUpPostgres from './global-setup.mjs';

/** Jest looks for a default export. PostgreSQL as in npm test; every log in EventStoreDB. */
export default async function setUp() {
  process.env['MERIT_TEST_LOG'] = 'eventstoredb'; // inherited by every worker
  const url = process.env['EVENT_STORE_URL'];
  await setUpPostgres();
  if (!url) return;
  // One clear word now instead of one from every spec.
  const { openEventStoreDb } = await import('../../libs/event-store/eventstoredb/index.ts');
  try {
    const store = await openEventStoreDb({ url });
    await store.close();
  } catch (error) {
    await globalThis.meritTestRun.stop();
    process.stderr.write(`\nEVENT_STORE_URL: ${error.message}\n`);
    process.exit(1);
  }
}
