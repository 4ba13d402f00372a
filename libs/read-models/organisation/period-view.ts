import { compareCodePoints, daysOfPeriod } from '#kernel';
import {
  type CalendarDay,
  calendarDays,
  eligibleDayCount,
  type Scheme,
  schemeInForce,
  workdayCount,
} from '#rules';
import {
  heldBefore,
  type Member,
  type Organisation,
  type Person,
  type PeriodView,
  type Placement,
} from './state.js';

/** Views of periods that have no cycle are asked for by misdirected facts alone. */
const MAX_VIEWS = 240;
/** Members kept over all periods: about 45 MB; two periods of 70,000 people fit. */
const MAX_MEMBERS = 150_000;
const MAX_UNIT_DEPTH = 100;

const NO_ABSENCES: Member['absences'] = [];
const NO_CAPABILITIES: Member['capabilities'] = [];

export function viewOf(org: Organisation, period: string): PeriodView {
  const known = org.views.get(period);
  if (known) return known;
  if (org.views.size >= MAX_VIEWS) org.views.clear();
  const view = buildView(org, period);
  org.views.set(period, view);
  return view;
}

function buildView(org: Organisation, period: string): PeriodView {
  const { firstDay, lastDay } = org.cycles.get(period) ?? daysOfPeriod(period);
  const cut = org.startedSince.get(period) ?? Infinity;
  const calendar: CalendarDay[] = [];
  for (const [date, history] of org.calendar) {
    if (date < firstDay || date > lastDay) continue;
    const kind = heldBefore(history, cut);
    if (kind) calendar.push({ date, kind });
  }
  calendar.sort((a, b) => (a.date < b.date ? -1 : 1));
  const days = calendarDays(calendar);
  return {
    period,
    firstDay,
    lastDay,
    cut,
    calendar,
    days,
    workdays: workdayCount(firstDay, lastDay, days),
    schemes: schemesBefore(org, cut),
    unitPaths: new Map(),
    schemeByPlace: new Map(),
    members: new Map(),
    cohort: null,
    stale: new Set(),
  };
}

/** Published versions; a retirement ends one earlier than the version itself says. */
function schemesBefore(org: Organisation, cut: number): readonly Scheme[] {
  const schemes: Scheme[] = [];
  for (const versions of org.schemes.values()) {
    for (const { scheme, publishedSince, retirements } of versions.values()) {
      if (publishedSince === null || publishedSince >= cut) continue;
      const effectiveTo = heldBefore(retirements, cut);
      schemes.push(effectiveTo === null ? scheme : { ...scheme, effectiveTo });
    }
  }
  return schemes;
}

/** Own unit first, then its ancestors, as the tree stood at the view's cut. */
export function unitPathIn(
  org: Organisation,
  view: Pick<PeriodView, 'cut' | 'unitPaths'>,
  unitId: string,
): readonly string[] {
  const known = view.unitPaths.get(unitId);
  if (known) return known;
  const path: string[] = [];
  let next: string | null = unitId;
  while (next !== null && path.length < MAX_UNIT_DEPTH && !path.includes(next)) {
    path.push(next);
    next = heldBefore(org.units.get(next) ?? [], view.cut)?.parentUnitId ?? null;
  }
  view.unitPaths.set(unitId, path);
  return path;
}

/**
 * scoring: unit and position of a period are those of its last day, or of the person's last day.
 */
export function placementIn(person: Person, view: PeriodView): Placement {
  const leftOn = heldBefore(person.leavings, view.cut);
  const day = leftOn !== null && leftOn < view.lastDay ? leftOn : view.lastDay;
  return placementOn(person, day, view.cut);
}

export function placementOn(person: Person, day: string, cut: number): Placement {
  const { placements } = person;
  for (let index = placements.length - 1; index > 0; index -= 1) {
    const placement = placements[index];
    if (placement && placement.effectiveOn <= day && placement.since < cut) return placement;
  }
  return placements[0] as Placement;
}

