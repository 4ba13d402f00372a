import { createHmac } from 'node:crypto';
import {
  createTokenVerifier,
  describeError,
  openAccessRecord,
  openLocalIssuer,
  readKeyEncryptionKey,
  settingWarnings,
} from '#platform';
import type { Session } from './session.js';
import type { System } from './system.js';

export type Serving = { readonly url: string; readonly close: () => Promise<void> };

/** Projects live and answers queries over HTTP, in this process. */
export async function serve(system: System, { configuration, logger }: Session): Promise<Serving> {
  // NestJS takes half a second to load; commands that serve nothing do without.
  const { startApi } = await import('../api/index.js');
  const { store, engine, projections, pool } = system;
  const runner = system.keepProjecting();
  const { host, port } = configuration;
  const issuer = await openLocalIssuer(configuration.tokenKeyFile);
  const clock = (): Date => new Date();
  const kek = await readKeyEncryptionKey(configuration.kekFile, { create: false });
  const api = await startApi(
    {
      store,
      engine,
      projections,
      logger,
      tokens: createTokenVerifier(issuer.rules),
      access: openAccessRecord({
        pool,
        clock,
        ...ACCESS_RECORD_BOUND,
        onFailure: (error) => logger.warn({ err: describeError(error) }, 'access record waits'),
      }),
      clock,
      requestKey: createHmac('sha256', kek).update('merit request key').digest(),
      traceLog: store.sealedView,
      settingWarnings: () => settingWarnings(pool),
      troubles: () => runner.troubles(),
    },
    { host, port },
  );
  return { url: api.url, close: () => api.close() };
}

/** A year of a large office; the oldest go first. */
const ACCESS_RECORD_BOUND = { keptCount: 1_000_000, keptDays: 400 };

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Resolves at the first signal; a second one ends the process at once. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      for (const signal of SIGNALS) process.removeListener(signal, end);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, end);
  });
}
