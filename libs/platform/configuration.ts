import path from 'node:path';
import { DomainError } from '#kernel';
import { isKeySetUrl } from './tokens/key-set.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export const LANGUAGES = ['zh', 'en'] as const;
export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Language = (typeof LANGUAGES)[number];

/** Where events' and read models' PostgreSQL is. */
export type DatabaseSetting =
  | { readonly kind: 'embedded' } // in dataDir
  | { readonly kind: 'server'; readonly appUrl: string; readonly ownerUrl: string };

/** Who issues tokens; its keys by URL or from a file. */
export type IdentityProvider = {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: string; // URL, or the absolute path of a file
};

/** What one caller may ask of the API; each bounds something that could grow. */
export type ApiLimits = {
  readonly requestsPerSecond: number; // of one caller; 0: no limit
  readonly bodyBytes: number;
  readonly pageSize: number;
  readonly batchLines: number;
};

/** The cluster that the relay delivers to. */
export type KafkaSetting = {
  readonly brokers: readonly string[]; // host:port, at least one
  readonly ssl: boolean;
  readonly sasl: {
    readonly mechanism: SaslMechanism;
    readonly username: string;
    readonly passwordFile: string; // absolute
  } | null;
  /** Before every topic, transactional id and group id: several systems on one cluster. */
  readonly topicPrefix: string;
};

