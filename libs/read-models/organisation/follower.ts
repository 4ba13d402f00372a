import { type EventStore, type Position, START } from '#event-store';
import { applyToOrganisation } from './fold.js';
import { createOrganisation, type Organisation } from './state.js';

/** The organisation, or as much of it as some streams tell, at a position of the log. */
export type OrganisationFollower = {
  readonly at: (position: Position, log: Pick<EventStore, 'readAll'>) => Promise<Organisation>;
};

/** Reads only what came since it was asked before; starts anew for a position that lies behind. */
export function createOrganisationFollower(
  streamPrefixes: readonly string[],
): OrganisationFollower {
  let org = createOrganisation();
  return {
    at: async (position, log) => {
      if (org.position > position) org = createOrganisation();
      if (org.position === position) return org;
      const range = { after: org.position, until: position, streamPrefixes };
      for await (const events of log.readAll(range)) {
        for (const event of events) applyToOrganisation(org, event);
      }
      // Events of other streams do not count, but the place in the log does.
      if (position !== START) org.position = position;
      return org;
    },
  };
}
