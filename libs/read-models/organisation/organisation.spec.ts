import type { CycleEvent } from '#contexts/cycles';
import type { PeopleEvent } from '#contexts/people';
import type { SchemeEvent } from '#contexts/schemes';
import type { RecordedEvent } from '#event-store';
import type { Scheme } from '#rules';
import { schemeFixture } from '../../contexts/schemes/fixtures.js';
import {
  applyToOrganisation,
  calendarOf,
  cohort,
  createOrganisation,
  cycleOf,
  delegatorsOf,
  employmentOf,
  memberOf,
  type Organisation,
  periodOfInstant,
  periods,
  schemeFor,
  schemeVersion,
  teamPools,
  type Touched,
  units,
  unitsAtOrBelow,
} from './index.js';

type Fact = SchemeEvent | PeopleEvent | CycleEvent;

const recorded = (fact: Fact, position: number): RecordedEvent => ({
  id: `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`,
  type: fact.type,
  data: fact.data,
  stream: 'stream',
  revision: 0,
  position: String(position).padStart(16, '0'),
  storedAt: '2026-01-01T00:00:00.000000Z',
  metadata: {
    occurredAt: '2026-01-01T00:00:00Z',
    recordedAt: '2026-01-01T00:00:00Z',
    actor: { id: 'A', role: 'office' },
    commandId: 'c',
    correlationId: 'c',
    causationId: 'c',
    schemaVersion: 1,
  },
});

const add = (org: Organisation, ...facts: Fact[]): Touched => {
  let touched: Touched = { everybody: false, accountManagerIds: [], periods: [] };
  for (const fact of facts) {
    touched = applyToOrganisation(org, recorded(fact, org.eventCount + 1));
  }
  return touched;
};

const unit = (unitId: string, parentUnitId: string | null): Fact => ({
  type: 'people.UnitDefined.v1',
  data: { unitId, parentUnitId, name: unitId },
});
const scheme = (change: Partial<Scheme> = {}): Scheme => ({ ...schemeFixture, ...change });
const published = (content: Scheme): Fact[] => {
  const { schemeId, version } = content;
  return [
    {
      type: 'schemes.SchemeDrafted.v1',
      data: { schemeId, version, scheme: content, draftedBy: 'A' },
    },
    {
      type: 'schemes.SchemePublished.v1',
      data: { schemeId, version, sha256: 'h', publishedBy: 'B' },
    },
  ];
};
const retired = (effectiveTo: string, schemeId = 'field-service', version = 1): Fact => ({
  type: 'schemes.SchemeRetired.v1',
  data: { schemeId, version, effectiveTo, retiredBy: 'B' },
});
const enrolled = (
  accountManagerId: string,
  change: { unitId?: string; position?: string; joinedOn?: string } = {},
): Fact => ({
  type: 'people.AccountManagerEnrolled.v1',
  data: {
    accountManagerId,
    name: '王勇',
    unitId: 'U01',
    position: 'account-manager',
    supervisorId: 'SUP-U01',
    joinedOn: '2024-03-01',
    ...change,
  },
});
const transferred = (
  accountManagerId: string,
  effectiveOn: string,
  unitId = 'U02',
  position = 'account-manager',
): Fact => ({
  type: 'people.AccountManagerTransferred.v1',
  data: { accountManagerId, unitId, position, supervisorId: `SUP-${unitId}`, effectiveOn },
});
const absent = (accountManagerId: string, from: string, to: string): Fact => ({
  type: 'people.AbsenceRecorded.v1',
  data: { accountManagerId, from, to, kind: 'sickness' },
});
const left = (accountManagerId: string, leftOn: string): Fact => ({
  type: 'people.AccountManagerLeft.v1',
  data: { accountManagerId, leftOn },
});
const certified = (capability: string, certifiedOn: string, validUntil: string | null): Fact => ({
  type: 'people.CapabilityCertified.v1',
  data: { accountManagerId: 'AM1', capability, certifiedOn, validUntil },
});
const pool = (unitId: string, amountMinor: string, period = '2026-03'): Fact => ({
  type: 'people.TeamPoolSet.v1',
  data: { unitId, period, amountMinor },
});
const days = (kind: 'holiday' | 'workday', ...dates: string[]): Fact => ({
  type: 'people.CalendarDefined.v1',
  data: { days: dates.map((date) => ({ date, kind })) },
});
const lastDays: Record<string, string> = {
  '2026-02': '2026-02-28',
  '2026-03': '2026-03-31',
  '2026-04': '2026-04-30',
};
const opened = (period: string): Fact => ({
  type: 'cycles.CycleOpened.v1',
  data: {
    period,
    firstDay: `${period}-01`,
    lastDay: lastDays[period] ?? '',
    openedAt: `${period}-01T00:00:00+08:00`,
  },
});
const closed = (period: string): Fact => ({
  type: 'cycles.CollectionClosed.v1',
  data: { period, closedAt: '2026-04-03T18:00:00+08:00' },
});
const started = (period: string): Fact => ({
  type: 'cycles.PublicationStarted.v1',
  data: { period, startedAt: '2026-04-04T09:00:00+08:00', incompleteAcknowledgedBy: null },
});

