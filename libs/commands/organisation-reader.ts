import { type EventStore, START } from '#event-store';
import {
  applyToOrganisation,
  createOrganisation,
  type Organisation,
  ORGANISATION_PREFIXES,
} from '#read-models/organisation';

/** The organisation as the log tells it, brought to the log's head whenever it is asked for. */
export type OrganisationReader = { readonly current: () => Promise<Organisation> };

/** Reads the tail since the last time; callers at the same time share one read. */
export function createOrganisationReader(log: Pick<EventStore, 'readAll'>): OrganisationReader {
  const org = createOrganisation();
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const follow = async (): Promise<void> => {
    const after = org.position === START ? {} : { after: org.position };
    const range = { ...after, streamPrefixes: ORGANISATION_PREFIXES };
    for await (const events of log.readAll(range)) {
      for (const event of events) applyToOrganisation(org, event);
    }
  };
  const start = (): Promise<void> => {
    const run = follow().finally(() => {
      if (running === run) running = null;
    });
    running = run;
    return run;
  };
  return {
    current: async () => {
      // A read under way may have begun before the caller's own append: it waits for the next one.
      if (running) {
        const before = running;
        next ??= before
          .catch(() => undefined)
          .then(() => {
            next = null;
            return start();
          });
        await next;
      } else {
        await start();
      }
      return org;
    },
  };
}
