import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);

/** Jest looks for a default export. The tear-down finds the run where it is left here. */
export default async function setUp() {
  const { startTestServer, stopTestServer } = await import('./test-server.ts');
  const run = await startTestServer();
  globalThis.meritTestRun = { stop: () => stopTestServer(run) };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => void stopTestServer(run).finally(() => process.exit(1)));
  }
}
