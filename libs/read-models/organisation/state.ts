import type { AccountManagerEnrolled, UnitDefined } from '#contexts/people';
import { START, type Position } from '#event-store';
import type { AssessmentContext, CalendarDay, CalendarDays, Scheme } from '#rules';

/**
 * What was recorded, with the ordinal of its event among the events folded. Nothing is overwritten:
 * a period whose publication has started is seen as of that event, so that a fold that has read
 * further gives the frozen cohort all the same.
 */
export type Since<Value> = { readonly since: number; readonly value: Value };

export type Unit = UnitDefined['data'];

export type Placement = {
  readonly since: number;
  readonly effectiveOn: string; // '' for the enrolment: it holds from the beginning
  readonly unitId: string;
  readonly position: string;
  readonly supervisorId: string | null;
};

export type Absence = { readonly since: number; readonly from: string; readonly to: string };
export type Certificate = {
  readonly since: number;
  readonly capability: string;
  readonly certifiedOn: string;
  readonly validUntil: string | null;
};

/** One account manager without a name: names stay sealed in the log. */
export type Person = {
  readonly accountManagerId: string;
  readonly enrolledSince: number;
  readonly joinedOn: string;
  placements: readonly Placement[]; // by effectiveOn, then in the order of recording
  absences: readonly Absence[];
  leavings: readonly Since<string>[]; // last days in employment; the last recorded holds
  certificates: readonly Certificate[];
};

export type SchemeVersion = {
  scheme: Scheme;
  publishedSince: number | null;
  readonly retirements: Since<string>[]; // last periods
};

export type CycleStatus = 'open' | 'closed' | 'publishing' | 'published' | 'finalised';

/** Instants as they were given; null until it happened. */
export type Cycle = {
  readonly period: string;
  readonly firstDay: string;
  readonly lastDay: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly publicationStarted: {
    readonly position: Position;
    readonly startedAt: string;
    readonly incompleteAcknowledgedBy: string | null;
  } | null;
  readonly resultsComputed: {
    readonly count: number;
    readonly sha256: string;
    readonly rulesVersion: string;
  } | null;
  readonly publishedAt: string | null;
  readonly finalisedAt: string | null;
  readonly status: CycleStatus;
};

export type Delegation = {
  readonly delegationId: string;
  readonly fromActorId: string;
  readonly toActorId: string;
  readonly fromOn: string;
  readonly untilOn: string;
};

/** Who is assessed in a period, with everything that freezing needs but the earlier results. */
export type Member = Omit<AssessmentContext, 'carry' | 'earlierResult'> & {
  readonly scheme: Scheme;
};

/** What all members of one period share, and the members looked up so far. */
export type PeriodView = {
  readonly period: string;
  readonly firstDay: string;
  readonly lastDay: string;
  readonly cut: number; // events from this ordinal on are not seen; Infinity before publication
  readonly calendar: readonly CalendarDay[];
  readonly days: CalendarDays;
  readonly workdays: number;
  readonly schemes: readonly Scheme[];
  readonly unitPaths: Map<string, readonly string[]>;
  readonly schemeByPlace: Map<string, Map<string, Scheme | null>>; // unit, then position
  readonly members: Map<string, Member | null>;
  cohort: readonly string[] | null;
  readonly stale: Set<string>; // touched since the cohort was listed
};

/** The organisation as a prefix of the log tells it. Read it through the queries. */
export type Organisation = {
  position: Position; // of the last event folded
  eventCount: number;
  readonly people: Map<string, Person>;
  readonly units: Map<string, Since<Unit>[]>;
  readonly calendar: Map<string, Since<CalendarDay['kind']>[]>;
  readonly schemes: Map<string, Map<number, SchemeVersion>>;
  readonly pools: Map<string, Map<string, Since<string>[]>>; // period, then unit
  readonly cycles: Map<string, Cycle>;
  readonly startedSince: Map<string, number>; // by period: ordinal of PublicationStarted
  readonly delegations: Delegation[];
  readonly views: Map<string, PeriodView>;
  readonly branches: Map<string, ReadonlySet<string>>; // unit and all below it
  currentCalendar: CalendarDays | null;
  readonly texts: Map<string, string>;
};

/** The streams that the fold reads. */
export const ORGANISATION_PREFIXES: readonly string[] = [
  'scheme-',
  'organisation-',
  'account-manager-',
  'cycle-',
];

export function createOrganisation(): Organisation {
  return {
    position: START,
    eventCount: 0,
    people: new Map(),
    units: new Map(),
    calendar: new Map(),
    schemes: new Map(),
    pools: new Map(),
    cycles: new Map(),
    startedSince: new Map(),
    delegations: [],
    views: new Map(),
    branches: new Map(),
    currentCalendar: null,
    texts: new Map(),
  };
}

/** The value that held before the event at `cut`; null when there was none. */
export function heldBefore<Value>(history: readonly Since<Value>[], cut: number): Value | null {
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const entry = history[index];
    if (entry && entry.since < cut) return entry.value;
  }
  return null;
}

const INTERNED_TEXTS = 100_000;

/** One copy of a text that tens of thousands of people share (units, positions, days). */
export function interned(org: Organisation, text: string): string {
  const known = org.texts.get(text);
  if (known !== undefined) return known;
  if (org.texts.size < INTERNED_TEXTS) org.texts.set(text, text);
  return text;
}

export function newPerson(
  org: Organisation,
  enrolled: AccountManagerEnrolled['data'],
  since: number,
): Person {
  return {
    accountManagerId: enrolled.accountManagerId,
    enrolledSince: since,
    joinedOn: interned(org, enrolled.joinedOn),
    placements: [placement(org, { ...enrolled, effectiveOn: '' }, since)],
    absences: NONE,
    leavings: NONE,
    certificates: NONE,
  };
}

/** Shared by everybody who has none: four empty arrays a person would cost 70,000 people 9 MB. */
const NONE: readonly never[] = [];

export function placement(
  org: Organisation,
  data: Omit<Placement, 'since'>,
  since: number,
): Placement {
  return {
    since,
    effectiveOn: interned(org, data.effectiveOn),
    unitId: interned(org, data.unitId),
    position: interned(org, data.position),
    supervisorId: data.supervisorId === null ? null : interned(org, data.supervisorId),
  };
}
