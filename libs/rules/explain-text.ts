import { type Rational, ZERO, rational, roundToText } from '#kernel';
import { EN } from './explain-en.js';
import type { ExplanationWords, Language } from './explain-words.js';
import {
  type Figure,
  type FormulaWork,
  type IndicatorWork,
  type RaterGroupWork,
  type TargetUsed,
  fromFigure,
  toFigure,
} from './explain-work.js';
import { ZH } from './explain-zh.js';
import type { IndicatorExplanation, TotalExplanation } from './explain.js';

/**
 * Explanations in words. A figure that is no short decimal is shown rounded to 2 places behind an
 * `≈`; inside a calculation it stands as the division that gives it, so that an `=` is always true.
 */
export const EXPLANATION_WORDS: Readonly<Record<Language, ExplanationWords>> = { zh: ZH, en: EN };

type Ruled = Pick<IndicatorExplanation, 'source' | 'formula' | 'missing' | 'work'>;
type Worked = Ruled & Pick<IndicatorExplanation, 'how' | 'score' | 'carriedFrom' | 'lacking'>;

/** The rule of an indicator: what is counted, how it scores, what happens when it is missing. */
export function ruleClauses(explained: Ruled, language: Language): readonly string[] {
  const words = EXPLANATION_WORDS[language];
  const { source, formula, missing, work } = explained;
  const rule = formula ? words.ruleOf(formula) : ruleWithoutFormula(work, words);
  return [words.source[source], rule, words.ifMissing(words.policy[missing])];
}

function ruleWithoutFormula(work: IndicatorWork, words: ExplanationWords): string {
  if (work.kind !== 'feedback-calls') return words.ruleOfRaters;
  return work.shrinkage ? words.ruleOfShrunkCalls : words.ruleOfCalls;
}

/** From the inputs to the figure, clause by clause; the last says what counts. */
export function arithmeticClauses(explained: Worked, language: Language): readonly string[] {
  const words = EXPLANATION_WORDS[language];
  const { work, source, lacking } = explained;
  const steps = stepsOf(work, source, words, explained.how === 'scored');
  const gaps = lacking.map((missing) =>
    words.lacking(missing, missing.kind === 'no-rater' ? groupName(missing.group, words) : ''),
  );
  const isShared = work.kind === 'evaluation' && gaps.length > 0 && explained.how === 'scored';
  const closing = outcomeText(explained, words);
  const [shared, combined] = isShared ? [[words.shared], steps.slice(-1)] : [[], []];
  const inputs = isShared ? steps.slice(0, -1) : steps;
  return [...inputs, ...gaps, ...shared, ...combined, closing];
}

export const explanationText = (clauses: readonly string[], language: Language): string =>
  clauses.join(EXPLANATION_WORDS[language].separator);

function outcomeText(
  { how, score, missing, carriedFrom }: Worked,
  words: ExplanationWords,
): string {
  if (how === 'scored') return words.scored(score ?? '');
  if (how === 'carried') {
    const { period = '', resultVersion = 0 } = carriedFrom ?? {};
    return words.carried(period, resultVersion, score ?? '');
  }
  if (how === 'neutralised' && missing === 'carry') return words.nothingCarried;
  return words.counts[how];
}

function stepsOf(
  work: IndicatorWork,
  source: Ruled['source'],
  words: ExplanationWords,
  isScored: boolean,
): string[] {
  switch (work.kind) {
    case 'measured': {
      const { actual, target, formula } = work;
      const inputs = [
        ...(actual === null ? [] : [words.actual[source](actual)]),
        ...(target === null ? [] : [targetText(target, words)]),
      ];
      if (actual === null || formula === null || !isScored) return inputs;
      return [...inputs, ...formulaSteps(formula, actual, target, words)];
    }
    case 'feedback-calls':
      return isScored ? callSteps(work, words) : [];
    case 'evaluation': {
      const groups = work.groups.map((group) =>
        words.raters(groupName(group.group, words), group, meanText(group)),
      );
      return isScored ? [...groups, words.combined(combination(work))] : groups;
    }
  }
}

