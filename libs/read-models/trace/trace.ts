import type { Actor, Position } from '#event-store';
import type { AsOf } from '#read-models/scores';
import type { IndicatorResult, LocalText, PublishedResult } from '#rules';

export type { AsOf } from '#read-models/scores';

/** A score as it stood after an event. Figures of a published one are those of its event. */
export type TracedScore = Pick<
  PublishedResult,
  | 'status'
  | 'schemeId'
  | 'schemeVersion'
  | 'unitPath'
  | 'eligibleDays'
  | 'workdays'
  | 'indicators'
  | 'total'
  | 'score'
  | 'grade'
  | 'ceilingApplied'
  | 'rankingKey'
> & {
  readonly stage: 'provisional' | 'published';
  readonly resultVersion: number | null; // null while provisional
};

/** The name stays the same for ever: audits refer to it. */
export type TraceRule = {
  readonly name: string; // `scoring: linear`, `scoring: ceilings`, …
  readonly schemeId: string;
  readonly schemeVersion: number;
};

export type TotalFigure = { readonly exact: string; readonly score: string };

/** One thing that an event changed; null: there was none, or there is none any more. */
export type TraceChange = { readonly rule: string } & (
  | {
      readonly what: 'indicator';
      readonly indicatorId: string;
      readonly before: IndicatorResult | null;
      readonly after: IndicatorResult | null;
    }
  | {
      readonly what: 'total';
      readonly before: TotalFigure | null;
      readonly after: TotalFigure | null;
    }
  | {
      readonly what:
        | 'grade'
        | 'status'
        | 'scheme' // schemeId and version
        | 'unit' // path, own unit first
        | 'days' // eligible days of workdays
        | 'ranking' // figures of the ranking order that are neither score nor indicator
        | 'result'; // provisional, or the version in effect
      readonly before: string | null;
      readonly after: string | null;
    }
);

/** One event and what it did. `before` is the step before's `after`; null: no score at all. */
export type TraceStep = {
  readonly eventId: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly storedAt: string;
  readonly actor: Actor;
  readonly recordId: string | null; // of the fact that it records or changes
  /** Null: no rule of scoring reads this event (sales, awards, statements), or none applied yet. */
  readonly rule: TraceRule | null;
  readonly resultVersion: number | null; // in effect after the event
  readonly changes: readonly TraceChange[]; // empty: it changed nothing
  readonly before: TracedScore | null;
  readonly after: TracedScore | null;
};

/** Every step from nothing to the current score of a person's period. */
export type ScoreTrace = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly asOf: AsOf | null; // null: now
  readonly head: Position; // how far the log was read
  readonly steps: readonly TraceStep[];
  readonly current: TracedScore | null; // the last step's `after`
  /** Names of what the steps speak of, by scheme version. */
  readonly schemes: readonly TracedScheme[];
};

export type TracedScheme = {
  readonly schemeId: string;
  readonly version: number;
  readonly indicators: Readonly<Record<string, LocalText>>;
  readonly grades: Readonly<Record<string, LocalText>>;
};
