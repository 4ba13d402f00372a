import {
  applyToOrganisation,
  createOrganisation,
  type Organisation,
} from '#read-models/organisation';
import type { Scheme } from '#rules';
import {
  followSharedEvents,
  readPersonEvents,
  readTraceEvents,
  type TraceEvents,
  type TraceLog,
} from './reading.js';
import { foldSteps } from './steps.js';
import type { AsOf, ScoreTrace, TracedScheme } from './trace.js';

export type ScoreTracer = {
  /** A person or a period that the log does not know has a trace without steps. */
  readonly trace: (accountManagerId: string, period: string, asOf?: AsOf) => Promise<ScoreTrace>;
  /** What a trace folds. */
  readonly events: (
    accountManagerId: string,
    period: string,
    asOf: AsOf | null,
  ) => Promise<TraceEvents>;
  /** The organisation as far as it concerns one person, as known then. */
  readonly organisation: (accountManagerId: string, asOf: AsOf | null) => Promise<Organisation>;
};

/**
 * audit: every step from nothing to the current result, computed from the log alone. A tracer that
 * lives on keeps schemes, units, calendar and cycles, and reads only what is new of them; of people
 * it reads the one who is asked for.
 */
export function createScoreTracer(log: TraceLog): ScoreTracer {
  const shared = followSharedEvents(log);
  return {
    trace: async (accountManagerId, period, asOf) => {
      const end = asOf ?? null;
      const { head, events } = await readTraceEvents(log, shared, accountManagerId, period, end);
      const { steps, schemes } = foldSteps(accountManagerId, period, events);
      const current = steps.at(-1)?.after ?? null;
      return {
        accountManagerId,
        period,
        asOf: end,
        head,
        steps,
        current,
        schemes: schemes.map(toTracedScheme),
      };
    },
    events: (accountManagerId, period, asOf) =>
      readTraceEvents(log, shared, accountManagerId, period, asOf),
    organisation: async (accountManagerId, asOf) => {
      const org = createOrganisation();
      const { events } = await readPersonEvents(log, shared, accountManagerId, asOf);
      for (const event of events) applyToOrganisation(org, event);
      return org;
    },
  };
}

/** One trace, for the command line. */
export function traceScore(
  log: TraceLog,
  accountManagerId: string,
  period: string,
  asOf?: AsOf,
): Promise<ScoreTrace> {
  return createScoreTracer(log).trace(accountManagerId, period, asOf);
}

function toTracedScheme({ schemeId, version, indicators, grades }: Scheme): TracedScheme {
  return {
    schemeId,
    version,
    indicators: Object.fromEntries(indicators.map(({ id, name }) => [id, name])),
    grades: Object.fromEntries(grades.map(({ id, name }) => [id, name])),
  };
}