/** Read once at start; nothing else looks at the environment. */
export type Configuration = {
  readonly dataDir: string; // absolute
  readonly database: DatabaseSetting;
  readonly keysDatabaseUrl: string | null; // null: beside the events
  readonly kekFile: string; // absolute; the embedded profile makes it when it is missing
  readonly eventStoreUrl: string | null; // esdb://…; null: the log is in PostgreSQL
  /** Of this log among several on that server; null: it has the server for itself. */
  readonly eventStoreNamespace: string | null;
  readonly kafka: KafkaSetting | null; // null: no relay
  /** How long payroll may take to acknowledge a batch before it is reported. */
  readonly acknowledgeWithinHours: number;
  readonly tokenKeyFile: string; // absolute; of the local issuer, made when it is missing
  readonly identityProvider: IdentityProvider | null; // null: the system is its own issuer
  readonly host: string;
  readonly port: number; // 0: whichever is free
  readonly apiLimits: ApiLimits;
  readonly logLevel: LogLevel;
  readonly language: Language;
  /** Variables that look like settings and are none; worth a word, since they have no effect. */
  readonly unknownVariables: readonly string[];
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags of the command line; each wins over its variable. */
export type ConfigurationFlags = {
  readonly data?: string | undefined;
  readonly port?: string | undefined;
};

const VARIABLES = [
  'MERIT_DATA',
  'MERIT_KEK_FILE',
  'MERIT_TOKEN_KEY_FILE',
  'MERIT_ISSUER',
  'MERIT_AUDIENCE',
  'MERIT_JWKS',
  'MERIT_HOST',
  'MERIT_PORT',
  'MERIT_RATE_LIMIT',
  'MERIT_BODY_LIMIT_KIB',
  'MERIT_PAGE_LIMIT',
  'MERIT_BATCH_LIMIT',
  'MERIT_ACKNOWLEDGE_WITHIN_HOURS',
  'MERIT_LOG_LEVEL',
  'MERIT_LANG',
] as const;
/** Of the tests and the compile step, not of the program. */
const FOREIGN_VARIABLES = /^MERIT_(TEST|BENCH)_/;
const DEFAULT_PORT = 8080;
/** What one statement of a query is good for, whatever is configured. */
export const MAX_PAGE_SIZE = 1_000;
const DATABASE_SCHEMES = ['postgres:', 'postgresql:'];
const EVENT_STORE_SCHEMES = ['esdb:', 'esdb+discover:', 'kurrentdb:', 'kurrentdb+discover:'];

/** One setting's finding: the value, or what is wrong with it. */
type Problem = { readonly setting: string; readonly allowed: string };

/**
 * Reads and checks every setting; an empty variable counts as absent. Throws DomainError
 * `configuration-invalid` that names each wrong setting with what is allowed, never its value:
 * it may hold a password.
 */
export function readConfiguration(
  env: Environment,
  flags: ConfigurationFlags = {},
  cwd: string = process.cwd(),
): Configuration {
  const problems: Problem[] = [];
  const settings = settingsReader(env, problems);
  const dataDir = path.resolve(cwd, flags.data ?? settings.text('MERIT_DATA') ?? '.data');
  const database = readDatabase(settings, problems);
  const kekFile = settings.text('MERIT_KEK_FILE');
  if (kekFile === null && database.kind === 'server') {
    const allowed = 'the path of a file with 64 hexadecimal digits (required with DATABASE_URL)';
    problems.push({ setting: 'MERIT_KEK_FILE', allowed });
  }
  const configuration: Configuration = {
    dataDir,
    database,
    keysDatabaseUrl: settings.url('KEYS_DATABASE_URL', DATABASE_SCHEMES),
    kekFile: path.resolve(cwd, kekFile ?? path.join(dataDir, 'key-encryption-key')),
    tokenKeyFile: path.resolve(
      cwd,
      settings.text('MERIT_TOKEN_KEY_FILE') ?? path.join(dataDir, 'token-key.json'),
    ),
    eventStoreUrl: settings.url('EVENT_STORE_URL', EVENT_STORE_SCHEMES),
    eventStoreNamespace: readEventStoreNamespace(settings, problems),
    kafka: readKafka(settings, problems, cwd),
    acknowledgeWithinHours: settings.wholeNumber('MERIT_ACKNOWLEDGE_WITHIN_HOURS', {
      least: 1,
      most: 8_760,
      fallback: 48,
    }),
    identityProvider: readIdentityProvider(settings, problems, cwd),
    host: settings.text('MERIT_HOST') ?? '127.0.0.1',
    port: settings.port(flags.port === undefined ? 'MERIT_PORT' : '--port', flags.port),
    apiLimits: readApiLimits(settings),
    logLevel: settings.oneOf('MERIT_LOG_LEVEL', LOG_LEVELS, 'info'),
    language: settings.oneOf('MERIT_LANG', LANGUAGES, 'zh'),
    unknownVariables: Object.keys(env).filter(isUnknown).sort(),
  };
  if (problems.length > 0) throw invalid(problems);
  return configuration;
}

/** Defaults and bounds of what the API takes. */
export const DEFAULT_LIMITS: ApiLimits = {
  requestsPerSecond: 1_000,
  bodyBytes: 256 * 1024,
  pageSize: 200,
  batchLines: 100_000,
};

function readApiLimits({ wholeNumber }: SettingsReader): ApiLimits {
  const { requestsPerSecond, bodyBytes, pageSize, batchLines } = DEFAULT_LIMITS;
  const rate = { least: 0, most: 1_000_000, fallback: requestsPerSecond };
  const body = { least: 1, most: 10_240, fallback: bodyBytes / 1024 };
  const page = { least: 1, most: MAX_PAGE_SIZE, fallback: pageSize };
  const batch = { least: 1, most: 10_000_000, fallback: batchLines };
  return {
    requestsPerSecond: wholeNumber('MERIT_RATE_LIMIT', rate),
    bodyBytes: wholeNumber('MERIT_BODY_LIMIT_KIB', body) * 1024,
    pageSize: wholeNumber('MERIT_PAGE_LIMIT', page),
    batchLines: wholeNumber('MERIT_BATCH_LIMIT', batch),
  };
}

const IDENTITY_PROVIDER_VARIABLES = ['MERIT_ISSUER', 'MERIT_AUDIENCE', 'MERIT_JWKS'] as const;

function readIdentityProvider(
  { text }: SettingsReader,
  problems: Problem[],
  cwd: string,
): IdentityProvider | null {
  const [issuer, audience, jwks] = IDENTITY_PROVIDER_VARIABLES.map((name) => text(name));
  if (issuer && audience && jwks) {
    return { issuer, audience, jwks: isKeySetUrl(jwks) ? jwks : path.resolve(cwd, jwks) };
  }
  const missing = IDENTITY_PROVIDER_VARIABLES.filter((name) => text(name) === null);
  if (missing.length === IDENTITY_PROVIDER_VARIABLES.length) return null;
  for (const setting of missing) {
    const others = IDENTITY_PROVIDER_VARIABLES.filter((name) => name !== setting).join(' and ');
    problems.push({ setting, allowed: `given together with ${others}` });
  }
  return null;
}

/** Without a dot, which ends it on the server: no name is then the beginning of another. */
const EVENT_STORE_NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

function readEventStoreNamespace({ text }: SettingsReader, problems: Problem[]): string | null {
  const setting = 'EVENT_STORE_NAMESPACE';
  const namespace = text(setting);
  if (namespace === null) return null;
  if (!EVENT_STORE_NAMESPACE.test(namespace)) {
    problems.push({ setting, allowed: 'at most 64 letters, digits and hyphens' });
  }
  if (text('EVENT_STORE_URL') === null) {
    problems.push({ setting, allowed: 'given together with EVENT_STORE_URL' });
  }
  return namespace;
}

const KAFKA_CHOICES = ['true', 'false'] as const;
const SASL_VARIABLES = ['KAFKA_SASL_MECHANISM', 'KAFKA_USERNAME', 'KAFKA_PASSWORD_FILE'] as const;
/** Of a topic's 249 characters, the longest name takes some thirty. */
const TOPIC_PREFIX = /^[A-Za-z0-9._-]{1,100}$/;

function readKafka(
  settings: SettingsReader,
  problems: Problem[],
  cwd: string,
): KafkaSetting | null {
  const brokers = settings.addresses('KAFKA_BROKERS');
  const ssl = settings.oneOf('KAFKA_SSL', KAFKA_CHOICES, 'false') === 'true';
  const sasl = readSasl(settings, problems, cwd);
  const topicPrefix = settings.text('KAFKA_TOPIC_PREFIX') ?? '';
  if (topicPrefix !== '' && !TOPIC_PREFIX.test(topicPrefix)) {
    const allowed = 'at most 100 letters, digits, dots, underscores and hyphens';
    problems.push({ setting: 'KAFKA_TOPIC_PREFIX', allowed });
  }
  return brokers.length === 0 ? null : { brokers, ssl, sasl, topicPrefix };
}

function readSasl(
  settings: SettingsReader,
  problems: Problem[],
  cwd: string,
): KafkaSetting['sasl'] {
  const given = SASL_VARIABLES.filter((name) => settings.text(name) !== null);
  if (given.length === 0) return null;
  for (const setting of SASL_VARIABLES.filter((name) => !given.includes(name))) {
    problems.push({ setting, allowed: `given together with ${given.join(' and ')}` });
  }
  return {
    mechanism: settings.oneOf('KAFKA_SASL_MECHANISM', SASL_MECHANISMS, 'scram-sha-512'),
    username: settings.text('KAFKA_USERNAME') ?? '',
    passwordFile: path.resolve(cwd, settings.text('KAFKA_PASSWORD_FILE') ?? ''),
  };
}

function isUnknown(name: string): boolean {
  const known: readonly string[] = VARIABLES;
  return name.startsWith('MERIT_') && !known.includes(name) && !FOREIGN_VARIABLES.test(name);
}

function invalid(problems: readonly Problem[]): DomainError {
  return new DomainError(
    'configuration-invalid',
    { settings: problems.map(({ setting }) => setting) },
    problems.map(({ setting, allowed }) => `${setting} must be ${allowed}`).join('\n'),
  );
}

function readDatabase(settings: SettingsReader, problems: Problem[]): DatabaseSetting {
  const appUrl = settings.url('DATABASE_URL', DATABASE_SCHEMES);
  const ownerUrl = settings.url('DATABASE_OWNER_URL', DATABASE_SCHEMES);
  if (appUrl !== null) return { kind: 'server', appUrl, ownerUrl: ownerUrl ?? appUrl };
  if (ownerUrl !== null) {
    problems.push({ setting: 'DATABASE_OWNER_URL', allowed: 'given together with DATABASE_URL' });
  }
  return { kind: 'embedded' };
}

type SettingsReader = ReturnType<typeof settingsReader>;

function settingsReader(env: Environment, problems: Problem[]) {
  const text = (name: string): string | null => {
    const value = env[name]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  const url = (name: string, schemes: readonly string[]): string | null => {
    const value = text(name);
    if (value === null) return null;
    // Lists of hosts are no URLs to the parser; the client reads those itself.
    if (schemes.some((scheme) => value.startsWith(`${scheme}//`))) return value;
    const allowed = `a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`;
    problems.push({ setting: name, allowed });
    return null;
  };
  const oneOf = <Value extends string>(
    name: string,
    values: readonly Value[],
    fallback: Value,
  ): Value => {
    const value = text(name);
    if (value === null) return fallback;
    const found = values.find((candidate) => candidate === value);
    if (found === undefined)
      problems.push({ setting: name, allowed: `one of ${values.join(', ')}` });
    return found ?? fallback;
  };
  const port = (setting: string, flag: string | undefined): number => {
    const value = flag ?? text(setting);
    if (value === null) return DEFAULT_PORT;
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
    problems.push({ setting, allowed: 'a whole number from 0 (any free port) to 65535' });
    return DEFAULT_PORT;
  };
  const wholeNumber = (
    setting: string,
    { least, most, fallback }: { least: number; most: number; fallback: number },
  ): number => {
    const value = text(setting);
    if (value === null) return fallback;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    problems.push({ setting, allowed: `a whole number from ${least} to ${most}` });
    return fallback;
  };
  const addresses = (name: string): readonly string[] => {
    const parts = (text(name) ?? '').split(',').map((part) => part.trim());
    const given = parts.filter((part) => part !== '');
    if (given.every((part) => /^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(part))) {
      return given;
    }
    problems.push({ setting: name, allowed: 'host:port, several separated by commas' });
    return [];
  };
  return { text, url, oneOf, port, wholeNumber, addresses };
}
