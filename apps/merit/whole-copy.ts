import { Client } from 'pg';
import type { EventStore } from '#event-store';
import { DomainError } from '#kernel';
import type { OpenDatabase } from '#platform';

const LAST = 'SELECT event_id::text AS id FROM log.events ORDER BY position DESC LIMIT 1';

/**
 * A system that began to work on a copy that was interrupted would have lost the rest for ever:
 * nothing can be copied behind what it writes. Error: DomainError `log-not-copied`, unless the log
 * holds the last event of the one in the system's own database.
 */
export async function requireWholeCopy(
  { appUrl }: Pick<OpenDatabase, 'appUrl'>,
  log: Pick<EventStore, 'eventById'>,
): Promise<void> {
  const eventId = await lastEventId(appUrl);
  if (eventId === null || (await log.eventById(eventId)) !== null) return;
  throw new DomainError(
    'log-not-copied',
    { eventId },
    `the log in PostgreSQL ends with event ${eventId}, which the one in EventStoreDB has not: ` +
      'finish merit copy-log first; a new system takes a database of its own',
  );
}

async function lastEventId(appUrl: string): Promise<string | null> {
  const client = new Client({ connectionString: appUrl, application_name: 'merit log' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ readonly id: string }>(LAST);
    return rows[0]?.id ?? null;
  } finally {
    await client.end();
  }
}