const groupName = (group: string, words: ExplanationWords): string => words.group[group] ?? group;

function targetText(target: TargetUsed, words: ExplanationWords): string {
  const isProrated = isDivided(target);
  const shown = isProrated ? equation(targetTerm(target), target.exact) : target.exact;
  return words.target(target.from, shown, isProrated);
}

/** Of a full month, and of one without workdays, there is nothing to work out. */
const isDivided = ({ prorated }: TargetUsed): boolean =>
  prorated !== null && prorated.workdays > 0 && prorated.eligibleDays !== prorated.workdays;

const targetTerm = ({ value, prorated }: TargetUsed): string =>
  `${operand(value)} × ${prorated?.eligibleDays} / ${prorated?.workdays}`;

/** As it stands in a larger calculation: a prorated target is the division that gives it. */
const goalIn = (target: TargetUsed | null): string => {
  if (target === null) return '';
  if (!isDivided(target) || isShort(target.exact)) return operand(target.exact);
  return `(${targetTerm(target)})`;
};

function formulaSteps(
  work: FormulaWork,
  actual: Figure,
  target: TargetUsed | null,
  words: ExplanationWords,
): string[] {
  const reached = `100 × ${operand(actual)} / ${goalIn(target)}`;
  switch (work.type) {
    case 'linear':
      return [
        words.attainment(equation(reached, work.attainment ?? '0')),
        words.bounds(work.floor, work.cap),
      ];
    case 'bands': {
      const band = work.band ? [words.band(work.band)] : [];
      if (work.on === 'actual') return band;
      return [words.attainment(equation(reached, work.value ?? '0')), ...band];
    }
    case 'deduct':
      return [
        equation(`100 − ${operand(work.per)} × ${operand(actual)}`, work.value),
        words.atLeastZero,
      ];
    case 'inverse': {
      const limit = operand(work.limit);
      const quotient = `100 × (${limit} − ${operand(actual)}) / (${limit} − ${goalIn(target)})`;
      return [equation(quotient, work.value ?? '0'), words.bounds(work.floor, work.cap)];
    }
    case 'binary':
      return [words.threshold(work)];
  }
}

type Calls = Extract<IndicatorWork, { readonly kind: 'feedback-calls' }>;

function callSteps({ callCount, sum, mean, shrinkage }: Calls, words: ExplanationWords): string[] {
  const isExact = isShort(sum);
  const drawn = words.calls(callCount, isExact ? sum : approximate(sum));
  const total = isExact ? operand(sum) : rounded(sum);
  if (!shrinkage) {
    return [drawn, words.mean(equation(`${total} / ${callCount}`, mean ?? '0', isExact))];
  }
  const { prior, strength } = shrinkage;
  const exact = fromFigure(sum)
    .add(fromFigure(strength).mul(fromFigure(prior)))
    .div(fromFigure(strength).add(rational(callCount)));
  const quotient = `(${total} + ${strength} × ${prior}) / (${callCount} + ${strength})`;
  return [drawn, words.shrinkage(prior, strength, equation(quotient, toFigure(exact), isExact))];
}

function meanText({ mean, sum, raterCount }: RaterGroupWork): string {
  return raterCount === 1 ? mean : equation(`${sum} / ${raterCount}`, mean);
}

