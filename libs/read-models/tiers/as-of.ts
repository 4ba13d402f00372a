import type { Position } from '#event-store';
import type { Sql } from '#projections';
import { type Organisation, schemeVersion } from '#read-models/organisation';
import {
  type AsOf,
  type PersonPeriodFilter,
  type PersonPeriodRange,
  type ResultInEffect,
  resultsAsOf,
} from '#read-models/scores';
import { initialTierState, tierStep, type TierState } from '#rules';
import type { TierRecord } from './queries.js';

/** A period of a person's chain with the result behind it. */
export type TierStep = TierRecord & {
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly status: string;
  readonly grade: string | null;
  readonly resultVersion: number;
  readonly eventId: string; // of the result
  readonly resultPosition: Position;
  readonly capabilities: readonly string[]; // on the period's last day
};

export type TierChain = {
  readonly steps: readonly TierStep[]; // by period
  readonly state: TierState; // after the last of them
};

/** A person's periods at the most: 50 years. */
const MOST_PERIODS = 600;

/**
 * Chains of tiers from the results in effect as known then, worked out anew; who had none lacks.
 * `position`: how far both read models, scores and tiers, have come.
 */
export async function tierChains(
  sql: Sql,
  schemes: Organisation,
  accountManagerIds: readonly string[],
  asOf: AsOf,
  position: Position,
): Promise<ReadonlyMap<string, TierChain>> {
  const limit = accountManagerIds.length * MOST_PERIODS;
  const results = await resultsAsOf(
    sql,
    { period: null, accountManagerIds },
    { after: null, limit },
    asOf,
  );
  const capabilities = await capabilitiesOf(sql, accountManagerIds);
  const chains = new Map<string, { steps: TierStep[]; state: TierState }>();
  for (const found of results) {
    if (found.position > position) continue;
    const { accountManagerId, period, schemeId, schemeVersion: version } = found.result;
    const scheme = schemeVersion(schemes, schemeId, version);
    if (!scheme) throw new Error(`unknown scheme ${schemeId} v${version}`);
    const chain = chains.get(accountManagerId) ?? { steps: [], state: initialTierState(scheme) };
    const held = capabilities.get(`${period} ${accountManagerId}`) ?? [];
    const { status, grade } = found.result;
    const input = { scheme, period, status, grade, capabilities: held };
    const { state, row } = tierStep(chain.state, input);
    chain.steps.push({ ...row, ...figuresOf(found), capabilities: held });
    chain.state = state;
    chains.set(accountManagerId, chain);
  }
  return chains;
}

function figuresOf({ eventId, position, result }: ResultInEffect) {
  const { accountManagerId, period, schemeId, schemeVersion, status, grade, resultVersion } =
    result;
  const of = { accountManagerId, period, schemeId, schemeVersion, status, grade, resultVersion };
  return { ...of, eventId, resultPosition: position };
}

/** As frozen: corrections do not move them. */
async function capabilitiesOf(
  sql: Sql,
  accountManagerIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql.query<{ id: string; period: string; capabilities: string }>(
    `select account_manager_id as id, period, capabilities from tier_period
     where account_manager_id = any($1::text[]) and capabilities is not null`,
    [accountManagerIds],
  );
  return new Map(
    rows.map(({ id, period, capabilities }) => [
      `${period} ${id}`,
      JSON.parse(capabilities) as string[],
    ]),
  );
}

/** As `tierPage`, as known then. */
export async function tierPageAsOf(
  sql: Sql,
  schemes: Organisation,
  filter: PersonPeriodFilter,
  page: PersonPeriodRange,
  asOf: AsOf,
  position: Position,
): Promise<readonly TierRecord[]> {
  const wanted = (await resultsAsOf(sql, filter, page, asOf)).map(({ result }) => result);
  const ids = [...new Set(wanted.map(({ accountManagerId }) => accountManagerId))];
  const chains = await tierChains(sql, schemes, ids, asOf, position);
  return wanted.flatMap(({ accountManagerId, period }) => {
    const step = chains.get(accountManagerId)?.steps.find((one) => one.period === period);
    return step ? [toRecord(step)] : [];
  });
}

function toRecord(step: TierStep): TierRecord {
  const { accountManagerId, period, tier, nextTier, movement, streak } = step;
  const { promotionWithheld, improvementPlanRequired } = step;
  const figures = { accountManagerId, period, tier, nextTier, movement, streak };
  return { ...figures, promotionWithheld, improvementPlanRequired };
}