/** HQ over R1 (U01, U02) and R2 (U03); March has 22 weekdays. */
const organised = (): Organisation => {
  const org = createOrganisation();
  add(
    org,
    unit('HQ', null),
    unit('R1', 'HQ'),
    unit('R2', 'HQ'),
    unit('U01', 'R1'),
    unit('U02', 'R1'),
    unit('U03', 'R2'),
    ...published(scheme()),
    opened('2026-02'),
    opened('2026-03'),
    opened('2026-04'),
  );
  return org;
};

describe('a member of a period', () => {
  it('has everything that freezing needs from outside the facts', () => {
    const org = organised();
    add(
      org,
      days('holiday', '2026-03-05', '2026-04-06'),
      days('workday', '2026-03-28'),
      enrolled('AM1'),
      absent('AM1', '2026-03-09', '2026-03-10'),
      certified('lecturer', '2026-01-01', null),
    );
    expect(memberOf(org, 'AM1', '2026-03')).toEqual({
      accountManagerId: 'AM1',
      period: '2026-03',
      schemeId: 'field-service',
      schemeVersion: 1,
      unitPath: ['U01', 'R1', 'HQ'],
      position: 'account-manager',
      supervisorId: 'SUP-U01',
      joinedOn: '2024-03-01',
      leftOn: null,
      absences: [{ from: '2026-03-09', to: '2026-03-10' }],
      firstDay: '2026-03-01',
      lastDay: '2026-03-31',
      calendar: [
        { date: '2026-03-05', kind: 'holiday' },
        { date: '2026-03-28', kind: 'workday' },
      ],
      workdays: 22,
      eligibleDays: 20,
      capabilities: ['lecturer'],
      scheme: schemeFixture,
    });
  });

  it('keeps no name', () => {
    const org = organised();
    add(org, enrolled('AM1'));
    expect(JSON.stringify([...org.people.values()])).not.toContain('王勇');
  });

  it('is nobody without a cycle, an enrolment or a scheme', () => {
    const org = organised();
    add(org, enrolled('AM1'), enrolled('AM2', { position: 'driver' }));
    expect(memberOf(org, 'AM1', '2026-05')).toBeNull();
    expect(memberOf(org, 'AM9', '2026-03')).toBeNull();
    expect(memberOf(org, 'AM2', '2026-03')).toBeNull();
    expect(cohort(org, '2026-05')).toEqual([]);
  });

  it.each([
    ['joins on the last day', '2026-03-31', null, true],
    ['joins the day after', '2026-04-01', null, false],
    ['left on the first day', '2024-03-01', '2026-03-01', true],
    ['left the day before', '2024-03-01', '2026-02-28', false],
  ])('who %s: %s to %s', (_, joinedOn, leftOn, inCohort) => {
    const org = organised();
    add(org, enrolled('AM1', { joinedOn }), ...(leftOn ? [left('AM1', leftOn)] : []));
    expect(memberOf(org, 'AM1', '2026-03') !== null).toBe(inCohort);
    expect(cohort(org, '2026-03')).toEqual(inCohort ? ['AM1'] : []);
  });

  it('has eligible days from the joining to the leaving', () => {
    const org = organised();
    add(org, enrolled('AM1', { joinedOn: '2026-03-16' }), left('AM1', '2026-03-18'));
    expect(memberOf(org, 'AM1', '2026-03')).toMatchObject({ eligibleDays: 3, workdays: 22 });
  });

  it('stands where the period ends for the person: on its last day or on the own last day', () => {
    const org = organised();
    add(
      org,
      enrolled('AM1'),
      transferred('AM1', '2026-03-31', 'U02'),
      enrolled('AM2'),
      transferred('AM2', '2026-04-01', 'U02'),
      enrolled('AM3'),
      transferred('AM3', '2026-03-20', 'U02'),
      left('AM3', '2026-03-19'),
    );
    const place = (id: string, period: string) => memberOf(org, id, period)?.unitPath[0];
    expect(place('AM1', '2026-02')).toBe('U01');
    expect(place('AM1', '2026-03')).toBe('U02');
    expect(place('AM2', '2026-03')).toBe('U01');
    expect(place('AM2', '2026-04')).toBe('U02');
    expect(place('AM3', '2026-03')).toBe('U01');
    expect(memberOf(org, 'AM1', '2026-03')?.supervisorId).toBe('SUP-U02');
  });

  it('follows transfers by their effective day, whatever the order of recording', () => {
    const org = organised();
    add(
      org,
      enrolled('AM1'),
      transferred('AM1', '2026-04-01', 'U03'),
      transferred('AM1', '2026-03-01', 'U02'),
      enrolled('AM2'),
      transferred('AM2', '2026-03-01', 'U02'),
      transferred('AM2', '2026-03-01', 'U03'),
    );
    expect(memberOf(org, 'AM1', '2026-03')?.unitPath).toEqual(['U02', 'R1', 'HQ']);
    expect(memberOf(org, 'AM1', '2026-04')?.unitPath).toEqual(['U03', 'R2', 'HQ']);
    expect(memberOf(org, 'AM2', '2026-03')?.unitPath[0]).toBe('U03');
  });

  it('has the capabilities that are valid on the last day, sorted, each once', () => {
    const org = organised();
    add(
      org,
      enrolled('AM1'),
      certified('z', '2026-03-31', '2026-03-31'),
      certified('expired', '2025-01-01', '2026-03-30'),
      certified('later', '2026-04-01', null),
      certified('a', '2025-01-01', null),
      certified('a', '2026-01-01', null),
    );
    expect(memberOf(org, 'AM1', '2026-03')?.capabilities).toEqual(['a', 'z']);
    expect(memberOf(org, 'AM1', '2026-04')?.capabilities).toEqual(['a', 'later']);
  });

  it('has the absences that touch the period', () => {
    const org = organised();
    add(
      org,
      enrolled('AM1'),
      absent('AM1', '2026-02-20', '2026-03-02'),
      absent('AM1', '2026-03-31', '2026-04-02'),
      absent('AM1', '2026-01-01', '2026-02-28'),
    );
    const member = memberOf(org, 'AM1', '2026-03');
    expect(member?.absences).toEqual([
      { from: '2026-02-20', to: '2026-03-02' },
      { from: '2026-03-31', to: '2026-04-02' },
    ]);
    expect(member?.eligibleDays).toBe(20);
  });
});

