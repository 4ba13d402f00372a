import type { Caller } from '#platform';
import { cycleOf } from '#read-models/organisation';
import {
  OVERRIDE_KINDS,
  type OverrideEntry,
  type OverrideKind,
  overridePage,
} from '#read-models/overrides';
import { DomainError } from '#kernel';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, OneOf, Period } from '../../fields.js';
import { MAX_LIMIT, type PageOf, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, readQuery } from '../../read-query.js';

export class OverridesQuery extends PageQuery {
  @Period()
  period!: string;

  @OneOf(OVERRIDE_KINDS, { optional: true })
  kind?: OverrideKind;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;
}

/** Who departed from the rules alone, when, about whom and why. */
export type Override = {
  readonly period: string;
  readonly kind: OverrideKind;
  readonly accountManagerId: string | null; // null: everybody's period
  readonly who: string;
  readonly approvedBy: string | null;
  readonly at: string;
  /** In the words of who did it; null: none given, or not for the caller to read. */
  readonly reason: string | null;
  readonly recordId: string | null;
  readonly eventId: string;
  readonly detail: Readonly<Record<string, unknown>>;
};

export const OVERRIDE_NAMES = [
  'period',
  'kind',
  'accountManagerId',
  'who',
  'approvedBy',
  'at',
  'reason',
  'recordId',
  'eventId',
  'detail',
] as const satisfies readonly (keyof Override)[];

type Params = OverridesQuery & { readonly caller: Caller };

export const readOverrides = readQuery(
  async (system, params: Params): Promise<{ readonly position: string } & PageOf<Override>> => {
    await requireCycle(system, params.period);
    const { after, cursor, limit } = params;
    if (after !== undefined) await system.projections.waitFor(['overrides'], after, AFTER_WAIT_MS);
    const place = cursor === undefined ? null : placeOf(cursor);
    const { entries, position } = await pageOf(system, params, place, limit);
    const items = await withReasons(system, entries, params.caller);
    const last = entries.at(-1);
    const next = last && entries.length === limit ? toCursor([last.atKey, last.entryId]) : null;
    return { position, items, next };
  },
);

type Place = { readonly atKey: string; readonly entryId: string };

function placeOf(cursor: string): Place {
  const [atKey, entryId] = fromCursor(cursor, ['string', 'string']);
  return { atKey, entryId };
}

async function pageOf(
  { projections }: ApiSystem,
  filter: OverridesQuery,
  after: Place | null,
  limit: number,
) {
  const { result, position } = await projections.read(['overrides'], (sql) =>
    overridePage(sql, filter, { after, limit }),
  );
  return { entries: result, position };
}

/** Error: DomainError `unknown-cycle`. */
export async function requireCycle({ engine }: ApiSystem, period: string): Promise<void> {
  const org = await engine.organisation.current();
  if (!cycleOf(org, period)) throw new DomainError('unknown-cycle', { period });
}

/** All of a period, a page in memory at a time. */
export async function* everyOverride(system: ApiSystem, params: Params): AsyncGenerator<Override> {
  let place: Place | null = null;
  for (;;) {
    const { entries } = await pageOf(system, params, place, MAX_LIMIT);
    yield* await withReasons(system, entries, params.caller);
    const last: OverrideEntry | undefined = entries.at(-1);
    if (!last || entries.length < MAX_LIMIT) return;
    place = { atKey: last.atKey, entryId: last.entryId };
  }
}

const READ_REASONS: ReadonlySet<string> = new Set(['office', 'auditor']);
const OPENED_AT_ONCE = 16;

/** Reasons are personal: they are opened from the log for those who may read them. */
async function withReasons(
  { store }: ApiSystem,
  entries: readonly OverrideEntry[],
  { roles }: Caller,
): Promise<Override[]> {
  const mayRead = roles.some((role) => READ_REASONS.has(role));
  const overrides: Override[] = [];
  for (let from = 0; from < entries.length; from += OPENED_AT_ONCE) {
    const some = entries.slice(from, from + OPENED_AT_ONCE);
    const opened = some.map(async (entry) => {
      const { reasonEventId } = entry;
      const event = mayRead && reasonEventId !== null ? await store.eventById(reasonEventId) : null;
      return toOverride(entry, reasonIn(event?.data));
    });
    overrides.push(...(await Promise.all(opened)));
  }
  return overrides;
}

function toOverride(entry: OverrideEntry, reason: string | null): Override {
  const { period, kind, accountManagerId, who, approvedBy, at, recordId, eventId, detail } = entry;
  const of = { period, kind, accountManagerId, who, approvedBy, at, reason };
  return { ...of, recordId, eventId, detail };
}

function reasonIn(data: object | undefined): string | null {
  const { reason, reasons } = (data ?? {}) as { reason?: unknown; reasons?: unknown };
  const text = reason ?? reasons;
  return typeof text === 'string' ? text : null;
}
