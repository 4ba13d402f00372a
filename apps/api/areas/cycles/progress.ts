import type { Position } from '#event-store';
import { initialAssessment, toFacts } from '#contexts/assessment';
import { assessmentStream, DomainError } from '#kernel';
import type { Caller } from '#platform';
import { statesAt } from '#processes/publication';
import {
  cohort,
  cycleOf,
  type Member,
  memberOf,
  type Organisation,
} from '#read-models/organisation';
import {
  earlierResults,
  type IndicatorCount,
  indicatorCounts,
  personPeriodKey,
  provisionalScore,
} from '#read-models/scores';
import { type IndicatorGap, missingInputs } from '#rules';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, OneOf } from '../../fields.js';
import { type PageOf, PageQuery } from '../../queries.js';
import { refuseUnlessReached, readQuery } from '../../read-query.js';
import type { CyclePath } from './commands.js';
import { sightOf } from './queries.js';

/** What is complete now may still be amended: nothing of it is published. */
const SCORECARDS = ['complete', 'incomplete', 'not-assessed'] as const;
type ScorecardState = (typeof SCORECARDS)[number];

export class ProgressQuery extends PageQuery {
  @Id({ optional: true, example: 'north-2', description: 'This unit and those below it' })
  unitId?: string;

  @Id({ optional: true, example: 'deposit-growth', description: 'Where this indicator lacks' })
  indicatorId?: string;

  @OneOf(SCORECARDS, {
    optional: true,
    description: 'Whose scorecard would be so if the cycle were published now',
  })
  scorecard?: ScorecardState;
}

/** From whom something is missing; null: from nobody in particular. */
type Whom = { readonly from: string | null };

export type PersonGap = {
  readonly accountManagerId: string;
  readonly unitId: string;
  readonly schemeId: string;
  readonly scorecard: ScorecardState;
  readonly indicators: readonly (Omit<IndicatorGap, 'missing'> & {
    readonly missing: readonly (IndicatorGap['missing'][number] & Whom)[];
  })[];
};

export type ProgressAnswer = PageOf<PersonGap> & {
  readonly position: Position;
  readonly period: string;
  /** Per unit and indicator, how many people stand how; on the first page. */
  readonly totals?: readonly IndicatorCount[];
};

/** People whose streams are read at once, and at most for one page: a page may come short. */
const PEOPLE_A_STEP = 200;
const PEOPLE_A_PAGE = 4_000;

type Params = ProgressQuery & CyclePath & { readonly caller: Caller };

/** What is missing of whom, and from whom, as the log's head has it. */
export const readProgress = readQuery(async (system, params: Params): Promise<ProgressAnswer> => {
  const { period, cursor, limit, after, caller } = params;
  const position = await system.store.head();
  refuseUnlessReached(position, after);
  const org = await system.engine.organisation.current();
  if (!cycleOf(org, period)) throw new DomainError('unknown-cycle', { period });
  const units = sightOf(org, caller);
  const [from] = cursor === undefined ? [''] : fromCursor(cursor, ['string']);
  const everybody = cohort(org, period).filter((id) => id > from);
  const items: PersonGap[] = [];
  let last = from;
  let isEnd = true;
  for (let at = 0; at < everybody.length; at += PEOPLE_A_STEP) {
    const ids = everybody.slice(at, at + PEOPLE_A_STEP);
    const found = await gapsOf(system, org, { period, ids, position });
    for (const gap of found) {
      last = gap.accountManagerId;
      if (isAskedFor(org, period, gap, params, units)) items.push(gap);
      if (items.length === limit) break;
    }
    if (items.length < limit) last = ids.at(-1) ?? last;
    isEnd = last === everybody.at(-1);
    if (items.length === limit || at + PEOPLE_A_STEP >= PEOPLE_A_PAGE) break;
  }
  const totals = cursor === undefined ? await totalsOf(system, period, units) : null;
  return {
    position,
    period,
    items,
    next: isEnd ? null : toCursor([last]),
    ...(totals === null ? {} : { totals }),
  };
});

async function gapsOf(
  { engine, projections }: ApiSystem,
  org: Organisation,
  of: { readonly period: string; readonly ids: readonly string[]; readonly position: Position },
): Promise<readonly PersonGap[]> {
  const { period, ids, position } = of;
  const states = await statesAt(engine.log, period, ids, position);
  const pairs = ids.map((accountManagerId) => ({ accountManagerId, period }));
  // What is carried from an earlier result changes how a gap counts, not that it is one.
  const { result: earlier } = await projections.read(['scores'], (sql) =>
    earlierResults(sql, pairs),
  );
  return pairs.flatMap((pair) => {
    const { accountManagerId } = pair;
    const member = memberOf(org, accountManagerId, period);
    const state = states.get(assessmentStream(accountManagerId, period)) ?? initialAssessment();
    const known = earlier.get(personPeriodKey(pair)) ?? null;
    const found = provisionalScore(org, member, state, known);
    if (!found) return [];
    const { scheme, context, card } = found;
    const gaps = missingInputs(scheme, context, toFacts(state));
    return {
      accountManagerId,
      unitId: context.unitPath[0] ?? '',
      schemeId: context.schemeId,
      scorecard: card.status === 'published' ? 'complete' : card.status,
      indicators: gaps.map((gap) => ({
        ...gap,
        missing: gap.missing.map((one) => ({ ...one, from: whomOf(one, context) })),
      })),
    };
  });
}

function whomOf(
  missing: IndicatorGap['missing'][number],
  { accountManagerId, supervisorId }: Pick<Member, 'accountManagerId' | 'supervisorId'>,
): string | null {
  if (missing.kind !== 'no-rater') return null;
  if (missing.group === 'self') return accountManagerId;
  return missing.group === 'supervisor' ? supervisorId : null;
}

function isAskedFor(
  org: Organisation,
  period: string,
  { accountManagerId, unitId, scorecard, indicators }: PersonGap,
  asked: ProgressQuery,
  units: ReadonlySet<string> | null,
): boolean {
  if (units !== null && !units.has(unitId)) return false;
  const isAnswer =
    asked.scorecard === undefined ? indicators.length > 0 : scorecard === asked.scorecard;
  if (!isAnswer) return false;
  const isLacking = (id: string): boolean =>
    indicators.some(({ indicatorId }) => indicatorId === id);
  if (asked.indicatorId !== undefined && !isLacking(asked.indicatorId)) return false;
  if (asked.unitId === undefined) return true;
  const path = memberOf(org, accountManagerId, period)?.unitPath ?? [];
  return path.includes(asked.unitId);
}

async function totalsOf(
  { projections }: ApiSystem,
  period: string,
  units: ReadonlySet<string> | null,
): Promise<readonly IndicatorCount[]> {
  const { result } = await projections.read(['scores'], (sql) => indicatorCounts(sql, period));
  return result.filter(({ unitId }) => units === null || units.has(unitId));
}
