import { readFileSync } from 'node:fs';

/** What needs a broker: `npm run test:kafka`. All else is as for `npm test`. */
const { jest } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

export default {
  ...jest,
  rootDir: new URL('../..', import.meta.url).pathname,
  testMatch: ['**/*.kafka.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '<rootDir>/test/bench/'],
  globalSetup: '<rootDir>/test/support/kafka-set-up.mjs',
  testTimeout: 120_000,
  // A test that failed in the middle of a fault may leave a client that tries for ever.
  forceExit: true,
};
