import { randomUUID } from 'node:crypto';
import { IN_POSTGRESQL, type LogSetting } from '../../apps/merit/log.js';
import type { Environment } from '#platform';
import { openEventStoreDouble } from './eventstoredb/index.js';

export type TestLog<Setting extends LogSetting = LogSetting> = {
  readonly setting: Setting;
  readonly close: () => Promise<void>;
};
export type EventStoreLog = TestLog<Extract<LogSetting, { kind: 'eventstoredb' }>>;

/** Where the logs of a run are that have no other place: set by `npm run test:eventstore`. */
const LOG_VARIABLE = 'MERIT_TEST_LOG';

/** An empty log where this run has its logs: in PostgreSQL, with the rest, or in EventStoreDB. */
export async function openTestLog(): Promise<TestLog> {
  if (process.env[LOG_VARIABLE] === 'eventstoredb') return openEventStoreLog();
  return { setting: IN_POSTGRESQL, close: async () => undefined };
}

/** An empty log on the server that EVENT_STORE_URL names, else on a double of its own. */
export async function openEventStoreLog(): Promise<EventStoreLog> {
  const url = process.env['EVENT_STORE_URL'];
  if (url !== undefined && url !== '') {
    // A server keeps what earlier tests wrote.
    const namespace = `test-${randomUUID()}.`;
    return { setting: { kind: 'eventstoredb', url, namespace }, close: async () => undefined };
  }
  const double = await openEventStoreDouble();
  return { setting: { kind: 'eventstoredb', url: double.url }, close: () => double.close() };
}

/** The settings that lead a command to a log. */
export function logEnvironment(log: LogSetting): Environment {
  if (log.kind === 'postgresql') return {};
  const { url, namespace } = log;
  const name = namespace?.replace(/\.$/, '');
  return { EVENT_STORE_URL: url, ...(name ? { EVENT_STORE_NAMESPACE: name } : {}) };
}