describe('the scheme of a member', () => {
  const pilot = scheme({
    schemeId: 'pilot',
    effectiveFrom: '2026-03',
    scope: { units: ['R1'], positions: ['account-manager'] },
  });

  it('is that of the nearest unit, from its first period on', () => {
    const org = organised();
    add(org, ...published(pilot), enrolled('AM1'), enrolled('AM2', { unitId: 'U03' }));
    expect(memberOf(org, 'AM1', '2026-02')?.schemeId).toBe('field-service');
    expect(memberOf(org, 'AM1', '2026-03')?.schemeId).toBe('pilot');
    expect(memberOf(org, 'AM2', '2026-03')?.schemeId).toBe('field-service');
  });

  it('is never a draft', () => {
    const org = organised();
    add(org, published(pilot)[0] as Fact, enrolled('AM1'));
    expect(memberOf(org, 'AM1', '2026-03')?.schemeId).toBe('field-service');
    expect(schemeVersion(org, 'pilot', 1)).toBeNull();
    add(org, published(pilot)[1] as Fact);
    expect(memberOf(org, 'AM1', '2026-03')?.schemeId).toBe('pilot');
    expect(schemeVersion(org, 'pilot', 1)).toEqual(pilot);
  });

  it('ends with its retirement and stays readable as it was published', () => {
    const org = organised();
    add(org, ...published(pilot), enrolled('AM1'), retired('2026-03', 'pilot'));
    expect(memberOf(org, 'AM1', '2026-03')?.scheme).toEqual(pilot);
    expect(memberOf(org, 'AM1', '2026-04')?.schemeId).toBe('field-service');
    expect(schemeVersion(org, 'pilot', 1)).toEqual(pilot);
  });

  it('is told for people outside the cohort and periods without a cycle', () => {
    const org = organised();
    add(
      org,
      enrolled('AM1', { joinedOn: '2026-06-01' }),
      enrolled('AM2'),
      left('AM2', '2026-01-31'),
      enrolled('AM3', { position: 'driver' }),
    );
    expect(schemeFor(org, 'AM1', '2026-03')?.schemeId).toBe('field-service');
    expect(schemeFor(org, 'AM2', '2026-09')?.schemeId).toBe('field-service');
    expect(schemeFor(org, 'AM3', '2026-03')).toBeNull();
    expect(schemeFor(org, 'AM9', '2026-03')).toBeNull();
    expect(schemeFor(org, 'AM2', '2025-12')).toBeNull();
  });
});

