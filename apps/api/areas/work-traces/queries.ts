import { assessmentStream, DomainError, localDate } from '#kernel';
import { toFacts } from '#contexts/assessment';
import type { Caller } from '#platform';
import {
  cohort,
  cycleOf,
  memberOf,
  type Organisation,
  periods,
  unitsAtOrBelow,
} from '#read-models/organisation';
import { seen, unitsOf } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { DateOn, Id, Period } from '../../fields.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';
import { listFacts } from '../facts/list.js';
import { assessedIn, readPeriod, stateOf } from '../facts/reading.js';
import { dayPlans, type DayPlan } from './plan.js';

export class TracesQuery extends PageQuery {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period({ example: '2026-03' })
  period!: string;

  @DateOn({ optional: true, example: '2026-03-10', description: 'One local day of it' })
  on?: string;
}

export class DayQuery extends AnyQuery {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @DateOn({ example: '2026-03-10' })
  on!: string;
}

export class MissedQuery extends PageQuery {
  @Id({ example: 'north', description: 'The unit and all below it; `*`: the company' })
  unitId!: string;

  @DateOn({ example: '2026-03-10' })
  on!: string;
}

type By<Query> = Query & { readonly caller: Caller };

/** A person's traces of a period or a day, each with whether it counts. */
export const readTraces = readQuery(async (system, params: By<TracesQuery>) => {
  const { accountManagerId, period, caller, on, limit, cursor } = params;
  const recorded = await readPeriod(system, params);
  seen(system, caller, accountManagerId, 'work traces');
  const timezone = recorded.assessed?.scheme.timezone ?? 'UTC';
  const [from] = cursor === undefined ? [-1] : fromCursor(cursor, ['number']);
  const rest = listFacts(recorded)
    .filter(({ kind, revision }) => kind === 'work-trace' && revision > from)
    .map((fact) => ({ ...fact, on: localDate(fact.occurredAt, timezone) }))
    .filter((fact) => on === undefined || fact.on === on);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const next = last && rest.length > items.length ? toCursor([last.revision]) : null;
  return { position: recorded.position, accountManagerId, period, items, next };
});

/** One day of a person against the plan: what is missing, and until when it can be mended. */
export const readDay = readQuery(async (system, params: By<DayQuery>) => {
  const { accountManagerId, on, caller } = params;
  const org = await system.engine.organisation.current();
  const period = periodOfDay(org, on);
  const recorded = await readPeriod(system, { ...params, period });
  seen(system, caller, accountManagerId, 'work traces');
  const timezone = recorded.assessed?.scheme.timezone ?? 'UTC';
  const traces = listFacts(recorded).filter(
    ({ kind, occurredAt }) => kind === 'work-trace' && localDate(occurredAt, timezone) === on,
  );
  const plans = dayPlans(recorded, on, system.clock().toISOString());
  return { position: recorded.position, accountManagerId, period, on, plans, traces };
});

type Missed = {
  readonly accountManagerId: string;
  readonly unitId: string;
  readonly plans: readonly DayPlan[];
};

/**
 * Who of a unit is behind the plan on a day, while there is still time. A page looks at `limit`
 * people and tells of those who are behind, so it may be short and not the last one.
 */
export const readMissed = readQuery(async (system, params: By<MissedQuery>) => {
  const { unitId, on, caller, limit, cursor, after } = params;
  const position = await system.store.head();
  refuseUnlessReached(position, after);
  const org = await system.engine.organisation.current();
  requireUnit(org, caller, unitId);
  seen(system, caller, null, 'work traces');
  const period = periodOfDay(org, on);
  const units = unitsAtOrBelow(org, unitId);
  const [from] = cursor === undefined ? [''] : fromCursor(cursor, ['string']);
  const people = cohort(org, period).filter((id) =>
    units.has(memberOf(org, id, period)?.unitPath[0] ?? ''),
  );
  const start = cursor === undefined ? 0 : people.indexOf(from) + 1;
  const page = people.slice(start, start + limit);
  const last = page.at(-1);
  const items = await missedOf(system, org, period, page, on);
  const next = last !== undefined && start + limit < people.length ? toCursor([last]) : null;
  return { position, unitId, period, on, items, next };
});

async function missedOf(
  { store, clock }: ApiSystem,
  org: Organisation,
  period: string,
  people: readonly string[],
  on: string,
): Promise<Missed[]> {
  const states = new Map<string, ReturnType<typeof stateOf>>();
  const streams = people.map((id) => assessmentStream(id, period));
  for await (const events of store.readStreams(streams)) {
    if (events[0]) states.set(events[0].stream, stateOf(events));
  }
  const now = clock().toISOString();
  return people.flatMap((accountManagerId) => {
    const state = states.get(assessmentStream(accountManagerId, period)) ?? stateOf([]);
    const assessed = assessedIn(org, accountManagerId, period, state);
    const behind = dayPlans({ org, assessed, state, facts: toFacts(state) }, on, now).filter(
      ({ missing, missingToDate }) => missing > 0 || missingToDate > 0,
    );
    if (behind.length === 0) return [];
    const unitId = assessed?.context.unitPath[0] ?? '';
    return [{ accountManagerId, unitId, plans: behind }];
  });
}

/** Error: `unknown-cycle` where the day lies in no period that is assessed. */
function periodOfDay(org: Organisation, on: string): string {
  const found = periods(org).find((period) => {
    const cycle = cycleOf(org, period);
    return cycle !== null && cycle.firstDay <= on && on <= cycle.lastDay;
  });
  if (found === undefined) throw new DomainError('unknown-cycle', { on });
  return found;
}

/** Errors: `unknown-unit`, `outside-authority`. */
function requireUnit(org: Organisation, { id, roles }: Caller, unitId: string): void {
  const sees = roles.some((role) => role === 'office' || role === 'auditor');
  if (!sees && !unitsOf(org, id).has(unitId)) {
    throw new DomainError('outside-authority', { unitId });
  }
  if (unitsAtOrBelow(org, unitId).size === 0) throw new DomainError('unknown-unit', { unitId });
}
