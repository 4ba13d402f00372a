import type { Position } from '#event-store';
import type { Caller } from '#platform';
import type { Sql } from '#projections';
import type { PersonPeriodFilter, PersonPeriodRange } from '#read-models/scores';
import { seen } from './authority.js';
import { fromCursor, toCursor } from './cursor.js';
import type { ApiSystem } from './dependencies.js';
import type { PersonPeriodPageQuery } from './person-queries.js';
import type { PageOf } from './queries.js';
import { AFTER_WAIT_MS } from './read-query.js';
import { whoseRecords, type Whose } from './sight.js';

export type PersonPeriod = { readonly accountManagerId: string; readonly period: string };

/** A page of what is kept by person and period, in that order, of those whom the caller sees. */
export async function personPeriodPage<Item extends PersonPeriod>(
  system: ApiSystem,
  projections: readonly string[],
  params: PersonPeriodPageQuery & { readonly caller: Caller },
  read: (
    sql: Sql,
    filter: PersonPeriodFilter,
    page: PersonPeriodRange,
    position: Position,
  ) => Promise<readonly Item[]>,
): Promise<PageOf<Item> & { readonly position: Position }> {
  const { cursor, limit, after, caller, accountManagerId, period } = params;
  const page = { after: personPeriodOf(cursor), limit };
  if (after !== undefined) await system.projections.waitFor(projections, after, AFTER_WAIT_MS);
  const org = await system.engine.organisation.current();
  const filter = {
    period: period ?? null,
    accountManagerIds: idsOf(whoseRecords(org, caller, accountManagerId)),
  };
  const { result: items, position } = await system.projections.read(projections, (sql, at) =>
    read(sql, filter, page, at),
  );
  // A list of one's own is none of somebody else's.
  const isOwn = items.every((item) => item.accountManagerId === caller.id);
  if (!isOwn) seen(system, caller, accountManagerId ?? null, projections[0] ?? 'scores');
  const last = items.at(-1);
  const isLast = items.length < limit || !last;
  return { position, items, next: isLast ? null : toCursor([last.accountManagerId, last.period]) };
}

const idsOf = (whose: Whose): readonly string[] | null => (whose === 'everybody' ? null : whose);

/** The person and period behind which a page begins. */
export function personPeriodOf(cursor: string | undefined): PersonPeriod | null {
  if (cursor === undefined) return null;
  const [accountManagerId, period] = fromCursor(cursor, ['string', 'string']);
  return { accountManagerId, period };
}