describe('a period whose publication has started', () => {
  it('stays as it was then, for a fold that has read further', () => {
    const org = organised();
    add(org, enrolled('AM1'), enrolled('AM2'), pool('U01', '100'), closed('2026-03'));
    const before = memberOf(org, 'AM1', '2026-03');
    add(org, started('2026-03'));
    const touched = add(
      org,
      transferred('AM1', '2026-03-01', 'U03'),
      absent('AM1', '2026-03-02', '2026-03-20'),
      certified('lecturer', '2026-01-01', null),
      left('AM2', '2026-02-01'),
      enrolled('AM3'),
      unit('R1', null),
      days('holiday', '2026-03-05'),
      pool('U01', '900'),
      retired('2026-01'),
      ...published(scheme({ version: 2 })),
    );
    expect(memberOf(org, 'AM1', '2026-03')).toEqual(before);
    expect(cohort(org, '2026-03')).toEqual(['AM1', 'AM2']);
    expect(memberOf(org, 'AM3', '2026-03')).toBeNull();
    expect(teamPools(org, '2026-03')).toEqual(new Map([['U01', '100']]));
    expect(touched.periods).toEqual(['2026-02', '2026-04']);
    expect(memberOf(org, 'AM1', '2026-04')).toMatchObject({
      unitPath: ['U03', 'R2', 'HQ'],
      schemeVersion: 2,
      capabilities: ['lecturer'],
    });
    expect(cohort(org, '2026-04')).toEqual(['AM1', 'AM3']);
  });

  it('is the same when all is folded before anything is asked', () => {
    const org = organised();
    add(
      org,
      enrolled('AM1'),
      days('holiday', '2026-03-05'),
      closed('2026-03'),
      started('2026-03'),
      days('workday', '2026-03-05'),
      days('holiday', '2026-03-06'),
      unit('U01', 'R2'),
    );
    expect(memberOf(org, 'AM1', '2026-03')).toMatchObject({
      unitPath: ['U01', 'R1', 'HQ'],
      workdays: 21,
      calendar: [{ date: '2026-03-05', kind: 'holiday' }],
    });
    expect(memberOf(org, 'AM1', '2026-02')?.unitPath).toEqual(['U01', 'R2', 'HQ']);
  });
});

