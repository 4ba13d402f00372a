import { Inject, type Type } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Position } from '#event-store';
import { DomainError } from '#kernel';
import type { Sql } from '#projections';
import type { Organisation } from '#read-models/organisation';
import { API_SYSTEM, type ApiSystem } from './dependencies.js';

/** Read your writes: longer than this a caller does not wait, but comes again. */
export const AFTER_WAIT_MS = 5_000;

/** Every answer says which position it reflects. */
export type Answer<Result extends object> = { readonly position: Position } & Result;

type Params = { readonly after?: string };

/** A query of the bus with its handler: made by these factories, not written class by class. */
export type ReadQuery<Of extends Params, Result extends object> = {
  readonly query: (params: Of) => Query<Answer<Result>>;
  readonly handler: Type<IQueryHandler>;
};

export function readQuery<Of extends Params, Result extends object>(
  answer: (system: ApiSystem, params: Of) => Promise<Answer<Result>>,
): ReadQuery<Of, Result> {
  class Read extends Query<Answer<Result>> {
    constructor(readonly params: Of) {
      super();
    }
  }
  @QueryHandler(Read)
  class ReadHandler implements IQueryHandler<Read> {
    constructor(@Inject(API_SYSTEM) private readonly system: ApiSystem) {}

    execute({ params }: Read): Promise<Answer<Result>> {
      return answer(this.system, params);
    }
  }
  return { query: (params) => new Read(params), handler: ReadHandler };
}

/**
 * A query over read models at one snapshot. Error: DomainError `projection-behind` when they have
 * not reached `after` in time.
 */
export function readModelQuery<Of extends Params, Result extends object>(
  projections: readonly string[],
  query: (sql: Sql, params: Of) => Promise<Result>,
): ReadQuery<Of, Result> {
  return readQuery(async (system, params) => {
    const { after } = params;
    if (after !== undefined) await system.projections.waitFor(projections, after, AFTER_WAIT_MS);
    const reading = await system.projections.read(projections, (sql) => query(sql, params));
    return { position: reading.position, ...reading.result };
  });
}

/**
 * A query on the organisation as the log's head tells it: never behind what this process has been
 * told of the log.
 */
export function readOrganisation<Of extends Params, Result extends object>(
  query: (org: Organisation, params: Of) => Result,
): ReadQuery<Of, Result> {
  return readQuery(async ({ store, engine }, params) => {
    const position = await store.head(); // before the organisation is read: it holds all of it
    refuseUnlessReached(position, params.after);
    return { position, ...query(await engine.organisation.current(), params) };
  });
}

/** A position that the log has not reached is no place to wait for. */
export function refuseUnlessReached(position: Position, after: Position | undefined): void {
  if (after !== undefined && position < after) {
    throw new DomainError('projection-behind', { position: after });
  }
}
