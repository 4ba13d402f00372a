import { compareCodePoints, decimal, roundToText, toFractionText } from '#kernel';
import type { AssessmentContext } from './facts.js';
import { compareRankingKeys, rankingKey } from './ranking.js';
import type { CeilingOutcome, IndicatorResult, PublishedResult, RankingKey } from './results.js';
import type { Ceiling, Scheme } from './scheme.js';
import { type Scorecard, gradeAt, gradeIndex } from './scorecard.js';
import { shareTeamPool } from './team-pool.js';

export type Member = {
  readonly scheme: Scheme;
  readonly context: AssessmentContext;
  readonly card: Scorecard;
};

export type Publication = {
  readonly results: readonly PublishedResult[]; // sorted by account manager id
  readonly unpaidPools: readonly string[]; // units whose pool nobody can share, sorted
};

/** One person while ceilings act. `grade` is a grade's index and only ever gets worse. */
type Candidate = {
  readonly member: Member;
  readonly unitId: string;
  readonly key: RankingKey | null;
  readonly cardGrade: number | null;
  grade: number | null;
};

/**
 * scoring: ceilings apply once, at publication, in the scheme's order; team pools are shared once,
 * at publication. Nothing depends on the order of the members.
 */
export function publish(
  members: readonly Member[],
  teamPools: ReadonlyMap<string, string>,
): Publication {
  const candidates = members.map(toCandidate);
  const outcomes = new Map<Candidate, CeilingOutcome[]>(
    candidates.map((candidate) => [candidate, []]),
  );
  for (const ofVersion of groupBy(candidates, schemeVersionKey)) {
    const scheme = ofVersion[0]!.member.scheme;
    for (const ceiling of scheme.ceilings) applyCeiling(ceiling, scheme, ofVersion, outcomes);
  }
  const { shares, unpaidPools } = shareTeamPools(candidates, teamPools);
  const results = candidates.map((candidate) =>
    toResult(candidate, outcomes.get(candidate) ?? [], shares.get(candidate) ?? null),
  );
  results.sort((a, b) => compareCodePoints(a.accountManagerId, b.accountManagerId));
  return { results, unpaidPools };
}

function toCandidate(member: Member): Candidate {
  const { scheme, context, card } = member;
  const grade = card.grade === null ? null : gradeIndex(scheme, card.grade);
  return {
    member,
    unitId: context.unitPath[0] ?? '',
    key: rankingKey(scheme, context, card),
    cardGrade: grade,
    grade,
  };
}

function schemeVersionKey({ member: { scheme } }: Candidate): string {
  return `${scheme.version}:${scheme.schemeId}`;
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}

function applyCeiling(
  ceiling: Ceiling,
  scheme: Scheme,
  ofVersion: readonly Candidate[],
  outcomes: ReadonlyMap<Candidate, CeilingOutcome[]>,
): void {
  const scopes =
    ceiling.scope === 'company' ? [ofVersion] : groupBy(ofVersion, ({ unitId }) => unitId);
  for (const inScope of scopes) {
    const outcome = holdCeiling(ceiling, scheme, inScope);
    for (const candidate of inScope) outcomes.get(candidate)?.push(outcome);
  }
}

/** The others than those who keep the grade get the next lower one. */
function holdCeiling(
  ceiling: Ceiling,
  scheme: Scheme,
  inScope: readonly Candidate[],
): CeilingOutcome {
  const grade = gradeIndex(scheme, ceiling.grade);
  const cohortCount = inScope.filter(({ key }) => key !== null).length;
  const inForce = cohortCount >= (ceiling.minimumCohort ?? 10);
  const placeCount = placesOf(cohortCount, ceiling.sharePercent);
  const holders = inScope
    .flatMap((candidate) =>
      candidate.key !== null && candidate.grade === grade
        ? [{ candidate, key: candidate.key }]
        : [],
    )
    .sort((a, b) => compareRankingKeys(a.key, b.key));
  const lastAt = inForce ? Math.min(placeCount, holders.length) - 1 : holders.length - 1;
  const last = holders[lastAt]?.key ?? null;
  let holderCount = 0;
  for (const { candidate, key } of holders) {
    const keeps =
      !inForce || (last !== null && compareRankingKeys(key, last, { withHash: false }) <= 0);
    if (keeps) holderCount += 1;
    else candidate.grade = grade + 1;
  }
  return { grade: ceiling.grade, inForce, cohortCount, placeCount, holderCount, lastHolder: last };
}

/** floor(N · sharePercent / 100). */
export function placesOf(cohortCount: number, sharePercent: string): number {
  const share = decimal(sharePercent);
  return Number((BigInt(cohortCount) * share.n) / (share.d * 100n));
}

function shareTeamPools(
  candidates: readonly Candidate[],
  teamPools: ReadonlyMap<string, string>,
): {
  readonly shares: ReadonlyMap<
    Candidate,
    { readonly unitId: string; readonly amountMinor: string }
  >;
  readonly unpaidPools: readonly string[];
} {
  const shares = new Map<Candidate, { unitId: string; amountMinor: string }>();
  const unpaidPools: string[] = [];
  const published = candidates.filter(({ key }) => key !== null);
  const byUnit = new Map(groupBy(published, ({ unitId }) => unitId).map((g) => [g[0]!.unitId, g]));
  for (const [unitId, amountMinor] of teamPools) {
    const sharers = byUnit.get(unitId) ?? [];
    const shared = shareTeamPool(
      amountMinor,
      sharers.map(({ member: { context, card } }) => ({
        accountManagerId: context.accountManagerId,
        score: card.score ?? '0.00',
        eligibleDays: context.eligibleDays,
      })),
    );
    if (shared === null) unpaidPools.push(unitId);
    else sharers.forEach((c, at) => shares.set(c, { unitId, amountMinor: shared[at]! }));
  }
  return { shares, unpaidPools: unpaidPools.sort(compareCodePoints) };
}

/** A scorecard's indicators as an event holds them. */
export function indicatorResults(card: Scorecard): Readonly<Record<string, IndicatorResult>> {
  return Object.fromEntries(
    card.indicators.map(({ id, how, exact }) => [
      id,
      {
        exact: exact === null ? null : toFractionText(exact),
        score: exact === null ? null : roundToText(exact, 2),
        how,
      },
    ]),
  );
}

function toResult(
  { member: { scheme, context, card }, key, cardGrade, grade }: Candidate,
  ceilings: readonly CeilingOutcome[],
  teamShare: PublishedResult['teamShare'],
): PublishedResult {
  return {
    accountManagerId: context.accountManagerId,
    period: context.period,
    schemeId: scheme.schemeId,
    schemeVersion: scheme.version,
    unitPath: context.unitPath,
    status: card.status,
    eligibleDays: context.eligibleDays,
    workdays: context.workdays,
    indicators: indicatorResults(card),
    total: card.total === null ? null : toFractionText(card.total),
    score: card.score,
    grade: grade === null ? null : gradeAt(scheme, grade),
    ceilingApplied: grade !== cardGrade,
    rankingKey: key,
    ceilings: card.status === 'not-assessed' ? [] : ceilings,
    teamShare,
  };
}
