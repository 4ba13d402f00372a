import { DomainError } from '#kernel';
import type { Caller } from '#platform';
import { employmentOf, type Organisation, schemeVersion } from '#read-models/organisation';
import type { AsOf } from '#read-models/scores';
import {
  countsForPromotion,
  tierChains,
  tierOutlook,
  tierPage,
  tierPageAsOf,
  type TierStep,
} from '#read-models/tiers';
import { asOfParams } from '../../as-of.js';
import { requireSight, seen } from '../../authority.js';
import type { ApiSystem } from '../../dependencies.js';
import { personPeriodPage } from '../../person-period-page.js';
import type { AsOfQuery, PersonPath, PersonPeriodPageQuery } from '../../person-queries.js';
import { AFTER_WAIT_MS, readQuery } from '../../read-query.js';
import { tracerOf } from '../../tracer.js';

const TIERS = ['tiers'];
/** As known then, a chain is worked out from the results of then. */
const AS_OF = ['scores', 'tiers'];

type By = { readonly caller: Caller };

export const readTiers = readQuery(async (system, params: PersonPeriodPageQuery & By) => {
  const asOf = asOfParams(params);
  if (asOf === null) return personPeriodPage(system, TIERS, params, tierPage);
  const schemes = await system.engine.organisation.current();
  return personPeriodPage(system, AS_OF, params, (sql, filter, page, position) =>
    tierPageAsOf(sql, schemes, filter, page, asOf, position),
  );
});

/** One person's tier now, and every period that led to it. */
export const readTierHistory = readQuery(async (system, params: AsOfQuery & PersonPath & By) => {
  const { accountManagerId } = params;
  const { position, org, chain } = await chainOf(system, params);
  const last = chain?.steps.at(-1);
  return {
    position,
    accountManagerId,
    tier: chain?.state.tier ?? tierOutlook(org, accountManagerId, undefined)?.tier ?? null,
    afterPeriod: last?.period ?? null,
    items: (chain?.steps ?? []).map((step) => toShown(org, step)),
  };
});

/** tiers: why not the next one, with the periods that the answer comes from. */
export const readNextTier = readQuery(async (system, params: AsOfQuery & PersonPath & By) => {
  const { accountManagerId } = params;
  const { position, org, chain } = await chainOf(system, params);
  const outlook = tierOutlook(org, accountManagerId, chain);
  if (!outlook) throw new DomainError('no-tier-yet', { accountManagerId });
  const steps = (chain?.steps ?? []).map((step) => toShown(org, step));
  return { position, accountManagerId, ...outlook, periods: steps };
});

async function chainOf(system: ApiSystem, params: AsOfQuery & PersonPath & By) {
  const { accountManagerId, after, caller } = params;
  const asOf = asOfParams(params);
  if (after !== undefined) await system.projections.waitFor(AS_OF, after, AFTER_WAIT_MS);
  const current = await system.engine.organisation.current();
  requireSight(current, caller, accountManagerId);
  if (!employmentOf(current, accountManagerId)) {
    throw new DomainError('unknown-account-manager', { accountManagerId });
  }
  seen(system, caller, accountManagerId, 'tiers');
  const org = await tracerOf(system.traceLog).organisation(accountManagerId, asOf);
  const { result: chain, position } = await system.projections.read(AS_OF, async (sql, at) => {
    const until: AsOf = asOf ?? { kind: 'position', position: at };
    const chains = await tierChains(sql, current, [accountManagerId], until, at);
    return chains.get(accountManagerId);
  });
  return { position, org, chain };
}

function toShown(org: Organisation, step: TierStep) {
  const scheme = schemeVersion(org, step.schemeId, step.schemeVersion);
  const isCounted = scheme !== null && step.status === 'published';
  return {
    ...step,
    countsForPromotion: isCounted && countsForPromotion(scheme, step.grade),
    links: { event: `/v1/events/${step.eventId}` },
  };
}
