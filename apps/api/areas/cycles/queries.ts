import { cycleStream } from '#contexts/cycles';
import type { RecordedEvent } from '#event-store';
import { compareCodePoints, DomainError } from '#kernel';
import type { Caller } from '#platform';
import {
  type Cycle,
  cohort,
  cycleOf,
  type Organisation,
  periods,
  schemeVersion,
  teamPools,
} from '#read-models/organisation';
import {
  ceilingOutcomes,
  gradeCounts,
  recordedResultCount,
  unitsWithTeamShare,
} from '#read-models/scores';
import { unitsOf } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import {
  AFTER_WAIT_MS,
  readOrganisation,
  readQuery,
  refuseUnlessReached,
} from '../../read-query.js';
import type { CyclePath } from './commands.js';
import { type CycleView, cycleView } from './cycle-view.js';
import {
  distributionOf,
  expectedCeilings,
  publishedCeilings,
  type SchemeDistribution,
} from './distribution.js';

/** What a cycle's list says of each: its steps in time. */
export type CycleLine = Pick<
  Cycle,
  'period' | 'firstDay' | 'lastDay' | 'openedAt' | 'closedAt' | 'publishedAt' | 'finalisedAt'
> & { readonly state: Cycle['status'] };

/** Latest period first. */
export const readCycles = readOrganisation(
  (org, { cursor, limit }: PageQuery): PageOf<CycleLine> => {
    const [before] = cursor === undefined ? ['9999-99'] : fromCursor(cursor, ['string']);
    const found = periods(org)
      .filter((period) => period < before)
      .toReversed();
    const items = found.slice(0, limit).flatMap((period) => {
      const cycle = cycleOf(org, period);
      return cycle ? [toLine(cycle)] : [];
    });
    const last = items.at(-1);
    return { items, next: last && found.length > limit ? toCursor([last.period]) : null };
  },
);

function toLine({ status, ...cycle }: Cycle): CycleLine {
  const { period, firstDay, lastDay, openedAt, closedAt, publishedAt, finalisedAt } = cycle;
  const dates = { openedAt, closedAt, publishedAt, finalisedAt };
  return { period, firstDay, lastDay, ...dates, state: status };
}

export type Progress = {
  readonly cohortCount: number;
  readonly frozenCount: number; // whose facts are closed
  readonly recordedCount: number; // whose result is recorded, seen by nobody yet
  readonly trouble: string | null; // why it stands still just now
};

export type CycleAnswer = CycleView & {
  readonly publication: Progress | null; // only while it is going on
  /** Units whose team pool found nobody to share it; null before publication. */
  readonly unpaidTeamPools: readonly string[] | null;
};

type CycleParams = CyclePath & AnyQuery & { readonly caller: Caller };

export const readCycle = readQuery(
  async (
    system,
    { period, after, caller }: CycleParams,
  ): Promise<{ position: string } & CycleAnswer> => {
    const position = await system.store.head();
    refuseUnlessReached(position, after);
    const reasons = caller.roles.some((role) => role === 'office' || role === 'auditor');
    const events: RecordedEvent[] = [];
    for await (const read of system.store.readStream(cycleStream(period))) events.push(...read);
    const view = cycleView(events, { reasons });
    if (!view) throw new DomainError('unknown-cycle', { period });
    const org = await system.engine.organisation.current();
    const publication = view.state === 'publishing' ? await progressOf(system, org, period) : null;
    const isPublished = view.publishedAt !== null;
    const unpaidTeamPools = isPublished ? await unpaidPools(system, org, period) : null;
    return { position, ...view, publication, unpaidTeamPools };
  },
);

async function progressOf(
  { projections, processes }: ApiSystem,
  org: Organisation,
  period: string,
): Promise<Progress> {
  const { result } = await projections.read(['scores', 'tiers'], async (sql) => {
    const [frozen] = await sql.query<{ count: number }>(
      `select count(*)::int as count from tier_period
       where period = $1 and capabilities is not null`,
      [period],
    );
    const recordedCount = await recordedResultCount(sql, period);
    return { frozenCount: frozen?.count ?? 0, recordedCount };
  });
  const trouble = processes.troubles().get(`publication ${period}`) ?? null;
  return { cohortCount: cohort(org, period).length, ...result, trouble };
}

async function unpaidPools(
  { projections }: ApiSystem,
  org: Organisation,
  period: string,
): Promise<readonly string[]> {
  const pools = [...teamPools(org, period).keys()];
  if (pools.length === 0) return [];
  const { result } = await projections.read(['scores'], (sql) => unitsWithTeamShare(sql, period));
  return pools.filter((unitId) => !result.includes(unitId)).sort(compareCodePoints);
}

/** The units that the caller may ask about; null: all of them. */
export function sightOf(org: Organisation, { id, roles }: Caller): ReadonlySet<string> | null {
  return roles.some((role) => role !== 'manager') ? null : unitsOf(org, id);
}

export type Distribution = {
  readonly period: string;
  readonly schemes: readonly SchemeDistribution[];
};

/**
 * Grades against ceilings while there is still time, and as they were published. A manager sees
 * the own units, and of ceilings those whose scope is one of them.
 */
export const readDistribution = readQuery(
  async (
    system,
    { period, after, caller }: CycleParams,
  ): Promise<{ position: string } & Distribution> => {
    const { engine, projections } = system;
    if (after !== undefined) await projections.waitFor(['scores'], after, AFTER_WAIT_MS);
    const org = await engine.organisation.current();
    const cycle = cycleOf(org, period);
    if (!cycle) throw new DomainError('unknown-cycle', { period });
    const units = sightOf(org, caller);
    const { result, position } = await projections.read(['scores'], async (sql) => ({
      counts: await gradeCounts(sql, period),
      outcomes: await ceilingOutcomes(sql, period),
    }));
    const versions = new Map(
      result.counts.map((one) => [`${one.schemeId} ${one.schemeVersion}`, one] as const),
    );
    const schemes = [...versions.values()].flatMap(({ schemeId, schemeVersion: version }) => {
      const scheme = schemeVersion(org, schemeId, version);
      if (!scheme) return [];
      const isOf = (one: { schemeId: string; schemeVersion: number }): boolean =>
        one.schemeId === schemeId && one.schemeVersion === version;
      const outcomes = result.outcomes.filter(isOf);
      const all = result.counts.filter(isOf);
      const ceilings =
        outcomes.length > 0 ? publishedCeilings(scheme, outcomes) : expectedCeilings(scheme, all);
      const seen = all.filter(({ unitId }) => units === null || units.has(unitId));
      const shown = ceilings.filter(
        ({ unitId }) => units === null || (unitId !== null && units.has(unitId)),
      );
      if (seen.length === 0) return [];
      return [distributionOf(scheme, seen, outcomes.length === 0, shown)];
    });
    return { position, period, schemes };
  },
);
