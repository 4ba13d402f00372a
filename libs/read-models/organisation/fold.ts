import type { CycleEvent } from '#contexts/cycles';
import type { PeopleEvent } from '#contexts/people';
import type { SchemeEvent } from '#contexts/schemes';
import type { RecordedEvent } from '#event-store';
import {
  type Cycle,
  interned,
  newPerson,
  type Organisation,
  type Person,
  placement,
  type SchemeVersion,
  type Since,
} from './state.js';

type OrganisationEvent = SchemeEvent | PeopleEvent | CycleEvent;

/**
 * Whose provisional scores an event may move. `everybody` or the named people, in `periods` only;
 * periods whose publication has started are never among them: nothing moves there any more.
 */
export type Touched = {
  readonly everybody: boolean;
  readonly accountManagerIds: readonly string[];
  readonly periods: readonly string[];
};

const NOTHING: Touched = { everybody: false, accountManagerIds: [], periods: [] };

/**
 * Folds one event, in log order. An event at or before the position reached changes nothing, so a
 * reader may overlap. Other streams' events only move the position.
 */
export function applyToOrganisation(org: Organisation, event: RecordedEvent): Touched {
  if (event.position <= org.position) return NOTHING;
  org.position = event.position;
  org.eventCount += 1;
  const fact = { type: event.type, data: event.data } as OrganisationEvent;
  return (
    applyToScheme(org, fact) ??
    applyToStructure(org, fact) ??
    applyToPerson(org, fact) ??
    applyToCycle(org, fact, event.position) ??
    NOTHING
  );
}

function applyToScheme(org: Organisation, { type, data }: OrganisationEvent): Touched | null {
  const since = org.eventCount;
  switch (type) {
    case 'schemes.SchemeDrafted.v1':
    case 'schemes.SchemeRevised.v1': {
      const versions = entryOf(org.schemes, data.schemeId, () => new Map<number, SchemeVersion>());
      const { scheme, version } = data;
      versions.set(version, { scheme, publishedSince: null, retirements: [] });
      return NOTHING;
    }
    case 'schemes.SchemePublished.v1': {
      const version = org.schemes.get(data.schemeId)?.get(data.version);
      if (!version) return NOTHING;
      version.publishedSince ??= since;
      return everybodyFrom(org, version.scheme.effectiveFrom);
    }
    case 'schemes.SchemeRetired.v1': {
      const version = org.schemes.get(data.schemeId)?.get(data.version);
      if (!version) return NOTHING;
      version.retirements.push({ since, value: data.effectiveTo });
      return everybodyFrom(org, data.effectiveTo);
    }
    default:
      return null;
  }
}

function applyToStructure(org: Organisation, { type, data }: OrganisationEvent): Touched | null {
  const since = org.eventCount;
  switch (type) {
    case 'people.UnitDefined.v1':
      push(org.units, data.unitId, { since, value: data });
      org.branches.clear();
      return everybodyFrom(org, '');
    case 'people.CalendarDefined.v1':
      for (const { date, kind } of data.days) push(org.calendar, date, { since, value: kind });
      org.currentCalendar = null;
      dropOpenViews(org);
      return calendarTouched(org, new Set(data.days.map(({ date }) => date.slice(0, 7))));
    case 'people.TeamPoolSet.v1': {
      const ofPeriod = entryOf(org.pools, data.period, () => new Map<string, Since<string>[]>());
      push(ofPeriod, data.unitId, { since, value: data.amountMinor });
      return NOTHING;
    }
    case 'people.ApprovalDelegated.v1':
      org.delegations.push(data);
      return NOTHING;
    default:
      return null;
  }
}

function calendarTouched(org: Organisation, months: ReadonlySet<string>): Touched {
  const periods = openPeriods(org).filter((period) => months.has(period));
  return { everybody: periods.length > 0, accountManagerIds: [], periods };
}

function applyToPerson(org: Organisation, { type, data }: OrganisationEvent): Touched | null {
  const since = org.eventCount;
  switch (type) {
    case 'people.AccountManagerEnrolled.v1':
      org.people.set(data.accountManagerId, newPerson(org, data, since));
      return touchPerson(org, data.accountManagerId, data.joinedOn, null);
    case 'people.AccountManagerTransferred.v1':
      return changePerson(org, data.accountManagerId, data.effectiveOn, null, (person) => {
        person.placements = [...person.placements, placement(org, data, since)].sort(
          (a, b) => compare(a.effectiveOn, b.effectiveOn) || a.since - b.since,
        );
      });
    case 'people.AbsenceRecorded.v1':
      return changePerson(org, data.accountManagerId, data.from, data.to, (person) => {
        const [from, to] = [interned(org, data.from), interned(org, data.to)];
        person.absences = [...person.absences, { since, from, to }];
      });
    case 'people.AccountManagerLeft.v1':
      // Not only from the last day on: a leaving that is corrected moves earlier periods too.
      return changePerson(org, data.accountManagerId, '', null, (person) => {
        person.leavings = [...person.leavings, { since, value: interned(org, data.leftOn) }];
      });
    case 'people.CapabilityCertified.v1':
      return changePerson(
        org,
        data.accountManagerId,
        data.certifiedOn,
        data.validUntil,
        (person) => {
          const { certifiedOn, validUntil } = data;
          const capability = interned(org, data.capability);
          const certificate = { since, capability, certifiedOn, validUntil };
          person.certificates = [...person.certificates, certificate];
        },
      );
    default:
      return null;
  }
}

