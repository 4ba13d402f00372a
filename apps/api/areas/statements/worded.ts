import {
  arithmeticClauses,
  EXPLANATION_WORDS,
  explanationText,
  type Language,
  ruleClauses,
  totalClauses,
} from '#rules';
import type { ShownIndicator, ShownStatement } from './queries.js';
import { WORDS } from './words.js';

/** The calculation is of the facts in force: its end is what they give, not what is held. */
export function calculationOf(one: ShownIndicator, lang: Language): readonly string[] {
  const computed = { ...one, how: one.computedHow, score: one.computedScore };
  if (!one.meansHidden) return arithmeticClauses(computed, lang);
  const hidden = WORDS.meansHidden[lang];
  if (computed.how === 'scored') {
    return [hidden, EXPLANATION_WORDS[lang].scored(computed.score ?? '')];
  }
  const { work } = one;
  const bare = work.kind === 'evaluation' ? { ...work, groups: [] } : work;
  return [hidden, ...arithmeticClauses({ ...computed, work: bare }, lang)];
}

/** The kinds and figures of the statement with the sentences that say them beside. */
export function worded<Shown extends ShownStatement>(shown: Shown, lang: Language) {
  const { explainedTotal } = shown;
  return {
    ...shown,
    lang,
    indicators: shown.indicators.map((one) => ({
      ...one,
      work: one.meansHidden ? null : one.work,
      rule: explanationText(ruleClauses(one, lang), lang),
      arithmetic: explanationText(calculationOf(one, lang), lang),
    })),
    explainedTotal: {
      ...explainedTotal,
      arithmetic: explanationText(totalClauses(explainedTotal, lang), lang),
    },
  };
}
