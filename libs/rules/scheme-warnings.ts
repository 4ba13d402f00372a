import { compareRationals, decimal, HUNDRED, maximum, minimum, type Rational, ZERO } from '#kernel';
import type { Formula, Indicator, LocalText, Scheme } from './scheme.js';

/** What a valid scheme says that its author may not have meant. It stays valid. */
export type SchemeWarning = {
  readonly path: string; // JSON Pointer (RFC 6901)
  readonly code: string;
  readonly message: LocalText;
};

/** Every warning at once. `knowsUnit`: does the organisation have such a unit? */
export function schemeWarnings(
  scheme: Scheme,
  knowsUnit: (unitId: string) => boolean = () => true,
): readonly SchemeWarning[] {
  return [
    ...unknownUnits(scheme, knowsUnit),
    ...scheme.indicators.flatMap((indicator, at) => ofIndicator(indicator, `/indicators/${at}`)),
    ...unreachableGrades(scheme),
    ...idleRules(scheme),
  ];
}

/** The units of a scheme's scope that nobody defined, in the order of the scope. */
export function unknownUnitsOf(
  { scope }: Pick<Scheme, 'scope'>,
  knowsUnit: (unitId: string) => boolean,
): readonly string[] {
  return scope.units === '*' ? [] : scope.units.filter((unitId) => !knowsUnit(unitId));
}

function unknownUnits(
  scheme: Scheme,
  knowsUnit: (unitId: string) => boolean,
): readonly SchemeWarning[] {
  const { units } = scheme.scope;
  return unknownUnitsOf(scheme, knowsUnit).map((unitId) => ({
    path: `/scope/units/${units.indexOf(unitId)}`,
    code: 'unknown-unit',
    message: {
      zh: `组织中没有单位 ${unitId}`,
      en: `the organisation has no unit ${unitId}`,
    },
  }));
}

function ofIndicator(indicator: Indicator, path: string): readonly SchemeWarning[] {
  switch (indicator.source) {
    case 'evaluation':
      return ofRaters(indicator.raters, path);
    case 'feedback-calls':
      return [];
    default:
      return [...ofBands(indicator.formula, `${path}/formula`), ...idleTarget(indicator, path)];
  }
}

function ofRaters(raters: Readonly<Record<string, string>>, path: string): SchemeWarning[] {
  const weighed = Object.entries(raters).filter(([, weight]) => decimal(weight).n !== 0n);
  if (weighed.some(([group]) => group !== 'self')) return [];
  return [
    {
      path: `${path}/raters`,
      code: 'only-self-rated',
      message: {
        zh: '只有自评：该指标永远视为缺失',
        en: 'only the own evaluation counts: the indicator is always missing',
      },
    },
  ];
}

/** Bands cover all from the first `from` up; what lies below takes the first band's score. */
function ofBands(formula: Formula, path: string): SchemeWarning[] {
  if (formula.type !== 'bands') return [];
  const warnings: SchemeWarning[] = [];
  const [first] = formula.bands;
  if (first && compareRationals(decimal(first.from), ZERO) > 0) {
    warnings.push({
      path: `${path}/bands/0/from`,
      code: 'gap-below-first-band',
      message: {
        zh: `低于 ${first.from} 的数值也得首档 ${first.score} 分`,
        en: `values below ${first.from} take the first band's score of ${first.score} too`,
      },
    });
  }
  for (const [at, band] of formula.bands.entries()) {
    const lower = formula.bands[at - 1];
    if (!lower || !decimal(lower.score).equals(decimal(band.score))) continue;
    warnings.push({
      path: `${path}/bands/${at}/score`,
      code: 'band-without-effect',
      message: { zh: '与前一档得分相同', en: 'the same score as the band before' },
    });
  }
  return warnings;
}

function idleTarget(
  { formula, defaultTarget }: Exclude<Indicator, { source: 'evaluation' | 'feedback-calls' }>,
  path: string,
): SchemeWarning[] {
  const isUsed =
    formula.type === 'linear' ||
    formula.type === 'inverse' ||
    (formula.type === 'bands' && formula.on === 'attainment');
  if (defaultTarget === undefined || isUsed) return [];
  return [
    {
      path: `${path}/defaultTarget`,
      code: 'target-without-effect',
      message: { zh: '该公式不使用目标值', en: 'the formula asks for no target' },
    },
  ];
}

/** A bound, not the exact best: weights that go to present indicators can reach no more. */
function bestTotal({ indicators, adjustments, maxScore }: Scheme): Rational {
  const best = indicators.map(bestScore).reduce(maximum, ZERO);
  return minimum(best.add(decimal(adjustments.maxBonus)), decimal(maxScore ?? '120'));
}

function bestScore(indicator: Indicator): Rational {
  if (!('formula' in indicator)) return HUNDRED;
  const { formula } = indicator;
  switch (formula.type) {
    case 'linear':
    case 'inverse':
      return decimal(formula.cap ?? '100');
    case 'bands':
      return formula.bands.map(({ score }) => decimal(score)).reduce(maximum);
    default:
      return HUNDRED;
  }
}

function unreachableGrades(scheme: Scheme): readonly SchemeWarning[] {
  const best = bestTotal(scheme);
  return scheme.grades.flatMap(({ id, min }, at) =>
    compareRationals(decimal(min), best) <= 0
      ? []
      : [
          {
            path: `/grades/${at}/min`,
            code: 'unreachable-grade',
            message: {
              zh: `等次 ${id} 无法达到：总分最高 ${best.toString()}`,
              en: `nobody reaches grade ${id}: the highest total is ${best.toString()}`,
            },
          },
        ],
  );
}

function idleRules({ grades, vetoes, ceilings, tiers }: Scheme): readonly SchemeWarning[] {
  const rank = (grade: string): number => grades.findIndex(({ id }) => id === grade);
  const idleVetoes = vetoes.flatMap(({ capGrade }, at) =>
    rank(capGrade) > 0 || grades.length === 1
      ? []
      : [warning(`/vetoes/${at}/capGrade`, 'veto-without-effect', IDLE_VETO)],
  );
  const repeated = ceilings.flatMap(({ grade, scope }, at) => {
    const first = ceilings.findIndex((one) => one.grade === grade && one.scope === scope);
    return first === at ? [] : [warning(`/ceilings/${at}`, 'ceiling-repeated', REPEATED_CEILING)];
  });
  const promoting = rank(tiers.promote.grade);
  const contradictory = tiers.demote.flatMap(({ grade }, at) =>
    rank(grade) > promoting
      ? []
      : [warning(`/tiers/demote/${at}/grade`, 'demotes-what-promotes', CONTRADICTION)],
  );
  return [...idleVetoes, ...repeated, ...contradictory];
}

const warning = (path: string, code: string, message: LocalText): SchemeWarning => ({
  path,
  code,
  message,
});

const IDLE_VETO: LocalText = {
  zh: '封顶为最高等次的一票否决没有作用',
  en: 'a veto that caps at the best grade changes nothing',
};
const REPEATED_CEILING: LocalText = {
  zh: '同一等次和范围已有强制分布上限',
  en: 'the grade has a ceiling of this scope already',
};
const CONTRADICTION: LocalText = {
  zh: '该等次不低于晋档等次，却会导致降档',
  en: 'the grade demotes, and is no lower than the one that promotes',
};