function changePerson(
  org: Organisation,
  accountManagerId: string,
  fromDay: string,
  untilDay: string | null,
  change: (person: Person) => void,
): Touched {
  const person = org.people.get(accountManagerId);
  if (!person) return NOTHING;
  change(person);
  return touchPerson(org, accountManagerId, fromDay, untilDay);
}

function applyToCycle(
  org: Organisation,
  { type, data }: OrganisationEvent,
  position: string,
): Touched | null {
  switch (type) {
    case 'cycles.CycleOpened.v1':
      org.cycles.set(data.period, { ...UNTOUCHED_CYCLE, ...data });
      return everybodyIn(org, data.period);
    case 'cycles.CollectionClosed.v1':
      return changeCycle(org, data.period, { closedAt: data.closedAt, status: 'closed' });
    case 'cycles.CollectionReopened.v1':
      return changeCycle(org, data.period, { closedAt: null, status: 'open' });
    case 'cycles.PublicationStarted.v1': {
      const { period, startedAt, incompleteAcknowledgedBy } = data;
      org.startedSince.set(period, org.eventCount);
      org.views.delete(period);
      const publicationStarted = { position, startedAt, incompleteAcknowledgedBy };
      return changeCycle(org, period, { publicationStarted, status: 'publishing' });
    }
    case 'cycles.ResultsComputed.v1': {
      const { count, sha256, rulesVersion } = data;
      return changeCycle(org, data.period, { resultsComputed: { count, sha256, rulesVersion } });
    }
    case 'cycles.CyclePublished.v1':
      return changeCycle(org, data.period, { publishedAt: data.publishedAt, status: 'published' });
    case 'cycles.CycleFinalised.v1':
      return changeCycle(org, data.period, { finalisedAt: data.finalisedAt, status: 'finalised' });
    default:
      return null;
  }
}

const UNTOUCHED_CYCLE = {
  closedAt: null,
  publicationStarted: null,
  resultsComputed: null,
  publishedAt: null,
  finalisedAt: null,
  status: 'open',
} as const satisfies Partial<Cycle>;

function changeCycle(org: Organisation, period: string, change: Partial<Cycle>): Touched {
  const cycle = org.cycles.get(period);
  if (cycle) org.cycles.set(period, { ...cycle, ...change });
  return NOTHING;
}

function everybodyIn(org: Organisation, period: string): Touched {
  org.views.delete(period);
  return { everybody: true, accountManagerIds: [], periods: [period] };
}

/** Units and schemes are in every member; `fromPeriod` '' stands for all periods. */
function everybodyFrom(org: Organisation, fromPeriod: string): Touched {
  dropOpenViews(org);
  const periods = openPeriods(org).filter((period) => period >= fromPeriod);
  return { everybody: periods.length > 0, accountManagerIds: [], periods };
}

function touchPerson(
  org: Organisation,
  accountManagerId: string,
  fromDay: string,
  untilDay: string | null,
): Touched {
  for (const view of org.views.values()) {
    if (view.cut !== Infinity) continue;
    view.members.delete(accountManagerId);
    if (view.cohort) view.stale.add(accountManagerId);
  }
  const periods = openPeriods(org).filter((period) => {
    const { firstDay, lastDay } = org.cycles.get(period) as Cycle;
    return lastDay >= fromDay && (untilDay === null || firstDay <= untilDay);
  });
  return { everybody: false, accountManagerIds: [accountManagerId], periods };
}

/** What started publication cannot see what came later, and keeps its view. */
function dropOpenViews(org: Organisation): void {
  for (const [period, view] of org.views) if (view.cut === Infinity) org.views.delete(period);
}

function openPeriods(org: Organisation): string[] {
  if (org.cycles.size === org.startedSince.size) return [];
  return [...org.cycles.keys()].filter((period) => !org.startedSince.has(period)).sort();
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = create();
  map.set(key, value);
  return value;
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  entryOf(map, key, () => [] as Value[]).push(value);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
