import type { Position } from '#event-store';
import type { Sql } from '#projections';
import { type Organisation, schemeVersion } from '#read-models/organisation';
import type { ResultStatus, Scheme, TierRow, TierState } from '#rules';
import {
  type Chain,
  type ChainStep,
  currentOf,
  type Effect,
  type Leaving,
  type TierResult,
} from './chain.js';

/** Where and when a cycle was published, by period. */
export type Cycles = ReadonlyMap<string, PublishedCycle>;
export type PublishedCycle = {
  readonly position: Position;
  readonly occurredAt: string;
  readonly recordedAt: string;
};

export async function readCycles(sql: Sql): Promise<Cycles> {
  const rows = await sql.query<PublishedCycle & { period: string }>(
    `select period, published_position as position, occurred_at as "occurredAt",
       recorded_at as "recordedAt" from tier_cycle`,
  );
  return new Map(rows.map(({ period, ...cycle }) => [period, cycle]));
}

/** Error: a result under a scheme version that nobody published. */
export function schemesIn(org: Organisation): (schemeId: string, version: number) => Scheme {
  return (schemeId, version) => {
    const scheme = schemeVersion(org, schemeId, version);
    if (!scheme) throw new Error(`unknown scheme ${schemeId} v${version}`);
    return scheme;
  };
}

type Reading = {
  readonly sql: Sql;
  readonly cycles: Cycles;
  readonly schemes: ReturnType<typeof schemesIn>;
};

export type ReadChain = {
  readonly chain: Chain;
  readonly effects: Effect[]; // results that were waiting for a publication, now in effect
  readonly capabilities: ReadonlyMap<string, readonly string[]>; // by period, as frozen
};

export const newChain = (before: TierState | null): Chain => ({
  before,
  steps: [],
  current: null,
  timezone: null,
  leaving: null,
  gonePosition: null,
  foundGone: [],
});

type Found = ReadChain & { readonly capabilities: Map<string, readonly string[]> };
const noChain = (): Found => ({ chain: newChain(null), effects: [], capabilities: new Map() });

/** Everybody's chain from a period on as it stood before, and the results that are new to it. */
export async function chainsBefore(
  startOf: ReadonlyMap<string, string>,
  { sql, cycles, schemes }: Reading,
): Promise<ReadonlyMap<string, ReadChain>> {
  const params = [[...startOf.keys()], [...startOf.values()]];
  const found = new Map<string, Found>();
  for (const row of await sql.query<StepRow>(STATES_BEFORE, params)) {
    const chain = newChain(JSON.parse(row.state) as TierState);
    const scheme = schemes(row.scheme_id, row.scheme_version);
    chain.current = currentOf({ period: row.period, scheme, row: toTierRow(row) });
    chain.timezone = scheme.timezone;
    found.set(row.id, { chain, effects: [], capabilities: new Map() });
  }
  for (const row of await sql.query<ChainRow>(ROWS_FROM, params)) {
    const known = found.get(row.id);
    const entry: Found = known ?? noChain();
    if (!known) found.set(row.id, entry);
    const result = toResult(row, schemes);
    entry.capabilities.set(row.period, result.capabilities);
    if (row.tier === null) {
      const cycle = cycles.get(row.period) as PublishedCycle;
      entry.effects.push(publicationEffect(result, cycle));
    } else {
      takeStep(entry.chain, { ...result, ...toStanding(row as StepRow) });
    }
  }
  for (const id of startOf.keys()) {
    if (!found.has(id)) found.set(id, noChain());
  }
  return found;
}

function takeStep(chain: Chain, step: ChainStep): void {
  chain.steps.push(step);
  chain.current = currentOf(step);
  chain.timezone = step.scheme.timezone;
}

export function publicationEffect(result: TierResult, cycle: PublishedCycle): Effect {
  const { position, occurredAt, recordedAt } = cycle;
  return {
    kind: 'result',
    position,
    occurredAt,
    publishedAt: recordedAt,
    result: { ...result, effectivePosition: position },
  };
}

type ResultRow = {
  readonly id: string;
  readonly period: string;
  readonly capabilities: string | null;
  readonly scheme_id: string;
  readonly scheme_version: number;
  readonly status: ResultStatus;
  readonly grade: string | null;
  readonly result_event_id: string;
  readonly result_position: Position;
  readonly effective_position: Position | null;
};
type StepRow = ResultRow & {
  readonly tier: number;
  readonly next_tier: number;
  readonly movement: TierRow['movement'];
  readonly streak: number;
  readonly promotion_withheld: string;
  readonly improvement_plan_required: boolean;
  readonly state: string;
};
type ChainRow = StepRow | (ResultRow & { readonly tier: null });

function toResult(row: ChainRow, schemes: Reading['schemes']): TierResult {
  return {
    period: row.period,
    scheme: schemes(row.scheme_id, row.scheme_version),
    status: row.status,
    grade: row.grade,
    capabilities: JSON.parse(row.capabilities ?? '[]') as string[],
    eventId: row.result_event_id,
    position: row.result_position,
    effectivePosition: row.effective_position ?? '',
  };
}

function toStanding(row: StepRow): Pick<ChainStep, 'state' | 'row'> {
  return { state: JSON.parse(row.state) as TierState, row: toTierRow(row) };
}

const toTierRow = (row: StepRow): TierRow => ({
  tier: row.tier,
  nextTier: row.next_tier,
  movement: row.movement,
  streak: row.streak,
  promotionWithheld: JSON.parse(row.promotion_withheld) as string[],
  improvementPlanRequired: row.improvement_plan_required,
});

const STATES_BEFORE = `
  select k.id, t.* from unnest($1::text[], $2::text[]) as k(id, start)
  cross join lateral (
    select period, scheme_id, scheme_version, tier, next_tier, movement, streak,
      promotion_withheld, improvement_plan_required, state
    from tier_period
    where account_manager_id = k.id and period < k.start and state is not null
    order by period desc limit 1
  ) t`;

const ROWS_FROM = `
  select t.account_manager_id as id, t.period, t.capabilities, t.scheme_id, t.scheme_version,
    t.status, t.grade, t.result_event_id, t.result_position, t.effective_position, t.tier,
    t.next_tier, t.movement, t.streak, t.promotion_withheld, t.improvement_plan_required, t.state
  from unnest($1::text[], $2::text[]) as k(id, period)
  join tier_period t on t.account_manager_id = k.id and t.period >= k.period
  join tier_cycle c on c.period = t.period
  where t.status is not null
  order by t.account_manager_id, t.period`;

/** What was said of last days in employment, by account manager, in the order of the log. */
export async function leavingsOf(
  sql: Sql,
  accountManagerIds: readonly string[],
): Promise<ReadonlyMap<string, readonly (Leaving & { gonePosition: Position | null })[]>> {
  type Row = Leaving & { id: string; gonePosition: Position | null };
  const rows = await sql.query<Row>(
    `select account_manager_id as id, position, left_on as "leftOn", event_id as "eventId",
       occurred_at as "occurredAt", recorded_at as "recordedAt", gone_position as "gonePosition"
     from tier_leaving where account_manager_id = any($1::text[])
     order by account_manager_id, position`,
    [accountManagerIds],
  );
  const found = new Map<string, (Leaving & { gonePosition: Position | null })[]>();
  for (const { id, ...leaving } of rows) {
    const known = found.get(id);
    if (known) known.push(leaving);
    else found.set(id, [leaving]);
  }
  return found;
}
