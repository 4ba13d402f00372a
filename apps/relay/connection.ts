import { readFile } from 'node:fs/promises';
import kafkajs, { type Kafka, type KafkaConfig, type logCreator } from 'kafkajs';
import { DomainError } from '#kernel';
import type { KafkaSetting, Logger } from '#platform';

/**
 * Rule 5 of exactly once with kafkajs: the retries of a producer are those of `new Kafka(…)`,
 * finite and quick. The client's default of 300 ms makes every transaction that begins while the
 * last one's markers are being written wait that long, and `idempotent: true` never brings the
 * endless retries that it speaks of. All five are given: under NODE_ENV=test there are others.
 * In all some 5 s of trying; then the transaction has failed.
 */
export const RETRY = {
  initialRetryTime: 20,
  maxRetryTime: 1_000,
  factor: 0.2,
  multiplier: 2,
  retries: 9,
} as const;

const CONNECTION_TIMEOUT_MS = 3_000;
/** Of one request; a lost answer is noticed after it. Below the time that a transaction has. */
export const REQUEST_TIMEOUT_MS = 5_000;

export type ConnectOptions = {
  readonly clientId: string;
  readonly logger: Pick<Logger, 'debug'>;
  readonly requestTimeoutMs?: number;
};

/**
 * The client of a cluster; nothing is asked of it yet. Errors: DomainError
 * `kafka-password-missing`.
 */
export async function createKafka(
  { brokers, ssl, sasl }: Pick<KafkaSetting, 'brokers' | 'ssl' | 'sasl'>,
  { clientId, logger, requestTimeoutMs = REQUEST_TIMEOUT_MS }: ConnectOptions,
): Promise<Kafka> {
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    ssl,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    retry: { ...RETRY },
    // What fails is told by who tried; the client's own lines are for who looks for the cause.
    logLevel: kafkajs.logLevel.WARN,
    logCreator: linesTo(logger),
  };
  if (!sasl) return new kafkajs.Kafka(config);
  const { username } = sasl;
  const password = await readPassword(sasl.passwordFile);
  // One object a mechanism: the client's type tells them apart by it.
  switch (sasl.mechanism) {
    case 'plain':
      return new kafkajs.Kafka({ ...config, sasl: { mechanism: 'plain', username, password } });
    case 'scram-sha-256':
      return new kafkajs.Kafka({
        ...config,
        sasl: { mechanism: 'scram-sha-256', username, password },
      });
    case 'scram-sha-512':
      return new kafkajs.Kafka({
        ...config,
        sasl: { mechanism: 'scram-sha-512', username, password },
      });
  }
}

const linesTo =
  (logger: Pick<Logger, 'debug'>): logCreator =>
  () =>
  ({ namespace, log: { message } }) =>
    logger.debug({ client: namespace }, message);

/** One line, without its end. */
async function readPassword(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new DomainError(
      'kafka-password-missing',
      { file },
      `the password file ${file} cannot be read (${error.code}); KAFKA_PASSWORD_FILE names it`,
    );
  });
  return text.replace(/\r?\n$/, '');
}
