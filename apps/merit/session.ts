import {
  type Configuration,
  createLogger,
  type Environment,
  type Language,
  type Logger,
  type OpenMode,
  readConfiguration,
} from '#platform';
import type { GlobalOptions } from './call.js';
import { openSystem, type System, type SystemOptions } from './system.js';

/** What a command works with before it opens anything. */
export type Session = {
  readonly configuration: Configuration;
  readonly language: Language;
  readonly logger: Logger;
};

export function createSession(env: Environment, options: GlobalOptions): Session {
  const language = options.lang ?? env['MERIT_LANG'] ?? languageOfLocale(env);
  const flags = { data: options.data, port: options.port };
  const configuration = readConfiguration({ ...env, MERIT_LANG: language }, flags);
  const logger = createLogger({ level: configuration.logLevel });
  if (configuration.unknownVariables.length > 0) {
    const variables = configuration.unknownVariables;
    logger.warn({ variables }, 'variables that look like settings and have no effect');
  }
  return { configuration, language: configuration.language, logger };
}

/** Chinese unless the terminal's locale names another language. */
function languageOfLocale(env: Environment): Language {
  const locale = [env['LC_ALL'], env['LC_MESSAGES'], env['LANG']].find((value) => value);
  return locale === undefined || /^(zh|C|POSIX)/.test(locale) ? 'zh' : 'en';
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const isSignal = (name: string): name is keyof typeof SIGNALS => name in SIGNALS;

/**
 * Runs `work`, then `end`, also when a signal ends the command before the work is done: the
 * embedded server would otherwise be left running without anybody who uses it.
 */
export async function withEnd<Result>(
  work: () => Promise<Result>,
  end: () => Promise<void>,
): Promise<Result> {
  let ending: Promise<void> | null = null;
  const endOnce = (): Promise<void> => (ending ??= end());
  const names = Object.keys(SIGNALS).filter(isSignal);
  const onSignal = (name: NodeJS.Signals): void => {
    const exit = (): never => process.exit(isSignal(name) ? SIGNALS[name] : 1);
    void endOnce().then(exit, exit);
  };
  for (const name of names) process.once(name, onSignal);
  try {
    return await work();
  } finally {
    for (const name of names) process.removeListener(name, onSignal);
    await endOnce();
  }
}

/** Opens the system, works with it and closes it, whatever happens. */
export async function withSystem<Result>(
  { configuration, logger }: Session,
  mode: OpenMode,
  work: (system: System) => Promise<Result>,
  options: SystemOptions = {},
): Promise<Result> {
  const log = (message: string): void => logger.info(message);
  const system = await openSystem(configuration, mode, log, options);
  return withEnd(
    () => work(system),
    () => system.close(),
  );
}
