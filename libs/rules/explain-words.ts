import type { Figure, FormulaWork, RaterGroupWork, TargetUsed } from './explain-work.js';
import type { MissingInput } from './missing.js';
import type { How, ResultStatus } from './results.js';
import type { Formula, Indicator, LocalText, MissingPolicy } from './scheme.js';

export type Language = keyof LocalText;

/** A calculation written out with its result: `100 × 5 / 3 ≈ 166.67`. */
type Equation = string;
type Of<Union extends { readonly type: string }, Type> = Extract<Union, { readonly type: Type }>;

/** What an explanation says, clause by clause, in one language. Figures come ready to show. */
export type ExplanationWords = {
  readonly separator: string; // between clauses
  readonly source: Readonly<Record<Indicator['source'], string>>;
  readonly group: Readonly<Record<string, string>>;
  readonly policy: Readonly<Record<MissingPolicy, string>>;
  readonly how: Readonly<Record<How, string>>;
  readonly ruleOf: (formula: Formula) => string;
  readonly ruleOfCalls: string;
  readonly ruleOfShrunkCalls: string;
  readonly ruleOfRaters: string;
  readonly ifMissing: (policy: string) => string;
  readonly actual: Readonly<Record<Indicator['source'], (figure: Figure) => string>>;
  readonly target: (from: TargetUsed['from'], shown: string, isProrated: boolean) => string;
  readonly attainment: (equation: Equation) => string;
  readonly bounds: (floor: Figure, cap: Figure) => string;
  readonly band: (band: NonNullable<Of<FormulaWork, 'bands'>['band']>) => string;
  readonly atLeastZero: string;
  readonly threshold: (work: Of<FormulaWork, 'binary'>) => string;
  readonly calls: (count: number, sum: string) => string;
  readonly mean: (equation: Equation) => string;
  readonly shrinkage: (prior: Figure, strength: Figure, equation: Equation) => string;
  readonly raters: (group: string, work: RaterGroupWork, mean: string) => string;
  readonly shared: string; // the weight of the groups that lack a score
  readonly combined: (equation: Equation) => string;
  readonly lacking: (missing: MissingInput, group: string) => string;
  readonly scored: (score: string) => string;
  readonly counts: Readonly<Record<Exclude<How, 'scored' | 'carried'>, string>>;
  readonly carried: (period: string, resultVersion: number, score: string) => string;
  readonly nothingCarried: string;
  readonly weighted: (equation: Equation) => string;
  readonly points: (points: Figure) => string;
  readonly heldPoints: (recorded: Figure, from: Figure, to: Figure, points: Figure) => string;
  readonly appealPoints: (points: Figure) => string;
  readonly sum: (equation: Equation) => string;
  readonly between: (low: Figure, high: Figure) => string;
  readonly total: (score: string) => string;
  readonly status: Readonly<Record<Exclude<ResultStatus, 'published'>, string>>;
  readonly tooFewDays: (days: number, needed: number) => string;
  readonly tooLittleWeight: (weight: Figure, needed: Figure) => string;
};
