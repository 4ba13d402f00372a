import type { Position } from '#event-store';
import type { AsOf } from '#read-models/scores';
import type {
  Correction,
  GradeExplanation,
  How,
  IndicatorExplanation,
  LocalText,
  ResultStatus,
  TotalExplanation,
} from '#rules';

/** One recorded fact behind a figure, with the event that recorded it. */
export type StatementInput = {
  readonly recordId: string | null; // goals have none
  readonly eventId: string;
  readonly type: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly actor: { readonly id: string; readonly role: string };
  /** What it says, in the words of its event; personal texts are left out. */
  readonly figures: Readonly<Record<string, unknown>>;
};

/** Of an indicator that raters or customers make: what may be shown without naming any of them. */
export type InputGroup = {
  readonly group: string; // `self`, `supervisor`, `peer`, `customer`; `calls`
  readonly count: number;
  readonly mean: string | null; // rounded to 2 decimals
};

export type StatementIndicator = Pick<
  IndicatorExplanation,
  'id' | 'source' | 'formula' | 'weight' | 'missing' | 'carriedFrom' | 'work' | 'lacking'
> & {
  readonly name: LocalText;
  readonly how: How;
  readonly exact: string | null;
  readonly score: string | null;
  /** What the facts in force give; other than `score` where a result was held harmless. */
  readonly computedScore: string | null;
  readonly computedHow: How;
  readonly target: string | null; // the goal set for the person
  readonly inputs: readonly StatementInput[];
  readonly groups: readonly InputGroup[];
};

export type ResultVersionShown = {
  readonly resultVersion: number;
  readonly eventId: string;
  readonly position: Position;
  readonly recordedAt: string;
  readonly status: ResultStatus;
  readonly score: string | null;
  readonly grade: string | null;
  readonly ceilingApplied: boolean;
  readonly citing:
    | { readonly kind: 'publication' }
    | { readonly kind: 'appeal'; readonly appealId: string }
    | { readonly kind: 'office'; readonly correctionId: string };
  readonly corrections: readonly Correction[];
  readonly heldHarmless: boolean;
};

export type Adjustment = StatementInput & { readonly points: string; readonly counts: boolean };
export type Veto = StatementInput & { readonly code: string; readonly capGrade: string | null };

export type Acknowledgement = {
  readonly resultVersion: number | null; // of the current result
  readonly state: 'open' | 'acknowledged' | 'objected' | 'acknowledged-and-objected';
  readonly acknowledgedAt: string | null;
  readonly acknowledgedEventId: string | null;
  /** Of every version. */
  readonly objections: readonly {
    readonly resultVersion: number;
    readonly objectedAt: string;
    readonly eventId: string;
  }[];
};

/** What the assessment made of one person's period, out of the log alone; money stands beside. */
export type Statement = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly asOf: AsOf | null;
  readonly stage: 'provisional' | 'published';
  readonly publishedAt: string | null;
  readonly scheme: {
    readonly schemeId: string;
    readonly version: number;
    readonly name: LocalText;
    readonly gradeNames: Readonly<Record<string, LocalText>>;
  };
  readonly currency: string;
  readonly timezone: string; // of the scheme: local times on paper
  readonly unitPath: readonly string[];
  readonly jobPosition: string;
  readonly eligibleDays: number;
  readonly workdays: number;
  readonly status: ResultStatus;
  readonly resultVersion: number | null;
  readonly resultEventId: string | null;
  readonly score: string | null;
  readonly total: string | null; // "n/d"
  readonly grade: string | null;
  readonly gradeName: LocalText | null;
  readonly heldHarmless: boolean;
  readonly indicators: readonly StatementIndicator[];
  readonly explainedTotal: TotalExplanation;
  readonly explainedGrade: Omit<GradeExplanation, 'vetoes'>;
  readonly adjustments: readonly Adjustment[];
  readonly vetoes: readonly Veto[];
  readonly versions: readonly ResultVersionShown[];
  readonly acknowledgement: Acknowledgement;
};
