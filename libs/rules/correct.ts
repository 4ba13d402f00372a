import { compareRationals, fromFractionText, toDecimalText, toFractionText } from '#kernel';
import { factsInForce } from './facts-in-force.js';
import type { AssessmentContext, RecordedFacts } from './facts.js';
import { indicatorResults } from './publish.js';
import { compareRankingKeys, rankingKey } from './ranking.js';
import type { CeilingOutcome, PublishedResult, RankingKey } from './results.js';
import type { Scheme } from './scheme.js';
import { type Scorecard, gradeAt, gradeInForce, gradeIndex, scorecard } from './scorecard.js';

export type CorrectionInput = {
  readonly scheme: Scheme;
  readonly context: AssessmentContext; // as frozen
  readonly facts: RecordedFacts; // as frozen, with the corrections of all decisions so far
  readonly previous: PublishedResult;
  readonly by: 'appeal' | 'office';
};

export type CorrectionOutcome = {
  readonly result: PublishedResult;
  readonly heldHarmless: boolean; // score and indicators stayed the old ones
};

/**
 * The next version of a published result. An appeal never lowers score or grade; the assessment
 * office may. Ceilings and team pools are not run again: the ceilings are asked whether the person
 * would have held the grade at publication, and the team share stays.
 */
export function correctResult(input: CorrectionInput): CorrectionOutcome {
  const { scheme, context, facts, previous } = input;
  const unchanged = { result: previous, heldHarmless: true };
  // Eligible days are frozen: no correction makes somebody assessed.
  if (previous.status === 'not-assessed') return unchanged;
  const card = scorecard(scheme, context, facts, 'correction');
  const heldHarmless = isHeldHarmless(input, card);
  const figures = heldHarmless ? keptFigures(previous, card) : newFigures(input, card);
  const { score, rankingKey: key } = figures;
  if (score === null || key === null) return unchanged;
  const deserved = gradeIndex(scheme, gradeInForce(scheme, score, factsInForce(facts)));
  const grade = heldGrade(input, deserved, key);
  const result: PublishedResult = {
    ...previous,
    ...figures,
    status: 'published',
    grade: gradeAt(scheme, grade),
    ceilingApplied: grade > deserved,
  };
  return { result, heldHarmless };
}

/** appeals: if the new total is lower, or there is none, score and indicators stay the old ones. */
function isHeldHarmless({ by, previous }: CorrectionInput, card: Scorecard): boolean {
  if (card.total === null) return true;
  if (by === 'office' || previous.total === null) return false;
  return compareRationals(card.total, fromFractionText(previous.total)) < 0;
}

type Figures = Pick<PublishedResult, 'indicators' | 'total' | 'score' | 'rankingKey'>;

/** Points deducted are neither score nor indicator: they follow the facts in force. */
function keptFigures(previous: PublishedResult, card: Scorecard): Figures {
  const { indicators, total, score, rankingKey: key } = previous;
  const deducted = toDecimalText(card.deducted);
  return { indicators, total, score, rankingKey: key === null ? null : { ...key, deducted } };
}

function newFigures({ scheme, context }: CorrectionInput, card: Scorecard): Figures {
  return {
    indicators: indicatorResults(card),
    total: card.total === null ? null : toFractionText(card.total),
    score: card.score,
    rankingKey: rankingKey(scheme, context, card),
  };
}

/**
 * Each ceiling in the scheme's order is asked for a grade that it limits and the person did not
 * hold; where it says no, the next lower grade meets the next ceiling. Grades are indexes, 0 best.
 */
function heldGrade(
  { scheme, previous, by }: CorrectionInput,
  deserved: number,
  key: RankingKey,
): number {
  const old = previous.grade === null ? null : gradeIndex(scheme, previous.grade);
  let grade = by === 'appeal' && old !== null ? Math.min(deserved, old) : deserved;
  for (const ceiling of previous.ceilings) {
    if (grade === old) break;
    if (gradeIndex(scheme, ceiling.grade) === grade && !wouldHold(ceiling, key)) grade += 1;
  }
  return grade;
}

/** Places are counted as at publication: several corrections may hold more than the share. */
function wouldHold(ceiling: CeilingOutcome, key: RankingKey): boolean {
  if (!ceiling.inForce || ceiling.holderCount < ceiling.placeCount) return true;
  const { lastHolder } = ceiling;
  return lastHolder !== null && compareRankingKeys(key, lastHolder, { withHash: false }) <= 0;
}
