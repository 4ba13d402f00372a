import setUpPostgres from './global-setup.mjs';

/** Jest looks for a default export. PostgreSQL as in npm test; every log in EventStoreDB. */
export default async function setUp() {
  process.env['MERIT_TEST_LOG'] = 'eventstoredb'; // inherited by every worker
  const url = process.env['EVENT_STORE_URL'];
  await setUpPostgres();
  if (!url) return;
  const trouble = await troubleWith(url);
  if (trouble === null) return;
  // One clear word now instead of one from every spec.
  await globalThis.meritTestRun.stop();
  process.stderr.write(`\nEVENT_STORE_URL: ${trouble}\n`);
  process.exit(1);
}

/** Null: the server is there, and what tests write to it is seen by nobody else. */
async function troubleWith(url) {
  const { openEventStoreDb } = await import('../../libs/event-store/eventstoredb/index.ts');
  try {
    const store = await openEventStoreDb({ url });
    try {
      for await (const _ of store.readStream('organisation-main', { maxCount: 1 })) {
        return 'the server holds a log without a namespace, which would see what tests write';
      }
      return null;
    } finally {
      await store.close();
    }
  } catch (error) {
    return error.message;
  }
}
