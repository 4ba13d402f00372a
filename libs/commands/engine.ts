import type { EventStore, Position } from '#event-store';
import type { Sql } from '#projections';
import type { CommandHandler } from './handle.js';
import type { OrganisationReader } from './organisation-reader.js';

/** Read models at a known position: a command never decides from one of unknown age. */
export type ReadModels = {
  /**
   * A query on the named projections once they have reached `position`, over one snapshot. Refuses
   * (`projection-parked`) while one of them has parked keys: what is missing there would be
   * missing in somebody's pay.
   */
  readonly at: <Result>(
    position: Position,
    projections: readonly string[],
    query: (sql: Sql) => Promise<Result>,
  ) => Promise<Result>;
};

/** What commands and processes work with. */
export type Engine = {
  readonly store: EventStore; // personal fields open
  readonly log: Pick<EventStore, 'readStreams' | 'readAll' | 'head'>; // personal fields sealed
  readonly handler: CommandHandler;
  readonly organisation: OrganisationReader;
  readonly readModels: ReadModels;
};
