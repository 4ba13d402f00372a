import {
  type Employment,
  addWorkingDays,
  calendarDays,
  eligibleDayCount,
  isWorkday,
  workdayCount,
} from './calendar.js';

const none = calendarDays([]);
const spring = calendarDays([
  { date: '2026-03-02', kind: 'holiday' }, // a Monday
  { date: '2026-03-07', kind: 'workday' }, // a Saturday
  { date: '2026-03-08', kind: 'holiday' }, // a Sunday already free
]);

const march = (more: Partial<Employment> = {}): Employment => ({
  firstDay: '2026-03-01',
  lastDay: '2026-03-31',
  joinedOn: '2020-01-01',
  leftOn: null,
  absences: [],
  ...more,
});

it('counts Monday to Friday, with the calendar’s exceptions', () => {
  expect(workdayCount('2026-03-01', '2026-03-31', none)).toBe(22);
  expect(workdayCount('2026-03-01', '2026-03-31', spring)).toBe(22);
  expect(workdayCount('2026-03-01', '2026-03-06', spring)).toBe(4);
  expect(isWorkday('2026-03-07', spring)).toBe(true);
  expect(isWorkday('2026-03-08', spring)).toBe(false);
});

it('counts days in employment, both ends included', () => {
  expect(eligibleDayCount(march({ joinedOn: '2026-03-30' }), none)).toBe(2);
  expect(eligibleDayCount(march({ leftOn: '2026-03-03' }), none)).toBe(2);
  expect(eligibleDayCount(march({ joinedOn: '2026-04-01' }), none)).toBe(0);
});

it('leaves out absences, both ends included, overlapping ones once', () => {
  const absences = [
    { from: '2026-02-20', to: '2026-03-03' },
    { from: '2026-03-03', to: '2026-03-05' },
    { from: '2026-03-07', to: '2026-03-08' },
  ];
  expect(eligibleDayCount(march({ absences }), none)).toBe(18);
  expect(eligibleDayCount(march({ absences }), spring)).toBe(18);
});

it('adds working days after a date', () => {
  expect(addWorkingDays('2026-03-06', 1, none)).toBe('2026-03-09');
  expect(addWorkingDays('2026-03-06', 1, spring)).toBe('2026-03-07');
  expect(addWorkingDays('2026-03-07', 5, none)).toBe('2026-03-13');
  expect(addWorkingDays('2026-03-07', 0, none)).toBe('2026-03-07');
});
