import { randomUUID } from 'node:crypto';
import type { LogSetting } from '../../apps/merit/log.js';
import { openEventStoreDouble } from './eventstoredb/index.js';

export type EventStoreLog = {
  readonly setting: Extract<LogSetting, { kind: 'eventstoredb' }>;
  readonly close: () => Promise<void>;
};

/** An empty log on the server that EVENT_STORE_URL names, else on a double of its own. */
export async function openEventStoreLog(): Promise<EventStoreLog> {
  const url = process.env['EVENT_STORE_URL'];
  if (url !== undefined && url !== '') {
    // A server keeps what earlier tests wrote.
    const namespace = `test-${randomUUID()}-`;
    return { setting: { kind: 'eventstoredb', url, namespace }, close: async () => undefined };
  }
  const double = await openEventStoreDouble();
  return { setting: { kind: 'eventstoredb', url: double.url }, close: () => double.close() };
}
