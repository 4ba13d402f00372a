import { contextOf, factsOf, schemeOf, traceIndicator, traceOf } from './testing.js';
import { tracePlans } from './trace-plan.js';

/** Workdays 2, 3, 4 March and no more. */
const context = contextOf({ leftOn: '2026-03-04', eligibleDays: 3, workdays: 22 });

describe('the plan of work traces', () => {
  it('spreads the target on eligible workdays, in whole traces, the rest on the last day', () => {
    const scheme = schemeOf({ indicators: [traceIndicator({ defaultTarget: '7.5' })] });
    const [plan] = tracePlans(scheme, context, factsOf());
    expect(plan?.target).toBe('7.5');
    expect(plan?.days.map(({ on, due, dueToDate }) => [on, due, dueToDate])).toEqual([
      ['2026-03-02', 2, 2],
      ['2026-03-03', 3, 5],
      ['2026-03-04', 3, 8],
    ]);
  });

  it('prorates as the score does, and takes the goal before the default', () => {
    const scheme = schemeOf({ indicators: [traceIndicator({ prorateTarget: true })] });
    const goals = new Map([['visits', '22']]);
    const [plan] = tracePlans(scheme, context, factsOf({ goals }));
    expect(plan?.target).toBe('3');
    expect(plan?.days.map(({ due }) => due)).toEqual([1, 1, 1]);
  });

  it('counts what the score counts; more on one day stands for another', () => {
    const scheme = schemeOf({
      indicators: [traceIndicator({ defaultTarget: '6', countOnce: 'customer-day' })],
    });
    const on = (day: string, customerId: string, more = {}) =>
      traceOf({
        recordId: `${day}${customerId}`,
        customerId,
        occurredAt: `2026-03-0${day}T10:00:00+08:00`,
        loggedAt: `2026-03-0${day}T10:00:00+08:00`,
        ...more,
      });
    const again = { recordId: 'again' };
    const traces = [on('2', 'A'), on('2', 'A', again), on('3', 'A'), on('3', 'B'), on('3', 'C')];
    const [plan] = tracePlans(scheme, context, factsOf({ traces }));
    expect(plan?.days.map(({ done, doneToDate, missing }) => [done, doneToDate, missing])).toEqual([
      [1, 1, 1],
      [3, 4, 0],
      [0, 4, 2],
    ]);
  });

  it('says until when a day can still be mended: its local end and the late limit', () => {
    const indicators = [traceIndicator({})];
    const until = (timezone: string, joinedOn: string, period: string) => {
      const scheme = schemeOf({ indicators, timezone });
      const person = contextOf({ period, joinedOn });
      return tracePlans(scheme, person, factsOf())[0]?.days[0]?.mendableUntil;
    };
    expect(until('Asia/Shanghai', '2026-03-02', '2026-03')).toBe('2026-03-04T16:00:00.000Z');
    // Clocks go forward on Sunday, 8 March: the Friday before ends in winter time.
    expect(until('America/New_York', '2026-03-06', '2026-03')).toBe('2026-03-09T05:00:00.000Z');
    expect(until('Pacific/Kiritimati', '2026-03-02', '2026-03')).toBe('2026-03-04T10:00:00.000Z');
  });

  it('has none without a target or without a day', () => {
    const { defaultTarget: _, ...untargeted } = traceIndicator() as { defaultTarget?: string };
    const scheme = schemeOf({ indicators: [untargeted as ReturnType<typeof traceIndicator>] });
    expect(tracePlans(scheme, context, factsOf())).toEqual([]);
    const targeted = schemeOf({ indicators: [traceIndicator()] });
    const away = contextOf({ absences: [{ from: '2026-03-01', to: '2026-03-31' }] });
    expect(tracePlans(targeted, away, factsOf())).toEqual([]);
  });
});
