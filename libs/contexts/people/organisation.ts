import {
  contentHash,
  type Decider,
  DomainError,
  requireAmountMinor,
  requireForm,
  requireId,
  requireOneOf,
  requirePeriod,
  requireText,
} from '#kernel';
import { requireDate } from './form.js';
import type {
  ApprovalDelegated,
  CalendarDay,
  CalendarDefined,
  PeopleEvent,
  TeamPoolSet,
  UnitDefined,
} from './events.js';

export type DefineUnit = {
  readonly type: 'people.DefineUnit';
  readonly data: UnitDefined['data'];
};
/** Any number of days; a later definition of a day replaces the earlier. */
export type DefineCalendar = {
  readonly type: 'people.DefineCalendar';
  readonly data: CalendarDefined['data'];
};
export type SetTeamPool = {
  readonly type: 'people.SetTeamPool';
  readonly data: TeamPoolSet['data'];
};
export type DelegateApproval = {
  readonly type: 'people.DelegateApproval';
  readonly data: ApprovalDelegated['data'];
};
export type OrganisationCommand = DefineUnit | DefineCalendar | SetTeamPool | DelegateApproval;

/** Asked by SetTeamPool alone: has the publication of the pool's period started? */
export type OrganisationFacts = { readonly publicationStarted: boolean };

type UnitNode = { readonly parentUnitId: string | null; readonly name: string };

export type OrganisationState = {
  readonly units: Map<string, UnitNode>;
  readonly kindByDate: Map<string, CalendarDay['kind']>;
  readonly poolByUnitAndPeriod: Map<string, string>;
  readonly hashByDelegationId: Map<string, string>;
};

/** events: what grows comes in parts of at most 200 entries. */
const MAX_CALENDAR_DAYS = 200;
/** Every unit of a person's path stands in the person's frozen facts. */
const MAX_UNIT_DEPTH = 50;
/** Stands for every unit in schemes, boards and batches, so no unit may bear it. */
const EVERY_UNIT = '*';

const poolKey = ({ unitId, period }: { unitId: string; period: string }) => `${period} ${unitId}`;

function defineUnit(
  { data }: DefineUnit,
  state: Readonly<OrganisationState>,
): readonly PeopleEvent[] {
  const { unitId, parentUnitId, name } = data;
  requireId(unitId, 'unitId');
  requireForm(unitId !== EVERY_UNIT, 'unitId');
  requireText(name, 'name');
  const known = state.units.get(unitId);
  if (known && known.parentUnitId === parentUnitId && known.name === name) return [];
  if (parentUnitId !== null) refuseUnlessBelow(parentUnitId, unitId, state);
  return [{ type: 'people.UnitDefined.v1', data }];
}

function refuseUnlessBelow(
  parentUnitId: string,
  unitId: string,
  { units }: Readonly<OrganisationState>,
): void {
  let ancestor: string | null = parentUnitId;
  for (let depth = 0; ancestor !== null; depth += 1) {
    if (ancestor === unitId) throw new DomainError('unit-cycle', { unitId, parentUnitId });
    const unit: UnitNode | undefined = units.get(ancestor);
    if (!unit) throw new DomainError('unknown-unit', { unitId: ancestor });
    requireForm(depth < MAX_UNIT_DEPTH, 'parentUnitId');
    ancestor = unit.parentUnitId;
  }
}

function defineCalendar(
  { data }: DefineCalendar,
  { kindByDate }: Readonly<OrganisationState>,
): readonly PeopleEvent[] {
  const dates = new Set<string>();
  for (const { date, kind } of data.days) {
    requireDate(date, 'date');
    requireOneOf(kind, ['holiday', 'workday'], 'kind');
    requireForm(!dates.has(date), 'date');
    dates.add(date);
  }
  const days = data.days.filter(({ date, kind }) => kindByDate.get(date) !== kind);
  const events: CalendarDefined[] = [];
  for (let from = 0; from < days.length; from += MAX_CALENDAR_DAYS) {
    const part = days.slice(from, from + MAX_CALENDAR_DAYS);
    events.push({ type: 'people.CalendarDefined.v1', data: { days: part } });
  }
  return events;
}

function setTeamPool(
  { data }: SetTeamPool,
  state: Readonly<OrganisationState>,
  facts: OrganisationFacts,
): readonly PeopleEvent[] {
  const { unitId, period, amountMinor } = data;
  requirePeriod(period, 'period');
  requireAmountMinor(amountMinor, 'amountMinor');
  requireForm(!amountMinor.startsWith('-'), 'amountMinor');
  if (state.poolByUnitAndPeriod.get(poolKey(data)) === amountMinor) return [];
  if (!state.units.has(unitId)) throw new DomainError('unknown-unit', { unitId });
  // tiers and bonus: a pool is shared once, at publication.
  if (facts.publicationStarted) throw new DomainError('publication-started', { period });
  return [{ type: 'people.TeamPoolSet.v1', data }];
}

function delegate(
  { data }: DelegateApproval,
  state: Readonly<OrganisationState>,
): readonly PeopleEvent[] {
  const { delegationId, fromActorId, toActorId, fromOn, untilOn } = data;
  requireId(delegationId, 'delegationId');
  requireId(fromActorId, 'fromActorId');
  requireId(toActorId, 'toActorId');
  requireDate(fromOn, 'fromOn');
  requireDate(untilOn, 'untilOn');
  requireForm(fromOn <= untilOn, 'untilOn');
  const earlier = state.hashByDelegationId.get(delegationId);
  if (earlier === contentHash(data)) return [];
  if (earlier) throw new DomainError('delegation-id-reused', { delegationId });
  if (fromActorId === toActorId) throw new DomainError('segregation-of-duties', { delegationId });
  return [{ type: 'people.ApprovalDelegated.v1', data }];
}

/** Units, calendar, team pools and delegations: the stream `organisation-main`. */
export const organisation: Decider<
  OrganisationState,
  OrganisationCommand,
  PeopleEvent,
  OrganisationFacts
> = {
  initialState: () => ({
    units: new Map(),
    kindByDate: new Map(),
    poolByUnitAndPeriod: new Map(),
    hashByDelegationId: new Map(),
  }),

  evolve(state, { type, data }) {
    switch (type) {
      case 'people.UnitDefined.v1':
        state.units.set(data.unitId, data);
        return state;
      case 'people.CalendarDefined.v1':
        for (const { date, kind } of data.days) state.kindByDate.set(date, kind);
        return state;
      case 'people.TeamPoolSet.v1':
        state.poolByUnitAndPeriod.set(poolKey(data), data.amountMinor);
        return state;
      case 'people.ApprovalDelegated.v1':
        state.hashByDelegationId.set(data.delegationId, contentHash(data));
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'people.DefineUnit':
        return defineUnit(command, state);
      case 'people.DefineCalendar':
        return defineCalendar(command, state);
      case 'people.SetTeamPool':
        return setTeamPool(command, state, facts);
      case 'people.DelegateApproval':
        return delegate(command, state);
    }
  },
};
