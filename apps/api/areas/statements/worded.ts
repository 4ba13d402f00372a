import type { StatementIndicator } from '#read-models/statements';
import {
  arithmeticClauses,
  explanationText,
  type Language,
  ruleClauses,
  totalClauses,
} from '#rules';
import type { ShownStatement } from './queries.js';

/** The calculation is of the facts in force: its end is what they give, not what is held. */
export const calculationOf = (one: StatementIndicator, lang: Language): readonly string[] =>
  arithmeticClauses({ ...one, how: one.computedHow, score: one.computedScore }, lang);

/** The kinds and figures of the statement with the sentences that say them beside. */
export function worded<Shown extends ShownStatement>(shown: Shown, lang: Language) {
  const { explainedTotal } = shown;
  return {
    ...shown,
    lang,
    indicators: shown.indicators.map((one) => ({
      ...one,
      rule: explanationText(ruleClauses(one, lang), lang),
      arithmetic: explanationText(calculationOf(one, lang), lang),
    })),
    explainedTotal: {
      ...explainedTotal,
      arithmetic: explanationText(totalClauses(explainedTotal, lang), lang),
    },
  };
}
