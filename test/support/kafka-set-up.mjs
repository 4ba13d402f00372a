import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);

/** Jest looks for a default export. PostgreSQL as in npm test, and one broker for the run. */
export default async function setUp() {
  const { startTestServer, stopTestServer } = await import('./test-server.ts');
  const { startSharedKafka } = await import('./kafka.ts');
  const started = await Promise.allSettled([startTestServer(), startSharedKafka()]);
  const [server, kafka] = started.map(({ value }) => value);
  const stop = async () => {
    await kafka?.stop();
    if (server !== undefined) await stopTestServer(server);
  };
  const failed = started.find(({ status }) => status === 'rejected');
  if (failed !== undefined) {
    await stop();
    process.stderr.write(`\n${failed.reason.message}\n`);
    process.exit(1);
  }
  globalThis.meritTestRun = { stop };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  }
}
