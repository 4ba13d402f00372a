import { type AssessmentState, toFacts } from '#contexts/assessment';
import { type Member, type Organisation, schemeVersion } from '#read-models/organisation';
import {
  type AssessmentContext,
  type EarlierPublished,
  rankingKey,
  type RankingKey,
  type Scheme,
  scorecard,
  type Scorecard,
  takenFromEarlier,
} from '#rules';

/**
 * What freezing writes down and provisional scores use meanwhile: the member's own circumstances
 * and, from the latest earlier published result, the scores to carry and the score to rank by.
 */
export function assessmentContext(
  { scheme, ...member }: Member,
  earlier: EarlierPublished | null,
): AssessmentContext {
  return { ...member, ...takenFromEarlier(scheme, earlier) };
}

/** What one person's score of an unpublished period would be now. */
export type ProvisionalScore = {
  readonly context: AssessmentContext;
  readonly scheme: Scheme;
  readonly card: Scorecard;
  readonly key: RankingKey | null;
};

/**
 * The pure score of a prefix of the log: the organisation and the person's stream folded up to
 * there. Once the facts are frozen, what they froze holds. Null: nobody to assess.
 */
export function provisionalScore(
  org: Organisation,
  member: Member | null,
  state: Readonly<AssessmentState>,
  earlier: EarlierPublished | null,
): ProvisionalScore | null {
  const { frozen } = state;
  const context = frozen ?? (member ? assessmentContext(member, earlier) : null);
  if (!context) return null;
  const scheme = frozen
    ? schemeVersion(org, frozen.schemeId, frozen.schemeVersion)
    : (member?.scheme ?? null);
  if (!scheme) throw new Error(`unknown scheme ${context.schemeId} v${context.schemeVersion}`);
  const card = scorecard(scheme, context, toFacts(state));
  return { context, scheme, card, key: rankingKey(scheme, context, card) };
}
