import path from 'node:path';
import {
  type Configuration,
  createTokenVerifier,
  describeError,
  openAccessRecord,
  openKeySet,
  openLocalIssuer,
  settingWarnings,
  type TokenRules,
} from '#platform';
import { startSuperseding } from '#processes/settlement';
import { startProcesses } from '#processes/to-do';
import { startAlertLog } from './alert-log.js';
import { allProcesses } from './processes.js';
import { relay } from './relaying.js';
import type { ApiOptions } from '../api/index.js';
import type { Session } from './session.js';
import type { System } from './system.js';
import { inLanguage } from './words.js';

export type Serving = { readonly url: string; readonly close: () => Promise<void> };

/** Projects live, answers queries over HTTP and delivers to Kafka, in this process. */
export async function serve(
  system: System,
  { configuration, logger }: Session,
  more: Pick<ApiOptions, 'areas'> = {},
): Promise<Serving> {
  // NestJS takes half a second to load; commands that serve nothing do without.
  const { startApi } = await import('../api/index.js');
  const { store, engine, projections, pool, appends } = system;
  const runner = system.keepProjecting();
  const { host, port, apiLimits } = configuration;
  const clock = (): Date => new Date();
  const processes = startProcesses(engine, allProcesses(), {
    clock,
    projections,
    pool,
    log: (message) => logger.warn(message),
  });
  const superseding = startSuperseding(engine, {
    projections,
    clock,
    log: (message) => logger.warn(message),
  });
  const { kafka } = configuration;
  const relaying = kafka === null ? null : await relay(system, kafka, logger);
  const api = await startApi(
    {
      store,
      engine,
      projections,
      logger,
      appends,
      tokens: createTokenVerifier(await tokenRules(configuration)),
      access: openAccessRecord({
        pool,
        clock,
        ...ACCESS_RECORD_BOUND,
        onFailure: (error) => logger.warn({ err: describeError(error) }, 'access record waits'),
      }),
      clock,
      requestKey: await system.requestKey(),
      traceLog: store.sealedView,
      acknowledgeWithinHours: configuration.acknowledgeWithinHours,
      settingWarnings: () => settingWarnings(pool),
      troubles: () => runner.troubles(),
      processes,
      relay: relaying,
    },
    {
      host,
      port,
      limits: apiLimits,
      localOnly: configuration.identityProvider === null,
      ...more,
    },
  );
  const { acknowledgeWithinHours } = configuration;
  const alerts = startAlertLog({ projections, clock, acknowledgeWithinHours }, logger);
  const close = async (): Promise<void> => {
    alerts.stop();
    await api.close();
    await relaying?.stop();
    await superseding.stop();
    await processes.stop();
  };
  return { url: api.url, close };
}

/** A year of a large office; the oldest go first. */
const ACCESS_RECORD_BOUND = { keptCount: 1_000_000, keptDays: 400 };

/** Tokens of the configured identity provider, else those that the system issues itself. */
async function tokenRules({ identityProvider, tokenKeyFile }: Configuration): Promise<TokenRules> {
  if (identityProvider === null) return (await openLocalIssuer(tokenKeyFile)).rules;
  const { issuer, audience, jwks } = identityProvider;
  return { issuer, audience, keyOf: await openKeySet(jwks) };
}

/** How a person gets a token, for who starts the system to read. */
export function tokenHint({ configuration, language }: Session): string {
  const { identityProvider, dataDir } = configuration;
  if (identityProvider !== null) {
    const { issuer } = identityProvider;
    return inLanguage(language, `令牌由 ${issuer} 签发`, `Tokens are issued by ${issuer}`);
  }
  const near = path.relative(process.cwd(), dataDir) || '.';
  const folder = `--data ${quoted(near.startsWith('..') ? dataDir : near)}`;
  const command = `npm run -s merit -- token --role office --subject office-1 ${folder}`;
  return inLanguage(language, `获取令牌：${command}`, `A token: ${command}`);
}

const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text}'`);

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
