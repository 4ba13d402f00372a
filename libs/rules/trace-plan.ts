import {
  dayNumber,
  localDayNumber,
  type Rational,
  rational,
  roundToText,
  toDecimalText,
} from '#kernel';
import { compileScheme } from './compiled-scheme.js';
import { factsInForce } from './facts-in-force.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { targetOf } from './indicator-score.js';
import type { Scheme } from './scheme.js';
import { countedTraceDays, eligibleWorkdays } from './verdicts.js';

/** One eligible workday of a plan of work traces. Counts are of traces that score. */
export type PlannedDay = {
  readonly on: string;
  readonly due: number; // of this day
  readonly dueToDate: number;
  readonly done: number; // of this day, and of the days off since the workday before
  readonly doneToDate: number;
  readonly missing: number; // to date: what was done more on one day stands for another
  readonly mendableUntil: string; // the last instant at which a trace of this day can be logged
};

export type TracePlan = {
  readonly indicatorId: string;
  readonly target: string; // of the period, prorated where the scheme says so
  readonly days: readonly PlannedDay[];
};

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const QUARTER_HOUR_MS = 900_000;
const END_OF_TIME = '9999-12-31';

/**
 * The plan of each work-trace indicator that has a target: the target in equal parts on the
 * eligible workdays. Of a part of a visit nothing is due yet: what is due to date is rounded down,
 * on the last day up.
 */
export function tracePlans(
  scheme: Scheme,
  context: AssessmentContext,
  facts: RecordedFacts,
): readonly TracePlan[] {
  const inForce = factsInForce(facts);
  const days = eligibleWorkdays(context);
  return compileScheme(scheme).indicators.flatMap(({ id, rule }) => {
    if (rule.kind !== 'measured' || rule.source !== 'work-trace') return [];
    const target = targetOf(id, rule, context, inForce);
    if (target === null || target.s < 0n || days.length === 0) return [];
    const done = countedTraceDays(scheme, context, facts, id).map(({ on }) => on);
    const planned = plannedDays(scheme, days, target, done.sort());
    return [{ indicatorId: id, target: plainText(target), days: planned }];
  });
}

function plannedDays(
  scheme: Scheme,
  days: readonly string[],
  target: Rational,
  done: readonly string[],
): PlannedDay[] {
  const planned: PlannedDay[] = [];
  let doneToDate = 0;
  let dueBefore = 0;
  for (const [index, on] of days.entries()) {
    const until = index === days.length - 1 ? END_OF_TIME : on;
    const doneBefore = doneToDate;
    while (doneToDate < done.length && (done[doneToDate] ?? '') <= until) doneToDate += 1;
    const dueToDate = dueAfter(target, index + 1, days.length);
    planned.push({
      on,
      due: dueToDate - dueBefore,
      dueToDate,
      done: doneToDate - doneBefore,
      doneToDate,
      missing: Math.max(0, dueToDate - doneToDate),
      mendableUntil: mendableUntil(scheme, on),
    });
    dueBefore = dueToDate;
  }
  return planned;
}

/** Whole traces due after `count` of `of` days. */
function dueAfter(target: Rational, count: number, of: number): number {
  const due = target.mul(rational(count)).div(rational(of));
  const whole = due.n / due.d;
  return Number(count === of && whole * due.d !== due.n ? whole + 1n : whole);
}

/** The end of the local day, and the hours that the scheme gives to log what happened on it. */
function mendableUntil(scheme: Scheme, on: string): string {
  const endOfDayMs = startOfLocalDayMs(dayNumber(on) + 1, scheme.timezone);
  const limitMs = compileScheme(scheme).lateLimitHours * HOUR_MS;
  return new Date(endOfDayMs + limitMs).toISOString();
}

/** Zones change on quarter hours, and none is a whole day from UTC. */
function startOfLocalDayMs(day: number, timezone: string): number {
  let before = (day * DAY_MS - DAY_MS) / QUARTER_HOUR_MS;
  let after = (day * DAY_MS + DAY_MS) / QUARTER_HOUR_MS;
  while (after - before > 1) {
    const between = Math.floor((before + after) / 2);
    if (localDayNumber(between * QUARTER_HOUR_MS, timezone) >= day) after = between;
    else before = between;
  }
  return after * QUARTER_HOUR_MS;
}

/** Prorated targets may have no end as decimals. */
function plainText(target: Rational): string {
  return 10n ** 30n % target.d === 0n ? toDecimalText(target) : roundToText(target, 2);
}
