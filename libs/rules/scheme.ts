/**
 * One version of an assessment scheme as its file says it: decimals as strings, counts as
 * numbers, periods `YYYY-MM`. `parseScheme` is the only way in; what it returns is valid.
 */
export type Scheme = {
  readonly schemeId: string;
  readonly version: number;
  readonly name: LocalText;
  readonly currency: string; // ISO 4217
  readonly timezone: string; // IANA
  readonly effectiveFrom: string;
  readonly effectiveTo?: string;
  readonly scope: {
    readonly units: '*' | readonly string[];
    readonly positions: readonly string[];
  };
  readonly minimumEligibleDays?: number; // 10
  readonly minimumCountedWeight?: string; // "60"
  readonly workTraceLateLimitHours?: number; // 48
  readonly maxScore?: string; // "120"
  readonly indicators: readonly Indicator[];
  readonly adjustments: { readonly maxBonus: string; readonly maxPenalty: string };
  readonly vetoes: readonly { readonly code: string; readonly capGrade: string }[];
  readonly grades: readonly Grade[]; // best first
  readonly ceilings: readonly Ceiling[];
  readonly tiers: TierScheme;
  readonly bonus: BonusScheme;
  readonly appeals: {
    readonly fileWithinWorkingDays: number;
    readonly acceptWithinWorkingDays: number;
    readonly decideWithinWorkingDays: number;
    readonly reviewWithinWorkingDays: number;
  };
};

export type LocalText = { readonly zh: string; readonly en: string };

export type MissingPolicy = 'zero' | 'neutralise' | 'carry' | 'block';

type IndicatorCommon = {
  readonly id: string;
  readonly name: LocalText;
  readonly family: string;
  readonly weight: string;
  readonly missing: MissingPolicy;
};

type Measured = {
  readonly formula: Formula;
  readonly defaultTarget?: string;
  readonly prorateTarget?: boolean; // false
};

export type MetricIndicator = IndicatorCommon & Measured & { readonly source: 'metric' };
export type WorkTraceIndicator = IndicatorCommon &
  Measured & {
    readonly source: 'work-trace';
    readonly traceTypes: readonly string[];
    readonly countOnce?: 'customer-day';
  };
export type ComplaintsIndicator = IndicatorCommon & Measured & { readonly source: 'complaints' };
export type FeedbackCallsIndicator = IndicatorCommon & {
  readonly source: 'feedback-calls';
  readonly questions: Readonly<Record<string, string>>; // weight by question
  readonly minimumSample?: number; // 1
  readonly shrinkage?: { readonly prior: string; readonly strength: string };
};
export type EvaluationIndicator = IndicatorCommon & {
  readonly source: 'evaluation';
  readonly raters: Readonly<Record<string, string>>; // weight by rater group
  readonly minimumPeers?: number; // 1
  readonly minimumRaterWeight?: string; // "60"
};

export type Indicator =
  | MetricIndicator
  | WorkTraceIndicator
  | ComplaintsIndicator
  | FeedbackCallsIndicator
  | EvaluationIndicator;

export type Formula =
  | { readonly type: 'linear'; readonly floor?: string; readonly cap?: string }
  | {
      readonly type: 'bands';
      readonly on?: 'actual' | 'attainment';
      readonly bands: readonly { readonly from: string; readonly score: string }[];
    }
  | { readonly type: 'deduct'; readonly per: string }
  | {
      readonly type: 'inverse';
      readonly limit: string;
      readonly target: string;
      readonly floor?: string;
      readonly cap?: string;
    }
  | { readonly type: 'binary'; readonly threshold: string };

export type Grade = {
  readonly id: string;
  readonly name: LocalText;
  readonly min: string;
  readonly coefficient: string;
};

export type Ceiling = {
  readonly grade: string;
  readonly sharePercent: string;
  readonly minimumCohort?: number; // 10
  readonly scope: 'company' | 'unit';
};

export type TierScheme = {
  readonly ladder: readonly number[]; // best first: 1 …
  readonly initial: number;
  readonly promote: {
    readonly grade: string;
    readonly consecutive: number;
    readonly gates?: Readonly<Record<string, readonly string[]>>; // capabilities by target tier
  };
  readonly demote: readonly { readonly grade: string; readonly consecutive: number }[];
};

export type BonusScheme = {
  readonly tierBaseMinor: Readonly<Record<string, string>>;
  readonly capPercentOfTierBase?: string;
  readonly notAssessedCoefficient?: string;
  readonly commissionPercent: Readonly<Record<string, string>>; // by product
};
