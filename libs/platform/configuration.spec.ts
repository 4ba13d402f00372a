import { DomainError } from '#kernel';
import { readConfiguration, type Environment } from './configuration.js';

const read = (env: Environment = {}, flags = {}) => readConfiguration(env, flags, '/srv/merit');

function refusalOf(env: Environment, flags = {}): DomainError {
  try {
    read(env, flags);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('the configuration', () => {
  it('works on a laptop with no variable set', () => {
    expect(read()).toEqual({
      dataDir: '/srv/merit/.data',
      database: { kind: 'embedded' },
      keysDatabaseUrl: null,
      kekFile: '/srv/merit/.data/key-encryption-key',
      eventStoreUrl: null,
      eventStoreNamespace: null,
      kafka: null,
      acknowledgeWithinHours: 48,
      tokenKeyFile: '/srv/merit/.data/token-key.json',
      identityProvider: null,
      host: '127.0.0.1',
      port: 8080,
      apiLimits: {
        requestsPerSecond: 1_000,
        bodyBytes: 262_144,
        pageSize: 200,
        batchLines: 100_000,
      },
      logLevel: 'info',
      language: 'zh',
      unknownVariables: [],
    });
  });

  it('takes an empty variable for an absent one', () => {
    expect(read({ MERIT_DATA: '', MERIT_PORT: ' ', DATABASE_URL: '' })).toEqual(read());
  });

  it('lets a flag win over its variable', () => {
    const env = { MERIT_DATA: '/a', MERIT_PORT: '1' };
    expect(read(env, { data: 'b', port: '0' })).toMatchObject({ dataDir: '/srv/merit/b', port: 0 });
  });

  it('names each wrong setting with what is allowed', () => {
    const refusal = refusalOf({
      MERIT_PORT: '70000',
      MERIT_LOG_LEVEL: 'loud',
      MERIT_LANG: 'fr',
      KAFKA_BROKERS: 'broker',
      EVENT_STORE_URL: 'http://x',
    });
    expect(refusal.code).toBe('configuration-invalid');
    expect(refusal.message.split('\n')).toEqual([
      'EVENT_STORE_URL must be a URL that begins with esdb:// or esdb+discover:// or ' +
        'kurrentdb:// or kurrentdb+discover://',
      'KAFKA_BROKERS must be host:port, several separated by commas',
      'MERIT_PORT must be a whole number from 0 (any free port) to 65535',
      'MERIT_LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
      'MERIT_LANG must be one of zh, en',
    ]);
    expect(refusalOf({}, { port: 'x' }).message).toMatch(/^--port must be/);
  });

  it('never repeats a wrong value, which may hold a password', () => {
    const { message } = refusalOf({ DATABASE_URL: 'mysql://merit:secret@db/merit' });
    expect(message).toMatch(/^DATABASE_URL must be a URL that begins with postgres:/);
    expect(message).not.toContain('secret');
  });

  it('has no default for the key file when the database is a server of its own', () => {
    const env = { DATABASE_URL: 'postgres://a@db/merit' };
    expect(refusalOf(env).message).toMatch(/^MERIT_KEK_FILE must be .*required with DATABASE_URL/);
    const given = read({ ...env, MERIT_KEK_FILE: '/run/kek' });
    expect(given.database).toEqual({
      kind: 'server',
      appUrl: 'postgres://a@db/merit',
      ownerUrl: 'postgres://a@db/merit',
    });
  });

  it('refuses an owner URL without the database URL that it belongs to', () => {
    const { message } = refusalOf({ DATABASE_OWNER_URL: 'postgres://o@db/merit' });
    expect(message).toBe('DATABASE_OWNER_URL must be given together with DATABASE_URL');
  });

  it('takes the three settings of an identity provider together or not at all', () => {
    const given = { MERIT_ISSUER: 'https://login.example', MERIT_AUDIENCE: 'merit' };
    const { message } = refusalOf(given);
    expect(message).toBe('MERIT_JWKS must be given together with MERIT_ISSUER and MERIT_AUDIENCE');
    expect(read({ ...given, MERIT_JWKS: 'https://login.example/keys' }).identityProvider).toEqual({
      issuer: 'https://login.example',
      audience: 'merit',
      jwks: 'https://login.example/keys',
    });
    expect(read({ ...given, MERIT_JWKS: 'keys.json' }).identityProvider?.jwks).toBe(
      '/srv/merit/keys.json',
    );
  });

  it('takes a name for the log among several on a server, and none without a server', () => {
    const server = { EVENT_STORE_URL: 'esdb://nodes:2113' };
    expect(read({ ...server, EVENT_STORE_NAMESPACE: 'north-1' })).toMatchObject({
      eventStoreUrl: 'esdb://nodes:2113',
      eventStoreNamespace: 'north-1',
    });
    for (const name of ['north.', '$north', '-north', 'n'.repeat(65)]) {
      expect(refusalOf({ ...server, EVENT_STORE_NAMESPACE: name }).message).toBe(
        'EVENT_STORE_NAMESPACE must be at most 64 letters, digits and hyphens',
      );
    }
    expect(refusalOf({ EVENT_STORE_NAMESPACE: 'north' }).message).toBe(
      'EVENT_STORE_NAMESPACE must be given together with EVENT_STORE_URL',
    );
  });

  it('reads the cluster that the relay delivers to', () => {
    expect(read({ KAFKA_BROKERS: 'a:9092, b:9093' }).kafka).toEqual({
      brokers: ['a:9092', 'b:9093'],
      ssl: false,
      sasl: null,
      topicPrefix: '',
    });
    const secured = {
      KAFKA_BROKERS: 'a:9092',
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'scram-sha-256',
      KAFKA_USERNAME: 'merit',
      KAFKA_PASSWORD_FILE: 'kafka-password',
      KAFKA_TOPIC_PREFIX: 'north-',
    };
    expect(read(secured).kafka).toEqual({
      brokers: ['a:9092'],
      ssl: true,
      sasl: {
        mechanism: 'scram-sha-256',
        username: 'merit',
        passwordFile: '/srv/merit/kafka-password',
      },
      topicPrefix: 'north-',
    });
  });

  it('takes mechanism, user and password of Kafka together or not at all', () => {
    const env = { KAFKA_BROKERS: 'a:9092', KAFKA_USERNAME: 'merit' };
    expect(refusalOf(env).message.split('\n')).toEqual([
      'KAFKA_SASL_MECHANISM must be given together with KAFKA_USERNAME',
      'KAFKA_PASSWORD_FILE must be given together with KAFKA_USERNAME',
    ]);
    const wrong = { ...env, KAFKA_SASL_MECHANISM: 'gssapi', KAFKA_PASSWORD_FILE: 'p' };
    expect(refusalOf(wrong).message).toBe(
      'KAFKA_SASL_MECHANISM must be one of plain, scram-sha-256, scram-sha-512',
    );
  });

  it('refuses what would be no name of a topic', () => {
    expect(refusalOf({ KAFKA_TOPIC_PREFIX: 'north/' }).message).toMatch(/^KAFKA_TOPIC_PREFIX must/);
    expect(refusalOf({ KAFKA_SSL: 'yes' }).message).toBe('KAFKA_SSL must be one of true, false');
    expect(refusalOf({ MERIT_ACKNOWLEDGE_WITHIN_HOURS: '0' }).message).toBe(
      'MERIT_ACKNOWLEDGE_WITHIN_HOURS must be a whole number from 1 to 8760',
    );
  });

  it('bounds what a caller may ask of the API', () => {
    const { apiLimits } = read({ MERIT_RATE_LIMIT: '0', MERIT_BODY_LIMIT_KIB: '64' });
    expect(apiLimits).toMatchObject({ requestsPerSecond: 0, bodyBytes: 65_536 });
    expect(refusalOf({ MERIT_PAGE_LIMIT: '1001' }).message).toBe(
      'MERIT_PAGE_LIMIT must be a whole number from 1 to 1000',
    );
    expect(refusalOf({ MERIT_BATCH_LIMIT: 'all' }).message).toMatch(/^MERIT_BATCH_LIMIT must be/);
  });

  it('tells of variables that look like settings and are none', () => {
    const env = { MERIT_LOGLEVEL: 'debug', MERIT_TEST_SERVER: '{}', HOME: '/root' };
    expect(read(env).unknownVariables).toEqual(['MERIT_LOGLEVEL']);
  });
});
