import type { Scheme } from '#rules';
import { emitAppeal } from './appeals.js';
import { type Emit, emitFacts } from './facts.js';
import { CALENDAR, dayAfter, instantAt, type Month, monthsOf } from './months.js';
import { emitOddities } from './oddities.js';
import {
  absencesOf,
  branchCount,
  branchId,
  isInCohort,
  type Person,
  personOf,
  unitsOf,
} from './people.js';
import { randomOf } from './random.js';
import { schemesOf } from './schemes.js';

/** How large an invented organisation is. The demo's is `DEMO`; benchmarks take larger ones. */
export type OrganisationOptions = {
  readonly seed: number;
  readonly people: number;
  readonly firstPeriod: string;
  readonly periods: number;
  readonly openPeriods: number; // at the end: facts, but no close
  readonly unsealedPeriods: number; // before those: published, not yet paid
  readonly lastRecordedDay: number; // of the last month; 31: all of it
  readonly factsPercent: number; // of the demo's visits and calls a person and month
  readonly appealEvery: number; // one person in so many appeals each month; 0: nobody
  readonly hasOddities: boolean; // rows that an import refuses or finds repeated
};

export const DEMO: OrganisationOptions = {
  seed: 20_260_213,
  people: 46,
  firstPeriod: '2025-10',
  periods: 5,
  openPeriods: 1,
  unsealedPeriods: 1,
  lastRecordedDay: 13,
  factsPercent: 100,
  appealEvery: 11,
  hasOddities: true,
};

/** Writes the organisation row by row: one of seventy thousand people fits no memory. */
export function emitOrganisation(options: OrganisationOptions, emit: Emit): readonly Scheme[] {
  const { seed } = options;
  const months = monthsOf(options);
  const people = Array.from({ length: options.people }, (_, index) =>
    personOf(seed, index, options.people, months),
  );
  for (const day of CALENDAR) emit('calendar.csv', day);
  for (const unit of unitsOf(options.people)) emit('units.csv', unit);
  for (const person of people) emitPerson(person, months, options, emit);
  for (const month of months) {
    emitCycle(month, emit);
    emitPools(month, options, emit);
    const cohort = people.filter((person) => isInCohort(person, month));
    const byBranch = new Map<number, Person[]>();
    for (const person of cohort) {
      const mates = byBranch.get(person.branch);
      if (mates) mates.push(person);
      else byBranch.set(person.branch, [person]);
    }
    for (const person of cohort) {
      const mates = byBranch.get(person.branch) ?? [];
      emitFacts(person, month, { seed, factsPercent: options.factsPercent, emit, mates });
      const every = options.appealEvery;
      if (every > 0) emitAppeal(person, month, { seed, every, emit });
    }
  }
  if (options.hasOddities) emitOddities(people, months, emit);
  return schemesOf(options.firstPeriod);
}

function emitPerson(
  person: Person,
  months: readonly Month[],
  { seed }: OrganisationOptions,
  emit: Emit,
): void {
  const { accountManagerId, name, unitId, position, supervisorId, joinedOn, leftOn } = person;
  emit('account-managers.csv', {
    accountManagerId,
    name,
    unitId,
    position,
    supervisorId,
    joinedOn,
    leftOn,
  });
  for (const absence of absencesOf(seed, person, months)) {
    emit('absences.csv', { accountManagerId, ...absence });
  }
  const random = randomOf(seed, 'capabilities', person.index);
  const certify = (capability: string, certifiedOn: string, validUntil: string): void =>
    emit('capabilities.csv', { accountManagerId, capability, certifiedOn, validUntil });
  if (random.chance(75)) certify('credit-licence', '2025-03-01', '');
  else if (random.chance(50)) certify('credit-licence', '2023-01-15', '2025-12-31');
  if (random.chance(25)) certify('mentor', '2025-06-01', '2027-05-31');
}

/** A month's way: closed on the 4th, published on the 5th, final on the 18th, paid on the 22nd. */
function emitCycle({ period, firstDay, state }: Month, emit: Emit): void {
  const next = (day: number, minute: number): string => instantAt(dayAfter(period, 1, day), minute);
  const isClosed = state !== 'open';
  const isSealed = state === 'sealed';
  emit('cycles.csv', {
    period,
    openedAt: instantAt(firstDay, 0),
    closedAt: isClosed ? next(4, 1_080) : '',
    publishedAt: isClosed ? next(5, 540) : '',
    finalisedAt: isSealed ? next(18, 1_080) : '',
    sealedAt: isSealed ? next(22, 720) : '',
  });
}

function emitPools(month: Month, { seed, people }: OrganisationOptions, emit: Emit): void {
  for (let branch = 0; branch < branchCount(people); branch += 1) {
    const random = randomOf(seed, 'pool', branch, month.index);
    if (!random.chance(45)) continue;
    const amountMinor = String(random.between(150_000, 900_000));
    emit('team-pools.csv', { unitId: branchId(branch), period: month.period, amountMinor });
  }
}
