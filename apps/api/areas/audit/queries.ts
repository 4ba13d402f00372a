import type { Caller } from '#platform';
import { DomainError } from '#kernel';
import { employmentOf } from '#read-models/organisation';
import { createScoreTracer, type ScoreTracer, type TraceLog } from '#read-models/trace';
import { asOfParams } from '../../as-of.js';
import { requireSight } from '../../authority.js';
import type { AsOfQuery, PersonPeriodPath } from '../../person-queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';

/** A tracer keeps what concerns everybody and reads only what is new of it. */
const tracers = new WeakMap<TraceLog, ScoreTracer>();

export function tracerOf(log: TraceLog): ScoreTracer {
  const known = tracers.get(log);
  if (known) return known;
  const tracer = createScoreTracer(log);
  tracers.set(log, tracer);
  return tracer;
}

/** From the log itself, which is never behind what this process has been told of it. */
export const readTrace = readQuery(
  async (system, params: AsOfQuery & PersonPeriodPath & { readonly caller: Caller }) => {
    const { accountManagerId, period, after, caller } = params;
    const asOf = asOfParams(params);
    refuseUnlessReached(await system.store.head(), after);
    const org = await system.engine.organisation.current();
    if (!caller.roles.every((role) => role === 'account-manager')) {
      if (!employmentOf(org, accountManagerId)) {
        throw new DomainError('unknown-account-manager', { accountManagerId });
      }
    }
    requireSight(org, caller, accountManagerId);
    const tracer = tracerOf(system.traceLog);
    const trace = await tracer.trace(accountManagerId, period, asOf ?? undefined);
    return { position: trace.head, trace };
  },
);
