import { readFile } from 'node:fs/promises';
import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import kafkajs, {
  type ISocketFactory,
  type Kafka,
  type KafkaConfig,
  type SASLOptions,
} from 'kafkajs';
import { DomainError } from '#kernel';
import type { KafkaSetting, Logger, SaslMechanism } from '#platform';
import { kafkaLog } from '#platform/kafka-log';

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
  setting: ClusterSetting,
  options: ConnectOptions,
): Promise<Kafka> {
  const password = setting.sasl === null ? '' : await readPassword(setting.sasl.passwordFile);
  return new kafkajs.Kafka(clientConfig(setting, password, options));
}

type ClusterSetting = Pick<KafkaSetting, 'brokers' | 'ssl' | 'sasl'>;

const KEEP_ALIVE_MS = 60_000;

/**
 * As kafkajs opens its sockets, and with TCP_NODELAY, which it leaves off: the end of every large
 * request then waits for the broker's acknowledgement of the rest. Measured with sends of 450 kB:
 * a tenth more messages a second.
 */
const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const to = { host, port };
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ ...to, ...servername, ...ssl }, onConnect)
    : connect(to, onConnect);
  return socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true);
};

/** What the client is made with. */
export function clientConfig(
  { brokers, ssl, sasl }: ClusterSetting,
  password: string,
  { clientId, logger, requestTimeoutMs = REQUEST_TIMEOUT_MS }: ConnectOptions,
): KafkaConfig {
  return {
    brokers: [...brokers],
    socketFactory: openSocket,
    clientId,
    ssl,
    ...(sasl === null ? {} : { sasl: saslOf(sasl.mechanism, sasl.username, password) }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    retry: { ...RETRY },
    // What fails is told by who tried; the client's own lines are for who looks for the cause.
    ...kafkaLog(kafkajs.logLevel.WARN, ({ namespace, log: { message } }) =>
      logger.debug({ client: namespace }, message),
    ),
  };
}

/** One object a mechanism: the client's type tells them apart by it. */
function saslOf(mechanism: SaslMechanism, username: string, password: string): SASLOptions {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}

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
