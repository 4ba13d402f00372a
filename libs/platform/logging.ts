import { pino, stdTimeFunctions, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { DomainError } from '#kernel';
import type { LogLevel } from './configuration.js';
import { printable } from './table.js';

export type Logger = Pick<
  PinoLogger,
  'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'level'
> & { child(fields: Readonly<Record<string, unknown>>): Logger };

/** What could name a person or open a door, wherever somebody puts it by mistake. */
const HIDDEN_FIELDS = [
  'name',
  'comment',
  'note',
  'grounds',
  'password',
  'token',
  'authorization',
  'cookie',
  'customerId',
];
const STDERR = 2;
/** SQLSTATE classes whose messages quote the rows or values that offended. */
const QUOTING_STATES = /^2[23]/;

export type LoggerOptions = {
  readonly level: LogLevel;
  readonly forPeople?: boolean; // plain lines; default: whether stderr is a terminal
  readonly destination?: DestinationStream; // default stderr
};

/** Logs to stderr: standard output belongs to results. JSON lines, or plain ones for people. */
export function createLogger(options: LoggerOptions): Logger {
  // Written at once: a line that explains an exit must be out before it.
  const out = options.destination ?? pino.destination({ dest: STDERR, sync: true });
  const forPeople = options.forPeople ?? process.stderr.isTTY === true;
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      redact: {
        paths: HIDDEN_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '[hidden]',
      },
    },
    forPeople ? { write: (line: string) => out.write(plainLine(line)) } : out,
  );
}

type ErrorDescription = {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly stack?: string;
};

/**
 * An error without what it carries along: drivers attach rows, parameters and statements, which
 * can name people.
 */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' };
  if (error instanceof DomainError) {
    const { code, details, message } = error;
    return { type: error.name, code, message, details };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const quotes = code !== undefined && code.length === 5 && QUOTING_STATES.test(code);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: quotes ? `refused by the database (SQLSTATE ${code})` : error.message,
    stack: frames.join('\n'),
  };
}

function plainLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const extras = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const text = `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(msg ?? '')}`;
  return `${printable(text + extras.join(''))}\n`;
}
