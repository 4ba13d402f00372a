import { given } from '../../kernel/testing.js';
import type { CalendarDay, PeopleEvent } from './events.js';
import { type OrganisationCommand, organisation } from './organisation.js';

const unpublished = { publicationStarted: false };

const unitDefined = (
  unitId: string,
  parentUnitId: string | null,
  name: string = unitId,
): PeopleEvent => ({ type: 'people.UnitDefined.v1', data: { unitId, parentUnitId, name } });
const defineUnit = (
  unitId: string,
  parentUnitId: string | null,
  name: string = unitId,
): OrganisationCommand => ({
  type: 'people.DefineUnit',
  data: { unitId, parentUnitId, name },
});
const calendarDefined = (...days: CalendarDay[]): PeopleEvent => ({
  type: 'people.CalendarDefined.v1',
  data: { days },
});
const defineCalendar = (...days: CalendarDay[]): OrganisationCommand => ({
  type: 'people.DefineCalendar',
  data: { days },
});
const pool = { unitId: 'HQ', period: '2026-03', amountMinor: '1000' };
const poolSet: PeopleEvent = { type: 'people.TeamPoolSet.v1', data: pool };
const setPool = (amountMinor = '1000', unitId = 'HQ'): OrganisationCommand => ({
  type: 'people.SetTeamPool',
  data: { ...pool, unitId, amountMinor },
});
const delegation = {
  delegationId: 'D1',
  fromActorId: 'A',
  toActorId: 'B',
  fromOn: '2026-07-01',
  untilOn: '2026-07-14',
};

const tree = [
  unitDefined('HQ', null),
  unitDefined('R1', 'HQ'),
  unitDefined('U01', 'R1'),
  unitDefined('R2', 'HQ'),
];

describe('units', () => {
  it('are defined below a known parent', () =>
    given(organisation, [unitDefined('HQ', null)])
      .when(defineUnit('R1', 'HQ'), unpublished)
      .thenEvents([unitDefined('R1', 'HQ')]));

  it('are defined once', () =>
    given(organisation, tree).when(defineUnit('R1', 'HQ'), unpublished).thenNothing());

  it('may be renamed and moved', () => {
    given(organisation, tree)
      .when(defineUnit('U01', 'R2', '第1营销部'), unpublished)
      .thenEvents([unitDefined('U01', 'R2', '第1营销部')]);
    given(organisation, tree)
      .when(defineUnit('R1', null), unpublished)
      .thenEvents([unitDefined('R1', null)]);
  });

  it('are refused below an unknown parent', () =>
    given(organisation, tree)
      .when(defineUnit('U02', 'R9'), unpublished)
      .thenRefused('unknown-unit'));

  it('are refused below themselves, near or far', () => {
    given(organisation, tree).when(defineUnit('HQ', 'HQ'), unpublished).thenRefused('unit-cycle');
    given(organisation, tree).when(defineUnit('HQ', 'U01'), unpublished).thenRefused('unit-cycle');
    given(organisation, []).when(defineUnit('X', 'X'), unpublished).thenRefused('unit-cycle');
  });

  it('may not be called * or nothing', () => {
    given(organisation, [])
      .when(defineUnit('*', null, 'all'), unpublished)
      .thenRefused('malformed');
    given(organisation, [])
      .when(defineUnit('', null, 'none'), unpublished)
      .thenRefused('malformed');
    given(organisation, [])
      .when(defineUnit('U', null, ' '), unpublished)
      .thenRefused('malformed');
  });
});

describe('the calendar', () => {
  it('takes days that differ from what it holds', () =>
    given(organisation, [calendarDefined({ date: '2026-05-01', kind: 'holiday' })])
      .when(
        defineCalendar(
          { date: '2026-05-01', kind: 'holiday' },
          { date: '2026-05-09', kind: 'workday' },
        ),
        unpublished,
      )
      .thenEvents([calendarDefined({ date: '2026-05-09', kind: 'workday' })]));

  it('replaces a day that it holds otherwise, and takes the same calendar once', () => {
    const held = calendarDefined({ date: '2026-05-01', kind: 'holiday' });
    given(organisation, [held])
      .when(defineCalendar({ date: '2026-05-01', kind: 'workday' }), unpublished)
      .thenEvents([calendarDefined({ date: '2026-05-01', kind: 'workday' })]);
    given(organisation, [held])
      .when(defineCalendar({ date: '2026-05-01', kind: 'holiday' }), unpublished)
      .thenNothing();
  });

  it('comes in parts of at most 200 days', () => {
    const days = Array.from({ length: 401 }, (_, index) => {
      const date = new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10);
      return { date, kind: 'holiday' as const };
    });
    given(organisation, [])
      .when(defineCalendar(...days), unpublished)
      .thenEvents([
        calendarDefined(...days.slice(0, 200)),
        calendarDefined(...days.slice(200, 400)),
        calendarDefined(...days.slice(400)),
      ]);
  });

  it('refuses a day that does not exist and a day named twice', () => {
    given(organisation, [])
      .when(defineCalendar({ date: '2026-02-29', kind: 'holiday' }), unpublished)
      .thenRefused('malformed');
    given(organisation, [])
      .when(
        defineCalendar(
          { date: '2026-05-01', kind: 'holiday' },
          { date: '2026-05-01', kind: 'workday' },
        ),
        unpublished,
      )
      .thenRefused('malformed');
  });
});

describe('a team pool', () => {
  it('is set and changed until publication starts', () => {
    given(organisation, tree).when(setPool(), unpublished).thenEvents([poolSet]);
    given(organisation, [...tree, poolSet])
      .when(setPool('900'), unpublished)
      .thenEvents([{ type: 'people.TeamPoolSet.v1', data: { ...pool, amountMinor: '900' } }]);
  });

  it('is taken once, also when it is said again after publication', () =>
    given(organisation, [...tree, poolSet])
      .when(setPool(), { publicationStarted: true })
      .thenNothing());

  it('is not changed once publication has started', () =>
    given(organisation, [...tree, poolSet])
      .when(setPool('900'), { publicationStarted: true })
      .thenRefused('publication-started'));

  it('is refused for an unknown unit and below zero', () => {
    given(organisation, tree).when(setPool('1', 'U9'), unpublished).thenRefused('unknown-unit');
    given(organisation, tree).when(setPool('-1'), unpublished).thenRefused('malformed');
    given(organisation, tree).when(setPool('1.5'), unpublished).thenRefused('malformed');
  });
});

describe('a delegation', () => {
  const delegated: PeopleEvent = { type: 'people.ApprovalDelegated.v1', data: delegation };

  it('is recorded once', () => {
    given(organisation, [])
      .when({ type: 'people.DelegateApproval', data: delegation }, unpublished)
      .thenEvents([delegated]);
    given(organisation, [delegated])
      .when({ type: 'people.DelegateApproval', data: delegation }, unpublished)
      .thenNothing();
  });

  it.each([
    ['an id used for another', { untilOn: '2026-07-20' }, 'delegation-id-reused'],
    ['oneself', { delegationId: 'D2', toActorId: 'A' }, 'segregation-of-duties'],
    ['days that run backwards', { delegationId: 'D2', untilOn: '2026-06-30' }, 'malformed'],
  ])('is refused to %s', (_, change, code) =>
    given(organisation, [delegated])
      .when({ type: 'people.DelegateApproval', data: { ...delegation, ...change } }, unpublished)
      .thenRefused(code),
  );
});
