import { type EventStore, openPostgresEventStore } from '#event-store';
import type { Configuration, OpenDatabase } from '#platform';

/** Where the log is. Read models, keys and the access record are in PostgreSQL either way. */
export type LogKind = 'postgresql' | 'eventstoredb';
export type LogSetting =
  | { readonly kind: 'postgresql' } // in the system's own database
  | {
      readonly kind: 'eventstoredb';
      readonly url: string;
      readonly namespace?: string; // before every stream name; a server of its own needs none
    };

export const IN_POSTGRESQL: LogSetting = { kind: 'postgresql' };

export function logSetting({
  eventStoreUrl: url,
  eventStoreNamespace: name,
}: Pick<Configuration, 'eventStoreUrl' | 'eventStoreNamespace'>): LogSetting {
  if (url === null) return IN_POSTGRESQL;
  return { kind: 'eventstoredb', url, ...(name === null ? {} : { namespace: `${name}.` }) };
}

// Its client takes a while to load; whoever keeps the log in PostgreSQL does without.
const eventStoreDb = () => import('#event-store/eventstoredb');

/** Before a database is made for it. Error: DomainError `configuration-invalid`. */
export async function requireUsable(setting: LogSetting): Promise<void> {
  if (setting.kind === 'eventstoredb') (await eventStoreDb()).requireUsableUrl(setting.url);
}

/** The bare adapter: nothing is opened or sealed on the way. */
export async function openLog(
  setting: LogSetting,
  { appUrl }: Pick<OpenDatabase, 'appUrl'>,
): Promise<EventStore> {
  if (setting.kind === 'postgresql') return openPostgresEventStore({ connectionString: appUrl });
  const { openEventStoreDb } = await eventStoreDb();
  const { url, namespace } = setting;
  return openEventStoreDb(namespace === undefined ? { url } : { url, namespace });
}