describe('what was looked up before', () => {
  it('follows every event that touches it', () => {
    const org = organised();
    add(org, enrolled('AM1'));
    const asked = () => memberOf(org, 'AM1', '2026-03');
    expect(asked()?.workdays).toBe(22);
    add(org, days('holiday', '2026-03-02'));
    expect(asked()?.workdays).toBe(21);
    add(org, unit('R1', 'R2'));
    expect(asked()?.unitPath).toEqual(['U01', 'R1', 'R2', 'HQ']);
    add(org, ...published(scheme({ version: 2 })));
    expect(asked()?.schemeVersion).toBe(2);
    add(org, absent('AM1', '2026-03-03', '2026-03-03'));
    expect(asked()?.eligibleDays).toBe(20);
    add(org, transferred('AM1', '2026-03-31', 'U03'));
    expect(asked()?.unitPath).toEqual(['U03', 'R2', 'HQ']);
    add(org, left('AM1', '2026-03-31'));
    expect(asked()?.leftOn).toBe('2026-03-31');
    add(org, left('AM1', '2026-02-27'));
    expect(asked()).toBeNull();
  });

  it('is kept where nothing touched it', () => {
    const org = organised();
    add(org, enrolled('AM1'), enrolled('AM2'));
    const first = memberOf(org, 'AM1', '2026-03');
    add(org, absent('AM2', '2026-03-03', '2026-03-03'), closed('2026-03'));
    expect(memberOf(org, 'AM1', '2026-03')).toBe(first);
  });

  it('lists a cohort again for the people touched alone, by code point', () => {
    const org = organised();
    add(org, enrolled('AM2'), enrolled('\u{1F600}'), enrolled('\uFF21'), enrolled('AM10'));
    expect(cohort(org, '2026-03')).toEqual(['AM10', 'AM2', '\uFF21', '\u{1F600}']);
    add(org, left('AM2', '2026-01-01'), enrolled('AM1'));
    expect(cohort(org, '2026-03')).toEqual(['AM1', 'AM10', '\uFF21', '\u{1F600}']);
  });
});

describe('the period of an instant', () => {
  it('is read in the zone of the scheme', () => {
    const org = organised();
    add(org, enrolled('AM1'));
    expect(periodOfInstant(org, 'AM1', '2026-02-28T23:59:59+08:00')).toBe('2026-02');
    expect(periodOfInstant(org, 'AM1', '2026-02-28T16:00:00Z')).toBe('2026-03');
    expect(periodOfInstant(org, 'AM1', '2026-03-15T12:00:00-08:00')).toBe('2026-03');
  });

  it('is none without a cycle, a person or a scheme', () => {
    const org = organised();
    add(org, enrolled('AM1'), enrolled('AM2', { position: 'driver' }));
    expect(periodOfInstant(org, 'AM1', '2026-05-01T00:00:00+08:00')).toBeNull();
    expect(periodOfInstant(org, 'AM9', '2026-03-15T12:00:00+08:00')).toBeNull();
    expect(periodOfInstant(org, 'AM2', '2026-03-15T12:00:00+08:00')).toBeNull();
  });

  it('is the earliest of two into which it falls, where the zone changes with the month', () => {
    const org = organised();
    const west = scheme({
      schemeId: 'west',
      timezone: 'America/New_York',
      effectiveTo: '2026-03',
      scope: { units: ['U03'], positions: ['account-manager'] },
    });
    add(org, ...published(west), enrolled('AM1', { unitId: 'U03' }));
    // 1 April 06:00 in Shanghai (April's scheme) is 31 March 18:00 in New York (March's).
    expect(periodOfInstant(org, 'AM1', '2026-04-01T06:00:00+08:00')).toBe('2026-03');
    expect(periodOfInstant(org, 'AM1', '2026-04-01T12:00:00+08:00')).toBe('2026-04');
  });

  it('falls into no period in the gap that a change of zone may leave', () => {
    const org = organised();
    const east = scheme({
      schemeId: 'east',
      timezone: 'Pacific/Kiritimati',
      effectiveTo: '2026-03',
      scope: { units: ['U03'], positions: ['account-manager'] },
    });
    add(org, ...published(east), enrolled('AM1', { unitId: 'U03' }));
    // 31 March 20:00 in Shanghai (April's scheme) is 1 April 02:00 on Kiritimati (March's).
    expect(periodOfInstant(org, 'AM1', '2026-03-31T20:00:00+08:00')).toBeNull();
  });

  it('follows daylight saving', () => {
    const org = organised();
    const west = scheme({ version: 2, timezone: 'America/New_York' });
    add(org, ...published(west), enrolled('AM1'));
    expect(periodOfInstant(org, 'AM1', '2026-03-01T04:59:59Z')).toBe('2026-02');
    expect(periodOfInstant(org, 'AM1', '2026-04-01T03:59:59Z')).toBe('2026-03');
    expect(periodOfInstant(org, 'AM1', '2026-04-01T04:00:00Z')).toBe('2026-04');
  });
});

