import { readFileSync } from 'node:fs';
import type { SASLOptions } from 'kafkajs';
import { DomainError } from '#kernel';

type Environment = Readonly<Record<string, string | undefined>>;

export type KafkaSettings = {
  readonly brokers: readonly string[];
  readonly ssl: boolean;
  readonly sasl: SASLOptions | null;
  readonly topicPrefix: string;
};

/** The variables of the ledger's relay. Error: DomainError `configuration-invalid`. */
export function readKafkaSettings(env: Environment): KafkaSettings {
  const brokers = (env.KAFKA_BROKERS ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
  if (brokers.length === 0) {
    throw wrong('KAFKA_BROKERS', 'host:port, several separated by commas; or use fetch --http');
  }
  const ssl = env.KAFKA_SSL ?? 'false';
  if (ssl !== 'true' && ssl !== 'false') throw wrong('KAFKA_SSL', 'true or false');
  return {
    brokers,
    ssl: ssl === 'true',
    sasl: readSasl(env),
    topicPrefix: env.KAFKA_TOPIC_PREFIX ?? '',
  };
}

function readSasl(env: Environment): SASLOptions | null {
  const mechanism = env.KAFKA_SASL_MECHANISM;
  if (mechanism === undefined) return null;
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD_FILE: passwordFile } = env;
  if (username === undefined) throw wrong('KAFKA_USERNAME', 'the name to log in with');
  if (passwordFile === undefined) throw wrong('KAFKA_PASSWORD_FILE', 'a file with the password');
  const password = readFileSync(passwordFile, 'utf8').trimEnd();
  switch (mechanism) {
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512':
      return { mechanism, username, password } as SASLOptions;
    default:
      throw wrong('KAFKA_SASL_MECHANISM', 'plain, scram-sha-256 or scram-sha-512');
  }
}

export function wrong(setting: string, allowed: string): DomainError {
  const message = `${setting} must be: ${allowed}`;
  return new DomainError('configuration-invalid', { settings: [setting] }, message);
}
