import { clientConfig, createKafka } from './connection.js';

const OPTIONS = { clientId: 'merit', logger: { debug: () => undefined } };
const PLAIN = { brokers: ['a:9092'], ssl: false, sasl: null };

describe('the client of Kafka', () => {
  it('tries again soon, and not for ever (rule 5)', () => {
    const { retry } = clientConfig(PLAIN, '', OPTIONS);
    expect(retry?.initialRetryTime).toBe(20);
    expect(retry?.retries).toBeGreaterThan(0);
    expect(retry?.retries).toBeLessThan(20);
    // What is left out comes from the client's defaults, which are others under a test runner.
    expect(Object.keys(retry ?? {}).sort()).toEqual([
      'factor',
      'initialRetryTime',
      'maxRetryTime',
      'multiplier',
      'retries',
    ]);
  });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('logs in by %s', (mechanism) => {
    const sasl = { mechanism, username: 'merit', passwordFile: '/nowhere' };
    expect(clientConfig({ ...PLAIN, ssl: true, sasl }, 'secret', OPTIONS)).toMatchObject({
      ssl: true,
      sasl: { mechanism, username: 'merit', password: 'secret' },
    });
  });

  it('names the setting of a password file that cannot be read', async () => {
    const sasl = { mechanism: 'plain', username: 'm', passwordFile: '/nowhere/password' } as const;
    await expect(createKafka({ ...PLAIN, sasl }, OPTIONS)).rejects.toMatchObject({
      code: 'kafka-password-missing',
      message: expect.stringContaining('KAFKA_PASSWORD_FILE'),
    });
  });
});