describe('units, pools, calendar, cycles, delegations', () => {
  it('lists a unit and what lies below it, and follows the tree', () => {
    const org = organised();
    expect([...unitsAtOrBelow(org, 'R1')]).toEqual(['R1', 'U01', 'U02']);
    add(org, unit('U02', 'R2'));
    expect([...unitsAtOrBelow(org, 'R1')]).toEqual(['R1', 'U01']);
    expect(unitsAtOrBelow(org, 'HQ').size).toBe(6);
    expect(unitsAtOrBelow(org, '*').size).toBe(6);
    expect(unitsAtOrBelow(org, 'U9').size).toBe(0);
    expect(units(org).find(({ unitId }) => unitId === 'U02')?.parentUnitId).toBe('R2');
  });

  it('has the last pool of each unit and period', () => {
    const org = organised();
    add(org, pool('U01', '100'), pool('U01', '200'), pool('U02', '5'), pool('U01', '7', '2026-04'));
    expect(teamPools(org, '2026-03')).toEqual(
      new Map([
        ['U01', '200'],
        ['U02', '5'],
      ]),
    );
    expect(teamPools(org, '2026-02').size).toBe(0);
  });

  it('has the calendar as it is now', () => {
    const org = organised();
    add(org, days('holiday', '2026-03-05'));
    expect(calendarOf(org).get('2026-03-05')).toBe('holiday');
    add(org, days('workday', '2026-03-05'));
    expect(calendarOf(org).get('2026-03-05')).toBe('workday');
  });

  it('tells how far a cycle is', () => {
    const org = organised();
    const cycle = () => cycleOf(org, '2026-03');
    expect(cycle()).toMatchObject({ status: 'open', closedAt: null });
    add(org, closed('2026-03'));
    expect(cycle()).toMatchObject({ status: 'closed', closedAt: '2026-04-03T18:00:00+08:00' });
    add(org, {
      type: 'cycles.CollectionReopened.v1',
      data: { period: '2026-03', proposedBy: 'A', approvedBy: 'B' },
    });
    expect(cycle()).toMatchObject({ status: 'open', closedAt: null });
    add(org, closed('2026-03'), started('2026-03'));
    const { position } = org;
    expect(cycle()).toMatchObject({ status: 'publishing', publicationStarted: { position } });
    add(
      org,
      {
        type: 'cycles.ResultsComputed.v1',
        data: { period: '2026-03', count: 2, sha256: 'h', rulesVersion: '1' },
      },
      {
        type: 'cycles.CyclePublished.v1',
        data: {
          period: '2026-03',
          publishedAt: '2026-04-04T09:00:00+08:00',
          count: 2,
          sha256: 'h',
        },
      },
    );
    expect(cycle()).toMatchObject({ status: 'published', resultsComputed: { count: 2 } });
    add(org, {
      type: 'cycles.CycleFinalised.v1',
      data: { period: '2026-03', finalisedAt: '2026-04-16T18:00:00+08:00' },
    });
    expect(cycle()).toMatchObject({ status: 'finalised' });
    expect(cycleOf(org, '2026-09')).toBeNull();
    expect(periods(org)).toEqual(['2026-02', '2026-03', '2026-04']);
  });

  it('tells for whom an approver stands in', () => {
    const org = organised();
    const data = {
      delegationId: 'D1',
      fromActorId: 'A',
      toActorId: 'B',
      fromOn: '2026-07-01',
      untilOn: '2026-07-14',
    };
    add(org, { type: 'people.ApprovalDelegated.v1', data });
    expect(delegatorsOf(org, 'B', '2026-07-14')).toEqual(['A']);
    expect(delegatorsOf(org, 'B', '2026-07-15')).toEqual([]);
    expect(delegatorsOf(org, 'A', '2026-07-14')).toEqual([]);
  });

  it('tells where somebody is and was', () => {
    const org = organised();
    add(org, enrolled('AM1'), transferred('AM1', '2026-03-15', 'U02'), left('AM1', '2026-06-30'));
    expect(employmentOf(org, 'AM1')).toEqual({
      accountManagerId: 'AM1',
      unitId: 'U02',
      position: 'account-manager',
      supervisorId: 'SUP-U02',
      joinedOn: '2024-03-01',
      leftOn: '2026-06-30',
    });
    expect(employmentOf(org, 'AM1', '2026-03-14')?.unitId).toBe('U01');
    expect(employmentOf(org, 'AM9')).toBeNull();
  });
});