/** scoring: a missing group's weight goes pro rata to the present groups other than `self`. */
function combination({
  groups,
  totalWeight,
}: Extract<IndicatorWork, { readonly kind: 'evaluation' }>): string {
  const term = ({ weight, mean, sum, raterCount }: RaterGroupWork): string =>
    `${weight} × ${isShort(mean) ? mean : `${sum} / ${raterCount}`}`;
  const self = groups.find(({ group }) => group === 'self');
  const others = groups.filter(({ group }) => group !== 'self');
  const ofOthers = sumOf(others.map(({ weight }) => fromFigure(weight)));
  const weighted = sumOf(others.map(({ weight, mean }) => product(weight, mean)));
  const selfWeight = fromFigure(self?.weight ?? '0');
  const left = fromFigure(totalWeight).sub(selfWeight);
  const ofSelf = self ? product(self.weight, self.mean) : ZERO;
  const all = ofSelf.add(weighted.mul(left).div(ofOthers));
  const exact = toFigure(all.div(fromFigure(totalWeight)));
  if (left.equals(ofOthers)) {
    return equation(`(${groups.map(term).join(' + ')}) / ${totalWeight}`, exact);
  }
  const shared = `(${others.map(term).join(' + ')}) / ${toFigure(ofOthers)}`;
  if (!self) return equation(shared, exact);
  return equation(`(${term(self)} + ${toFigure(left)} × ${shared}) / ${totalWeight}`, exact);
}

const product = (a: Figure, b: Figure): Rational => fromFigure(a).mul(fromFigure(b));

const sumOf = (values: readonly Rational[]): Rational =>
  values.reduce((sum, value) => sum.add(value), ZERO);

/** From the indicators' scores to the total; without one, why there is none. */
export function totalClauses(total: TotalExplanation, language: Language): readonly string[] {
  const words = EXPLANATION_WORDS[language];
  const { terms, countedWeight, mean, sum, score } = total;
  if (score === null || mean === null || sum === null) return withoutTotal(total, words);
  const isExact = terms.every(({ exact }) => isShort(exact));
  const products = terms.map(({ weight, exact }) => {
    return `${weight} × ${isShort(exact) ? operand(exact) : rounded(exact)}`;
  });
  const { adjustmentPoints: points, recordedPoints, appealPoints, maxScore } = total;
  const { maxPenalty, maxBonus } = total;
  const adjusted =
    points === recordedPoints
      ? words.points(points)
      : words.heldPoints(recordedPoints, negated(maxPenalty), maxBonus, points);
  const isMeanExact = isShort(mean);
  const added = [isMeanExact ? mean : rounded(mean), operand(points), operand(appealPoints)];
  return [
    words.weighted(equation(`(${products.join(' + ')}) / ${countedWeight}`, mean, isExact)),
    adjusted,
    words.appealPoints(appealPoints),
    words.sum(equation(added.join(' + '), sum, isMeanExact)),
    words.between('0', maxScore),
    words.total(score),
  ];
}

function withoutTotal(
  { status, eligibleDays, minimumEligibleDays, countedWeight, ...total }: TotalExplanation,
  words: ExplanationWords,
): string[] {
  if (status === 'not-assessed') {
    return [words.tooFewDays(eligibleDays, minimumEligibleDays), words.status[status]];
  }
  if (status === 'published') return [];
  const minimum = total.minimumCountedWeight;
  const isTooLittle =
    minimum !== null && fromFigure(countedWeight).compare(fromFigure(minimum)) < 0;
  const why = isTooLittle ? [words.tooLittleWeight(countedWeight, minimum)] : [];
  return [...why, words.status[status]];
}

const negated = (figure: Figure): Figure => (figure === '0' ? figure : `-${figure}`);

/** A negative number inside a calculation. */
const operand = (figure: Figure): string => (figure.startsWith('-') ? `(${figure})` : figure);

const MAX_SHOWN_PLACES = 4;

function isShort(figure: Figure): boolean {
  if (figure.includes('/')) return false;
  const point = figure.indexOf('.');
  return point < 0 || figure.length - point - 1 <= MAX_SHOWN_PLACES;
}

const rounded = (figure: Figure): string => roundToText(fromFigure(figure), 2);
const approximate = (figure: Figure): string => `≈ ${rounded(figure)}`;

function equation(calculation: string, result: Figure, isExact = true): string {
  if (isExact && isShort(result)) return `${calculation} = ${result}`;
  return `${calculation} ${approximate(result)}`;
}