/** The scheme that applies at a place, whether or not the person is in employment then. */
export function schemeAt(
  org: Organisation,
  view: PeriodView,
  { unitId, position }: Placement,
): Scheme | null {
  let byPosition = view.schemeByPlace.get(unitId);
  if (!byPosition) view.schemeByPlace.set(unitId, (byPosition = new Map()));
  const known = byPosition.get(position);
  if (known !== undefined) return known;
  const unitPath = unitPathIn(org, view, unitId);
  const found = schemeInForce(view.schemes, { position, unitPath }, view.period);
  // As it was published: a retirement takes part in the choice, not in the content.
  const scheme = found
    ? (org.schemes.get(found.schemeId)?.get(found.version)?.scheme ?? found)
    : null;
  byPosition.set(position, scheme);
  return scheme;
}

/** scoring: joined by the last day, not left before the first, and a scheme applies. */
export function isInCohort(org: Organisation, view: PeriodView, person: Person): boolean {
  if (person.enrolledSince >= view.cut || person.joinedOn > view.lastDay) return false;
  const leftOn = heldBefore(person.leavings, view.cut);
  if (leftOn !== null && leftOn < view.firstDay) return false;
  return schemeAt(org, view, placementIn(person, view)) !== null;
}

export function memberIn(org: Organisation, view: PeriodView, person: Person): Member | null {
  const known = view.members.get(person.accountManagerId);
  if (known !== undefined) return known;
  makeRoom(org);
  const member = isInCohort(org, view, person) ? buildMember(org, view, person) : null;
  view.members.set(person.accountManagerId, member);
  return member;
}

function makeRoom(org: Organisation): void {
  let count = 0;
  for (const { members } of org.views.values()) count += members.size;
  if (count < MAX_MEMBERS) return;
  for (const { members } of org.views.values()) members.clear();
}

function buildMember(org: Organisation, view: PeriodView, person: Person): Member | null {
  const place = placementIn(person, view);
  const scheme = schemeAt(org, view, place);
  if (!scheme) return null;
  const { accountManagerId, joinedOn } = person;
  const leftOn = heldBefore(person.leavings, view.cut);
  const absences = absencesIn(person, view);
  return {
    accountManagerId,
    period: view.period,
    schemeId: scheme.schemeId,
    schemeVersion: scheme.version,
    unitPath: unitPathIn(org, view, place.unitId),
    position: place.position,
    supervisorId: place.supervisorId,
    joinedOn,
    leftOn,
    absences,
    firstDay: view.firstDay,
    lastDay: view.lastDay,
    calendar: view.calendar,
    workdays: view.workdays,
    eligibleDays: eligibleDaysIn(view, { joinedOn, leftOn, absences }),
    capabilities: capabilitiesIn(person, view),
    scheme,
  };
}

function eligibleDaysIn(
  view: PeriodView,
  employment: Pick<Member, 'joinedOn' | 'leftOn' | 'absences'>,
): number {
  const { joinedOn, leftOn, absences } = employment;
  const whole =
    absences.length === 0 &&
    joinedOn <= view.firstDay &&
    (leftOn === null || leftOn >= view.lastDay);
  if (whole) return view.workdays;
  const { firstDay, lastDay } = view;
  return eligibleDayCount({ firstDay, lastDay, joinedOn, leftOn, absences }, view.days);
}

function absencesIn(person: Person, view: PeriodView): Member['absences'] {
  if (person.absences.length === 0) return NO_ABSENCES;
  const absences = person.absences
    .filter(
      ({ since, from, to }) => since < view.cut && from <= view.lastDay && to >= view.firstDay,
    )
    .map(({ from, to }) => ({ from, to }));
  return absences.length === 0 ? NO_ABSENCES : absences;
}

/** tiers: certified on the period's last day, both ends of a certificate included. */
function capabilitiesIn(person: Person, view: PeriodView): Member['capabilities'] {
  if (person.certificates.length === 0) return NO_CAPABILITIES;
  const valid = person.certificates.filter(
    ({ since, certifiedOn, validUntil }) =>
      since < view.cut &&
      certifiedOn <= view.lastDay &&
      (validUntil === null || validUntil >= view.lastDay),
  );
  return [...new Set(valid.map(({ capability }) => capability))].sort(compareCodePoints);
}