describe('the fold', () => {
  it('stands at the last event and ignores what it has seen', () => {
    const org = organised();
    const event = recorded(enrolled('AM1'), org.eventCount + 1);
    expect(applyToOrganisation(org, event).accountManagerIds).toEqual(['AM1']);
    expect(org.position).toBe(event.position);
    const again = recorded(left('AM1', '2024-03-02'), org.eventCount);
    expect(applyToOrganisation(org, again).accountManagerIds).toEqual([]);
    expect(employmentOf(org, 'AM1')?.leftOn).toBeNull();
  });

  it('tells whose provisional scores an event may move, in periods still open', () => {
    const org = organised();
    add(org, enrolled('AM1'), closed('2026-02'), started('2026-02'));
    const one = (...periods: string[]) => ({
      everybody: false,
      accountManagerIds: ['AM1'],
      periods,
    });
    const all = (...periods: string[]) => ({ everybody: true, accountManagerIds: [], periods });
    expect(add(org, transferred('AM1', '2026-04-01'))).toEqual(one('2026-04'));
    expect(add(org, absent('AM1', '2026-02-20', '2026-03-02'))).toEqual(one('2026-03'));
    expect(add(org, left('AM1', '2026-04-15'))).toEqual(one('2026-03', '2026-04'));
    expect(add(org, certified('c', '2026-04-30', null))).toEqual(one('2026-04'));
    expect(add(org, unit('U04', 'R1'))).toEqual(all('2026-03', '2026-04'));
    expect(add(org, days('holiday', '2026-04-06'))).toEqual(all('2026-04'));
    expect(add(org, ...published(scheme({ version: 2, effectiveFrom: '2026-04' })))).toEqual(
      all('2026-04'),
    );
    expect(add(org, pool('U01', '5')).periods).toEqual([]);
    expect(add(org, opened('2026-04'))).toEqual(all('2026-04'));
  });

  it('holds 70,000 people and answers for them from memory', () => {
    const org = organised();
    const headcount = 70_000;
    const ids = Array.from({ length: headcount }, (_, index) => `AM${100_000 + index}`);
    for (const id of ids) add(org, enrolled(id), transferred(id, '2026-04-01'));
    expect(cohort(org, '2026-03')).toHaveLength(headcount);
    for (const period of periods(org)) {
      for (const id of ids) memberOf(org, id, period);
    }
    let kept = 0;
    for (const { members } of org.views.values()) kept += members.size;
    expect(kept).toBeLessThanOrEqual(150_000);
    const [first] = ids as [string];
    expect(memberOf(org, first, '2026-03')?.unitPath[0]).toBe('U01');
    expect(memberOf(org, first, '2026-04')?.unitPath[0]).toBe('U02');
  });
});
