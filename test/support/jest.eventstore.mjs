import { readFileSync } from 'node:fs';

/**
 * The same specs as on PostgreSQL, with the log of each system in EventStoreDB: on the server that
 * EVENT_STORE_URL names, else on doubles. `npm run test:eventstore`. All else is as for `npm test`.
 */
const SPECS = [
  'libs/event-store/eventstoredb/**/*.spec.ts',
  'test/acceptance/**/*.spec.ts',
  'libs/processes/**/*.spec.ts',
  'apps/api/*.spec.ts',
  'apps/api/answers/*.spec.ts',
  // Of the areas those in which positions, keys or time show; the others decide as on PostgreSQL.
  'apps/api/areas/{cycles,feedback-calls,leaderboards,people}/*.spec.ts',
];

/** What is not run here, and why. */
const LEFT_OUT = [
  // A backup is of PostgreSQL; with the log elsewhere it is refused.
  'test/acceptance/backup.spec.ts',
  'test/acceptance/backup-command.spec.ts',
  'libs/processes/backup/',
  // Always on a double of their own, most with its faults: npm test has run them.
  'test/acceptance/copy-log-command.spec.ts',
  'test/acceptance/copy-log-refusals.spec.ts',
  'test/acceptance/dry-run-eventstoredb.spec.ts',
  'test/acceptance/lost-eventstoredb.spec.ts',
  'test/acceptance/eventstoredb-faults.spec.ts',
  'libs/event-store/eventstoredb/soak.spec.ts',
  'libs/processes/copy-log/',
  'libs/processes/verification/',
  // What an earlier release left is a log in PostgreSQL.
  'test/acceptance/upgrade.spec.ts',
  // Breaks rows of log.events; verification/verify-port.spec.ts breaks a log behind its port.
  'test/acceptance/verification.spec.ts',
  // Nothing in these is about a log; any-history takes half a minute for what settle shows, too.
  'test/acceptance/authority-matrix.spec.ts',
  'test/acceptance/provisional-scores.spec.ts',
  'libs/processes/settlement/any-history.spec.ts',
  'apps/api/openapi.spec.ts',
  'apps/api/relay-metrics.spec.ts',
  'apps/api/areas/cycles/distribution.spec.ts',
  'apps/api/areas/feedback-calls/order.spec.ts',
];

const { jest } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const literally = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

export default {
  ...jest,
  rootDir: new URL('../..', import.meta.url).pathname,
  testMatch: SPECS.map((spec) => `<rootDir>/${spec}`),
  testPathIgnorePatterns: [
    ...jest.testPathIgnorePatterns,
    ...LEFT_OUT.map((spec) => `<rootDir>/${literally(spec)}`),
  ],
  globalSetup: '<rootDir>/test/support/event-store-set-up.mjs',
  testEnvironment: '<rootDir>/test/support/patient-environment.mjs',
};
