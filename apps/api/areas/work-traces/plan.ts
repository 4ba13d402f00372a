import { compareInstants } from '#kernel';
import { cycleOf, type Organisation } from '#read-models/organisation';
import { type PlannedDay, tracePlans } from '#rules';
import type { RecordedPeriod } from '../facts/reading.js';

/** A day with less than its part; it can be mended as long as `mendableUntil` is not past. */
type Gap = {
  readonly on: string;
  readonly missing: number;
  readonly mendableUntil: string;
  readonly mendable: boolean;
};

/** One work-trace indicator of a person on a day, against the plan. */
export type DayPlan = Pick<PlannedDay, 'due' | 'done' | 'dueToDate' | 'doneToDate'> & {
  readonly indicatorId: string;
  readonly target: string;
  readonly missing: number; // of this day
  readonly missingToDate: number;
  readonly mendableUntil: string | null; // of this day; null: no workday of the person
  readonly gaps: readonly Gap[]; // of the period up to the day
};

type Asked = Pick<RecordedPeriod, 'assessed' | 'facts' | 'state'> & { readonly org: Organisation };

/**
 * The plans on a day. A day off asks for nothing and shows what was due before it. Collection
 * closes earlier than the late limit where it does.
 */
export function dayPlans({ org, assessed, facts, state }: Asked, on: string, now: string) {
  if (!assessed) return [];
  const { scheme, context } = assessed;
  const closedAt = cycleOf(org, context.period)?.closedAt ?? null;
  const until = (limit: string): string =>
    closedAt !== null && compareInstants(closedAt, limit) < 0 ? closedAt : limit;
  const isOpen = (limit: string): boolean =>
    state.frozen === null && compareInstants(now, until(limit)) <= 0;
  return tracePlans(scheme, context, facts).map(({ indicatorId, target, days }): DayPlan => {
    const past = days.filter((day) => day.on <= on);
    const last = past.at(-1);
    const today = last?.on === on ? last : null;
    const gaps = past.flatMap((day) => {
      const missing = day.due - day.done;
      if (missing <= 0) return [];
      const mendable = isOpen(day.mendableUntil);
      return [{ on: day.on, missing, mendableUntil: until(day.mendableUntil), mendable }];
    });
    return {
      indicatorId,
      target,
      due: today?.due ?? 0,
      done: today?.done ?? 0,
      missing: today ? Math.max(0, today.due - today.done) : 0,
      dueToDate: last?.dueToDate ?? 0,
      doneToDate: last?.doneToDate ?? 0,
      missingToDate: last?.missing ?? 0,
      mendableUntil: today ? until(today.mendableUntil) : null,
      gaps,
    };
  });
}
