import {
  type AssessmentState,
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  initialAssessment,
} from '#contexts/assessment';
import type { EventStore, Position } from '#event-store';
import { assessmentStream } from '#kernel';
import { cycleOf, type Organisation, periods, schemeVersion } from '#read-models/organisation';
import {
  type BatchLine,
  dueLines,
  initialTierState,
  type Scheme,
  tierStep,
  type TierState,
} from '#rules';

export type AssessmentLog = Pick<EventStore, 'readStreams'>;

/** Folds assessment streams up to a position; a stream that does not exist is an empty state. */
export async function assessmentsAt(
  log: AssessmentLog,
  streams: readonly string[],
  until?: Position,
): Promise<ReadonlyMap<string, AssessmentState>> {
  const states = new Map(streams.map((stream) => [stream, initialAssessment()]));
  const range = until === undefined ? {} : { until };
  for await (const events of log.readStreams([...states.keys()], range)) {
    const state = states.get(events[0]?.stream ?? '');
    if (!state) continue;
    for (const event of events) evolveAssessment(state, event as unknown as AssessmentStreamEvent);
  }
  return states;
}

/** Ids of sales among those that returns cite, which an appeal has struck. */
export async function struckOriginals(
  log: AssessmentLog,
  states: Iterable<AssessmentState>,
  until?: Position,
): Promise<ReadonlySet<string>> {
  const originals = new Map<string, string[]>();
  for (const { returns } of states) {
    for (const { original } of returns) {
      const stream = assessmentStream(original.accountManagerId, original.period);
      originals.set(stream, [...(originals.get(stream) ?? []), original.creditId]);
    }
  }
  const struck = new Set<string>();
  if (originals.size === 0) return struck;
  const sellers = await assessmentsAt(log, [...originals.keys()], until);
  for (const [stream, creditIds] of originals) {
    const seller = sellers.get(stream);
    for (const creditId of creditIds) if (seller?.struck.has(creditId)) struck.add(creditId);
  }
  return struck;
}

export type DueOf = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly state: AssessmentState;
  readonly scheme: Scheme;
  readonly unitId: string;
  readonly tier: number | null;
  readonly isPublished: boolean; // the cycle; results before it are nobody's yet
  readonly struckSales: ReadonlySet<string>; // of the sales that the returns cite
};

/** The lines due for one person's period from its folded stream. */
export function dueOf(input: DueOf): readonly BatchLine[] {
  const { state, accountManagerId, period, scheme, unitId, tier, struckSales } = input;
  const kept = (recordId: string): boolean => !state.struck.has(recordId);
  const rates = new Map(
    state.creditsFrozen?.returns.map((frozen) => [frozen.creditId, frozen.commissionPercent]),
  );
  return dueLines({
    scheme,
    accountManagerId,
    period,
    unitId,
    result: input.isPublished ? currentResult(state) : null,
    tier,
    credits: state.credits.filter(({ creditId }) => kept(creditId)),
    returns: state.returns
      .filter(({ creditId }) => kept(creditId))
      .map(({ creditId, amountMinor, original }) => ({
        creditId,
        amountMinor,
        commissionPercent: rates.get(creditId) ?? null,
        originalStruck: struckSales.has(original.creditId),
      })),
    awards: state.awards.filter(({ awardId }) => kept(awardId)),
  });
}

export type PeriodDues = {
  readonly unitPath: readonly string[]; // frozen: which batch of the period holds the person
  readonly lines: readonly BatchLine[];
};

/**
 * What is due to one person for every published period, by period, as of a position: the tier
 * chain is replayed from all published results, and nothing of anybody else is looked at but
 * whether the sales that were returned still stand.
 */
export async function personDues(
  log: AssessmentLog,
  org: Organisation,
  accountManagerId: string,
  until: Position,
): Promise<ReadonlyMap<string, PeriodDues>> {
  const published = periods(org).filter((period) => cycleOf(org, period)?.publishedAt != null);
  const streams = published.map((period) => assessmentStream(accountManagerId, period));
  const states = await assessmentsAt(log, streams, until);
  const struckSales = await struckOriginals(log, states.values(), until);
  const dues = new Map<string, PeriodDues>();
  let tierState: TierState | null = null;
  for (const period of published) {
    const state = states.get(assessmentStream(accountManagerId, period));
    const frozen = state?.frozen;
    const result = state ? currentResult(state) : null;
    if (!state || !frozen || !result) continue;
    const scheme = schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
    if (!scheme) throw new Error(`unknown scheme ${frozen.schemeId} v${frozen.schemeVersion}`);
    const { capabilities, unitPath } = frozen;
    const { status, grade } = result;
    const step = tierStep(tierState ?? initialTierState(scheme), {
      scheme,
      period,
      status,
      grade,
      capabilities,
    });
    tierState = step.state;
    const unitId = unitPath[0] ?? '';
    const { tier } = step.row;
    const lines = dueOf({
      accountManagerId,
      period,
      state,
      scheme,
      unitId,
      tier,
      isPublished: true,
      struckSales,
    });
    dues.set(period, { unitPath, lines });
  }
  return dues;
}
