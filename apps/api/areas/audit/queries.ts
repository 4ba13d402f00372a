import type { Caller } from '#platform';
import { DomainError } from '#kernel';
import { employmentOf } from '#read-models/organisation';
import { asOfParams } from '../../as-of.js';
import { requireSight, seen } from '../../authority.js';
import type { AsOfQuery, PersonPeriodPath } from '../../person-queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';
import { tracerOf } from '../../tracer.js';

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
    seen(system, caller, accountManagerId, 'trace');
    const tracer = tracerOf(system.traceLog);
    const trace = await tracer.trace(accountManagerId, period, asOf ?? undefined);
    return { position: trace.head, trace };
  },
);
