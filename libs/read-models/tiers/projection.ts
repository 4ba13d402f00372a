import type { FactsFrozen, ResultCorrected, ResultPublished } from '#contexts/assessment';
import type { CyclePublished } from '#contexts/cycles';
import { canonicalJson } from '#kernel';
import { type Batch, type Projection, type Sql, upsertRows } from '#projections';
import {
  createOrganisationFollower,
  type Organisation,
  schemeVersion,
} from '#read-models/organisation';
import { initialTierState, type ResultStatus, tierStep, type TierState } from '#rules';
import { TierCycleRow, TierPeriodRow } from './table.js';

type Result = ResultPublished['data'] | ResultCorrected['data'];

/** What it reads of the log; `project` looks at no other. */
const READ_BY_TIERS: ReadonlySet<string> = new Set([
  'assessment.FactsFrozen.v1',
  'assessment.ResultPublished.v1',
  'assessment.ResultCorrected.v1',
  'cycles.CyclePublished.v1',
]);

/** Tiers follow from published results, person by person in the order of the periods. */
export function tiersProjection(): Projection {
  const schemes = createOrganisationFollower(['scheme-']);
  return {
    name: 'tiers',
    entities: [TierPeriodRow, TierCycleRow],
    keyOf: (event) => event.stream,
    concerns: ({ type }) => READ_BY_TIERS.has(type),
    fresh: tiersProjection,
    project: async (batch, sql, log) => {
      const chains = await record(batch, sql);
      if (chains.size > 0) await replay(chains, sql, await schemes.at(batch.until, log));
    },
  };
}

/** Period from which a person's chain has to be replayed. */
type Chains = Map<string, string>;

async function record({ events }: Batch, sql: Sql): Promise<Chains> {
  const frozen = new Map<string, Record<string, unknown>>();
  const results = new Map<string, Result>();
  const cycles: string[] = [];
  for (const event of events) {
    if (event.type === 'assessment.FactsFrozen.v1') {
      const { accountManagerId, period, capabilities } = event.data as FactsFrozen['data'];
      const row = { account_manager_id: accountManagerId, period };
      frozen.set(event.stream, { ...row, capabilities: canonicalJson(capabilities) });
    } else if (
      event.type === 'assessment.ResultPublished.v1' ||
      event.type === 'assessment.ResultCorrected.v1'
    ) {
      results.set(event.stream, event.data as Result);
    } else if (event.type === 'cycles.CyclePublished.v1') {
      cycles.push((event.data as CyclePublished['data']).period);
    }
  }
  await upsertRows(sql, 'tier_period', FROZEN, [...frozen.values()]);
  await upsertRows(sql, 'tier_period', RESULT, [...results.values()].map(toResultRow));
  await upsertRows(
    sql,
    'tier_cycle',
    CYCLE,
    cycles.map((period) => ({ period })),
  );
  return startsOf(sql, [...results.values()], cycles);
}

const KEY = ['account_manager_id', 'period'] as const;
const FROZEN = {
  columns: { account_manager_id: 'text', period: 'text', capabilities: 'text' },
  key: KEY,
} as const;
const RESULT = {
  columns: {
    account_manager_id: 'text',
    period: 'text',
    scheme_id: 'text',
    scheme_version: 'integer',
    status: 'text',
    grade: 'text',
  },
  key: KEY,
} as const;
const CYCLE = { columns: { period: 'text' }, key: ['period'] } as const;

function toResultRow(result: Result): Record<string, unknown> {
  return {
    account_manager_id: result.accountManagerId,
    period: result.period,
    scheme_id: result.schemeId,
    scheme_version: result.schemeVersion,
    status: result.status,
    grade: result.grade,
  };
}

/** tiers: they go by period, whatever the order of publication. */
async function startsOf(
  sql: Sql,
  results: readonly Result[],
  cycles: readonly string[],
): Promise<Chains> {
  const chains: Chains = new Map();
  const start = (accountManagerId: string, period: string): void => {
    const known = chains.get(accountManagerId);
    if (known === undefined || period < known) chains.set(accountManagerId, period);
  };
  if (cycles.length > 0) {
    const rows = await sql.query<{ id: string; period: string }>(
      `select account_manager_id as id, period from tier_period
       where period = any($1::text[]) and status is not null`,
      [cycles],
    );
    for (const { id, period } of rows) start(id, period);
  }
  if (results.length > 0) {
    const published = await sql.query<{ period: string }>('select period from tier_cycle');
    const periods = new Set(published.map(({ period }) => period));
    for (const { accountManagerId, period } of results) {
      if (periods.has(period)) start(accountManagerId, period);
    }
  }
  return chains;
}

type ChainRow = {
  id: string;
  period: string;
  capabilities: string | null;
  scheme_id: string;
  scheme_version: number;
  status: ResultStatus;
  grade: string | null;
};

/** People a step: what is in memory at once stays bounded when a whole company moves. */
const PEOPLE_A_STEP = 5_000;

async function replay(chains: Chains, sql: Sql, schemes: Organisation): Promise<void> {
  const people = [...chains];
  for (let from = 0; from < people.length; from += PEOPLE_A_STEP) {
    const step = people.slice(from, from + PEOPLE_A_STEP);
    const params = [step.map(([id]) => id), step.map(([, period]) => period)];
    const before = await sql.query<{ id: string; state: string }>(STATES_BEFORE, params);
    const states = new Map(before.map(({ id, state }) => [id, JSON.parse(state) as TierState]));
    const rows = await sql.query<ChainRow>(ROWS_FROM, params);
    const moved: Record<string, unknown>[] = [];
    for (const row of rows) {
      const scheme = schemeVersion(schemes, row.scheme_id, row.scheme_version);
      if (!scheme) throw new Error(`unknown scheme ${row.scheme_id} v${row.scheme_version}`);
      const { state, row: tier } = tierStep(states.get(row.id) ?? initialTierState(scheme), {
        scheme,
        period: row.period,
        status: row.status,
        grade: row.grade,
        capabilities: JSON.parse(row.capabilities ?? '[]') as string[],
      });
      states.set(row.id, state);
      moved.push({
        account_manager_id: row.id,
        period: row.period,
        tier: tier.tier,
        next_tier: tier.nextTier,
        movement: tier.movement,
        streak: tier.streak,
        promotion_withheld: canonicalJson(tier.promotionWithheld),
        improvement_plan_required: tier.improvementPlanRequired,
        state: canonicalJson(state),
      });
    }
    await upsertRows(sql, 'tier_period', TIER, moved);
  }
}

const TIER = {
  columns: {
    account_manager_id: 'text',
    period: 'text',
    tier: 'integer',
    next_tier: 'integer',
    movement: 'text',
    streak: 'integer',
    promotion_withheld: 'text',
    improvement_plan_required: 'boolean',
    state: 'text',
  },
  key: KEY,
} as const;

const STATES_BEFORE = `
  select k.id, t.state from unnest($1::text[], $2::text[]) as k(id, period)
  cross join lateral (
    select state from tier_period
    where account_manager_id = k.id and period < k.period and state is not null
    order by period desc limit 1
  ) t`;

const ROWS_FROM = `
  select t.account_manager_id as id, t.period, t.capabilities, t.scheme_id, t.scheme_version,
    t.status, t.grade
  from unnest($1::text[], $2::text[]) as k(id, period)
  join tier_period t on t.account_manager_id = k.id and t.period >= k.period
  join tier_cycle c on c.period = t.period
  where t.status is not null
  order by t.account_manager_id, t.period`;
