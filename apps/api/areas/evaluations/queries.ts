import { decimal, rational, roundToText, sumDecimals } from '#kernel';
import type { Caller } from '#platform';
import { cycleOf } from '#read-models/organisation';
import { type EvaluationFact, factsInForce, verdicts } from '#rules';
import { seen } from '../../authority.js';
import { Id, Period } from '../../fields.js';
import { hidesRaters } from '../../hidden.js';
import { AnyQuery } from '../../queries.js';
import { readQuery } from '../../read-query.js';
import { isAssessedIn, listFacts } from '../facts/list.js';
import { readPeriod, type RecordedPeriod } from '../facts/reading.js';

export class EvaluationsQuery extends AnyQuery {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period({ example: '2026-03' })
  period!: string;
}

/** One score alone would be its rater's: of peers and customers two have to stand in a mean. */
const FEWEST_IN_A_MEAN = 2;

type GroupView = {
  readonly indicatorId: string;
  readonly raterGroup: string;
  readonly weight: string;
  /** Null: not to be told (yet), or none counts. */
  readonly mean: string | null;
};

/**
 * The evaluations of a person and period. Whose raters are hidden is told the means of groups,
 * once the period is published: read again after each score, an earlier mean would tell it.
 */
export const readEvaluations = readQuery(
  async (system, params: EvaluationsQuery & { readonly caller: Caller }) => {
    const { accountManagerId, period, caller } = params;
    const recorded = await readPeriod(system, params);
    seen(system, caller, accountManagerId, 'evaluations');
    const { position } = recorded;
    const base = { position, accountManagerId, period, assessed: isAssessedIn(recorded) };
    if (!hidesRaters(caller, accountManagerId)) {
      const items = listFacts(recorded).filter(({ kind }) => kind === 'evaluation');
      return { ...base, ratersHidden: false, items };
    }
    const isPublished = cycleOf(recorded.org, period)?.publishedAt != null;
    return { ...base, ratersHidden: true, groups: groupsOf(recorded, isPublished) };
  },
);

function groupsOf(recorded: RecordedPeriod, isPublished: boolean): GroupView[] {
  const { assessed, facts } = recorded;
  if (!assessed) return [];
  const judged = verdicts(assessed.scheme, assessed.context, facts).evaluations;
  const counting = factsInForce(facts).evaluations.filter(
    ({ recordId }) => judged.get(recordId) === 'counts',
  );
  return assessed.scheme.indicators.flatMap((indicator) => {
    if (indicator.source !== 'evaluation') return [];
    return Object.entries(indicator.raters)
      .filter(([, weight]) => decimal(weight).n > 0n)
      .map(([raterGroup, weight]) => {
        const given = counting.filter(
          (fact) => fact.indicatorId === indicator.id && fact.raterGroup === raterGroup,
        );
        const isTold = raterGroup === 'self' || (isPublished && isMany(raterGroup, given));
        const mean = isTold && given.length > 0 ? meanOf(given) : null;
        return { indicatorId: indicator.id, raterGroup, weight, mean };
      });
  });
}

/** Who supervises whom is known to both: their one score is the group's. */
function isMany(raterGroup: string, given: readonly EvaluationFact[]): boolean {
  return raterGroup === 'supervisor' || given.length >= FEWEST_IN_A_MEAN;
}

function meanOf(given: readonly EvaluationFact[]): string {
  const sum = sumDecimals(given.map(({ score }) => score));
  return roundToText(sum.div(rational(given.length)), 2);
}
